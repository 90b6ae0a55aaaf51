"""Objects, animals and people from Open Clip Art (public domain): coloured drawings with dark outlines, as layers.

The pictures come from Debian's package openclipart-svg; a folder of other SVG files does as well.
"""

import re
import zlib
from pathlib import Path

import numpy as np

from colorizer.data.layers import NUM_SLOTS, Layers, colours_of, render_layers

DEFAULT_FOLDER = Path("/usr/share/openclipart/svg")
MAX_BYTES = 120_000
_UNSUITED = re.compile(r"<image|<text|<filter|mix-blend|xlink:href=[\"']data:", re.IGNORECASE)
_TITLE = re.compile(r"<dc:title>\s*([^<]{2,60}?)\s*</dc:title>")


def is_held_out(path: Path) -> bool:
    """One file in ten, by a stable hash of its name."""
    return zlib.crc32(path.name.encode()) % 10 == 0


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def is_ink(colour: str) -> bool:
    """Dark and unsaturated: an outline, not a fill."""
    rgb = _rgb(colour)
    return rgb.max() < 0.36 and rgb.max() - rgb.min() < 0.16


def candidates(folder: Path, split: str) -> list[Path]:
    """SVG files of the split, in a fixed order. No file is opened."""
    return [path for path in sorted(folder.rglob("*.svg")) if is_held_out(path) == (split == "held-out")]


def load_clipart(path: Path, size: int = 256) -> Layers | None:
    """The drawing as layers, None when it is no coloured line drawing (photographs, text, no outline, too large)."""
    if path.stat().st_size > MAX_BYTES:
        return None
    svg = path.read_text("utf-8", errors="replace")
    if _UNSUITED.search(svg):
        return None
    fills = [colour for colour in colours_of(svg) if not is_ink(colour)]
    if not 2 <= len(fills) <= 40 or len(fills) == len(colours_of(svg)):
        return None
    palette, slot_of = group_colours(fills)
    try:
        coverage = render_layers(svg, slot_of, size)
    except ValueError:  # resvg refuses the file
        return None
    share = coverage.astype(np.float32).mean((1, 2)) / 255
    ink, figure = share[NUM_SLOTS], share.sum()
    if not (0.01 < ink < 0.25 * figure and figure > 0.12 and (share[:NUM_SLOTS] > 0.01).sum() >= 2):
        return None
    title = _TITLE.search(svg)
    return Layers(coverage, palette, "clipart", path.stem, {"title": title[1].lower() if title else ""})


def group_colours(fills: list[str]) -> tuple[np.ndarray, dict[str, int]]:
    """palette (K, 3) and colour -> slot: the most different colours are centres, the rest join the nearest one."""
    rgb = np.stack([_rgb(colour) for colour in fills])
    centres = [0]
    while len(centres) < min(NUM_SLOTS, len(fills)):
        distance = np.linalg.norm(rgb[:, None] - rgb[centres], axis=-1).min(1)
        centres.append(int(distance.argmax()))
    nearest = np.linalg.norm(rgb[:, None] - rgb[centres], axis=-1).argmin(1)
    palette = np.full((NUM_SLOTS, 3), np.nan, np.float32)
    palette[: len(centres)] = rgb[centres]
    return palette, {colour: int(slot) for colour, slot in zip(fills, nearest, strict=True)}
