"""Areas between lines, and results whose areas are evened out."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from colorizer.finish import finish
from colorizer.line_areas import LineAreas
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

RED, BLUE, WHITE = (200, 60, 50), (50, 70, 190), (255, 255, 255)


def drawing(gap=0, side=128, box=(32, 32, 96, 96)):
    """A square of ink; gap: pixels that its right side leaves open."""
    lines = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(lines)
    draw.rectangle(box, outline=0, width=3)
    if gap:
        middle = (box[1] + box[3]) // 2
        draw.rectangle((box[2] - 4, middle - gap // 2, box[2] + 4, middle - gap // 2 + gap - 1), fill=255)
    return lines


def painted(cloud=0, side=128, box=(32, 32, 96, 96)):
    """A red square on blue with clouds of that amplitude in levels, and the lines over it."""
    picture = Image.new("RGB", (side, side), BLUE)
    ImageDraw.Draw(picture).rectangle(box, fill=RED)
    noise = np.random.default_rng(0).normal(size=(16, 16, 3)).astype(np.float32)
    clouds = np.stack(
        [np.asarray(Image.fromarray(noise[..., c]).resize((side, side), Image.Resampling.BICUBIC)) for c in range(3)], 2
    )
    pixels = np.asarray(picture, float) + cloud * clouds
    pixels *= np.asarray(drawing(side=side, box=box), float)[..., None] / 255
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def line_areas(lines):
    return LineAreas.of(lines, lines.size).labels


def even_areas(picture, lines, strength):
    return finish(picture, lines, None, GenerationSettings(even_areas=strength))


def levels(picture):
    return np.asarray(picture, int)


@pytest.mark.parametrize("gap", [0, 2])
def test_a_closed_outline_and_one_with_a_small_gap_have_an_inside(gap):
    areas = line_areas(drawing(gap))
    assert areas.min() >= 1
    inside, outside = areas[40:90, 40:90], np.concatenate([areas[:28].ravel(), areas[100:].ravel()])
    assert len(np.unique(inside)) == 1 and len(np.unique(outside)) == 1
    assert inside[0, 0] != outside[0]


def test_areas_of_very_large_line_art_are_where_those_of_small_are():
    large = line_areas(drawing(2).resize((1536, 1536), Image.Resampling.NEAREST))
    assert large.shape == (1536, 1536)
    assert (large[480:1080, 480:1080] == large[768, 768]).all() and (large[:336] == large[0, 0]).all()
    assert large[768, 768] != large[0, 0]


def test_a_wide_opening_makes_one_area():
    areas = line_areas(drawing(gap=40))
    assert areas[64, 64] == areas[64, 120]


def test_areas_narrower_than_a_gap_are_areas_too():
    lines = drawing(box=(60, 20, 68, 110))  # three pixels of paper between its sides
    areas = line_areas(lines)
    assert areas[64, 64] not in (areas[64, 20], areas[64, 110])


def test_line_art_without_a_line_is_one_area():
    assert np.unique(line_areas(Image.new("L", (40, 30), 255))).size == 1
    assert np.unique(line_areas(Image.new("L", (40, 30), 0))).size == 1


def test_clouds_go_and_colours_lines_and_borders_stay():
    clouded = painted(cloud=8)
    evened = levels(even_areas(clouded, drawing(), 0.5))
    flat = levels(painted())
    before, after = np.abs(levels(clouded) - flat).mean(), np.abs(evened - flat).mean()
    assert after < before / 4
    assert evened[40:88, 40:88].reshape(-1, 3).std(0).max() < 1
    ink = np.asarray(drawing()) == 0
    assert evened[ink].max() == 0


def test_what_lies_apart_in_an_area_stays_below_full_strength():
    picture = painted(cloud=3)
    ImageDraw.Draw(picture).rectangle((44, 44, 56, 56), fill=WHITE)  # a light, with no line around it
    half, full = (levels(even_areas(picture, drawing(), strength)) for strength in (0.5, 1.0))
    assert half[50, 50].min() > 250
    assert np.abs(full[50, 50] - RED).max() < 12


def test_an_area_of_many_colours_is_left_alone():
    pattern = np.zeros((128, 128, 3), np.uint8)
    pattern[::8] = (250, 200, 0)
    pattern[4::8] = (0, 40, 250)
    pattern = Image.fromarray(pattern).filter(ImageFilter.BoxBlur(1))
    assert np.abs(levels(even_areas(pattern, drawing(), 0.5)) - levels(pattern)).max() <= 1


def test_lines_of_any_size_serve():
    clouded = painted(cloud=8)
    large = drawing().resize((512, 512), Image.Resampling.NEAREST)
    assert np.abs(levels(even_areas(clouded, large, 0.5)) - levels(even_areas(clouded, drawing(), 0.5))).mean() < 1


def test_even_areas_is_a_setting_of_a_run_and_0_changes_nothing(tiny_checkpoint):
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    settings = GenerationSettings(steps=2)
    (plain,) = colorizer.colorize(drawing(), painted(), settings)
    (evened,) = colorizer.colorize(drawing(), painted(), settings.evolve(even_areas=1))
    assert even_areas(plain, drawing(), 0) is plain
    assert np.array_equal(levels(evened), levels(even_areas(plain, drawing(), 1)))
    assert not np.array_equal(levels(evened), levels(plain))


def test_settings_of_a_model_are_its_own_where_nothing_is_given():
    ranges = {"guidance_scale": (1, 6, 1.5), "even_areas": (0, 1, 0.5), "target_scale": (0, 10, 5)}
    settings = GenerationSettings.of_model(ranges, guidance_scale=3)
    assert (settings.guidance_scale, settings.even_areas, settings.steps) == (3, 0.5, GenerationSettings.steps)
