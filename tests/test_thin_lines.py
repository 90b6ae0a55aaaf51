"""Large sketches made small: thin lines stay lines, everything else is averaged as before."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer.models.sketch_encoder import SketchEncoder
from colorizer.pipeline import Colorizer
from colorizer.thin_lines import GAIN, reduce_line_art


def page(side=512, width=1, ink=0):
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line((side // 3, 0, side // 3, side), fill=ink, width=width)
    return picture


def darkness(picture):
    return 255 - np.asarray(picture, dtype=float)


def both(picture, side):
    return darkness(reduce_line_art(picture, (side, side))), darkness(picture.resize((side, side), Image.LANCZOS))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_thin_line_is_darkened_by_the_gain(mode):
    reduced, averaged = both(page().convert(mode), 128)
    assert 40 < averaged.max() < 100
    assert reduced.max() == pytest.approx(min(255, GAIN * averaged.max()), abs=1.5)


def test_no_line_becomes_darker_than_its_ink():
    reduced, averaged = both(page(width=3, ink=155), 128)
    assert averaged.max() < 90 and reduced.max() == pytest.approx(100, abs=1)


def test_broad_lines_areas_and_the_grain_of_paper_are_averaged():
    reduced, averaged = both(page(width=40), 128)
    inside = averaged == 255
    assert inside.any() and np.abs(reduced - averaged)[inside | (averaged == 0)].max() <= 1
    grain = Image.fromarray(np.random.default_rng(0).integers(200, 256, (512, 512), dtype=np.uint8))
    assert np.abs(np.subtract(*both(grain, 128))).max() <= 1


@pytest.mark.parametrize("size", [(300, 300), (511, 511)])
def test_less_than_half_is_averaged(size):
    picture = page()
    averaged = picture.resize(size, Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(reduce_line_art(picture, size)), np.asarray(averaged))


def test_sides_that_are_no_multiples_keep_lines_in_their_place():
    picture = Image.new("L", (1021, 517), 255)
    ImageDraw.Draw(picture).line((1000, 0, 1000, 517), fill=0)
    reduced = darkness(reduce_line_art(picture, (256, 130)))
    assert reduced.shape == (130, 256) and set(reduced.argmax(1)) == {250}


def test_the_model_sees_thin_lines_of_a_large_upload(tiny_checkpoint, monkeypatch):
    seen, forward = [], SketchEncoder.forward
    monkeypatch.setattr(SketchEncoder, "forward", lambda self, pixels: seen.append(pixels) or forward(self, pixels))
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    sketch = page(512)
    colorizer.encode_sketch(sketch)
    expected = 1 - np.asarray(reduce_line_art(sketch, (64, 64)), dtype=np.float32) / 127.5
    torch.testing.assert_close(seen[0][0, 0], torch.from_numpy(expected))
