"""The shipped examples: complete, small, credited, and what the sketch preparation takes for drawings."""

import json
from pathlib import Path

import pytest

from colorizer.images import read_picture
from colorizer.lineart import classify_sketch, has_lines, prepare_sketch, read_line_art

ASSETS = Path(__file__).parents[1] / "assets"
EXAMPLES = json.loads((ASSETS / "examples.json").read_text("utf-8"))


def test_there_are_enough_and_no_stray_files():
    assert len(EXAMPLES) >= 10
    listed = {example[part] for example in EXAMPLES for part in ("sketch", "reference")}
    assert listed == {f"examples/{path.name}" for path in (ASSETS / "examples").iterdir()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["title"])
def test_example(example):
    credits = (ASSETS / "LICENSES.md").read_text("utf-8")
    for part in ("sketch", "reference"):
        path = ASSETS / example[part]
        assert path.stat().st_size <= 200_000
        assert max(read_picture(path).size) <= 768
        assert f"| {example[part]} |" in credits
    sketch = read_line_art(ASSETS / example["sketch"])
    assert classify_sketch(sketch) == "as-is"
    assert has_lines(prepare_sketch(sketch))


def test_coloured_pictures_are_told_from_drawings():
    for example in EXAMPLES:
        assert classify_sketch(read_line_art(ASSETS / example["reference"])) == "extract", example["title"]
