"""The areas between the lines of a sketch, and where in them colours are to be read."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.segmentation import watershed

GAP = 5 / 256  # of the longer side: openings in a line up to this width do not join two areas
LEAST_INK = 0.15  # darkness of a line
FEWEST = 8  # pixels that a colour is taken from
LARGEST = 1024  # longer side that areas are found at; beyond it they are enlarged, for the time it takes


@dataclass(frozen=True)
class LineAreas:
    """labels: (H, W) int, from 1; a line belongs to the areas beside it. paper: (H, W) bool, where there is no line;
    inside: the same without the soft edges of lines.
    """

    labels: np.ndarray
    paper: np.ndarray
    inside: np.ndarray

    @classmethod
    def of(cls, lines: Image.Image, size: tuple[int, int]) -> "LineAreas":
        """Of dark lines on white, mode "L" and of any size, for a picture of `size` (width, height)."""
        lines = lines.resize(size, Image.Resampling.LANCZOS)
        paper = ~_ink(lines)
        edge = max(1, round(max(size) / 256))
        return cls(_labels(lines), paper, ndimage.distance_transform_edt(paper) > edge)

    def __iter__(self) -> Iterator[tuple[tuple[slice, slice], np.ndarray, np.ndarray]]:
        """(place, here, counting) of each area that has a colour: its rows and columns, and in these (h, w) bool, its
        pixels with its share of the lines, and those that its colour is read from.
        """
        for label, place in enumerate(ndimage.find_objects(self.labels), 1):
            if place is None:
                continue
            here = self.labels[place] == label
            for counting in (here & self.inside[place], here & self.paper[place]):
                if counting.sum() >= FEWEST:
                    yield place, here, counting
                    break


def _labels(lines: Image.Image) -> np.ndarray:
    """Areas grow from what is wider than a gap (the trapped-ball idea), so that a broken outline still holds."""
    if max(lines.size) > LARGEST:
        small = lines.copy()
        small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
        return np.asarray(Image.fromarray(_labels(small)).resize(lines.size, Image.Resampling.NEAREST))
    ink = _ink(lines)
    room = ndimage.distance_transform_edt(~ink)
    wide = room > GAP * max(ink.shape) / 2
    seeds, count = ndimage.label(wide)
    connected, _ = ndimage.label(~ink)
    narrow = ~ink & ~np.isin(connected, connected[wide])
    seeds = np.where(narrow, connected + count, seeds).astype(np.int32)
    return watershed(-room, seeds) if seeds.any() else np.ones(ink.shape, np.int32)


def _ink(lines: Image.Image) -> np.ndarray:
    darkness = 1 - np.asarray(lines, np.float32) / 255
    return darkness > max(LEAST_INK, 0.35 * np.percentile(darkness, 99.5))
