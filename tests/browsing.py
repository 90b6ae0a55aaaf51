"""Fixtures of a browser test: a page with a tiny model, visitors, pictures. Imported where they are used."""

import pytest
from PIL import Image, ImageDraw

from tests.chromium import sync_api
from tests.test_browser import RUN_TIMEOUT
from ui.model_shelf import ModelShelf
from ui.page import build_page, launch


@pytest.fixture(scope="module")
def url(tiny_checkpoint):
    blocks = build_page(ModelShelf(tiny_checkpoint.parent, device="cpu"))
    yield launch(blocks, "127.0.0.1", port=None)
    blocks.close()


@pytest.fixture
def visit(browser, url):
    """visit(**context options) -> the page of a new visitor."""
    contexts = []

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        context.set_default_timeout(RUN_TIMEOUT)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        page.locator("#sketch input[type=file]").wait_for(state="attached")
        sync_api.expect(page.locator("#status")).to_contain_text("Ready")
        return page

    sync_api.expect.set_options(timeout=30_000)
    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A sketch of a circle and a reference."""
    folder = tmp_path_factory.mktemp("pictures")
    sketch = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(sketch).ellipse((30, 30, 170, 170), outline=0, width=6)
    sketch.save(folder / "circle.png")
    Image.new("RGB", (120, 90), (200, 80, 40)).save(folder / "reference.png")
    return {name: folder / f"{name}.png" for name in ("circle", "reference")}
