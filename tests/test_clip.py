"""The reference encoder against open_clip's own models and definitions."""

import open_clip
import pytest
import torch

from colorizer.config import CLIPConfig
from colorizer.errors import UserError
from colorizer.models.clip import ReferenceEncoder


@pytest.fixture(scope="module")
def encoder(tiny_config):
    torch.manual_seed(0)
    return ReferenceEncoder(tiny_config.clip).eval().requires_grad_(False)


def named(architecture):
    with torch.device("meta"):
        return ReferenceEncoder(CLIPConfig(architecture=architecture, pretrained=None))


def test_tokens_are_taken_after_the_final_norm_and_the_projection(encoder):
    pictures = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    visual, hidden = encoder.clip.visual, []
    hook = visual.transformer.register_forward_hook(lambda module, given, output: hidden.append(output))
    tokens = encoder.encode_image(pictures)
    hook.remove()
    assert tokens.shape == (2, 1 + encoder.num_tokens, encoder.embed_dim)
    torch.testing.assert_close(tokens, visual.ln_post(hidden[0]) @ visual.proj)
    torch.testing.assert_close(tokens[:, 0], encoder.clip.encode_image(encoder.preprocess(pictures))[0])
    lengths = tokens.norm(dim=-1)
    assert (lengths - 1).abs().min() > 1e-3  # not normalised


def test_texts_have_length_1_and_are_cut_at_the_context(encoder):
    texts = encoder.encode_text(["green hair", "a girl", "word " * 100])
    torch.testing.assert_close(texts.norm(dim=-1), torch.ones(3))
    assert not torch.allclose(texts[0], texts[1], atol=1e-3)


def test_pictures_are_resized_with_antialiasing_and_standardised(encoder):
    stripes = torch.zeros(1, 3, 256, 256)
    stripes[..., ::2] = 1  # far finer than the encoder's pixels: grey once they are averaged
    mean, std = (torch.tensor(values) for values in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    seen = encoder.preprocess(stripes)
    assert seen.shape == (1, 3, 32, 32)
    torch.testing.assert_close(seen.mean((0, 2, 3)), (0.5 - mean) / std, atol=0.05, rtol=0)
    assert seen.std((2, 3)).max() < 0.1


@pytest.mark.parametrize(("architecture", "tokens", "width"), [("ViT-B-32", 49, 512), ("ViT-H-14", 256, 1024)])
def test_an_architecture_by_name_takes_the_weights_of_open_clip(architecture, tokens, width):
    encoder = named(architecture)
    assert (encoder.num_tokens, encoder.embed_dim, encoder.context_length) == (tokens, width, 77)
    with torch.device("meta"):
        model = open_clip.get_model_config(architecture)
        own = open_clip.CLIP(model["embed_dim"], model["vision_cfg"], model["text_cfg"])
    shapes = {key: tensor.shape for key, tensor in own.state_dict().items()}
    assert {key: tensor.shape for key, tensor in encoder.clip.state_dict().items()} == shapes


@pytest.mark.parametrize("architecture", ["RN50", "ViT-B-16-SigLIP", "ViT-L-14-CLIPA", "coca_ViT-B-32", "EVA02-B-16"])
def test_architectures_without_such_tokens_are_refused(architecture):
    with pytest.raises(UserError, match="ViT-H-14"):
        named(architecture)


def test_unknown_architectures_are_refused():
    with pytest.raises(UserError, match="no architecture named 'ViT-Z'"):
        named("ViT-Z")
