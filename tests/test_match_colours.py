"""Areas moved to the colours of the reference."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.encoded import EncodedReference
from colorizer.finish import finish
from colorizer.manipulation import Edit
from colorizer.manipulation.regions import unchanged_cells
from colorizer.match_colours import NEAR, NEAR_EDITED, Palette, palette_of
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

GREEN, SKIN, SKY = (60, 160, 80), (240, 200, 170), (90, 150, 220)
MATCH = GenerationSettings(match_colours=1.0)


def bands(*colours, side=96):
    """Bands of colours from left to right."""
    picture = Image.new("RGB", (side, side))
    for i, colour in enumerate(colours):
        ImageDraw.Draw(picture).rectangle((i * side // len(colours), 0, side, side), fill=colour)
    return picture


def halves(left, right, side=96):
    """A result of two areas and the line between them, and its sketch."""
    picture, lines = bands(left, right, side=side), Image.new("L", (side, side), 255)
    for image in (picture, lines):
        ImageDraw.Draw(image).rectangle((side // 2 - 2, 0, side // 2 + 1, side), fill=0)
    return picture, lines


def lab(*colours):
    return rgb2lab(np.array(colours, np.uint8)[None])[0]


def nearly(colours, others):
    return deltaE_ciede2000(np.asarray(colours), lab(*others)).max() < 1.5


def test_the_palette_is_the_flat_colours_the_commonest_first():
    picture = bands(GREEN, GREEN, GREEN, SKIN, SKIN, SKY)
    assert nearly(palette_of(picture), [GREEN, SKIN, SKY])
    large = picture.resize((1500, 1500), Image.Resampling.NEAREST)
    assert nearly(palette_of(large), [GREEN, SKIN, SKY])


def test_the_palette_is_that_of_what_counts():
    counting = np.zeros((4, 4), bool)
    counting[:, 2:] = True
    assert nearly(palette_of(bands(GREEN, SKIN), counting), [SKIN])
    assert palette_of(bands(GREEN, SKIN), np.zeros((4, 4), bool)).shape == (0, 3)


def test_a_picture_of_noise_has_no_flat_colour():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert palette_of(noise).shape == (0, 3)


def test_areas_take_the_near_colours_and_lines_stay():
    picture, lines = halves((75, 150, 95), (230, 190, 165))
    matched = np.asarray(finish(picture, lines, Palette(palette_of(bands(GREEN, SKIN, SKY))), MATCH), int)
    assert np.abs(matched[48, 20] - GREEN).max() <= 2 and np.abs(matched[48, 76] - SKIN).max() <= 2
    assert matched[:, 47:49].max() <= 4


def test_half_the_strength_goes_half_the_way():
    picture, lines = halves((75, 150, 95), SKIN)
    palette = Palette(palette_of(bands(GREEN, SKIN)))
    half = finish(picture, lines, palette, MATCH.evolve(match_colours=0.5))
    there = lab(np.asarray(half)[48, 20])
    assert np.allclose(there, (lab((75, 150, 95)) + lab(GREEN)) / 2, atol=1.0)


def test_a_colour_that_the_reference_lacks_stays():
    picture, lines = halves((160, 40, 150), SKIN)
    assert deltaE_ciede2000(lab((160, 40, 150)), lab(GREEN)) > NEAR
    matched = np.asarray(finish(picture, lines, Palette(palette_of(bands(GREEN, SKIN))), MATCH), int)
    assert np.abs(matched[48, 20] - (160, 40, 150)).max() <= 1


@pytest.mark.parametrize("palette", [None, Palette(np.empty((0, 3)))])
def test_without_colours_nothing_changes(palette):
    picture, lines = halves(GREEN, SKIN)
    assert finish(picture, lines, palette, MATCH) is picture


def test_what_an_edit_reaches_is_no_colour_of_the_reference():
    before = torch.ones(1, 1 + 16, 8)
    after = before.clone()
    after[0, 1:9] += 3  # the upper half of a grid of 4 x 4
    unedited = unchanged_cells(before, after)
    assert unedited.tolist() == [[False] * 4] * 2 + [[True] * 4] * 2
    picture = bands(GREEN, SKY).rotate(-90)  # green above
    assert nearly(EncodedReference(before, picture).palette().colours, [GREEN, SKY])
    left = EncodedReference(after, picture, unedited).palette()
    assert nearly(left.colours, [SKY]) and left.near == NEAR_EDITED < NEAR
    counting = torch.zeros(4, 4, dtype=torch.bool)
    assert not len(EncodedReference(after, picture, unedited).palette(counting).colours)


def test_an_edited_cls_token_is_an_edit_of_everything():
    before = torch.ones(1, 1 + 16, 8)
    after = before.clone()
    after[0, 0] += 1
    assert not unchanged_cells(before, after).any()
    assert unchanged_cells(before, before).all()


def test_match_colours_is_a_setting_of_a_run(tiny_checkpoint):
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    _, lines = halves(GREEN, SKIN)
    settings = GenerationSettings(steps=2, even_areas=1)
    (plain,) = colorizer.colorize(lines, bands(GREEN), settings)
    # A random model: a reference is made whose colour is near that of its result.
    near = tuple(int(level) + (8 if level < 128 else -8) for level in np.asarray(plain)[plain.height // 2, 4])
    reference = colorizer.encode_reference(bands(near))
    sketch = colorizer.encode_sketch(lines)
    *_, bare = colorizer.generate(sketch, reference, settings.evolve(even_areas=0), previews=False)
    *_, even = colorizer.generate(sketch, reference, settings, previews=False)
    settings = settings.evolve(match_colours=1)
    *_, matched = colorizer.generate(sketch, reference, settings, previews=False)
    assert np.array_equal(matched.images[0], finish(bare.images[0], lines, reference.palette(), settings))
    assert not np.array_equal(matched.images[0], even.images[0])


def test_edits_of_everything_leave_no_colours_to_match(tiny_checkpoint):
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    reference = colorizer.encode_reference(bands(GREEN))
    edited, _ = colorizer.edit_reference(reference, [Edit(target="blue", control="everything", target_scale=8)])
    assert edited.unedited is not None and not edited.unedited.all()
    untouched, _ = colorizer.edit_reference(reference, [Edit(target="blue", enabled=False)])
    assert untouched.unedited.all()


def test_a_reference_of_weight_0_lends_no_colours(tiny_checkpoint):
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    references = [colorizer.encode_reference(bands(colour)) for colour in (GREEN, SKY)]
    settings = MATCH.evolve(reference_weights=(1, 0))
    assert nearly(colorizer._context(references, settings).palette.colours, [GREEN])
    assert nearly(colorizer._context(references, MATCH).palette.colours, [GREEN, SKY])
    assert colorizer._context(references, GenerationSettings()).palette is None
