"""A result whose areas have the colours of the reference.

The model paints a colour near the one that it means. Where the reference has one close by, the area is moved to it.
This is no part of the paper's method.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.line_areas import LineAreas

NEAR = 16  # CIEDE2000 up to which a colour of the reference is what an area means
NEAR_EDITED = 6  # the same after edits, which pass by colours of the reference on their way by degrees
APART = 18  # CIELAB distance to the median up to which a pixel moves with its area; at twice that it stays
SIDE = 256  # pixels that a reference is reduced to
FLAT = 6  # largest difference in L, a or b to the neighbours of a pixel that counts
MERGED = 8  # CIELAB distance of colours that count as one
LEAST = 0.001  # of a reference's pixels have a colour, or it is none of its colours


@dataclass(frozen=True)
class Palette:
    """colours: (k, 3) CIELAB, k may be 0. near: CIEDE2000 up to which an area takes one of them."""

    colours: np.ndarray
    near: float = NEAR


def palette_of(picture: Image.Image, counting: np.ndarray | None = None) -> np.ndarray:
    """(k, 3) CIELAB: the colours of the flat places of a picture, mode "RGB", the commonest first; k may be 0.

    counting: (rows, columns) bool, a grid over the picture of what counts, None for all of it.
    """
    picture = picture.copy()
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    lab = rgb2lab(np.asarray(picture))
    spread = [ndimage.maximum_filter(c, 3) - ndimage.minimum_filter(c, 3) for c in np.moveaxis(lab, 2, 0)]
    flat = np.max(spread, axis=0) < FLAT
    if counting is not None:
        flat &= np.asarray(Image.fromarray(counting).resize(picture.size, Image.Resampling.NEAREST))
    pixels = lab[flat]
    if not len(pixels):
        return np.empty((0, 3))
    _, cube, count = np.unique(np.round(pixels / 5).astype(int), axis=0, return_inverse=True, return_counts=True)
    centre = np.stack([np.bincount(cube.ravel(), channel) / count for channel in pixels.T], 1)
    free, colours = np.ones(len(count), bool), []
    for index in np.argsort(-count):
        if not free[index]:
            continue
        near = free & (np.linalg.norm(centre - centre[index], axis=1) < MERGED)
        free &= ~near
        if count[near].sum() >= LEAST * flat.size:
            colours.append(np.average(centre[near], 0, count[near]))
    return np.array(colours).reshape(-1, 3)


def match_colours(lab: np.ndarray, areas: LineAreas, palette: Palette, strength: float) -> np.ndarray:
    """A result in CIELAB (H, W, 3) with each area moved to the nearest colour of `palette`, if one is near.

    strength: how far, 0 (not) to 1 (all the way). What lies apart from the colour of its area stays.
    """
    if strength <= 0 or not len(palette.colours):
        return lab
    lab = lab.copy()
    for place, here, counting in areas:
        here_lab = lab[place]
        median = np.median(here_lab[counting], 0)
        difference = deltaE_ciede2000(median[None], palette.colours)
        nearest = difference.argmin()
        if difference[nearest] > palette.near:
            continue
        apart = np.linalg.norm(here_lab - median, axis=2)
        weight = strength * np.clip(2 - apart / APART, 0, 1) * here
        # The darker a mixture with ink, the less colour it has.
        weight *= np.where(counting, 1, np.clip(here_lab[..., 0] / max(median[0], 1), 0, 1))
        lab[place] = here_lab + weight[..., None] * (palette.colours[nearest] - median)
    return lab
