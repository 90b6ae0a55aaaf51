"""What is done to a decoded picture along the lines of its sketch."""

import numpy as np
from PIL import Image
from skimage.color import lab2rgb, rgb2lab

from colorizer.even_areas import even_areas
from colorizer.line_areas import LineAreas
from colorizer.match_colours import Palette, match_colours
from colorizer.settings import GenerationSettings


def is_finished(settings: GenerationSettings) -> bool:
    """Whether the settings ask for anything of it."""
    return bool(settings.even_areas or settings.match_colours)


def finish(
    picture: Image.Image, lines: Image.Image, palette: Palette | None, settings: GenerationSettings
) -> Image.Image:
    """A picture, mode "RGB", evened out and matched as the settings say.

    lines: its sketch, mode "L", dark on white, of any size. palette: of its references, None without one.
    """
    matched = settings.match_colours if palette is not None and len(palette.colours) else 0.0
    if not (settings.even_areas or matched):
        return picture
    areas = LineAreas.of(lines, picture.size)
    lab = even_areas(rgb2lab(np.asarray(picture, np.float32) / 255), areas, settings.even_areas)
    if matched:
        lab = match_colours(lab, areas, palette, matched)
    return Image.fromarray((lab2rgb(lab) * 255).round().astype(np.uint8))
