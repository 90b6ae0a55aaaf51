"""The degree strip: one edit at several target scales side by side, so that progressive change is seen."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from colorizer.errors import UserError
from colorizer.manipulation.edit import Edit

if TYPE_CHECKING:  # it holds edits and would import this package in turn
    from colorizer.settings import GenerationSettings

FEWEST, MOST = 3, 7
LABEL, GAP = 30, 8  # pixels: height of a line of text and space between pictures 256 pixels wide or less


def degree_scales(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` target scales (3 to 7) from `low` to `high`, both included, equally far apart."""
    if not FEWEST <= count <= MOST:
        raise UserError(f"A degree strip shows {FEWEST} to {MOST} pictures, not {count}.")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"The strip's first scale {low:g} must be below its last {high:g}.")
    return tuple(low + (high - low) * i / (count - 1) for i in range(count))


def degree_range(scale: float) -> tuple[float, float]:
    """The lowest and the highest target scale of a strip around `scale`, a model's usual one: half of it and twice."""
    return scale / 2, scale * 2


def degree_edits(edits: Sequence[Edit], index: int, scales: Sequence[float]) -> list[tuple[Edit, ...]]:
    """For each scale, the list of edits with the one at `index` set to it; the others stay."""
    return [
        (*edits[:index], dataclasses.replace(edits[index], target_scale=scale), *edits[index + 1 :]) for scale in scales
    ]


def degree_settings(settings: "GenerationSettings", index: int, scales: Sequence[float]) -> "list[GenerationSettings]":
    """The settings of each picture of the strip: one picture a scale, all with the seed of `settings`.

    index: of the edit that is varied; it is switched on.
    """
    edits = [*settings.edits]
    edits[index] = dataclasses.replace(edits[index], enabled=True)
    return [settings.evolve(edits=step, batch_size=1) for step in degree_edits(edits, index, scales)]


def strip_picture(pictures: Sequence[Image.Image], scales: Sequence[float], title: str) -> Image.Image:
    """The pictures, all of one size, side by side with their target scales below and `title` above. Mode "RGB"."""
    width, height = pictures[0].size
    zoom = max(1.0, width / 256)
    label, gap = round(LABEL * zoom), round(GAP * zoom)
    strip = Image.new("RGB", (len(pictures) * (width + gap) + gap, height + 2 * label + gap), "white")
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size=16 * zoom)
    while title and draw.textlength(title, font=font) > strip.width - 2 * gap:
        title = f"{title.rstrip('…')[:-1]}…"
    draw.text((gap, label / 2), title, fill="black", font=font, anchor="lm")
    for i, (picture, scale) in enumerate(zip(pictures, scales, strict=True)):
        left = gap + i * (width + gap)
        strip.paste(picture.convert("RGB"), (left, label))
        draw.text(
            (left + width / 2, label + height + (label + gap) / 2),
            f"scale {scale:g}",
            fill="black",
            font=font,
            anchor="mm",
        )
    return strip
