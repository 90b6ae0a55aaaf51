"""The page with a tiny model in a real Chromium: fixtures, visitors, pictures, what a visitor does again and again."""

import contextlib
import io

import pytest
from PIL import Image, ImageDraw

from tests.chromium import PATIENCE, sync_api
from ui.model_shelf import ModelShelf
from ui.page import build_page, launch

expect = sync_api.expect


@contextlib.contextmanager
def served(models):
    """The address of a page with the models of a folder, while it runs."""
    blocks = build_page(ModelShelf(models, device="cpu"))
    try:
        yield launch(blocks, "127.0.0.1", port=None)
    finally:
        blocks.close()


@pytest.fixture(scope="module", name="url")
def url_of_a_tiny_model(tiny_checkpoint):
    with served(tiny_checkpoint.parent) as address:
        yield address


@pytest.fixture(name="visit")
def visitors(browser, url):
    """visit(**context options) -> the page of a new visitor, ready for use."""
    with contextlib.ExitStack() as contexts:

        def open_page(**options):
            context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
            contexts.callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto(url)
            page.locator("#sketch input[type=file]").wait_for(state="attached")
            expect(page.locator("#status")).not_to_be_empty()
            return page

        yield open_page


@pytest.fixture(scope="module", name="pictures")
def drawn_pictures(tmp_path_factory):
    """Sketches of a circle and of a square, and a reference of two colours."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = {name: folder / f"{name}.png" for name in ("circle", "square", "reference")}
    for name in ("circle", "square"):
        image = Image.new("L", (200, 200), 255)
        draw = ImageDraw.Draw(image)
        (draw.ellipse if name == "circle" else draw.rectangle)((30, 30, 170, 170), outline=0, width=6)
        image.save(paths[name])
    reference = Image.new("RGB", (120, 90), (200, 80, 40))
    ImageDraw.Draw(reference).ellipse((10, 10, 60, 60), fill=(40, 60, 160))
    reference.save(paths["reference"])
    return paths


def upload(page, zone, path):
    page.set_input_files(f"#{zone} input[type=file]", path)
    page.locator(f"#{zone} img").wait_for()


def fill(page, pictures, sketch="circle"):
    upload(page, "sketch", pictures[sketch])
    upload(page, "reference", pictures["reference"])
    page.locator("#prepared img").wait_for()


def set_number(page, setting, value):
    if not page.locator("#steps").is_visible():
        page.click("#more > .fold-title summary")
    field = page.locator(f"#{setting} input[type=number]")
    field.fill(str(value))
    field.press("Tab")


def wait_for_result(page):
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator("#stage-result img")).to_have_count(2)


def picture_at(page, selector):
    """The picture that an <img> shows, as the server gives it."""
    response = page.request.get(page.locator(selector).first.get_attribute("src"))
    assert response.ok
    return Image.open(io.BytesIO(response.body()))
