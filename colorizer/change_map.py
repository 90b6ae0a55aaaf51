"""What an edit changed, and what else moved with it: CIEDE2000 between two pictures, as a map and in numbers."""

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.errors import UserError

FULL_SCALE = 40.0  # the CIEDE2000 shown as the brightest colour; 1 is just visible, 20 plainly another colour


def colour_difference(before: Image.Image, after: Image.Image) -> NDArray[np.float32]:
    """CIEDE2000 of each pixel, (height, width), 0 for the same colour, about 100 between black and white.

    Raises UserError for pictures of different sizes.
    """
    if before.size != after.size:
        raise UserError(
            f"The pictures are {before.width} x {before.height} and {after.width} x {after.height}; "
            "compare two of the same size."
        )
    return deltaE_ciede2000(_lab(before), _lab(after)).astype(np.float32)


def change_picture(difference: NDArray[np.floating], full_scale: float = FULL_SCALE) -> Image.Image:
    """A map of differences as a picture, mode "RGB": dark where nothing changed, yellow from `full_scale` on."""
    colours = matplotlib.colormaps["viridis"](np.clip(difference / full_scale, 0, 1), bytes=True)
    return Image.fromarray(colours[..., :3])


def inside_and_outside(
    difference: NDArray[np.floating], region: NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """Mean difference inside and outside a region; None where there are no such pixels.

    difference: (height, width); region: (rows, columns), stretched over all of it as CLIP's token grid is.
    """
    height, width = difference.shape
    rows, columns = region.shape
    inside = region[np.arange(height) * rows // height][:, np.arange(width) * columns // width]
    return tuple(float(difference[part].mean()) if part.any() else None for part in (inside, ~inside))


def _lab(picture: Image.Image) -> NDArray[np.floating]:
    return rgb2lab(np.asarray(picture.convert("RGB"), dtype=np.float32) / 255)
