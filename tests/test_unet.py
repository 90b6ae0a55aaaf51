import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from colorizer.config import SketchEncoderConfig, UNetConfig
from colorizer.errors import UserError
from colorizer.models.attention import CrossAttentionProcessor, ReferenceKeyValues, project_tokens
from colorizer.models.sketch_encoder import SketchEncoder
from colorizer.models.unet import SketchUNet

SMALL = UNetConfig(
    block_out_channels=(32, 64, 64), layers_per_block=1, attention_levels=(True, True, False), head_channels=16,
    context_dim=24,
)  # fmt: skip


def make_inputs(config=SMALL, batch=2, height=8, width=8, tokens=5):
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(batch, config.in_channels, height, width, generator=generator)
    t = torch.arange(batch) * 500 + 7
    sketch = torch.randn(batch, 3, 8 * height, 8 * width, generator=generator)
    reference = torch.randn(batch, tokens, config.context_dim, generator=generator)
    return z, t, sketch, reference


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return SketchUNet(SMALL).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return SketchEncoder(SketchEncoderConfig(), SMALL.block_out_channels).requires_grad_(False)


@pytest.mark.parametrize(
    ("channels", "attention_levels", "layers", "head_channels", "size"),
    [
        ((32, 64, 64, 64), (True, True, True, False), 2, 16, (16, 8)),
        ((64, 128, 192), (False, True, True), 1, 32, (12, 12)),
        ((32, 64), (True, True), 1, 8, (13, 9)),  # sizes that do not halve evenly
    ],
)
def test_is_diffusers_unet_when_there_is_no_sketch_feature(channels, attention_levels, layers, head_channels, size):
    config = UNetConfig(
        block_out_channels=channels,
        attention_levels=attention_levels,
        layers_per_block=layers,
        head_channels=head_channels,
        context_dim=24,
    )
    kinds = {"Down": [], "Up": []}
    for direction, names in kinds.items():
        for attention in attention_levels if direction == "Down" else reversed(attention_levels):
            names.append(f"CrossAttn{direction}Block2D" if attention else f"{direction}Block2D")
    theirs = UNet2DConditionModel(
        in_channels=4,
        out_channels=4,
        block_out_channels=channels,
        down_block_types=tuple(kinds["Down"]),
        up_block_types=tuple(kinds["Up"]),
        layers_per_block=layers,
        attention_head_dim=tuple(width // head_channels for width in channels),  # the number of heads, in truth
        cross_attention_dim=24,
    ).eval()
    ours = SketchUNet(config).eval()
    ours.load_state_dict(theirs.state_dict())
    z, t, _, reference = make_inputs(config, height=size[0], width=size[1])
    with torch.no_grad():
        expected = theirs(z, t, reference).sample
        actual = ours(z, t, (0.0,) * (len(channels) + 1), reference)
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


def test_each_sketch_feature_counts(unet, encoder):
    z, t, sketch, reference = make_inputs()
    features = encoder(sketch)
    plain = unet(z, t, features, reference)
    for level in range(len(features)):
        changed = [feature + 1.0 * (i == level) for i, feature in enumerate(features)]
        assert not torch.allclose(unet(z, t, changed, reference), plain, atol=1e-4), level


def test_sketch_features_enter_at_the_end_of_each_level():
    """With a down path that passes nothing on, what reaches a skip is the level's sketch feature."""
    unet = SketchUNet(SMALL).requires_grad_(False)
    for module in (unet.conv_in, *unet.down_blocks):
        for parameter in module.parameters():
            parameter.zero_()
    skips = []
    for block in unet.up_blocks:
        block.register_forward_pre_hook(
            lambda _, args: skips.extend(reversed(args[1])),
        )
    z, t, *_ = make_inputs(batch=1)
    shapes = [(32, 8), (32, 4), (64, 2), (64, 2)]
    features = [torch.full((1, width, size, size), i + 1.0) for i, (width, size) in enumerate(shapes)]
    unet(z, t, features)
    # Only the residual block of the first level sees something: feature 0, by its identity shortcut. The second
    # level's shortcut is a convolution (zero here); a downsampler passes zeros on before the feature is added.
    means = [skip.mean().item() for skip in reversed(skips)]
    assert means == [1.0, 1.0, 2.0, 0.0, 3.0, 4.0 + 3.0]


def test_precomputed_keys_and_values_change_no_bit(unet, encoder):
    z, t, sketch, reference = make_inputs()
    features = encoder(sketch)
    assert torch.equal(unet(z, t, features, unet.project_reference(reference)), unet(z, t, features, reference))


def test_no_reference_is_exactly_zero_tokens(unet, encoder):
    z, t, sketch, reference = make_inputs()
    features = encoder(sketch)
    assert torch.equal(unet(z, t, features, None), unet(z, t, features, torch.zeros_like(reference)))


def test_no_reference_gives_the_bias_of_the_output_projection(unet):
    attn = unet.cross_attentions()[0]
    output = attn(torch.randn(2, 7, attn.query_dim))
    assert torch.equal(output, attn.to_out[0].bias.expand(2, 7, -1))


def test_one_reference_serves_a_batch(unet, encoder):
    z, t, sketch, reference = make_inputs()
    features = encoder(sketch)
    for tokens in (reference[:1], reference[:1, :1]):
        expected = unet(z, t, features, tokens.expand(2, -1, -1))
        torch.testing.assert_close(unet(z, t, features, unet.project_reference(tokens)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("tokens", [1, 5])
def test_processor_equals_diffusers_attention(tokens):
    torch.manual_seed(0)
    attn = Attention(query_dim=32, cross_attention_dim=24, heads=4, dim_head=8)
    hidden, reference = torch.randn(2, 7, 32), torch.randn(2, tokens, 24)
    attn.set_processor(AttnProcessor2_0())
    expected = attn(hidden, reference)
    attn.set_processor(CrossAttentionProcessor(0))
    torch.testing.assert_close(attn(hidden, reference), expected, atol=1e-6, rtol=1e-6)
    precomputed = ReferenceKeyValues((project_tokens(attn, reference),))
    torch.testing.assert_close(attn(hidden, precomputed), expected, atol=1e-6, rtol=1e-6)


def test_one_token_makes_cross_attention_a_linear_layer(unet):
    attn = unet.cross_attentions()[0]
    token = torch.randn(2, 1, SMALL.context_dim)
    output = attn(torch.randn(2, 7, attn.query_dim), token)
    assert torch.equal(output, attn.to_out[0](attn.to_v(token)).expand(2, 7, -1))


def test_missing_feature_is_an_error(unet, encoder):
    z, t, sketch, reference = make_inputs()
    with pytest.raises(ValueError, match="zip"):
        unet(z, t, encoder(sketch)[:-1], reference)


def test_trains_under_bfloat16_autocast():
    unet = SketchUNet(SMALL)
    encoder = SketchEncoder(SketchEncoderConfig(), SMALL.block_out_channels)
    z, t, sketch, reference = make_inputs()
    with torch.autocast("cpu", torch.bfloat16):
        prediction = unet(z, t, encoder(sketch), reference)
    prediction.float().square().mean().backward()
    for name, parameter in [*unet.named_parameters(), *encoder.named_parameters()]:
        assert parameter.grad.isfinite().all(), name
        # A key's bias would be free, but there is none: every weight has a gradient.
        assert parameter.grad.abs().max() > 0, name


def test_zeroed_residual_branches_predict_zero_and_learn():
    unet = SketchUNet(SMALL)
    unet.zero_residual_branches()
    z, t, _, reference = make_inputs()
    prediction = unet(z, t, (0.0,) * 4, reference)
    assert torch.equal(prediction, torch.zeros_like(z))
    (prediction - z).square().mean().backward()
    assert unet.conv_out.weight.grad.abs().max() > 0


@pytest.mark.parametrize("size", [(64, 64), (104, 72)])
def test_sketch_features_have_the_sizes_of_the_unet(unet, size):
    encoder = SketchEncoder(SketchEncoderConfig(), SMALL.block_out_channels)
    z, t, *_ = make_inputs(height=size[0] // 8, width=size[1] // 8)
    features = encoder(torch.full((1, 3, *size), -1.0))
    assert features[0].shape == (1, 32, size[0] // 8, size[1] // 8)
    assert unet(z, t, features).shape == z.shape


def test_untrained_sketch_encoder_passes_lines_on(encoder):
    sketch = torch.full((1, 3, 64, 64), -1.0)
    empty = encoder(sketch)
    sketch[..., 30:32] = 1
    for feature, ground in zip(encoder(sketch), empty, strict=True):
        assert (feature - ground).std() > 0.01


@pytest.mark.parametrize("patch_size, widths", [(1, (8,) * 7), (2, (8,) * 4), (4, (8,) * 2)])
def test_a_sketch_encoder_on_patches_gives_features_of_the_same_sizes(patch_size, widths):
    encoder = SketchEncoder(SketchEncoderConfig(patch_size=patch_size, stem_channels=widths), SMALL.block_out_channels)
    features = encoder(torch.zeros(1, 3, 64, 96))
    plain = SketchEncoder(SketchEncoderConfig(), SMALL.block_out_channels)(torch.zeros(1, 3, 64, 96))
    assert [f.shape for f in features] == [f.shape for f in plain]


def test_a_sketch_encoder_that_misses_the_latent_size_is_refused():
    with pytest.raises(UserError, match="eighth"):
        SketchEncoder(SketchEncoderConfig(patch_size=4), SMALL.block_out_channels)
