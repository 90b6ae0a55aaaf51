"""A page that is loaded again in the same browser: what comes back, and what stays as the visitor has it already."""

from PIL import Image

from colorizer.png import read_parameters
from tests.browsing import (  # noqa: F401  (fixtures)
    drawn_pictures,
    fill,
    picture_at,
    set_number,
    upload,
    url_of_a_tiny_model,
    visitors,
)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

expect = sync_api.expect
pytestmark = needs_chromium


def coloured(page, path, run):
    """Settings in the picture of the visitor's run number `run`."""
    expect(page.locator("#history .thumbnail-item")).to_have_count(run - 1)
    page.click("#colorize")
    expect(page.locator("#history .thumbnail-item")).to_have_count(run)
    expect(page.locator("#download")).to_be_enabled()
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(path)
    return read_parameters(path).settings


def paint(page, number):
    """A row of cells of reference `number`."""
    painting = page.locator(f"#reference-region-{number}")
    painting.locator("[data-tool='+']").click()
    painting.locator("[data-part=marks]").scroll_into_view_if_needed()
    box = painting.locator("[data-part=marks]").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 4)  # in one go: nothing between may be left out
    page.mouse.up()


def test_further_references_come_back_with_weights_and_painted_parts(visit, pictures, tmp_path):
    page = visit()
    fill(page, pictures)
    page.click("#more-references > .fold-title summary")
    upload(page, "reference-2", pictures["square"])
    page.click("#reference-regions > .fold-title summary")
    expect(page.locator("#reference-region-2 .region-picture")).to_be_visible()
    paint(page, 2)
    weight = page.locator("#reference-weight-2 input[type=number]")
    weight.fill("0.5")
    weight.press("Tab")
    set_number(page, "steps", 4)
    page.check("#seed-lock input")
    before = coloured(page, tmp_path / "before.png", run=1)
    assert before.reference_weights == (1, 0.5)
    assert before.reference_regions[0] is None and "+" in str(before.reference_regions[1])

    page.reload()
    page.wait_for_function("window.visitReturned")
    page.click("#more-references > .fold-title summary")
    for zone, name in (("sketch", "circle"), ("reference", "reference"), ("reference-2", "square")):
        with Image.open(pictures[name]) as uploaded:
            assert picture_at(page, f"#{zone} img").size == uploaded.size
    expect(page.locator("#reference-3 img")).to_have_count(0)
    page.click("#reference-regions > .fold-title summary")
    expect(page.locator("#reference-region-2 .region-picture")).to_be_visible()
    page.locator("#prepared img").wait_for()
    assert coloured(page, tmp_path / "after.png", run=2) == before

    stranger = visit()
    assert stranger.locator("#reference img, #reference-2 img").count() == 0
    expect(stranger.locator("#reference-weight-2 input[type=number]")).to_have_value("1")

    upload(page, "reference-2", pictures["reference"])  # another picture has nothing painted on it
    after = coloured(page, tmp_path / "another.png", run=3)
    assert after.reference_regions == () and after.reference_weights == (1, 0.5)


def test_an_example_chosen_before_the_answer_stays_and_the_rest_comes_back(visit, pictures):
    page = visit()
    page.wait_for_function("window.visitReturned")
    fill(page, pictures)
    set_number(page, "guidance_scale", 7)
    held = []
    page.route("**/queue/join**", lambda route: held.append(route))
    page.reload()
    page.locator("#examples button.thumbnail-item").nth(1).click()
    page.locator("#sketch img").wait_for()
    chosen = page.locator("#sketch img").get_attribute("src")
    assert held and "circle" not in chosen
    for route in held:
        route.continue_()
    page.unroute("**/queue/join**")
    page.wait_for_function("window.visitReturned")
    expect(page.locator("#guidance_scale input[type=number]")).to_have_value("7")
    assert page.locator("#sketch img").get_attribute("src") == chosen
    page.reload()
    expect(page.locator("#sketch img")).to_have_attribute("src", chosen)
