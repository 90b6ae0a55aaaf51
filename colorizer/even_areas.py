"""Flats: the areas between the lines of a sketch, and a result whose areas are evened out.

A small model paints a flat area with clouds. Where the colours of an area lie close together they are drawn to their
median; what lies apart, as a shadow, a pattern or light, is left. This is no part of the paper's method.
"""

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab
from skimage.segmentation import watershed

GAP = 5 / 256  # of the longer side: openings in a line up to this width do not join two areas
LEAST_INK = 0.15  # darkness of a line
MIXED = 0.8  # share of an area's pixels that must lie within reach of its median
FEWEST = 8  # pixels that a colour is taken from
LARGEST = 1024  # longer side that areas are found at; beyond it they are enlarged, for the time it takes


def line_areas(lines: Image.Image) -> np.ndarray:
    """(H, W) int, from 1: the area of every pixel, for dark lines on white. A line belongs to the areas beside it.

    Areas grow from what is wider than a gap (the trapped-ball idea), so that a broken outline still holds.
    """
    if max(lines.size) > LARGEST:
        small = lines.copy()
        small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
        return np.asarray(Image.fromarray(line_areas(small)).resize(lines.size, Image.Resampling.NEAREST))
    ink = _ink(lines)
    room = ndimage.distance_transform_edt(~ink)
    wide = room > GAP * max(ink.shape) / 2
    seeds, count = ndimage.label(wide)
    connected, _ = ndimage.label(~ink)
    narrow = ~ink & ~np.isin(connected, connected[wide])
    seeds = np.where(narrow, connected + count, seeds)
    return watershed(-room, seeds) if seeds.any() else np.ones(ink.shape, np.int32)


def even_areas(picture: Image.Image, lines: Image.Image, strength: float) -> Image.Image:
    """A result (mode "RGB") with its areas evened out; lines: its sketch, mode "L", dark on white, of any size.

    strength: 0 leaves the picture, 1 gives each area one colour. In between, with reach = 36 strength / (1 - strength)
    in CIELAB, colours nearer than a quarter of the reach to the median become it, those beyond three quarters stay.
    """
    if strength <= 0:
        return picture
    reach = 36 * strength / (1 - strength) if strength < 1 else np.inf
    lines = lines.resize(picture.size, Image.Resampling.LANCZOS)
    areas, ink = line_areas(lines), _ink(lines)
    margin = max(1, round(max(picture.size) / 256))  # the soft edge of a line
    inside = ndimage.distance_transform_edt(~ink) > margin
    lab = rgb2lab(np.asarray(picture, np.float32) / 255)
    for label, place in enumerate(ndimage.find_objects(areas), 1):
        if place is None:
            continue
        here = areas[place] == label
        for counting in (here & inside[place], here & ~ink[place]):
            if counting.sum() >= FEWEST:
                lab[place] = _evened(lab[place], here, counting, reach)
                break
    evened = (lab2rgb(lab) * 255).round().astype(np.uint8)
    return Image.fromarray(evened)


def _evened(lab: np.ndarray, here: np.ndarray, counting: np.ndarray, reach: float) -> np.ndarray:
    """lab (h, w, 3) with the pixels `here` drawn to the median of those `counting`; others are lines' soft edges."""
    median = np.median(lab[counting], 0)
    lightness = np.where(counting, median[0], np.minimum(lab[..., 0], median[0]))
    # The darker a mixture with ink, the less colour it has.
    target = np.concatenate([lightness[..., None], median[1:] * (lightness / max(median[0], 1))[..., None]], axis=2)
    apart = np.linalg.norm(lab - target, axis=2)
    if np.mean(apart[counting] <= reach * 2 / 3) < MIXED:
        return lab
    weight = np.clip(1.5 - 2 * apart / reach, 0, 1) * here
    return lab + weight[..., None] * (target - lab)


def _ink(lines: Image.Image) -> np.ndarray:
    darkness = 1 - np.asarray(lines, np.float32) / 255
    return darkness > max(LEAST_INK, 0.35 * np.percentile(darkness, 99.5))
