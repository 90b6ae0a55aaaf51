"""The endpoint for programs, called with gradio_client."""

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from colorizer.png import read_parameters
from ui.model_shelf import ModelShelf
from ui.page import build_page, launch


@pytest.fixture(scope="module")
def client(tiny_checkpoint):
    blocks = build_page(ModelShelf(tiny_checkpoint.parent, device="cpu"))
    yield Client(launch(blocks, "127.0.0.1", port=None), verbose=False)
    blocks.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    sketch = Image.new("L", (100, 150), 255)
    ImageDraw.Draw(sketch).ellipse((20, 20, 80, 130), outline=0, width=4)
    sketch.save(folder / "sketch.png")
    Image.new("RGB", (80, 80), (40, 120, 200)).save(folder / "reference.png")
    return folder / "sketch.png", folder / "reference.png"


def colorize(client, sketch, reference, **changes):
    options = {"gs": 2.0, "sgs": 1.0, "noise_level": 0.0, "steps": 4, "seed": 7} | changes
    return client.predict(
        sketch=handle_file(sketch),
        reference=reference and handle_file(reference),
        **options,
        api_name="/colorize",
    )


def test_colorize_returns_a_png_with_its_parameters(client, pictures):
    path = colorize(client, *pictures, gs=3, steps=5, seed=11)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (43, 64)
    parameters = read_parameters(path)
    assert (parameters.settings.guidance_scale, parameters.settings.steps, parameters.seed) == (3, 5, 11)


def test_the_seed_decides(client, pictures):
    def pixels(seed):
        return np.asarray(Image.open(colorize(client, *pictures, seed=seed)))

    assert (pixels(1) == pixels(1)).all()
    assert (pixels(1) != pixels(2)).any()


def test_works_without_a_reference(client, pictures):
    assert colorize(client, pictures[0], None).endswith(".png")


def test_refuses_bad_input_and_goes_on(client, pictures, tmp_path):
    text_file = tmp_path / "text.png"
    text_file.write_text("not a picture")
    with pytest.raises(AppError, match="not a PNG"):
        colorize(client, text_file, pictures[1])
    with pytest.raises(AppError):
        colorize(client, *pictures, steps=100_000)
    assert colorize(client, *pictures).endswith(".png")


def test_is_documented_and_alone(client):
    described = client.view_api(return_format="dict")["named_endpoints"]
    assert list(described) == ["/colorize"]
    names = [parameter["parameter_name"] for parameter in described["/colorize"]["parameters"]]
    assert names == ["sketch", "reference", "gs", "sgs", "noise_level", "steps", "seed"]
