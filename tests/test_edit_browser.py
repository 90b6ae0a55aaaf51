"""The panel "Edit by words" in a real browser, as a visitor uses it, with a tiny random model."""

import re
import shutil

import numpy as np
import pytest

from colorizer.png import read_parameters
from tests.browsing import (  # noqa: F401  (fixtures)
    drawn_pictures,
    fill,
    picture_at,
    served,
    set_number,
    upload,
    visitors,
    wait_for_result,
)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

expect = sync_api.expect
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def url(tiny_checkpoint, tiny_cls_checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(tiny_checkpoint, folder / "a-tiny.safetensors")
    shutil.copy(tiny_cls_checkpoint, folder / "b-cls.safetensors")
    with served(folder) as address:
        yield address


def start(visit, pictures, **options):
    """A visitor with both pictures at the panel."""
    page = visit(**options)
    fill(page, pictures)
    set_number(page, "steps", 4)
    switch_to(page, "edit")
    return page


def switch_to(page, mode):
    """mode: "colorize" or "edit"."""
    page.locator(f".mode-switch label:has(#mode-{mode})").click()


def write(page, **texts):
    for name, words in texts.items():
        page.fill(f"#edit-{name} :is(input, textarea)", words)


def shares(page):
    """The shares in the legend, band by band, in percent."""
    expect(page.locator(".region-legend li")).to_have_count(5)
    return [float(share.rstrip("%")) for share in page.locator(".region-legend em").all_inner_texts()]


def changed(page, before):
    """The shares once they are other ones than `before`."""
    page.wait_for_function(
        "before => [...document.querySelectorAll('.region-legend em')].map((e) => e.innerText).join() !== before",
        arg=",".join(f"{share:.1f}%" for share in before),
    )
    return shares(page)


def threshold(page, index):
    return page.locator(f"#edit-ts{index} input[type=number]")


def add_edit(page, **texts):
    write(page, **({"target": "green hair", "control": "the hair"} | texts))
    count = page.locator(".edit-row").count()
    page.click("#edit-save")
    expect(page.locator(".edit-row")).to_have_count(count + 1)


def test_from_words_to_an_edited_picture(visit, pictures, tmp_path):
    page = start(visit, pictures)
    expect(page.locator("#edit-canvas .region-message")).to_contain_text("Where")

    # words in, regions and histogram out, without generating
    write(page, target="green hair", control="the hair")
    first = shares(page)
    assert sum(first) == pytest.approx(100, abs=0.3)
    expect(page.locator("#edit-histogram svg")).to_be_visible()
    expect(page.locator("#edit-polarity")).to_contain_text("Low relevance means related")
    assert page.locator("#status").inner_text().startswith("Ready")

    # the values under the pointer
    page.locator("#edit-canvas [data-part=marks]").hover(position={"x": 10, "y": 10})
    expect(page.locator("#edit-canvas .region-readout")).to_have_text(
        re.compile(r"m \d\.\d\d · [\w ]+ · weight ω -?[\d.]+")
    )

    # a threshold moved beyond the next ones pushes them along
    threshold(page, 0).fill("0.8")
    threshold(page, 0).press("Tab")
    expect(threshold(page, 2)).to_have_value("0.82")
    assert [float(threshold(page, i).input_value()) for i in range(4)] == [0.8, 0.81, 0.82, 0.95]
    second = changed(page, first)
    assert second[0] > first[0]
    page.click("#edit-auto")
    expect(threshold(page, 0)).not_to_have_value("0.8")
    page.click("#edit-reset")
    expect(threshold(page, 0)).to_have_value("0.5")

    # a region painted by hand
    before = shares(page)
    page.click("#edit-canvas [data-tool='+']")
    box = page.locator("#edit-canvas [data-part=marks]").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 4, steps=8)
    page.mouse.up()
    page.check("#edit-canvas [data-part=only]")
    changed(page, before)
    expect(page.locator(".region-legend em").first).to_have_text("25.0%")  # one row of four

    page.click("#edit-save")
    expect(page.locator(".edit-row")).to_contain_text("region painted")
    expect(page.locator("#edit-count")).to_have_text("1")

    # generated: unedited and edited with one seed, then what changed
    page.click("#colorize")
    wait_for_result(page)
    expect(page.locator("#compare")).to_be_visible()
    expect(page.locator("#compare-note")).to_contain_text("Change on average")
    expect(page.locator("#compare-note")).to_contain_text("in the hair")
    unedited, edited = (picture_at(page, f"#stage-result img >> nth={i}") for i in (0, 1))
    assert unedited.size == edited.size == (200, 200)
    assert np.abs(np.asarray(unedited, float) - np.asarray(edited, float)).max() > 0
    for label, size in (("Edited | what changed", "-change.png"), ("Sketch | result", "-sketch.png")):
        page.get_by_label(label).check()
        expect(page.locator(f"#stage-result img[src*='{size}']")).to_have_count(1)

    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "edited.png")
    (edit,) = read_parameters(tmp_path / "edited.png").settings.edits
    assert (edit.target, edit.control) == ("green hair", "the hair")
    assert str(edit.region_mask) == "++++/----/----/----"


def test_the_unedited_picture_is_made_once_and_the_seed_kept(visit, pictures):
    page = start(visit, pictures)
    page.click("#colorize")
    wait_for_result(page)
    plain = picture_at(page, "#stage-result img >> nth=1")
    expect(page.locator("#compare")).to_be_hidden()
    add_edit(page)
    expect(page.locator("#edit-save")).to_have_text("Save change")
    seen = []
    page.expose_function("said", lambda words: seen.append(words))
    page.evaluate(
        """() => new MutationObserver(() => said(document.querySelector("#status").innerText))
            .observe(document.querySelector("#status"), { childList: true, subtree: true, characterData: true })"""
    )
    page.click("#colorize")
    expect(page.locator("#compare")).to_be_visible()
    wait_for_result(page)
    assert picture_at(page, "#stage-result img >> nth=0").tobytes() == plain.tobytes()
    assert any("Step" in said for said in seen)
    assert not any("Unedited picture first" in said for said in seen)

    # switched off, the same picture comes as at first
    page.locator(".edit-row input[type=checkbox]").uncheck()
    expect(page.locator("#edit-count")).to_be_hidden()
    page.click("#colorize")
    expect(page.locator("#compare")).to_be_hidden()
    wait_for_result(page)
    assert picture_at(page, "#stage-result img >> nth=1").tobytes() == plain.tobytes()


def test_the_list_is_ordered_changed_undone_and_redone(visit, pictures):
    page = start(visit, pictures)
    rows = page.locator(".edit-row")
    add_edit(page)
    page.click("#edit-new")
    expect(page.locator("#edit-target :is(input, textarea)")).to_have_value("")
    add_edit(page, target="<b>blue</b> `${1+1}` sky", control="the sky")
    expect(rows.nth(1)).to_contain_text("<b>blue</b> `${1+1}` sky")  # words stay words
    rows.nth(1).locator("[data-action=up]").click()
    expect(rows.nth(0)).to_contain_text("sky")
    rows.nth(1).locator(".edit-words").click()
    expect(page.locator("#edit-target :is(input, textarea)")).to_have_value("green hair")
    expect(rows.nth(1)).to_have_class(re.compile("is-chosen"))
    write(page, target="red hair")
    page.click("#edit-save")
    expect(rows.nth(1)).to_contain_text("red hair")
    page.click("#edit-undo")
    expect(rows.nth(1)).to_contain_text("green hair")
    page.click("#edit-redo")
    expect(rows.nth(1)).to_contain_text("red hair")
    rows.nth(0).locator("[data-action=remove]").click()
    expect(rows).to_have_count(1)
    page.click("#edit-undo")
    expect(rows).to_have_count(2)
    expect(page.locator("#edit-redo")).to_be_enabled()


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(visit, pictures):
    page = start(visit, pictures)
    write(page, target="green hair")
    page.click("#edit-save")
    expect(page.locator("#edit-control-note [role=alert]")).to_contain_text("empty")
    expect(page.locator(".edit-row")).to_have_count(0)
    page.click("#colorize")  # an edit that is asked for is not left out silently
    page.locator(".toast-body", has_text="not complete").wait_for()
    expect(page.locator("#colorize")).to_be_enabled()
    write(page, target="hair " * 40)
    expect(page.locator("#edit-target-note")).to_contain_text("too long")
    write(page, control="the hair")
    page.click("#colorize")  # complete now: it is added and used
    expect(page.locator(".edit-row")).to_have_count(1)
    wait_for_result(page)
    expect(page.locator("#compare")).to_be_visible()


def test_a_strip_is_made_shown_and_stopped(visit, pictures):
    page = start(visit, pictures)
    add_edit(page)
    page.click("#edit-more > .fold-title summary")
    page.click("#strip-make")
    expect(page.locator("#status")).to_contain_text("The strip of 5 pictures is ready")
    strip = picture_at(page, "#strip-picture img")
    assert strip.size[0] > 5 * 64
    expect(page.locator("#strip-download")).to_be_visible()

    switch_to(page, "colorize")
    set_number(page, "steps", 50)
    switch_to(page, "edit")
    page.click("#strip-make")
    expect(page.locator("#status")).to_contain_text("Picture 1 of 5")
    page.click("#stop")
    expect(page.locator("#status")).to_contain_text("Stopped")
    expect(page.locator("#strip-make")).to_be_enabled()
    expect(page.locator("#colorize")).to_be_enabled()


def test_regions_are_shown_while_somebody_else_generates(visit, pictures):
    busy = start(visit, pictures)
    switch_to(busy, "colorize")
    set_number(busy, "steps", 50)
    set_number(busy, "batch_size", 4)
    onlooker = start(visit, pictures)
    busy.click("#colorize")
    busy.locator("#stage-preview img").wait_for()
    write(onlooker, target="green hair", control="the hair")
    assert sum(shares(onlooker)) == pytest.approx(100, abs=0.3)
    expect(busy.locator("#colorize")).to_be_disabled()  # it still runs
    expect(busy.locator(".region-legend li")).to_have_count(0)  # and sees nothing of the other's
    wait_for_result(busy)
    expect(busy.locator(".edit-row")).to_have_count(0)


def test_a_cls_model_says_that_edits_are_global(visit, pictures):
    page = start(visit, pictures)
    switch_to(page, "colorize")
    page.click("#model input")
    page.get_by_role("option", name="b-cls").click()
    switch_to(page, "edit")
    expect(page.locator("#edit-global")).to_contain_text("whole picture")
    expect(page.locator("#edit-canvas")).to_be_hidden()
    expect(page.locator("#edit-control")).to_be_hidden()
    write(page, target="green hair")
    page.click("#edit-save")
    expect(page.locator(".edit-row")).to_have_count(1)
    page.click("#colorize")
    wait_for_result(page)
    expect(page.locator("#compare")).to_be_visible()


def test_the_regions_can_be_painted_by_keyboard(visit, pictures):
    page = start(visit, pictures)
    write(page, target="green hair", control="the hair")
    before = shares(page)
    page.locator("#edit-canvas [data-tool='-']").focus()
    page.keyboard.press("Enter")
    page.check("#edit-canvas [data-part=brush]")
    page.locator("#edit-canvas [data-part=marks]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", " "):
        page.keyboard.press(key)
    after = changed(page, before)
    assert after[4] > before[4]
    expect(page.locator("#edit-canvas .region-readout")).to_contain_text("does not belong")
    page.click("#edit-canvas [data-part=clear]")
    assert changed(page, after) == before


def test_phone_and_names(visit, pictures):
    page = start(visit, pictures, viewport={"width": 390, "height": 844}, has_touch=True)
    write(page, target="green hair", control="the hair")
    shares(page)
    page.locator("#edit-canvas [data-part=marks]").tap(position={"x": 30, "y": 30})
    expect(page.locator("#edit-canvas .region-readout")).to_contain_text("weight")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator(f"#{name}").bounding_box()["y"] for name in ("mode", "edit-target", "colorize", "stage")]
    assert tops == sorted(tops)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("#area-edit :is(button, input, textarea, canvas[tabindex])")]
            .filter((e) => e.checkVisibility() && !(e.getAttribute("aria-label") || e.title || e.innerText?.trim()
                || e.labels?.length || e.getAttribute("aria-labelledby")))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []
