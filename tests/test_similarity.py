"""Attention injection and AdaIN: off is exactly off, on reaches the picture, and nothing stays behind in the U-Net."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer.denoiser import GuidedDenoiser
from colorizer.manipulation import RegionMask
from colorizer.models.reference_features import applied, empty_features, recorded
from colorizer.models.unet import SketchUNet
from colorizer.pipeline import Colorizer
from colorizer.sampling import Sampler, image_generators
from colorizer.settings import GenerationSettings
from colorizer.similarity import ReferencePasses, encode_latent

QUICK = GenerationSettings(steps=3, guidance_scale=2, sketch_guidance_scale=1.5)
BOTH = {"attention_injection": 1, "adain": 1}


@pytest.fixture(scope="module", params=["attention", "cls"])
def colorizer(request, tiny_checkpoint, tiny_cls_checkpoint):
    path = tiny_checkpoint if request.param == "attention" else tiny_cls_checkpoint
    return Colorizer.load(path, device="cpu", dtype="float32")


@pytest.fixture
def calls(monkeypatch):
    """The number of calls of the U-Net."""
    record = []
    forward = SketchUNet.forward
    monkeypatch.setattr(SketchUNet, "forward", lambda self, *args: record.append(1) or forward(self, *args))
    return record


def line_art():
    picture = Image.new("L", (64, 48), 255)
    ImageDraw.Draw(picture).ellipse((8, 8, 55, 39), outline=0, width=3)
    return picture


def colours():
    picture = Image.new("RGB", (50, 80), "teal")
    picture.paste("gold", (0, 40, 50, 80))
    return picture


def levels(picture):
    return np.asarray(picture, dtype=float)


def colorized(colorizer, references, **changes):
    return levels(colorizer.colorize(line_art(), references, QUICK.evolve(**changes))[0])


def state(unet):
    """What attention injection and AdaIN must leave as it was."""
    return (
        [attn.processor for attn in unet.self_attentions()],
        [len(block._forward_hooks) for block in unet.deep_residual_blocks()],
    )


@pytest.mark.parametrize("name", BOTH)
def test_each_draws_the_picture_and_more_so_when_stronger(colorizer, name):
    plain, weak, strong = (
        levels(colorizer.colorize(line_art(), colours(), QUICK.evolve(**{name: strength}))[0])
        for strength in (0, 0.3, 1)
    )
    assert 0 < np.abs(weak - plain).mean() < np.abs(strong - plain).mean()


def test_strength_zero_is_exactly_the_ordinary_result_and_costs_nothing(colorizer, calls):
    plain = colorizer.colorize(line_art(), colours(), QUICK)[0]
    ordinary = len(calls)
    off = colorizer.colorize(
        line_art(), colours(), QUICK.evolve(attention_injection=0, adain=0, style_fidelity=1, similarity_end=0.5)
    )[0]
    assert np.array_equal(levels(plain), levels(off))
    assert len(calls) == 2 * ordinary == 2 * 3 * QUICK.steps


def test_a_run_leaves_no_trace_in_the_next(colorizer):
    before, unet = state(colorizer.model.unet), colorizer.model.unet
    first = colorizer.colorize(line_art(), colours(), QUICK)[0]
    drawn = colorizer.colorize(line_art(), colours(), QUICK.evolve(**BOTH))[0]
    assert state(unet) == before
    again = colorizer.colorize(line_art(), colours(), QUICK)[0]
    assert np.array_equal(levels(first), levels(again)) and not np.array_equal(levels(first), levels(drawn))


def test_nothing_is_left_after_a_stopped_run_nor_between_its_steps(colorizer):
    before, unet = state(colorizer.model.unet), colorizer.model.unet
    first = colorizer.colorize(line_art(), colours(), QUICK)[0]
    run = colorizer.generate(
        colorizer.encode_sketch(line_art()), colorizer.encode_reference(colours()), QUICK.evolve(**BOTH)
    )
    next(run)
    assert state(unet) == before
    during = colorizer.colorize(line_art(), colours(), QUICK)[0]
    run.close()
    assert state(unet) == before
    assert np.array_equal(levels(first), levels(during))


@pytest.mark.parametrize("call", [1, 2, 3])
def test_nothing_is_left_after_an_exception(colorizer, monkeypatch, call):
    """Of the first step's calls the first is the reference's pass, the others are the colorization's."""
    before, unet = state(colorizer.model.unet), colorizer.model.unet
    first = colorizer.colorize(line_art(), colours(), QUICK)[0]
    block, count = unet.up_blocks[-1].resnets[-1], []

    def fail(*_):
        count.append(1)
        if len(count) == call:
            raise RuntimeError("in the middle of a pass")

    handle = block.register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="in the middle"):
            colorizer.colorize(line_art(), colours(), QUICK.evolve(**BOTH))
    finally:
        handle.remove()
    assert state(unet) == before
    assert np.array_equal(levels(first), levels(colorizer.colorize(line_art(), colours(), QUICK)[0]))


@pytest.mark.parametrize("start, end, active", [(0, 1, 4), (0, 0.5, 2), (0.5, 1, 2), (0.25, 0.5, 1), (0.5, 0.5, 0)])
def test_start_and_end_choose_the_steps(colorizer, calls, start, end, active):
    settings = QUICK.evolve(steps=4, adain=1, similarity_start=start, similarity_end=end)
    picture = colorizer.colorize(line_art(), colours(), settings)[0]
    assert len(calls) == 4 * 3 + active
    plain = colorizer.colorize(line_art(), colours(), settings.evolve(adain=0))[0]
    assert np.array_equal(levels(picture), levels(plain)) == (active == 0)


def test_without_a_reference_there_is_nothing_to_be_drawn_to(colorizer):
    plain, drawn = (colorizer.colorize(line_art(), None, s)[0] for s in (QUICK, QUICK.evolve(**BOTH)))
    assert np.array_equal(levels(plain), levels(drawn))


def test_it_is_said_when_they_cannot_do_anything(colorizer):
    def notes(references, **changes):
        sketch = colorizer.encode_sketch(line_art())
        given = [colorizer.encode_reference(colours())] if references else None
        *_, result = colorizer.generate(sketch, given, QUICK.evolve(**changes))
        return " ".join(result.notes)

    assert "no reference" in notes(False, **BOTH)
    assert "end before they begin" in notes(True, **BOTH, similarity_start=0.7, similarity_end=0.3)
    assert notes(True, **BOTH) == notes(False) == notes(True, similarity_start=0.7, similarity_end=0.3) == ""


def test_an_image_depends_on_its_own_seed_only(colorizer):
    settings = QUICK.evolve(seed=4, noise_level=1, **BOTH)
    batch = colorizer.colorize(line_art(), colours(), settings.evolve(batch_size=2))
    alone = [colorizer.colorize(line_art(), colours(), settings.evolve(seed=4 + i))[0] for i in range(2)]
    assert all(np.array_equal(levels(a), levels(b)) for a, b in zip(batch, alone, strict=True))


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("fidelity", [0, 0.4, 1])
def test_style_fidelity_takes_it_from_the_branch_without_reference(colorizer, name, fidelity):
    """u_r gets the share 1 - fidelity, c and u_s all of it; checked against predictions made one by one."""
    sketch, settings = colorizer.encode_sketch(line_art()), QUICK.evolve(**{name: 1}, style_fidelity=fidelity)
    unet = colorizer.model.unet
    sampler = Sampler("dpm++2m", "karras", settings.steps, colorizer.config.noise)
    with torch.inference_mode():
        tokens = colorizer.model.reference_context(colorizer.encode_reference(colours()).tokens)
        empty = colorizer.model.sketch_encoder(torch.full((1, 3, 48, 64), -1.0))
        latent = encode_latent(colorizer.model, colours(), 64, 16)
        z = torch.randn(1, 4, *sketch.latent_size)
        passes = ReferencePasses(unet, sampler, settings, [latent])
        generators = image_generators(3, 1)
        denoiser = GuidedDenoiser(unet, sampler, settings, sketch.features, empty, tokens, generators, passes)
        guided = denoiser.predict(0, 1, z)

        t = torch.tensor([sampler.timesteps[1]])
        eps = torch.randn(latent.z.shape[1:], generator=torch.Generator().manual_seed(3))[None]
        alpha = (1 + sampler.sigmas[1] ** 2) ** -0.5
        features = empty_features(unet)
        with recorded(unet, features):
            unet(alpha * (latent.z + sampler.sigmas[1] * eps), t, latent.features, tokens)

        def predict(share, *conditions):
            with applied(unet, features, share * settings.attention_injection, share * settings.adain):
                return unet(z, t, *conditions)

        c, u_r = predict(1, sketch.features, tokens), predict(1 - fidelity, sketch.features, None)
        u_s = predict(1, empty, tokens)
    expected = (u_r + 2 * (c - u_r) + u_s + 1.5 * (c - u_s)) / 2
    torch.testing.assert_close(guided, expected, atol=1e-5, rtol=1e-4)


def test_adain_gives_the_statistics_of_the_reference(colorizer):
    unet = colorizer.model.unet
    with torch.inference_mode():
        latent, sketch = encode_latent(colorizer.model, colours(), 64, 16), colorizer.encode_sketch(line_art())
        features, t = empty_features(unet), torch.tensor([500.0])
        with recorded(unet, features):
            unet(latent.z, t, latent.features, None)
        seen = []
        with applied(unet, features, 0, 1):
            block = unet.deep_residual_blocks()[-1]
            handle = block.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
            unet(torch.randn(1, 4, *sketch.latent_size), t, sketch.features, None)
            handle.remove()
    mean, deviation = features.statistics[-1][0]
    torch.testing.assert_close(seen[0].mean((2, 3), keepdim=True), mean, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(seen[0].std((2, 3), keepdim=True, correction=0), deviation, atol=1e-4, rtol=2e-2)


def test_injection_of_the_picture_itself_changes_nothing(colorizer):
    """Keys and values that are there twice get the same attention."""
    unet, sketch = colorizer.model.unet, colorizer.encode_sketch(line_art())
    with torch.inference_mode():
        z, t = torch.randn(1, 4, *sketch.latent_size), torch.tensor([300.0])
        features = empty_features(unet)
        with recorded(unet, features):
            plain = unet(z, t, sketch.features, None)
        with applied(unet, features, 1, 0):
            injected = unet(z, t, sketch.features, None)
    torch.testing.assert_close(injected, plain, atol=1e-4, rtol=1e-3)


def test_the_weight_of_an_injected_reference_counts_as_that_many(colorizer):
    """Next to their mean of 2, weights of 1, 1 and 4 count as a half, a half and two."""
    unet, sketch = colorizer.model.unet, colorizer.encode_sketch(line_art())
    torch.manual_seed(0)
    z, a, b = torch.randn(3, 1, 4, *sketch.latent_size)
    t = torch.tensor([300.0])

    def injected(*references):
        features = empty_features(unet)
        for latent, weight in references:
            with recorded(unet, features, weight):
                unet(latent, t, sketch.features, None)
        with applied(unet, features, 1, 0):
            return unet(z, t, sketch.features, None)

    with torch.inference_mode():
        weighted, repeated = injected((a, 1), (a, 1), (b, 4)), injected((a, 1), (b, 1), (b, 1))
        equal = injected((a, 1), (a, 1), (b, 1))
    torch.testing.assert_close(weighted, repeated, atol=1e-4, rtol=1e-3)
    assert not torch.allclose(weighted, equal, atol=1e-3)


def test_a_region_that_covers_the_reference_leaves_the_picture_as_it_is(colorizer):
    reference, everything = colours(), RegionMask(("++++",) * 4)
    plain = colorized(colorizer, reference, **BOTH)
    assert np.array_equal(colorized(colorizer, reference, **BOTH, reference_regions=(everything,)), plain)


def test_features_come_from_the_painted_region_only(colorizer):
    """Half a reference is painted: what lies in the other half has no part in keys, values and statistics."""
    unet = colorizer.model.unet
    cells = torch.tensor([[True, True, False, False]]).expand(4, 4)
    with torch.inference_mode():
        latent = encode_latent(colorizer.model, colours(), 64, 16, cells=cells)
        features, everything = empty_features(unet), empty_features(unet)
        h, w = latent.z.shape[2:]
        for kept, region in ((features, latent.region), (everything, None)):
            with recorded(unet, kept, region=region):
                unet(latent.z, torch.tensor([500.0]), latent.features, None)
    for (kept, _), (whole, _) in zip(
        (pair for layer in features.key_values for pair in layer),
        (pair for layer in everything.key_values for pair in layer),
        strict=True,
    ):
        factor = round((h * w / whole.shape[2]) ** 0.5)
        # (1, heads, n, head_dim) -> (1, heads, h, w, head_dim), of which the left half
        left = whole.unflatten(2, (h // factor, w // factor))[:, :, :, : w // factor // 2].flatten(2, 3)
        assert torch.equal(kept, left)
    for (mean, _), (whole, _) in zip(features.statistics[0], everything.statistics[0], strict=True):
        assert not torch.allclose(mean, whole)


def test_a_reference_without_any_part_left_is_not_injected(colorizer):
    nothing = RegionMask(("----",) * 4)
    both = [colours(), colours().rotate(180)]
    alone = colorized(colorizer, both[0], **BOTH)
    left_out = colorized(colorizer, both, **BOTH, reference_regions=(None, nothing))
    if colorizer.config.kind == "cls":  # its tokens are averaged all the same
        assert not np.array_equal(left_out, colorized(colorizer, both, **BOTH))
    else:
        assert np.array_equal(left_out, alone)
