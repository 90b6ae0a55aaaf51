"""A picture taken apart into colours and lines, and the line art of the upload laid over a result."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

PAPER = 232  # a pixel of the line art from this level on is bare paper
SOFT_EDGE = 2  # pixels that the autoencoder blurs beside a line


@dataclass(frozen=True)
class PictureLayers:
    """colours: mode "RGB", no lines. lines: mode "RGBA" of the same size, transparent where there is no line.

    The lines laid over the colours are the picture that was taken apart, up to one level of rounding.
    """

    colours: Image.Image
    lines: Image.Image

    @property
    def merged(self) -> Image.Image:
        """Both layers, one over the other; mode "RGB"."""
        merged = self.colours.copy()
        merged.paste(self.lines, mask=self.lines.getchannel("A"))
        return merged


def separate(picture: Image.Image, line_art: Image.Image) -> PictureLayers:
    """The layers of a coloured picture (mode "RGB").

    line_art: what it was made from, mode "L", dark lines on white, of any size.
    """
    lines = line_art.resize(picture.size, Image.Resampling.LANCZOS)
    colours = colours_without_lines(picture, lines)
    return PictureLayers(colours, _difference(np.asarray(picture), np.asarray(colours)))


def keep_lines(picture: Image.Image, line_art: Image.Image) -> Image.Image:
    """The colours of a result under the line art itself, black and crisp, in the larger of both sizes; mode "RGB".

    picture: mode "RGB", of any size in the proportions of `line_art` (mode "L", dark lines on white).
    """
    size = max(picture.size, line_art.size)
    scale = max(size) / max(picture.size)
    enlarged = picture.resize(size, Image.Resampling.BICUBIC)
    line_art = line_art.resize(size, Image.Resampling.LANCZOS)
    # The borders of the enlarged colours are soft over some pixels; they are drawn anew under the sharp lines.
    colours = colours_without_lines(enlarged, line_art, round(SOFT_EDGE * scale))
    return Image.composite(colours, Image.new("RGB", colours.size), line_art)


def colours_without_lines(picture: Image.Image, lines: Image.Image, reach: int = SOFT_EDGE) -> Image.Image:
    """The picture with its lines painted over from both sides, so that colours meet in the middle of a line.

    lines: mode "L", of the picture's size. reach: pixels beside a line that belong to it.
    Every pixel takes the colour of the nearest one that is no line. Dividing the lines out leaves bright seams, because
    a model's lines are never exactly the sketch's, and smooth inpainting blurs the borders of flat colours.
    """
    drawn = np.asarray(lines) < PAPER
    covered = ndimage.distance_transform_edt(~drawn) <= reach if drawn.any() else drawn
    if not covered.any() or covered.all():
        return picture.copy()
    pixels = np.asarray(picture)
    rows, columns = ndimage.distance_transform_edt(covered, return_distances=False, return_indices=True)
    # The mean of the 3 x 3 pixels around the nearest one that are no lines: single odd pixels would become spots.
    bare = (~covered).astype(np.float32)
    weight = ndimage.uniform_filter(bare, 3, mode="constant")[rows[covered], columns[covered]]
    filled = pixels.copy()
    for channel in range(3):
        smooth = ndimage.uniform_filter(bare * pixels[..., channel], 3, mode="constant")
        levels = smooth[rows[covered], columns[covered]] / weight
        filled[covered, channel] = np.clip(np.rint(levels), 0, 255)
    return Image.fromarray(filled)


def _difference(picture: np.ndarray, colours: np.ndarray) -> Image.Image:
    """The most transparent layer (mode "RGBA") that laid over `colours` gives `picture`, both (H, W, 3) uint8."""
    over, under = picture.astype(np.float32), colours.astype(np.float32)
    # A layer of any colour reaches the picture's level from below or above: 0 or 255 need the least of it.
    room = np.where(over < under, under, 255 - under)
    needed = np.abs(over - under) / np.maximum(room, 1)
    alpha = np.ceil(needed.max(-1) * 255)
    share = np.maximum(alpha, 1)[..., None] / 255
    levels = np.clip(np.rint((over - (1 - share) * under) / share), 0, 255)
    return Image.fromarray(np.dstack([levels, alpha]).astype(np.uint8))
