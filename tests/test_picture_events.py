"""What the upload zones say and show of a picture, without a browser."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ui import picture_events
from ui.edit_compare import save_comparisons


def thin_drawing(side=2048):
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line((1000, 100, 1000, 1900), fill=0)
    return picture


def test_thin_lines_of_a_large_sketch_are_shown_as_dark_as_the_model_sees_them(tmp_path):
    thin_drawing().save(tmp_path / "sketch.png")
    shown, _ = picture_events._prepare(str(tmp_path / "sketch.png"), "as-is")
    assert max(shown["value"].size) == 512
    assert np.asarray(shown["value"]).min() < 160  # the average has 204

    Image.new("RGB", (512, 512)).save(tmp_path / "result.png")
    (compared,) = save_comparisons(thin_drawing(), [tmp_path / "result.png"], None, [], str(tmp_path))
    with Image.open(compared.sketch) as beside:
        assert beside.size == (512, 512) and np.asarray(beside).min() < 160


def ellipse(colour):
    picture = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(picture).ellipse((120, 80, 150, 110), outline="black", fill=colour, width=3)
    return picture


@pytest.mark.parametrize(("colour", "warnings"), [("white", 1), ("lightgrey", 1), ("orange", 0)])
def test_a_sketch_given_as_the_reference_is_said_to_have_no_colours(tmp_path, monkeypatch, colour, warnings):
    said = []
    monkeypatch.setattr(picture_events, "warn", said.append)
    ellipse(colour).save(tmp_path / "reference.png")
    picture_events._check_reference(str(tmp_path / "reference.png"))
    assert len(said) == warnings
