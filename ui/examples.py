"""Ready-made pairs of pictures, read from `assets/examples.json`."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

ASSETS = Path(__file__).parent.parent / "assets"
THUMBNAIL = (320, 200)  # width, height in pixels


@dataclass(frozen=True)
class Example:
    """settings: some fields of `GenerationSettings`; the others keep their defaults."""

    title: str
    sketch: Path
    reference: Path
    preparation: str = "auto"
    settings: dict = field(default_factory=dict)


def load_examples(folder: Path = ASSETS) -> list[Example]:
    """The examples in `folder`/examples.json, whose paths are relative to `folder`; none when the file is missing."""
    index = folder / "examples.json"
    if not index.is_file():
        return []
    entries = json.loads(index.read_text(encoding="utf-8"))
    return [
        Example(**entry | {"sketch": folder / entry["sketch"], "reference": folder / entry["reference"]})
        for entry in entries
    ]


def thumbnail(example: Example) -> Image.Image:
    """Sketch and reference side by side on white."""
    width, height = THUMBNAIL
    canvas = Image.new("RGB", THUMBNAIL, "white")
    for index, path in enumerate((example.sketch, example.reference)):
        with Image.open(path) as picture:
            half = picture.convert("RGBA")
        half.thumbnail((width // 2, height), Image.Resampling.LANCZOS)
        left = index * width // 2 + (width // 2 - half.width) // 2
        canvas.paste(half, (left, (height - half.height) // 2), half)
    return canvas
