"""Thin lines of a large sketch, made small without fading.

A line of one pixel, made four times smaller, is a quarter as dark. No model was trained on such lines, and colours run
across them.
"""

import numpy as np
from PIL import Image

GAIN = 2.5  # by which a line may be darkened; the drawings of the training have it too
FAINTEST = 64  # darkness in levels below which ink is the grain of paper


def reduce_line_art(line_art: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Line art of mode "L" or "RGB", dark on white, at a smaller (width, height).

    As by averaging, but what was thinner than a pixel becomes up to 2.5 times darker, and never darker than its ink.
    Line art that is not at least twice as large is only averaged.
    """
    averaged = line_art.resize(size, Image.Resampling.LANCZOS)
    block = min(line_art.width // size[0], line_art.height // size[1])
    if block < 2:
        return averaged
    darkest = Image.fromarray(_darkest(np.asarray(line_art), block)).resize(size, Image.Resampling.BILINEAR)
    ink = 255 - np.asarray(darkest, np.float32)
    mean = 255 - np.asarray(averaged, np.float32)
    ink[ink < FAINTEST] = 0
    levels = 255 - np.maximum(mean, np.minimum(ink, GAIN * mean))
    return Image.fromarray(np.rint(levels).astype(np.uint8))


def _darkest(pixels: np.ndarray, block: int) -> np.ndarray:
    """The darkest level of each square of `block` pixels; squares at the end may be smaller."""
    for axis in (0, 1):
        pixels = np.minimum.reduceat(pixels, np.arange(0, pixels.shape[axis], block), axis)
    return pixels
