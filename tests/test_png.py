import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from colorizer import __version__
from colorizer.errors import UserError
from colorizer.manipulation import Edit
from colorizer.png import CHUNK, PictureParameters, read_parameters, save_png
from colorizer.settings import GenerationSettings

GOOD = {"format": 1, "model": "m", "model_hash": "ab", "app_version": "0", "seed": 5, "settings": {}}


def png_with(text, chunk=CHUNK, compressed=False):
    buffer, info = io.BytesIO(), PngInfo()
    info.add_text(chunk, text, zip=compressed)
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def test_round_trip(tmp_path):
    settings = GenerationSettings(steps=9, batch_size=3, seed=40, edits=(Edit("緑の髪", control="hair"),))
    parameters = PictureParameters(
        settings,
        seed=42,
        model="mini",
        model_hash="0123456789",
        preparation="extract",
        prediction_type="epsilon",
    )
    save_png(Image.new("RGB", (8, 6), "red"), tmp_path / "a.png", parameters)

    read = read_parameters(tmp_path / "a.png")
    assert read == parameters
    assert read.app_version == __version__
    assert read.picture_settings == settings.evolve(seed=42, batch_size=1)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (8, 6) and picture.getpixel((3, 3)) == (255, 0, 0)


def test_largest_edits_fit():
    edits, length = [], 0
    while True:
        try:
            settings = GenerationSettings(edits=[*edits, Edit("髪" * 1000)])
        except UserError:
            break
        edits, length = settings.edits, length + 1
    buffer = io.BytesIO()
    save_png(Image.new("RGB", (4, 4)), buffer, PictureParameters(GenerationSettings(edits=edits), 1))
    assert len(read_parameters(buffer.getvalue()).settings.edits) == length > 0


def test_no_parameters():
    assert read_parameters(png_with("hello", chunk="Comment")) is None


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[" * 50_000,
        "[]",
        json.dumps({**GOOD, "settings": 3}),
        json.dumps({**GOOD, "format": 2}),
        json.dumps({**GOOD, "model": {"a": 1}}),
        json.dumps({**GOOD, "model": "x" * 201}),
        json.dumps({**GOOD, "seed": -1}),
        json.dumps({**GOOD, "seed": None}),
        json.dumps({**GOOD, "seed": 1e400}),
        json.dumps({**GOOD, "seed": 10**400}),
        json.dumps({**GOOD, "padding": "x" * 70_000}),
    ],
)
def test_bad_parameters_are_refused(text):
    with pytest.raises(UserError):
        read_parameters(png_with(text))


def test_compressed_bomb_is_refused():
    with pytest.raises(UserError):
        read_parameters(png_with("x" * 50_000_000, compressed=True))


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + b"\xff" * 100])
def test_other_files_are_refused(data):
    with pytest.raises(UserError):
        read_parameters(data)


def test_good_settings_survive_bad_ones():
    stored = {"steps": 12, "noise_level": 10**400, "colour_of_magic": 8, "schedule": "vp"}
    read = read_parameters(png_with(json.dumps({**GOOD, "settings": stored})))
    assert read.settings == GenerationSettings(steps=12, schedule="vp")
    assert set(read.not_restored) == {"noise_level", "colour_of_magic"}
