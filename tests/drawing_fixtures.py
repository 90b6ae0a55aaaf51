"""Drawings for the tests of the training data."""

import numpy as np
import pytest
import torch

from colorizer.data import characters
from colorizer.data.compose import Layout
from colorizer.data.layers import Layers
from colorizer.data.library import pack

SIZE = 96
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/" width="80" height="80">
<metadata><dc:title> Red House </dc:title></metadata>
<rect x="6" y="30" width="60" height="44" fill="#d02020" stroke="#000000" stroke-width="{width}"/>
<path d="M4 30 L36 4 L70 30 Z" style="fill:#2040c0;stroke:#000;stroke-width:{width}"/>{extra}</svg>"""


def whole(count: int, size: int) -> Layout:
    """The layout that leaves a drawing as it is."""
    return Layout(torch.eye(2, 3).expand(count, 2, 3), size)


def hexadecimal(colour: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(x) * 255):02x}" for x in colour)


def head(style: str, seed: int = 0, split: str = "train") -> Layers:
    spec = characters.sample_character(np.random.default_rng(seed), split, style)
    return characters.render_character(spec, SIZE)


@pytest.fixture(scope="module", name="library")
def library_of_all_styles():
    """Four adventurers and two of each other style."""
    counts = {style: 4 if style == "adventurer" else 2 for style in characters.STYLE_SHARES}
    return pack([head(style, seed) for style, count in counts.items() for seed in range(count)])


@pytest.fixture(name="house")
def house_drawing(tmp_path):
    """Writes a small drawing of two colours; `width` of its outline, `extra` elements."""

    def write(name="house.svg", width=2.5, extra="", text=None):
        path = tmp_path / name
        path.write_text(text or DRAWING.format(width=width, extra=extra))
        return path

    return write
