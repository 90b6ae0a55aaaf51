"""Vector drawings as linear layers: render the shapes once, then every recolouring is a matrix product.

Compositing of plain fills and gradients is linear in their colours, so a drawing is
picture = coverage_1 colour_1 + ... + coverage_K colour_K + ink + (1 - alpha) background. Rendering with three slots
painted pure red, green and blue and the rest black gives three coverages at once; what of alpha is left is ink (black).
That yields exact line art (every slot white), exact part masks and exact truths in any palette.
"""

import io
import re
from dataclasses import dataclass

import numpy as np
import resvg_py
from PIL import Image, ImageColor

SLOTS = ("hair", "skin", "eyes", "lips", "clothes", "earrings", "glasses", "white", "mouth")
NUM_SLOTS = len(SLOTS)

_COLOUR = re.compile(
    r"""((?:fill|stroke|stop-color|flood-color|(?<![-\w])color)\s*(?:=\s*["']|:)\s*)"""
    r"""(\#[0-9a-fA-F]{6}\b|\#[0-9a-fA-F]{3}\b|rgb\([^)]*\)|[a-zA-Z]+(?=\s*["';}]))"""
)
_NOT_COLOURS = {"none", "inherit", "currentcolor", "transparent", "url", "context"}


@dataclass(frozen=True)
class Layers:
    """One drawing. coverage: (K + 1, S, S) uint8, the slots then ink; colours: (K, 3) in [0, 1], its own palette.

    style: where it comes from; name: stable identity; words: what is known of it for captions.
    """

    coverage: np.ndarray
    colours: np.ndarray
    style: str
    name: str
    words: dict


def normalise_colour(token: str) -> str | None:
    """A CSS colour as lower-case #rrggbb, None when it is not a plain colour."""
    token = token.strip().lower()
    if token in _NOT_COLOURS:
        return None
    try:
        red, green, blue = ImageColor.getrgb(token)[:3]
    except ValueError:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"


def colours_of(svg: str) -> list[str]:
    """Every distinct plain colour of an SVG text, normalised, in order of appearance."""
    found = (normalise_colour(match[2]) for match in _COLOUR.finditer(svg))
    return list(dict.fromkeys(colour for colour in found if colour))


def recolour(svg: str, mapping: dict[str, str]) -> str:
    """`svg` with each normalised colour replaced by mapping's, colours that mapping lacks by black."""

    def replace(match: re.Match) -> str:
        colour = normalise_colour(match[2])
        return match[0] if colour is None else match[1] + mapping.get(colour, "#000000")

    return _COLOUR.sub(replace, svg)


def render(svg: str, size: int) -> np.ndarray:
    """RGBA (size, size, 4) uint8 with straight alpha; the drawing is fitted into the square and centred."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    if picture.size != (size, size):
        square = Image.new("RGBA", (size, size))
        square.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
        picture = square
    return np.asarray(picture)


def render_layers(svg: str, slot_of: dict[str, int], size: int) -> np.ndarray:
    """coverage (K + 1, size, size) uint8 of an SVG; slot_of: normalised colour -> slot, other colours are ink."""
    coverage = np.zeros((NUM_SLOTS + 1, size, size), np.uint8)
    used = sorted(set(slot_of.values()))
    left = None
    for start in range(0, max(len(used), 1), 3):
        group = used[start : start + 3]
        channel = {slot: "#" + "".join("ff" if i == j else "00" for j in range(3)) for i, slot in enumerate(group)}
        mapping = {colour: channel[slot] for colour, slot in slot_of.items() if slot in channel}
        rgba = render(recolour(svg, mapping), size).astype(np.float32) / 255
        alpha = rgba[..., 3]
        left = alpha.copy() if left is None else left
        for i, slot in enumerate(group):
            part = rgba[..., i] * alpha
            coverage[slot] = np.rint(part * 255)
            left -= part
    coverage[NUM_SLOTS] = np.rint(left.clip(0, 1) * 255)
    return coverage
