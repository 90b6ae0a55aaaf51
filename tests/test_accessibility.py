"""The page for everybody: axe-core, keyboard only, names and explanations, fingers on a phone."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browsing import (  # noqa: F401  (fixtures)
    drawn_pictures,
    fill,
    set_number,
    url_of_a_tiny_model,
    visitors,
    wait_for_result,
)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect
pytestmark = needs_chromium


def violations(page):
    """Serious and critical ones: (rule, elements)."""
    found = axe_playwright.Axe().run(page).response["violations"]
    return [
        (rule["id"], [node["html"][:300] for node in rule["nodes"]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, pictures, scheme):
    page = visit(color_scheme=scheme, reduced_motion="reduce")
    found = {"empty": violations(page)}
    fill(page, pictures)
    set_number(page, "steps", 4)
    set_number(page, "batch_size", 2)
    for part in ("saved", "more-references", "reference-regions"):
        page.click(f"#{part} > .fold-title summary")
    expect(page.locator("#reference-region-1 .region-picture")).to_be_visible()
    page.click("#colorize")
    wait_for_result(page)
    page.locator("#history .thumbnail-item").first.wait_for()
    found["result"] = violations(page)
    page.locator(".mode-switch label:has(#mode-edit)").click()
    page.fill("#edit-target :is(input, textarea)", "green hair")
    page.fill("#edit-control :is(input, textarea)", "the hair")
    expect(page.locator(".region-legend li")).to_have_count(5)
    page.click("#edit-save")
    page.locator(".edit-row").wait_for()
    found["edit"] = violations(page)
    tabs = page.get_by_role("tab")
    for index in range(1, tabs.count()):
        tabs.nth(index).click()
        expect(tabs.nth(index)).to_have_attribute("aria-selected", "true")
        found[tabs.nth(index).inner_text()] = violations(page)
    assert found == dict.fromkeys(found, [])


def test_a_picture_is_made_and_looked_at_by_keyboard_only(visit, pictures):
    page = visit()
    fill(page, pictures)  # a file dialog is the system's own
    set_number(page, "steps", 4)
    page.keyboard.press("Control+Enter")
    wait_for_result(page)
    handle = page.get_by_role("slider", name="Border between the two pictures")
    handle.focus()
    start = handle.bounding_box()["x"]
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "start => document.querySelector('#stage-result [role=slider]').getBoundingClientRect().x > start + 10",
        arg=start,
    )
    expect(handle).not_to_have_attribute("aria-valuenow", "50")
    page.keyboard.press("Home")
    page.wait_for_function(
        "start => document.querySelector('#stage-result [role=slider]').getBoundingClientRect().x < start - 100",
        arg=start,
    )
    reached, unmarked = set(), set()
    page.locator("#sketch button").first.focus()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id]:not([id^=range])')?.id"))
        unmarked.add(
            page.evaluate(
                """(focused => focused !== document.body && getComputedStyle(focused).outlineStyle === "none"
                    ? focused.outerHTML.slice(0, 200) : null)(document.activeElement)"""
            )
        )
    assert unmarked <= {None}
    assert {"swap", "clear", "colorize", "preset", "guidance_scale", "seed", "history-pin", "download"} <= reached


def test_examples_and_history_are_called_by_their_captions(visit, pictures):
    page = visit()
    examples = page.locator("#examples .thumbnail-item")
    captions = [caption.strip() for caption in page.locator("#examples .caption-label").all_inner_texts()]
    assert len(captions) > 5
    for index, caption in enumerate(captions):
        expect(examples.nth(index)).to_have_accessible_name(caption)
    fill(page, pictures)
    set_number(page, "steps", 4)
    page.click("#colorize")
    wait_for_result(page)
    expect(page.locator("#history .thumbnail-item")).to_have_accessible_name(f"Seed {page.input_value('#seed input')}")


def unexplained(page):
    """The controls in sight with neither a tooltip nor a line of explanation. Gradio's own icons name themselves."""
    return page.evaluate(
        """() => [...document.querySelectorAll(":is(#workspace, #folder-workspace) :is(button, input, textarea)")]
            .filter((e) => e.checkVisibility() && !e.closest("[title]"))
            .filter((e) => !e.closest(".upload-container, .icon-button-wrapper, .source-selection, .reset-button"))
            .filter((e) => !e.querySelector(".image-frame")) // a picture itself
            .filter((e) => !e.closest(".thumbnail-item, .label-wrap, .mode-switch, .idea"))
            .filter((e) => !e.closest(".block")?.querySelector(".has-info, .info-text"))
            .map((e) => e.outerHTML.slice(0, 200))"""
    )


def test_every_control_is_explained(visit, pictures):
    page = visit()
    fill(page, pictures)
    set_number(page, "steps", 4)
    page.click("#saved > .fold-title summary")
    page.click("#colorize")
    wait_for_result(page)
    page.locator("#history-pin").wait_for()
    page.locator("#layers:not(:disabled)").wait_for()
    assert unexplained(page) == []
    page.locator(".mode-switch label:has(#mode-edit)").click()
    page.locator("#edit-save").wait_for()
    assert unexplained(page) == []
    page.get_by_role("tab").nth(1).click()
    page.locator("#folder-start").wait_for()
    assert unexplained(page) == []


@pytest.mark.parametrize("device", [{}, {"has_touch": True, "is_mobile": True}])
def test_the_thumb_of_a_slider_is_seen_where_its_track_is_empty(visit, device):
    page = visit(color_scheme="light", **device)
    track = page.locator("#sketch_guidance_scale input[type=range]")
    assert track.input_value() == track.get_attribute("min")
    picture = Image.open(io.BytesIO(track.screenshot())).convert("L")
    thumb = np.asarray(picture)[:, :40]
    assert (thumb < 150).sum() > 20, "pixels with a contrast of about 3:1 to the white ground"


def test_a_swipe_over_a_slider_scrolls_and_does_not_move_it(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    track = page.locator("#guidance_scale input[type=range]")
    track.scroll_into_view_if_needed()
    value, before = track.input_value(), page.evaluate("scrollY")
    box = track.bounding_box()
    x, y = box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x, "y": y + 15 * step}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("before => scrollY < before - 50", arg=before)
    assert track.input_value() == value

    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    share = page.evaluate("input => (input.value - input.min) / (input.max - input.min)", track.element_handle())
    x, y = box["x"] + 13 + share * (box["width"] - 26), box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 60, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(track).not_to_have_value(value)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
