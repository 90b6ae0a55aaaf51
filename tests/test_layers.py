"""Layers: nothing is lost in taking a picture apart, colours meet under the lines, and other programs can open it."""

import io
import os
import shutil
import subprocess
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw

from colorizer.layers import colours_without_lines, keep_lines, separate
from colorizer.openraster import save_openraster
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

RED, BLUE = (220, 40, 40), (40, 60, 210)


def line_art(size=96):
    """A frame and a line down the middle."""
    picture = Image.new("L", (size, size), 255)
    draw = ImageDraw.Draw(picture)
    width = max(1, size // 48)
    draw.rectangle((size // 8, size // 8, size - size // 8, size - size // 8), outline=0, width=width)
    draw.line((size // 2, size // 8, size // 2, size - size // 8), fill=0, width=width)
    return picture


def coloured(size=96, lines=None):
    """Red at the left, blue at the right, brownish lines on top."""
    picture = Image.new("RGB", (size, size), RED)
    picture.paste(BLUE, (size // 2, 0, size, size))
    lines = line_art(size) if lines is None else lines
    return Image.composite(picture, Image.new("RGB", picture.size, (60, 30, 10)), lines)


def levels(picture):
    return np.asarray(picture, dtype=int)


def test_the_layers_together_are_the_picture():
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    for picture in (coloured(), Image.fromarray(noise)):
        layers = separate(picture, line_art())
        assert np.abs(levels(layers.merged) - levels(picture)).max() <= 1
        assert layers.colours.mode == "RGB" and layers.lines.mode == "RGBA"


def test_colours_have_no_lines_and_meet_in_the_middle():
    colours = levels(separate(coloured(), line_art()).colours)[20:76]  # where the line parts them
    assert set(map(tuple, colours.reshape(-1, 3))) == {RED, BLUE}
    border = (colours[..., 0] == RED[0]).sum(1)
    assert np.abs(border - 48).max() <= 2


def test_the_line_layer_is_transparent_elsewhere_and_dark_on_lines():
    lines = levels(separate(coloured(), line_art()).lines)
    drawn = levels(line_art()) == 0
    assert lines[..., 3][drawn].min() > 128
    assert lines[..., :3][drawn].max() < 128
    assert lines[30, 30, 3] == lines[2, 2, 3] == 0


@pytest.mark.parametrize("sketch", [Image.new("L", (96, 96), 255), Image.new("L", (96, 96), 0)])
def test_nothing_or_nothing_but_lines(sketch):
    picture = coloured()
    assert np.array_equal(levels(colours_without_lines(picture, sketch)), levels(picture))
    assert np.array_equal(levels(separate(picture, sketch).merged), levels(picture))


def test_kept_lines_are_the_line_art_in_its_own_size():
    large = line_art(480)
    picture = levels(keep_lines(coloured(), large))
    assert picture.shape == (480, 480, 3)
    drawn = levels(large) == 0
    assert picture[drawn].max() == 0
    # beside the line in the middle the colours are pure up to the last pixel, though they were enlarged five times
    middle = picture[200]
    assert np.abs(middle[230] - RED).max() <= 2 and np.abs(middle[250] - BLUE).max() <= 2


def test_openraster_follows_the_specification():
    layers, file = separate(coloured(), line_art()), io.BytesIO()
    save_openraster(layers, file)
    with zipfile.ZipFile(file) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"image/openraster"
        pictures = {name: Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist() if ".png" in name}
        image = ElementTree.fromstring(archive.read("stack.xml"))
    assert image.tag == "image" and (image.get("w"), image.get("h")) == ("96", "96")
    stacked = image.findall("stack/layer")
    assert [layer.get("name") for layer in stacked] == ["Lines", "Colours"]  # the topmost comes first
    assert max(pictures["Thumbnails/thumbnail.png"].size) <= 256
    assert np.array_equal(levels(pictures["mergedimage.png"]), levels(layers.merged))
    recomposed = Image.new("RGBA", (96, 96))
    for layer in reversed(stacked):
        recomposed.alpha_composite(pictures[layer.get("src")].convert("RGBA"))
    assert np.abs(levels(recomposed.convert("RGB")) - levels(coloured())).max() <= 1


@pytest.mark.skipif(
    not (shutil.which("krita") and shutil.which("xvfb-run")), reason="needs Debian's packages krita and xvfb"
)
def test_krita_shows_the_layers_as_the_picture_that_was_taken_apart(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    layers = separate(Image.fromarray(noise), line_art().crop((0, 0, 96, 64)))
    save_openraster(layers, tmp_path / "both.ora")
    with zipfile.ZipFile(tmp_path / "both.ora") as both, zipfile.ZipFile(tmp_path / "bare.ora", "w") as bare:
        for name in both.namelist():  # so that it is put together from the layers
            if name != "mergedimage.png":
                bare.writestr(name, both.read(name))
    export = ["krita", "--export", "--export-filename", "shown.png", "bare.ora"]
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run(["xvfb-run", "-a", *export], cwd=tmp_path, env=environment, check=True, capture_output=True)
    shown = levels(Image.open(tmp_path / "shown.png").convert("RGB"))
    assert np.abs(shown - noise).max() <= 1


def test_keep_lines_is_a_setting_of_a_run(tiny_checkpoint):
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    sketch, settings = line_art(200), GenerationSettings(steps=2, batch_size=2)
    plain = colorizer.colorize(sketch, coloured(), settings)
    kept = colorizer.colorize(sketch, coloured(), settings.evolve(keep_lines=True))
    assert plain[0].size == (64, 64)
    for picture, flat in zip(kept, plain, strict=True):
        assert np.array_equal(levels(picture), levels(keep_lines(flat, sketch)))


def test_kept_lines_never_make_a_large_result_smaller():
    picture = coloured(480)
    kept = levels(keep_lines(picture, line_art(96)))
    assert kept.shape == (480, 480, 3)
    assert kept[240, 230:250].max(-1).min() < 60  # the line down the middle, enlarged
    assert np.abs(kept[200, 100] - RED).max() <= 2 and np.abs(kept[200, 400] - BLUE).max() <= 2
