"""Closer to the reference, lines kept, layers, estimate and more references, in a real browser with a tiny model."""

import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw

from colorizer.png import read_parameters
from tests.browsing import set_number, upload, url_of_a_tiny_model, visitors, wait_for_result  # noqa: F401  (fixtures)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

expect = sync_api.expect
pytestmark = needs_chromium


@pytest.fixture
def page(visit):
    return visit()


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = {name: folder / f"{name}.png" for name in ("sketch", "first", "second")}
    sketch = Image.new("L", (220, 160), 255)
    ImageDraw.Draw(sketch).ellipse((20, 20, 199, 139), outline=0, width=5)
    sketch.save(paths["sketch"])
    Image.new("RGB", (90, 90), "orange").save(paths["first"])
    Image.new("RGB", (90, 60), "navy").save(paths["second"])
    return paths


def test_from_the_controls_to_the_layers(page, paths, tmp_path):
    expect(page.locator("#layers")).to_be_disabled()
    upload(page, "sketch", paths["sketch"])
    upload(page, "reference", paths["first"])
    page.click("#more-references > .fold-title summary")
    upload(page, "reference-2", paths["second"])
    page.click("#reference-regions > .fold-title summary")
    expect(page.locator("#reference-region-1 .region-picture")).to_be_visible()
    expect(page.locator("#reference-region-3 .region-picture")).to_be_hidden()
    painting = page.locator("#reference-region-2")
    painting.locator("[data-tool='+']").click()
    painting.locator("[data-part=marks]").scroll_into_view_if_needed()
    box = painting.locator("[data-part=marks]").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 4)  # in one go: nothing between may be left out
    page.mouse.up()
    weight = page.locator("#reference-weight-2 input[type=number]")
    weight.fill("0.5")
    weight.press("Tab")
    page.click("#more > .fold-title summary")
    page.click("#closer > .fold-title summary")
    for name, value in {"steps": 4, "adain": 0.5, "attention_injection": 1, "similarity_end": 0.5}.items():
        set_number(page, name, value)
    page.locator("#keep_lines input").check()
    page.locator("#sharp input").check()
    page.click("#colorize")
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator("#estimate")).to_contain_text("GB of memory")

    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "picture.png")
    settings = read_parameters(tmp_path / "picture.png").settings
    assert (settings.adain, settings.attention_injection, settings.similarity_end) == (0.5, 1, 0.5)
    assert settings.keep_lines and settings.sharp and settings.reference_weights == (1, 0.5)
    assert list(map(str, settings.reference_regions)) == ["None", "++++/..../..../...."]
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size == (220, 160)
        flat = np.asarray(picture.convert("RGB"), int)
    assert flat[(np.asarray(Image.open(paths["sketch"])) == 0)].max() == 0

    page.click("#layers")
    links = page.locator("#layer-files a[download]")
    expect(links).to_have_count(3)
    expect(page.locator("#layer-files button.label-clear-button:visible")).to_have_count(0)  # nothing to remove
    layers = {}
    for link in links.all():
        response = page.request.get(link.get_attribute("href"))
        assert response.ok
        layers[link.get_attribute("download").rsplit("-")[-1].rsplit(".")[-1]] = response.body()
    (tmp_path / "layers.ora").write_bytes(layers["ora"])
    with zipfile.ZipFile(tmp_path / "layers.ora") as archive, archive.open("mergedimage.png") as merged:
        assert np.abs(np.asarray(Image.open(merged), int) - flat).max() <= 1


def test_the_estimate_follows_the_settings(page, paths):
    upload(page, "sketch", paths["sketch"])
    set_number(page, "steps", 4)
    page.click("#colorize")  # which shows how long a step takes
    wait_for_result(page)
    expect(page.locator("#estimate")).to_contain_text("s and")
    before = page.inner_text("#estimate")
    page.click("#size input")
    page.get_by_role("option", name="512 px").click()
    expect(page.locator("#estimate")).not_to_have_text(before)
