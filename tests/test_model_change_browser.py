"""Another model on the page: what the visitor moved stays, the rest goes to the new model's defaults."""

import dataclasses

import pytest

from colorizer.checkpoint import save_checkpoint
from colorizer.models.model import ColorizationModel
from tests.browsing import served, set_number, visitors  # noqa: F401  (fixtures)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

expect = sync_api.expect
pytestmark = needs_chromium

RANGES = {
    "a": {"guidance_scale": [1, 10, 2], "sketch_guidance_scale": [1, 5, 1], "target_scale": [0, 15, 5]},
    "b": {"guidance_scale": [1, 6, 3], "sketch_guidance_scale": [1, 5, 1.5], "target_scale": [0, 20, 10]},
}


@pytest.fixture(scope="module")
def url(tiny_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, ranges in RANGES.items():
        config = dataclasses.replace(tiny_config, name=name, slider_ranges=ranges)
        save_checkpoint(ColorizationModel(config), folder / f"{name}.safetensors")
    with served(folder) as address:
        yield address


def number(page, name):
    return page.locator(f"#{name} input[type=number]")


def choose_model(page, name):
    page.click("#model input")
    page.get_by_role("option", name=f"{name}.safetensors").click()
    expect(page.locator("#model input")).to_have_value(f"{name}.safetensors")


def move(page, name, value):
    number(page, name).fill(str(value))
    number(page, name).press("Tab")


def test_what_was_not_moved_goes_to_the_new_models_default(visit):
    page = visit()
    set_number(page, "guidance_scale", 9)
    set_number(page, "noise_level", 0.4)
    choose_model(page, "b")
    expect(number(page, "guidance_scale")).to_have_value("6")  # as far as it goes there
    expect(number(page, "sketch_guidance_scale")).to_have_value("1.5")
    expect(number(page, "noise_level")).to_have_value("0.4")
    page.locator(".mode-switch label:has(#mode-edit)").click()
    page.click("#edit-more > .fold-title summary")
    expect(number(page, "edit-scale")).to_have_value("10")
    for name, value in (("strip-low", "5"), ("strip-high", "20")):
        expect(page.locator(f"#{name} input")).to_have_value(value)

    move(page, "edit-scale", 18)
    page.locator("#strip-low input").fill("4")
    page.locator("#strip-low input").press("Tab")
    page.locator(".mode-switch label:has(#mode-colorize)").click()
    choose_model(page, "a")
    expect(number(page, "sketch_guidance_scale")).to_have_value("1")
    page.locator(".mode-switch label:has(#mode-edit)").click()
    expect(number(page, "edit-scale")).to_have_value("15")
    expect(page.locator("#strip-high input")).to_have_value("10")
    expect(page.locator("#strip-low input")).to_have_value("4")
    assert page.locator(".toast-body").count() == 0


def test_the_scale_of_an_edit_in_the_list_is_its_own(visit):
    page = visit()
    page.locator(".mode-switch label:has(#mode-edit)").click()
    page.fill("#edit-target :is(input, textarea)", "green hair")
    page.fill("#edit-control :is(input, textarea)", "the hair")
    page.click("#edit-save")
    expect(page.locator(".edit-rows > li")).to_have_count(1)
    page.locator(".mode-switch label:has(#mode-colorize)").click()
    page.click("#more > .fold-title summary")
    choose_model(page, "b")
    expect(number(page, "guidance_scale")).to_have_value("3")
    page.locator(".mode-switch label:has(#mode-edit)").click()
    page.click("#edit-more > .fold-title summary")
    expect(page.locator("#strip-low input")).to_have_value("5")
    expect(number(page, "edit-scale")).to_have_value("5")
