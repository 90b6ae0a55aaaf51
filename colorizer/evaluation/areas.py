"""What a picture of a triple consists of: its figure, its lines and its flat regions.

Pictures are (H, W, 3) uint8, sketches (H, W) uint8 with dark lines on white, masks (H, W) bool.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label

WHITE = 250  # every channel of a white pixel, at least
LINE = 128  # a pixel of a sketch below this is on a line
PAPER = 192  # a pixel of a sketch from this on is paper; between the two it is the soft edge of a line
SMALLEST_REGION = 64  # pixels
_TOLERANCE = 8  # levels by which the background may vary in a channel


@dataclass(frozen=True)
class FlatRegions:
    """labels: (H, W) int32, k + 1 on region k and 0 elsewhere; colours: (N, 3) uint8, what each is filled with."""

    labels: np.ndarray
    colours: np.ndarray

    def __len__(self) -> int:
        return len(self.colours)


def figure_mask(picture: np.ndarray) -> np.ndarray:
    """All but the background.

    The background is what can be reached from the picture's border over pixels of the background's colour: white where
    a quarter of the border is white, and the border's most frequent colour otherwise. A picture with less than a tenth
    of its border in one colour (a painting) is figure everywhere.
    """
    border = np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])
    colour = np.array([255, 255, 255])
    if (border >= WHITE).all(-1).mean() < 0.25:
        colours, counts = np.unique(border, axis=0, return_counts=True)
        colour = colours[counts.argmax()].astype(int)
    if _is_near(border, colour).mean() < 0.1:
        return np.ones(picture.shape[:2], bool)
    connected = label(_is_near(picture, colour), connectivity=1)
    edge = np.concatenate([connected[0], connected[-1], connected[:, 0], connected[:, -1]])
    return ~np.isin(connected, np.unique(edge[edge > 0]))


def flat_regions(truth: np.ndarray, sketch: np.ndarray, figure: np.ndarray) -> FlatRegions:
    """Connected areas of exactly one colour, 64 px or more, without lines and white background.

    Pixels are connected by their sides. Left out are
    * lines: areas of which more than half lies on a line of the sketch; where the sketch is not exact, also dark grey
      areas of which more than half lies within 3 px of one (for a picture of 256 px);
    * the smooth edges between two colours, which nowhere are two pixels wide and high;
    * white background: white areas of which more than half lies outside the figure. Background of another colour stays.
    """
    codes = truth.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    areas = label(codes, connectivity=1, background=-1)  # 1 ... N
    count = int(areas.max())
    sizes = np.bincount(areas.ravel(), minlength=count + 1)
    lines = sketch < LINE
    beside = ndimage.distance_transform_edt(~lines) <= 3 * max(1, max(lines.shape) / 256) if lines.any() else lines

    def share(mask: np.ndarray) -> np.ndarray:
        return np.bincount(areas[mask], minlength=count + 1) / np.maximum(sizes, 1)

    colours = np.zeros((count + 1, 3), np.uint8)
    colours[areas.ravel()] = truth.reshape(-1, 3)
    square = areas[1:, 1:]
    square = square[(square == areas[:-1, :-1]) & (square == areas[1:, :-1]) & (square == areas[:-1, 1:])]
    wide = np.bincount(square, minlength=count + 1) > 0
    line = (share(lines) > 0.5) | (_is_dark_grey(colours) & (share(beside) > 0.5))
    white_background = (colours >= WHITE).all(-1) & (share(~figure) > 0.5)
    kept = (sizes >= SMALLEST_REGION) & wide & ~line & ~white_background
    kept[0] = False
    number = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return FlatRegions(number[areas], colours[kept])


def _is_near(pixels: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return (np.abs(pixels.astype(int) - colour) <= _TOLERANCE).all(-1)


def _is_dark_grey(colours: np.ndarray) -> np.ndarray:
    """Colours (N, 3) uint8 that outlines are drawn in."""
    highest, lowest = colours.max(-1) / 255, colours.min(-1) / 255
    return (highest < 0.36) & (highest - lowest < 0.16)
