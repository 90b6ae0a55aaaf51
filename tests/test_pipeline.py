"""Generation end to end on a random tiny model: exactness, reproducibility, aspect, cancelling, errors."""

import dataclasses
import gc
import threading
import weakref

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer.denoiser import GuidedDenoiser
from colorizer.errors import UserError
from colorizer.generation import Preview, Result
from colorizer.manipulation import Edit
from colorizer.models.sketch_encoder import SketchEncoder
from colorizer.models.unet import SketchUNet
from colorizer.pipeline import Colorizer
from colorizer.sampling import Sampler, image_generators
from colorizer.settings import GenerationSettings

QUICK = GenerationSettings(steps=2)


@pytest.fixture(scope="module")
def colorizer(tiny_checkpoint):
    return Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def cls_colorizer(tiny_cls_checkpoint):
    return Colorizer.load(tiny_cls_checkpoint, device="cpu", dtype="float32")


def line_art(width=64, height=64):
    picture = Image.new("L", (width, height), 255)
    ImageDraw.Draw(picture).ellipse((8, 8, width - 9, height - 9), outline=0, width=3)
    return picture


def colours(*, second="gold"):
    picture = Image.new("RGB", (48, 80), "teal")
    picture.paste(second, (0, 40, 48, 80))
    return picture


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture
def calls(monkeypatch):
    """Records (reference is given, sketch features) of every call of the U-Net."""
    record = []
    forward = SketchUNet.forward

    def recording(self, z, t, sketch_features, reference=None):
        record.append((reference is not None, sketch_features))
        return forward(self, z, t, sketch_features, reference)

    monkeypatch.setattr(SketchUNet, "forward", recording)
    return record


# What is computed


@pytest.mark.parametrize("gs, sgs, branches", [(1, 1, 1), (3, 1, 2), (1, 3, 2), (3, 3, 3)])
def test_branches_with_scale_1_are_not_computed(colorizer, calls, gs, sgs, branches):
    settings = QUICK.evolve(guidance_scale=gs, sketch_guidance_scale=sgs)
    colorizer.colorize(line_art(), colours(), settings)
    assert len(calls) == branches * settings.steps


def test_without_reference_guidance_has_no_effect_and_is_not_computed(colorizer, calls):
    plain = colorizer.colorize(line_art(), None, QUICK.evolve(guidance_scale=1))
    guided = colorizer.colorize(line_art(), None, QUICK.evolve(guidance_scale=5, noise_level=1))
    assert same(plain[0], guided[0])
    assert [given for given, _ in calls] == [False] * (2 * QUICK.steps)


@pytest.mark.parametrize("noise_level, projections", [(0, 1), (1, 1 + 2)])
def test_reference_is_projected_once_but_for_noised_steps(colorizer, monkeypatch, noise_level, projections):
    count = []
    project = SketchUNet.project_reference
    monkeypatch.setattr(SketchUNet, "project_reference", lambda self, *args: count.append(1) or project(self, *args))
    colorizer.colorize(line_art(), colours(), QUICK.evolve(noise_level=noise_level))
    assert len(count) == projections


@pytest.mark.parametrize("kind", ["attention", "cls"])
def test_shortcuts_are_exact(kind, colorizer, cls_colorizer):
    """Precomputed keys and values and the zero shortcut against the plain formula on plain tokens."""
    colorizer = colorizer if kind == "attention" else cls_colorizer
    sketch, reference = colorizer.encode_sketch(line_art()), colorizer.encode_reference(colours())
    settings = GenerationSettings(guidance_scale=3, sketch_guidance_scale=2)
    sampler = Sampler("dpm++2m", "karras", 20, colorizer.config.noise)
    with torch.inference_mode():
        tokens = colorizer.model.reference_context(reference.tokens)
        empty = colorizer.model.sketch_encoder(torch.full((1, 3, 64, 64), -1.0))
        z = torch.randn(1, 4, *sketch.latent_size)
        denoiser = GuidedDenoiser(
            colorizer.model.unet, sampler, settings, sketch.features, empty, tokens, image_generators(0, 1)
        )
        guided = denoiser.predict(0, 5, z)

        unet, t = colorizer.model.unet, torch.tensor([sampler.timesteps[5]])
        c = unet(z, t, sketch.features, tokens)
        u_r = unet(z, t, sketch.features, torch.zeros_like(tokens))
        u_s = unet(z, t, empty, tokens)
    expected = (u_r + 3 * (c - u_r) + u_s + 2 * (c - u_s)) / 2
    torch.testing.assert_close(guided, expected, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(c, u_r, atol=1e-3) and not torch.allclose(c, u_s, atol=1e-3)


def test_cls_model_sees_the_cls_token_alone(cls_colorizer):
    sketch, reference = cls_colorizer.encode_sketch(line_art()), cls_colorizer.encode_reference(colours())
    tokens = reference.tokens.clone()
    tokens[:, 1:] = 0
    without_local = dataclasses.replace(reference, tokens=tokens)
    *_, a = cls_colorizer.generate(sketch, reference, QUICK)
    *_, b = cls_colorizer.generate(sketch, without_local, QUICK)
    assert same(a.images[0], b.images[0])


# What a picture depends on


def test_same_seed_same_picture_and_other_seed_another(colorizer):
    first, again, other = (
        colorizer.colorize(line_art(), colours(), QUICK.evolve(seed=seed, noise_level=0.5))[0] for seed in (7, 7, 8)
    )
    assert same(first, again)
    assert not same(first, other)


@pytest.mark.parametrize("noise_level", [0, 1])
def test_an_image_depends_on_its_own_seed_only(colorizer, noise_level):
    settings = QUICK.evolve(seed=10, noise_level=noise_level, sketch_guidance_scale=2)
    batch = colorizer.colorize(line_art(), colours(), settings.evolve(batch_size=3))
    alone = [colorizer.colorize(line_art(), colours(), settings.evolve(seed=10 + i))[0] for i in range(3)]
    assert all(same(a, b) for a, b in zip(batch, alone, strict=True))


def test_conditions_and_settings_matter(colorizer):
    sketch = line_art()
    settings = GenerationSettings(steps=3)  # with fewer, all samplers are of first order
    basis = colorizer.colorize(sketch, colours(), settings)[0]
    changed = {
        "reference": colorizer.colorize(sketch, colours(second="crimson"), settings)[0],
        "no reference": colorizer.colorize(sketch, None, settings)[0],
        "sketch": colorizer.colorize(Image.new("L", (64, 64), 255), colours(), settings)[0],
        "gs": colorizer.colorize(sketch, colours(), settings.evolve(guidance_scale=8))[0],
        "sgs": colorizer.colorize(sketch, colours(), settings.evolve(sketch_guidance_scale=8))[0],
        "noise": colorizer.colorize(sketch, colours(), settings.evolve(noise_level=1))[0],
        "schedule": colorizer.colorize(sketch, colours(), settings.evolve(schedule="vp"))[0],
        "sampler": colorizer.colorize(sketch, colours(), settings.evolve(sampler="euler"))[0],
    }
    assert [name for name, picture in changed.items() if same(picture, basis)] == []


@pytest.mark.parametrize("build", ["colorizer", "cls_colorizer"])
def test_edits_reach_the_picture(build, request):
    colorizer = request.getfixturevalue(build)
    edited = QUICK.evolve(edits=(Edit("green hair", target_scale=15),))
    off = QUICK.evolve(edits=(dataclasses.replace(edited.edits[0], enabled=False),))
    plain, with_edit, switched_off = (
        colorizer.colorize(line_art(), colours(), settings)[0] for settings in (QUICK, edited, off)
    )
    assert not same(plain, with_edit)
    assert same(plain, switched_off)


def test_notes_about_edits_arrive(colorizer):
    settings = QUICK.evolve(edits=(Edit("a very long text " * 9),))
    *_, result = colorizer.generate(
        colorizer.encode_sketch(line_art()), colorizer.encode_reference(colours()), settings
    )
    assert any("cut" in note for note in result.notes)


# Shapes


@pytest.mark.parametrize(
    "sketch_size, size, expected",
    [((64, 64), None, (64, 64)), ((200, 120), None, (64, 38)), ((30, 90), 100, (33, 100)), ((640, 100), 80, (80, 12))],
)
def test_aspect_is_kept(colorizer, sketch_size, size, expected):
    sketch = colorizer.encode_sketch(line_art(*sketch_size), size)
    assert all(side % 2 == 0 for side in sketch.latent_size)
    picture = colorizer.colorize(line_art(*sketch_size), colours(), QUICK.evolve(size=size))[0]
    assert picture.size == expected and picture.mode == "RGB"


def test_padding_is_empty_sketch(colorizer):
    """White padding is -1 like the ground of the sketch: an empty sketch is the same padded or not."""
    padded = colorizer.encode_sketch(Image.new("L", (64, 20), 255))
    whole = colorizer.encode_sketch(Image.new("L", (64, 32), 255))
    assert all(torch.equal(a, b) for a, b in zip(padded.features, whole.features, strict=True))


def test_huge_reference_is_reduced_without_changing_its_meaning(colorizer):
    picture = colours().resize((240, 400))
    small = colorizer.encode_reference(picture).tokens
    large = colorizer.encode_reference(picture.resize((2400, 4000), Image.Resampling.NEAREST)).tokens
    torch.testing.assert_close(small, large, atol=0.02 * small.abs().max().item(), rtol=0)


# Running


def test_previews_count_and_end_with_a_result(colorizer):
    sketch, reference = colorizer.encode_sketch(line_art(60, 40)), colorizer.encode_reference(colours())
    *previews, result = colorizer.generate(sketch, reference, QUICK.evolve(steps=5, batch_size=2, seed=3))
    assert [(p.step, p.steps) for p in previews] == [(i, 5) for i in range(1, 6)]
    assert all(isinstance(p, Preview) and p.image.size == result.images[0].size for p in previews)
    assert previews[-1].seconds_left == 0 < previews[0].seconds_left
    assert isinstance(result, Result) and result.seeds == [3, 4] and len(result.images) == 2


def test_no_previews(colorizer):
    sketch = colorizer.encode_sketch(line_art())
    *previews, result = colorizer.generate(sketch, None, QUICK, previews=False)
    assert [p.image for p in previews] == [None] * QUICK.steps


def test_half_precision_is_close_and_reproducible(colorizer, tiny_checkpoint):
    full = colorizer.colorize(line_art(), colours(), QUICK)[0]
    half_colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="bfloat16")
    half = half_colorizer.colorize(line_art(), colours(), QUICK)[0]
    assert same(half, half_colorizer.colorize(line_art(), colours(), QUICK)[0])
    difference = np.abs(np.asarray(full, dtype=float) - np.asarray(half, dtype=float))
    assert 0 < difference.mean() < 4


def test_closing_midway_frees_the_tensors_and_the_next_run_works(colorizer):
    before = colorizer.colorize(line_art(), colours(), QUICK)[0]
    sketch, reference = colorizer.encode_sketch(line_art()), colorizer.encode_reference(colours())
    run = colorizer.generate(sketch, reference, QUICK.evolve(steps=50))
    next(run)
    features = weakref.ref(sketch.features[0])
    run.close()
    del sketch, run
    gc.collect()
    assert features() is None
    assert same(colorizer.colorize(line_art(), colours(), QUICK)[0], before)


def test_an_abandoned_generation_blocks_nobody(colorizer):
    abandoned = colorizer.generate(colorizer.encode_sketch(line_art()), None, QUICK)
    next(abandoned)
    assert len(colorizer.colorize(line_art(), colours(), QUICK)) == 1
    assert len(list(abandoned)) == QUICK.steps


def test_threads_take_turns_and_do_not_mix(colorizer, monkeypatch):
    references = [colours(second=name) for name in ("red", "green", "blue")]
    alone = [colorizer.colorize(line_art(), reference, QUICK)[0] for reference in references]
    inside, most = [], []
    forward = SketchUNet.forward

    def counting(self, *args):
        inside.append(1)
        most.append(len(inside))
        try:
            return forward(self, *args)
        finally:
            inside.pop()

    monkeypatch.setattr(SketchUNet, "forward", counting)
    together = [None] * len(references)

    def work(i):
        together[i] = colorizer.colorize(line_art(), references[i], QUICK)[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(references))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


# Errors


def test_no_sketch(colorizer):
    with pytest.raises(UserError, match="no sketch"):
        colorizer.colorize(None, colours())
    with pytest.raises(UserError, match="no sketch"):
        next(colorizer.generate(None, None, QUICK))


def test_edits_without_reference(colorizer):
    with pytest.raises(UserError, match="add a reference"):
        colorizer.colorize(line_art(), None, QUICK.evolve(edits=(Edit("green hair"),)))


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_out_of_memory_is_explained_and_the_next_run_works(colorizer, monkeypatch, error):
    held = []

    def fail(self, z, *args):
        held.append(weakref.ref(z))
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(SketchUNet, "forward", fail)
        with pytest.raises(UserError, match="not enough memory.* 64 x 64") as raised:
            colorizer.colorize(line_art(), colours(), QUICK)
    error.__traceback__ = None
    assert raised.value.__context__ is None
    assert held[0]() is None
    assert len(colorizer.colorize(line_art(), colours(), QUICK)) == 1


def test_a_size_that_no_memory_can_hold_is_explained(colorizer, monkeypatch):
    def fail(self, sketch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(SketchEncoder, "forward", fail)
    with pytest.raises(UserError, match="not enough memory.* 4096 x 2048"):
        colorizer.encode_sketch(line_art(64, 32), 4096)


def test_other_errors_pass(colorizer, monkeypatch):
    def fail(self, *args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(SketchUNet, "forward", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        colorizer.colorize(line_art(), colours(), QUICK)


def test_invalid_numbers_are_reported(colorizer):
    sketch = colorizer.encode_sketch(line_art())
    broken = dataclasses.replace(sketch, features=tuple(f * float("nan") for f in sketch.features))
    with pytest.raises(UserError, match="NaN"):
        list(colorizer.generate(broken, None, QUICK))


@pytest.mark.parametrize("option", [{"device": "warp"}, {"device": "cuda:99"}, {"dtype": "float8"}])
def test_bad_device_and_dtype(tiny_checkpoint, option):
    with pytest.raises(UserError):
        Colorizer.load(tiny_checkpoint, **option)
