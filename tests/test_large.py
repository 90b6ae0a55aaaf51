"""Large pictures: tiles without seams, several passes, estimates, and what happens when memory runs out."""

import dataclasses
import time

import numpy as np
import psutil
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer import generation
from colorizer.config import VAEConfig
from colorizer.denoiser import GuidedDenoiser
from colorizer.errors import UserError
from colorizer.generation import Preview, Result
from colorizer.images import fit_and_pad
from colorizer.models.unet import SketchUNet
from colorizer.models.vae import LatentAutoencoder, positions_in_tiles
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings
from colorizer.sharp import draft_size, enlarged
from colorizer.workload import Workload, unet_flops

QUICK = GenerationSettings(steps=4)


@pytest.fixture(scope="module")
def colorizer(tiny_checkpoint):
    return Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")


def line_art(width=200, height=150):
    picture = Image.new("L", (width, height), 255)
    ImageDraw.Draw(picture).ellipse((8, 8, width - 9, height - 9), outline=0, width=3)
    return picture


def autoencoder(kind):
    torch.manual_seed(0)
    sizes = {"block_out_channels": (32, 32), "layers_per_block": 1, "norm_num_groups": 16}
    return LatentAutoencoder(VAEConfig(kind=kind, patch_size=4, **sizes)).eval()


def smooth_latent(side):
    torch.manual_seed(1)
    return torch.nn.functional.interpolate(torch.randn(1, 4, 6, 6), (side, side - 7), mode="bicubic")


@torch.inference_mode()
def test_tiles_of_a_decoder_without_normalisation_are_exact():
    vae, z = autoencoder("tiny"), smooth_latent(70)
    whole, tiled = vae.decode(z), vae.decode_in_tiles(z, 48, 32)
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=1e-3)


@torch.inference_mode()
def test_tiles_of_an_encoder_without_normalisation_are_exact():
    vae, pixels = autoencoder("tiny"), torch.nn.functional.interpolate(smooth_latent(70)[:, :3], scale_factor=8)
    z = vae.encode_in_tiles(pixels, 48, 32)
    assert z.shape == (1, 4, 70, 63)
    torch.testing.assert_close(z, vae.encode(pixels), atol=1e-4, rtol=1e-3)


@torch.inference_mode()
def test_tiles_of_a_decoder_with_normalisation_have_no_seams():
    """Steps between neighbouring pixels are nowhere larger than where the picture is decoded as a whole."""
    vae, z = autoencoder("kl"), smooth_latent(70)
    steps = [pixels.diff(dim=3).abs().mean((0, 1, 2)) for pixels in (vae.decode(z), vae.decode_in_tiles(z, 48, 32))]
    smooth = [torch.nn.functional.avg_pool1d(step[None], 8, 8)[0] for step in steps]
    assert smooth[1].max() <= 1.25 * smooth[0].max()


def test_a_latent_smaller_than_a_tile_is_one_tile():
    vae, z = autoencoder("tiny"), smooth_latent(20)
    with torch.inference_mode():
        torch.testing.assert_close(vae.decode_in_tiles(z, 48, 32), vae.decode(z))


@pytest.mark.parametrize(
    ("size", "drafts"), [(64, []), (65, [64]), (128, [64]), (129, [64, 91]), (512, [64, 128, 256])]
)
def test_drafts_grow_evenly_and_never_more_than_twice(size, drafts):
    sizes = [size]
    while before := draft_size(64, sizes[0]):
        sizes.insert(0, before)
    assert sizes == [*drafts, size]


def test_an_enlarged_picture_keeps_its_place_and_gets_the_lines():
    """A ramp over the height, laid on another canvas; its border goes on into the margins."""
    lines = Image.new("L", (100, 72), 255)
    ImageDraw.Draw(lines).line((50, 0, 50, 72), fill=0, width=3)
    _, large = fit_and_pad(lines, 512, "white", 64)
    left, top, right, bottom = large.box
    picture = Image.linear_gradient("L").resize((128, 92)).convert("RGB")
    pixels = enlarged(picture, lines, large)
    assert pixels.shape == (1, 3, large.height, large.width) and top > 0
    column = pixels[0, 0, :, 20]
    assert (column[:top] == column[top]).all() and (column[bottom:] == column[bottom - 1]).all()
    expected = torch.linspace(-1, 1, bottom - top)
    torch.testing.assert_close(column[top:bottom], expected, atol=0.03, rtol=0)
    assert pixels[0, :, top:bottom, round(left + 50.5 / 100 * (right - left))].max() < -0.99


def test_a_sharp_picture_is_made_in_passes_of_growing_size(colorizer, monkeypatch):
    sizes, forward = [], SketchUNet.forward

    def noting(self, z, *more):
        if not z.is_meta:  # where the work is only counted
            sizes.append(z.shape[-1])
        return forward(self, z, *more)

    monkeypatch.setattr(SketchUNet, "forward", noting)
    settings = QUICK.evolve(size=256, sharp=True, guidance_scale=1, adain=1, batch_size=2)
    sketch = colorizer.encode_sketch(line_art(), settings.size, settings.sharp)
    reference = colorizer.encode_reference(Image.new("RGB", (64, 64), "teal"))
    *previews, result = colorizer.generate(sketch, reference, settings)
    assert sizes.count(8) == 2 * 2 * QUICK.steps  # two pictures, each with a pass of the reference
    assert 0 < sizes.count(16) == sizes.count(32) < 2 * QUICK.steps
    assert len(sizes) == sizes.count(8) + 2 * sizes.count(32) and sizes == sorted(sizes)
    assert [p.step for p in previews] == list(range(1, previews[-1].steps + 1))
    assert [image.size for image in result.images] == [(256, 192)] * 2
    alone = settings.evolve(batch_size=1, seed=1)
    again = colorizer.colorize(line_art(), Image.new("RGB", (64, 64), "teal"), alone)[0]
    assert np.array_equal(np.asarray(again), np.asarray(result.images[1]))


def test_the_time_left_knows_that_the_passes_to_come_are_larger(colorizer, monkeypatch):
    monkeypatch.setattr(Workload, "seconds", lambda self, passes: 1000.0 * len(passes))
    settings = QUICK.evolve(size=256, sharp=True)
    *previews, _ = colorizer.generate(colorizer.encode_sketch(line_art(), 256, True), None, settings, previews=False)
    assert [round(preview.seconds_left, -3) for preview in previews[: QUICK.steps]] == [2000.0] * QUICK.steps
    assert {round(preview.seconds_left, -3) for preview in previews[QUICK.steps :]} == {1000.0, 0.0}


def test_sharp_has_no_effect_at_the_native_size(colorizer):
    pictures = [colorizer.colorize(line_art(), None, QUICK.evolve(sharp=sharp))[0] for sharp in (False, True)]
    assert np.array_equal(*map(np.asarray, pictures))


def test_large_pictures_are_decoded_in_tiles(colorizer, monkeypatch):
    largest, decode = [], LatentAutoencoder.decode
    monkeypatch.setattr(LatentAutoencoder, "decode", lambda *a: largest.append(max(a[1].shape[2:])) or decode(*a))
    settings = QUICK.evolve(steps=2, size=1104, guidance_scale=1)
    picture = colorizer.colorize(line_art(400, 60), None, settings)[0]
    assert picture.size == (1104, 166) and max(largest) == 128 and len(largest) == 2


def test_the_estimate_counts_the_passes_of_a_run(colorizer, monkeypatch):
    counted, measured = [], Workload.measured
    monkeypatch.setattr(Workload, "measured", lambda self, *done: counted.append(done) or measured(self, *done))
    asked = []
    estimate = Workload.estimate
    monkeypatch.setattr(
        Workload, "estimate", lambda self, passes, *more: asked.append(passes) or estimate(self, passes, *more)
    )
    reference = Image.new("RGB", (64, 64), "teal")
    for changes in (
        {},
        {"guidance_scale": 1, "batch_size": 3},
        {"sharp": True, "sketch_guidance_scale": 2, "attention_injection": 1, "similarity_end": 0.5},
        {"sharp": True, "size": 256},
    ):
        counted.clear()
        settings = QUICK.evolve(**{"size": 128} | changes)
        colorizer.colorize(line_art(), reference, settings)
        result = colorizer.estimate((200, 150), settings, references=1)
        done = {canvas: sum(passes for size, passes in counted if size == canvas) for canvas, _ in counted}
        assert dict(asked[-1]) == done
        assert result.seconds > 0 and result.fits


def test_the_estimate_counts_what_the_vae_does(tiny_checkpoint, monkeypatch):
    """By a clock that only the VAE moves: the pictures, and between two stages the way to the larger size."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    for kind, seconds in (("decode", 3.0), ("encode", 0.5)):
        work = getattr(LatentAutoencoder, kind)

        def slow(self, given, work=work, seconds=seconds):
            clock[0] += seconds * given.shape[2] * given.shape[3]
            return work(self, given)

        monkeypatch.setattr(LatentAutoencoder, kind, slow)
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    settings = QUICK.evolve(guidance_scale=1, batch_size=2)
    for changes in ({}, {"size": 128}, {"size": 128, "sharp": True}):
        chosen = settings.evolve(**changes)
        before = clock[0]
        colorizer.colorize(line_art(64, 64), None, chosen)
        assert colorizer.estimate((1, 1), chosen).seconds == pytest.approx(clock[0] - before)


def test_the_estimate_counts_the_finish(tiny_checkpoint, monkeypatch):
    """By a clock that only the finish moves, by the pixels of a picture."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def slow(picture, lines, *finish):
        clock[0] += picture.width * picture.height if finish else 10 * lines.width * lines.height
        return picture

    monkeypatch.setattr(generation, "finish", slow)
    monkeypatch.setattr(generation, "keep_lines", slow)
    engine = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    evened = QUICK.evolve(batch_size=2, even_areas=0.5)
    engine.colorize(line_art(64, 64), None, evened)
    assert engine.estimate((1, 1), evened).seconds == pytest.approx(clock[0]) == 2 * 64 * 64
    assert engine.estimate((1, 1), evened.evolve(size=128)).seconds == pytest.approx(4 * clock[0])
    assert engine.estimate((1, 1), QUICK).seconds == 0

    kept = QUICK.evolve(batch_size=2, keep_lines=True)
    before = clock[0]
    engine.colorize(line_art(320, 320), None, kept)
    assert clock[0] - before == 2 * 10 * 320 * 320
    assert engine.estimate((320, 320), kept).seconds == pytest.approx(clock[0] - before)
    assert engine.estimate((640, 320), kept).seconds == pytest.approx(2 * (clock[0] - before))
    both = engine.estimate((320, 320), kept.evolve(even_areas=0.5)).seconds
    assert both == pytest.approx(clock[0])
    large = [engine.estimate((4000, 4000), kept.evolve(keep_lines=lines)).memory for lines in (True, False)]
    assert large[0] > 4000 * 4000 * 12 > large[1]  # at the least a float picture in the size of the upload


@pytest.mark.parametrize("size", [(70, 40), (30, 20), (48, 49), (200, 130)])
def test_positions_in_tiles_are_those_that_the_vae_sees(size, monkeypatch):
    seen, decode = [], LatentAutoencoder.decode

    def counted(self, z):
        seen.append(z.shape[2] * z.shape[3])
        return decode(self, z)

    monkeypatch.setattr(LatentAutoencoder, "decode", counted)
    vae = autoencoder("tiny")
    vae.decode_in_tiles(torch.zeros(1, vae.config.latent_channels, *size), 48, 32)
    assert sum(seen) == positions_in_tiles(*size, 48, 32)


def test_previews_are_part_of_the_estimate(colorizer, monkeypatch):
    workload = Workload(colorizer.config, colorizer.device, colorizer.dtype, colorizer.workload.downscale)
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    with workload.measured((64, 64), 1):
        clock[0] += 10
    with workload.measured_vae("decode", (64, 64)):
        clock[0] += 1
    assert workload.estimate([((64, 64), 4)], 1, [4]).seconds == pytest.approx(4 * 10 + 4 * 1 + 1)
    with workload.measured_vae("decode", (64, 64)):
        clock[0] += 99
    assert workload.estimate([((64, 64), 4)], 1, [4]).seconds == pytest.approx(4 * 10 + 4 * 10 / 2 + 50)  # seldom


def test_no_seconds_before_the_first_step(tiny_checkpoint):
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    assert colorizer.estimate((64, 64), QUICK).seconds is None


def test_work_grows_with_the_size_and_attention_more_than_that(tiny_config):
    """Sixteen times the positions: convolutions take 16 times the work, self-attention up to 256 times."""
    small, large = (unet_flops(tiny_config.unet, side, side) for side in (16, 64))
    assert 16 < large / small < 256


def test_more_than_the_memory_is_refused_with_the_numbers(colorizer, monkeypatch):
    needed = colorizer.workload.memory(512, 384)
    few = psutil.virtual_memory()._replace(available=needed - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: few)
    with pytest.raises(UserError, match=r"512 x 384 pixels needs about \d+\.\d GB .* free; choose a smaller size"):
        colorizer.encode_sketch(line_art(), 512)
    assert not colorizer.estimate((200, 150), QUICK.evolve(size=512)).fits
    assert colorizer.encode_sketch(line_art(), 256).size == 256


@pytest.mark.parametrize("settings", [{"steps": 200, "size": 4096}, {"steps": 60, "batch_size": 8, "size": 2048}])
def test_steps_size_and_pictures_are_bounded_together(settings):
    with pytest.raises(UserError, match="too much for one run; .* at most"):
        GenerationSettings(**settings)


def test_out_of_memory_is_retried_once_at_half_the_size(colorizer, monkeypatch):
    predict = GuidedDenoiser.predict

    def fail_when_large(self, image, index, z):
        if z.shape[-1] > 16 and index == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predict(self, image, index, z)

    monkeypatch.setattr(GuidedDenoiser, "predict", fail_when_large)
    sketch = colorizer.encode_sketch(line_art(), 256)
    *previews, result = colorizer.generate(sketch, None, QUICK)
    assert isinstance(result, Result) and result.images[0].size == (128, 96)
    assert any("not enough memory" in note and "128 x 96" in note for note in result.notes)
    assert [p.step for p in previews if isinstance(p, Preview)] == [1, 2, 1, 2, 3, 4]


def test_out_of_memory_twice_is_an_error_and_the_next_run_works(colorizer, monkeypatch):
    def fail(self, *_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    sketch = colorizer.encode_sketch(line_art(), 256)
    with monkeypatch.context() as patch:
        patch.setattr(GuidedDenoiser, "predict", fail)
        with pytest.raises(UserError, match="not enough memory.* 256 x 192"):
            list(colorizer.generate(sketch, None, QUICK))
    assert len(colorizer.colorize(line_art(), None, QUICK)) == 1


# Results that are none


def test_black_pictures_are_told(colorizer, monkeypatch):
    monkeypatch.setattr(LatentAutoencoder, "decode", lambda self, z: torch.full((1, 3, 64, 64), -1.0))
    *_, result = colorizer.generate(colorizer.encode_sketch(line_art(64, 64)), None, QUICK.evolve(seed=5))
    assert [note for note in result.notes if "seed 5 came out black" in note]


def test_a_decoder_that_gives_nan_is_told(colorizer, monkeypatch):
    monkeypatch.setattr(LatentAutoencoder, "decode", lambda self, z: torch.full((1, 3, 64, 64), float("nan")))
    sketch = colorizer.encode_sketch(line_art(64, 64))
    with pytest.raises(UserError, match="NaN"):
        list(colorizer.generate(sketch, None, QUICK))
    ordinary = dataclasses.replace(sketch)
    monkeypatch.undo()
    *_, result = colorizer.generate(ordinary, None, QUICK)
    assert result.notes == ()
