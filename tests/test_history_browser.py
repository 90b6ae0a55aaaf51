"""History, presets and settings that come back, in a real browser with a tiny random model."""

import re
import zipfile

from colorizer.png import read_parameters
from tests.browsing import (  # noqa: F401  (fixtures)
    drawn_pictures,
    fill,
    set_number,
    url_of_a_tiny_model,
    visitors,
    wait_for_result,
)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

expect = sync_api.expect
pytestmark = needs_chromium

STRIP = "#history .thumbnail-item"


def run(page, variants=1):
    set_number(page, "steps", 4)
    set_number(page, "batch_size", variants)
    before = page.locator(STRIP).count()
    page.click("#colorize")
    wait_for_result(page)
    expect(page.locator(STRIP)).to_have_count(before + variants)


def on_stage(page, side=1):
    """The file on the stage; 0 is the left side."""
    return page.locator("#stage-result img").nth(side).get_attribute("src").rsplit("/", 1)[-1]


def seed_of(page, index):
    return re.search(r"\d+", page.locator(STRIP).nth(index).inner_text())[0]


def choose(page, index, by_key=None):
    """Bring a picture to the stage that is not there yet."""
    shown = page.locator("#stage-result img").nth(1)
    before = shown.get_attribute("src")
    if by_key:
        page.keyboard.press(by_key)
        expect(page.locator(STRIP).nth(index)).to_be_focused()
    else:
        page.locator(STRIP).nth(index).click()
    expect(shown).not_to_have_attribute("src", before)


def test_the_history_of_a_session(visit, pictures, tmp_path):
    page = visit()
    expect(page.locator("#history-area")).to_have_count(0)
    fill(page, pictures)
    run(page, variants=2)
    seeds = [seed_of(page, index) for index in range(2)]

    # keys move and the stage follows
    page.locator(STRIP).nth(0).focus()
    choose(page, 1, by_key="ArrowRight")
    second_file = on_stage(page)
    expect(page.locator("#status")).to_contain_text(f"Seed {seeds[1]}")

    page.click("#history-pin")
    expect(page.locator(STRIP).nth(1)).to_contain_text("★")

    # any two on the slider
    page.click("#history-compare")
    expect(page.locator("#status")).to_contain_text("choose the picture to compare")
    choose(page, 0)
    expect(page.locator("#status")).to_contain_text("Left is the first")
    assert on_stage(page, 0) == second_file != on_stage(page, 1)

    # delete and undo
    page.locator(STRIP).nth(0).focus()
    page.keyboard.press("Delete")
    expect(page.locator(STRIP)).to_have_count(1)
    expect(page.locator("#history-compare")).to_be_disabled()  # with what?
    assert seed_of(page, 0) == seeds[1]
    page.click("#history-undo")
    expect(page.locator(STRIP)).to_have_count(2)

    # its settings and its seed
    set_number(page, "steps", 30)
    choose(page, 1)
    page.click("#history-reuse")
    expect(page.locator("#steps input[type=number]")).to_have_value("4")
    expect(page.locator("#seed input")).to_have_value(seeds[1])
    expect(page.locator("#seed-lock input")).to_be_checked()
    expect(page.locator("#status")).to_contain_text("as they were for this picture")

    with page.expect_download() as download:
        page.click("#history-archive")
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == 2
        archive.extractall(tmp_path / "all")
    stored = [read_parameters(path) for path in (tmp_path / "all").iterdir()]
    assert {str(parameters.seed) for parameters in stored} == set(seeds)

    # the page again: everything is there, and another visitor sees nothing of it
    set_number(page, "guidance_scale", 3)
    page.reload()
    expect(page.locator(STRIP)).to_have_count(2)
    for zone in ("sketch", "reference", "prepared"):
        expect(page.locator(f"#{zone} img")).to_be_visible()
    expect(page.locator("#guidance_scale input[type=number]")).to_have_value("3")
    expect(page.locator("#seed input")).to_have_value(seeds[1])
    stranger = visit()
    assert stranger.locator("#history-area, #stage img, #sketch img").count() == 0


def test_settings_come_from_a_picture_and_from_presets(visit, pictures, tmp_path):
    page = visit()
    fill(page, pictures)
    set_number(page, "guidance_scale", 5)
    run(page)
    seed = page.input_value("#seed input")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "picture.png")

    page.click("#saved > .fold-title summary")
    page.fill("#preset-name :is(input, textarea)", "Strong")
    page.click("#preset-save")
    expect(page.locator("#status")).to_contain_text("Saved as “Strong”")
    set_number(page, "guidance_scale", 2)
    page.click("#preset-load")
    expect(page.locator("#guidance_scale input[type=number]")).to_have_value("5")
    page.fill("#preset-name :is(input, textarea)", "Stronger")
    page.click("#preset-rename")
    expect(page.locator("#status")).to_contain_text("Stronger")

    other = visit()
    other.click("#saved > .fold-title summary")
    other.set_input_files("#load-settings input[type=file]", tmp_path / "picture.png")
    expect(other.locator("#guidance_scale input[type=number]")).to_have_value("5")
    expect(other.locator("#seed input")).to_have_value(seed)
    other.set_input_files("#load-settings input[type=file]", pictures["reference"])
    other.locator(".toast-body", has_text="no settings").wait_for()
    expect(other.locator("#status")).to_contain_text("no settings")  # and no longer that settings are loaded
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    other.set_input_files("#load-settings input[type=file]", tmp_path / "bad.png")
    other.locator(".toast-body", has_text="no PNG").wait_for()
    expect(other.locator("#guidance_scale input[type=number]")).to_have_value("5")

    page.reload()
    page.click("#saved > .fold-title summary")
    page.click("#saved-presets input")
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("option", name="Stronger").click()
    page.click("#preset-delete")
    expect(page.locator("#status")).to_contain_text("Deleted the preset")
