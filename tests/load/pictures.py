"""What each visitor brings, and what must come back to it."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

STEPS = 6


@dataclass(frozen=True)
class Commission:
    """Two PNG files and a seed, of one visitor only. expected: (H, W, 3), what a direct run makes of them."""

    sketch: bytes
    reference: bytes
    seed: int
    expected: np.ndarray


def commissions(checkpoint: Path, count: int) -> list[Commission]:
    colorizer = Colorizer.load(checkpoint, device="cpu")
    made = []
    for index in range(count):
        sketch = Image.new("L", (120, 120), 255)
        draw = ImageDraw.Draw(sketch)
        draw.regular_polygon((60, 60, 30 + index % 4 * 5), 3 + index % 7, rotation=11 * index, outline=0, width=4)
        reference = Image.new("RGB", (80, 80), tuple(np.random.default_rng(index).integers(0, 256, 3).tolist()))
        files = _png(sketch), _png(reference)
        seed = 1000 + index
        settings = GenerationSettings(steps=STEPS, seed=seed)
        expected = colorizer.colorize(load_sketch(files[0]), read_picture(files[1]), settings)[0]
        made.append(Commission(*files, seed, np.asarray(expected)))
    return made


def whose(picture: np.ndarray, made: list[Commission]) -> int | None:
    """The index of the commission that a picture belongs to, None when it is nobody's.

    Another number of threads may round a level differently, so equality is not asked for.
    """
    if any(picture.shape != one.expected.shape for one in made):
        return None
    distances = [np.abs(picture.astype(int) - one.expected).mean() for one in made]
    best = int(np.argmin(distances))
    return best if distances[best] < 1.0 else None


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
