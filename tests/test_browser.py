"""The page in a real browser, as a visitor uses it, with a tiny random model."""

import contextlib
import io
import re
import shutil

import httpx
import numpy as np
from PIL import Image, ImageOps

from colorizer.errors import UserError
from colorizer.pipeline import Colorizer
from colorizer.png import read_parameters
from tests.bad_files import bad_files
from tests.browsing import (  # noqa: F401  (fixtures)
    drawn_pictures,
    fill,
    picture_at,
    served,
    set_number,
    upload,
    url_of_a_tiny_model,
    visitors,
    wait_for_result,
)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)
from ui.texts.en import TEXTS as ENGLISH
from ui.texts.ja import TEXTS as JAPANESE

expect = sync_api.expect
pytestmark = needs_chromium


def make_slow(page):
    set_number(page, "steps", 50)
    set_number(page, "batch_size", 4)


def test_colours_a_sketch_and_gives_it_as_png_with_parameters(visit, pictures, tmp_path):
    page = visit()
    fill(page, pictures)
    set_number(page, "guidance_scale", 3)
    set_number(page, "steps", 30)
    expect(page.locator("#download")).to_be_disabled()
    page.click("#colorize")
    page.locator("#stage-preview img").wait_for()
    expect(page.locator("#status [role=progressbar]")).to_have_attribute("aria-valuemax", "30")
    expect(page.locator("#status")).to_contain_text(re.compile(r"Step \d+ of 30"))
    wait_for_result(page)

    with page.expect_download() as download:
        page.click("#download")
    path = tmp_path / "picture.png"
    download.value.save_as(path)
    assert download.value.suggested_filename.endswith(".png")
    parameters = read_parameters(path)
    assert parameters.settings.guidance_scale == 3
    assert parameters.settings.steps == 30
    assert str(parameters.seed) == page.input_value("#seed input")
    with Image.open(path) as picture, Image.open(pictures["circle"]) as sketch:
        assert picture.size == sketch.size  # the drawn lines themselves
        assert np.asarray(picture.convert("RGB"))[np.asarray(sketch) == 0].max() == 0

    page.locator("#keep_lines input").uncheck()
    page.click("#colorize")
    page.locator("#stage-preview img").wait_for()
    wait_for_result(page)
    assert picture_at(page, "#stage-result img >> nth=1").size == (64, 64)


def test_the_same_locked_seed_gives_the_same_picture(visit, pictures):
    page = visit()
    fill(page, pictures)
    page.click("#colorize")
    wait_for_result(page)
    first = picture_at(page, "#stage-result img >> nth=1")
    page.click("#seed-reuse")
    expect(page.locator("#seed-lock input")).to_be_checked()
    page.click("#colorize")
    page.locator("#stage-preview img").wait_for()
    wait_for_result(page)
    assert picture_at(page, "#stage-result img >> nth=1").tobytes() == first.tobytes()


def test_stop_ends_a_run_at_once_and_the_next_one_works(visit, pictures):
    page = visit()
    fill(page, pictures)
    make_slow(page)
    expect(page.locator("#stop")).to_be_disabled()
    page.keyboard.press("Control+Enter")
    page.locator("#stage-preview img").wait_for()
    expect(page.locator("#colorize")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#status")).to_contain_text("Stopped", timeout=2000)
    expect(page.locator("#stop")).to_be_disabled()
    page.wait_for_timeout(1000)
    expect(page.locator("#status")).to_contain_text("Stopped")  # no later step wrote over it
    set_number(page, "steps", 4)
    page.click("#colorize")
    wait_for_result(page)
    expect(page.locator("#variants img")).to_have_count(4)

    finished = page.locator("#stage-result img").nth(1).get_attribute("src")
    set_number(page, "steps", 50)
    page.click("#colorize")
    page.locator("#stage-preview img").wait_for()
    expect(page.locator("#download")).to_be_disabled()
    page.click("#sampler input")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    page.wait_for_timeout(1000)
    expect(page.locator("#stop")).to_be_enabled()  # the key closed the list and no more
    page.click("#stop")
    expect(page.locator("#stage-result img").nth(1)).to_have_attribute("src", finished)  # it comes back
    expect(page.locator("#variants img")).to_have_count(4)
    expect(page.locator("#download")).to_be_enabled()


def test_a_failed_run_says_why_until_the_next_one(visit, pictures, monkeypatch):
    def fail(*_arguments):
        raise UserError("The sketch does not fit.")

    page = visit()
    fill(page, pictures)
    set_number(page, "steps", 4)
    with monkeypatch.context() as broken:
        broken.setattr(Colorizer, "encode_sketch", fail)
        page.click("#colorize")
        toast = page.locator(".toast-body", has_text="does not fit")
        toast.locator("button").click()
        expect(page.locator("#stop")).to_be_disabled()
        expect(page.locator("#status .is-wrong")).to_have_text("The sketch does not fit.")
    page.click("#colorize")
    wait_for_result(page)


def test_another_language_ends_no_run_unasked(visit, pictures):
    page = visit()
    fill(page, pictures)
    make_slow(page)
    page.click("#colorize")
    page.locator("#stage-preview img").wait_for()
    page.click("#language-toggle")
    expect(page.locator("#language-toggle")).to_have_text(ENGLISH["language_ends_run"])
    wait_for_result(page)
    expect(page.locator("#language-toggle")).to_have_text(ENGLISH["other_language"])
    page.click("#colorize")
    page.locator("#stage-preview img").wait_for()
    page.click("#language-toggle", click_count=2)
    expect(page.locator("#colorize")).to_have_text(JAPANESE["colorize"])
    expect(page.locator("#status")).to_have_text(JAPANESE["status_run_ended"])
    page.reload()
    expect(page.locator("#status")).to_have_text(JAPANESE["status_ready"])


def test_a_variant_comes_to_the_stage_with_its_seed(visit, pictures):
    page = visit()
    fill(page, pictures)
    set_number(page, "steps", 4)
    set_number(page, "batch_size", 3)
    page.click("#colorize")
    wait_for_result(page)
    first_seed = int(page.input_value("#seed input"))
    label, first = (page.locator(f"#variants {part}").first.bounding_box() for part in ("label", "button"))
    assert label["y"] + label["height"] <= first["y"]  # it covers no picture
    page.locator("#variants button").nth(2).click()
    chosen = page.locator("#variants img").nth(2).get_attribute("src")
    expect(page.locator("#stage-result img").nth(1)).to_have_attribute("src", chosen)
    page.click("#seed-reuse")
    expect(page.locator("#seed input")).to_have_value(str(first_seed + 2))


def test_two_visitors_run_in_turn_and_see_only_their_own(visit, pictures):
    circle, square, impatient, onlooker = visit(), visit(), visit(), visit()
    fill(circle, pictures, "circle")
    fill(square, pictures, "square")
    make_slow(circle)
    set_number(square, "steps", 4)
    circle.click("#colorize")
    circle.locator("#stage-preview img").wait_for()
    square.click("#colorize")
    expect(square.locator("#status")).to_contain_text("queue: 1/1")
    upload(impatient, "sketch", pictures["circle"])
    impatient.click("#colorize")
    expect(impatient.locator("#status")).to_contain_text("queue: 2/2")
    impatient.click("#stop")
    expect(impatient.locator("#status")).to_contain_text("Stopped")
    wait_for_result(circle)
    wait_for_result(square)
    for page, name in ((circle, "circle"), (square, "square")):
        seen = np.asarray(picture_at(page, "#stage-result img").convert("L"), dtype=float)
        own = np.asarray(Image.open(pictures[name]).resize(seen.shape), dtype=float)
        assert abs(seen - own).mean() < 5
    expect(impatient.locator("#status")).to_contain_text("Stopped")
    for page in (impatient, onlooker):
        expect(page.locator("#stage img")).to_have_count(0)
    expect(onlooker.locator("#sketch img")).to_have_count(0)


def test_bad_uploads_are_explained_and_the_next_one_works(visit, pictures, tmp_path):
    page = visit()
    for name, (data, message) in bad_files().items():
        path = tmp_path / name
        path.write_bytes(data)
        for zone in ("sketch", "reference"):
            page.set_input_files(f"#{zone} input[type=file]", path)
            toast = page.locator(".toast-body", has_text=message)
            toast.wait_for()
            expect(page.locator(f"#{zone} img")).to_have_count(0)  # taken out again
            toast.locator("button").click()
            expect(toast).to_have_count(0)
    page.click("#colorize")
    page.locator(".toast-body", has_text="Add a sketch").wait_for()
    expect(page.locator("#colorize")).to_be_enabled()
    fill(page, pictures)
    page.click("#colorize")
    wait_for_result(page)


def test_what_the_model_sees_follows_the_preparation(visit, pictures, tmp_path):
    white_on_black = tmp_path / "chalk.png"
    with Image.open(pictures["circle"]) as sketch:
        ImageOps.invert(sketch).save(white_on_black)
    page = visit()
    upload(page, "sketch", white_on_black)
    page.locator("#prepared img").wait_for()
    assert np.asarray(picture_at(page, "#prepared img").convert("L")).mean() > 128
    page.click("#preparation input")
    before = page.locator("#prepared img").get_attribute("src")
    page.get_by_role("option", name="As is").click()
    expect(page.locator("#prepared img")).not_to_have_attribute("src", before)


def test_a_picture_browsers_cannot_show_is_shown_all_the_same(visit, pictures, tmp_path):
    tiff = tmp_path / "scan.tif"
    with Image.open(pictures["reference"]) as reference:
        reference.save(tiff)
    page = visit()
    page.set_input_files("#reference input[type=file]", tiff)
    expect(page.locator("#reference img")).to_have_attribute("src", re.compile(r"\.png$"))
    assert picture_at(page, "#reference img").size == (120, 90)


def test_a_sketch_without_lines_is_pointed_out(visit, tmp_path):
    blank = tmp_path / "blank.png"
    Image.new("L", (200, 200), 255).save(blank)
    page = visit()
    page.set_input_files("#sketch input[type=file]", blank)
    page.locator(".toast-body", has_text="hardly any lines").wait_for()


def test_an_example_fills_both_zones(visit):
    page = visit()
    page.locator("#examples button.thumbnail-item").nth(7).wait_for()  # there are eight at least
    page.locator("#examples button.thumbnail-item").nth(1).click()
    page.locator("#sketch img").wait_for()
    page.locator("#reference img").wait_for()
    page.locator("#prepared img").wait_for()
    page.click("#colorize")
    wait_for_result(page)


def test_swap_clear_presets_and_seed_controls(visit, pictures):
    page = visit()
    fill(page, pictures)
    sketch_size = picture_at(page, "#sketch img").size
    page.click("#swap")
    expect(page.locator("#reference img")).to_have_attribute("src", re.compile("circle"))
    assert picture_at(page, "#reference img").size == sketch_size
    page.click("#clear")
    for zone in ("sketch", "reference", "prepared"):
        expect(page.locator(f"#{zone} img")).to_have_count(0)

    page.get_by_label("Follow the reference").check()
    expect(page.locator("#guidance_scale input[type=number]")).to_have_value("4")
    set_number(page, "guidance_scale", 5)
    expect(page.get_by_label("Follow the reference")).not_to_be_checked()
    page.fill("#seed input", "42")
    expect(page.locator("#seed-lock input")).to_be_checked()
    page.click("#seed-dice")
    expect(page.locator("#seed input")).not_to_have_value("42")


def test_a_seed_that_cannot_be_is_refused_in_the_visitors_language_and_the_next_one_works(visit, pictures):
    page = visit(locale="ja-JP")
    fill(page, pictures)
    page.fill("#seed input", "99999999999")
    expect(page.locator("#seed-lock input")).to_be_checked()
    page.click("#colorize")
    expect(page.get_by_text("までの整数にしてください").first).to_be_visible()
    page.fill("#seed input", "7")
    page.click("#colorize")
    expect(page.locator("#status")).to_contain_text("シード 7")


def paste(page, path):
    page.evaluate(
        """async (bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }""",
        list(path.read_bytes()),
    )


def test_a_pasted_picture_lands_in_the_first_empty_zone(visit, pictures):
    page = visit()
    paste(page, pictures["circle"])
    page.locator("#sketch img").wait_for()
    expect(page.locator("#reference img")).to_have_count(0)
    page.get_by_role("tab", name="Folder").click()
    paste(page, pictures["circle"])
    expect(page.locator("#folder-sketches .file")).to_have_count(1)  # and into no zone that is out of sight
    expect(page.locator("#reference img")).to_have_count(0)


def test_phone_has_no_sideways_scroll_and_the_stage_under_the_buttons(visit, pictures):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    fill(page, pictures)
    page.click("#colorize")
    wait_for_result(page)
    page.click("#more > .fold-title summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator(f"#{name}").bounding_box()["y"] for name in ("sketch", "colorize", "stage", "guidance_scale")]
    assert tops == sorted(tops)
    stage = page.locator("#stage").bounding_box()
    buttons = page.locator("#colorize").bounding_box()
    assert 0 <= stage["y"] - (buttons["y"] + buttons["height"]) < 40


def test_dark_mode_follows_the_system_and_the_switch(visit):
    def brightness(page):
        return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L")).mean()

    dark, light = visit(color_scheme="dark"), visit(color_scheme="light")
    assert brightness(dark) < 80
    assert brightness(light) > 200
    light.click("#theme-toggle")
    assert brightness(light) < 80
    light.reload()
    light.locator("#sketch input[type=file]").wait_for(state="attached")
    assert brightness(light) < 80  # the choice is kept


def test_each_visitor_reads_their_own_language(visit, pictures):
    japanese, english = visit(locale="ja-JP"), visit(locale="en-GB")
    for page, words in ((japanese, JAPANESE), (english, ENGLISH)):
        expect(page.locator("#colorize")).to_have_text(words["colorize"])
        expect(page.get_by_label(words["preset_sketch"])).to_be_visible()  # a choice
        expect(page.locator("#guidance_scale")).to_contain_text(words["guidance_scale_info"])
        expect(page.locator("#stage")).to_contain_text(words["stage_empty_title"])  # HTML
        expect(page.locator("#status")).to_contain_text(words["status_ready"])  # written by an event
        assert page.locator("body").get_attribute("lang") == words["language_code"]
        assert "@@" not in page.content()
        page.click("#colorize")
        page.locator(".toast-body", has_text=words["error_no_sketch"]).wait_for()
        expect(page.locator(".toast-title").first).to_have_text(words["toast_error"])
    english.click("#language-toggle")
    expect(english.locator("#colorize")).to_have_text(JAPANESE["colorize"])
    english.locator("#sketch input[type=file]").wait_for(state="attached")
    fill(english, pictures)
    english.click("#colorize")
    expect(english.locator("#status")).to_contain_text("秒で完成")


def test_nothing_is_fetched_from_elsewhere_and_no_script_fails(visit, url, browser):
    context = browser.new_context()
    page = context.new_page()
    requested, problems = [], []
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(url)
    page.locator("#sketch input[type=file]").wait_for(state="attached")
    page.locator("#examples img").first.wait_for()
    page.wait_for_timeout(1000)
    context.close()
    assert [address for address in requested if not address.startswith((url, "data:", "blob:"))] == []
    assert problems == []


def test_every_control_has_a_name(visit):
    page = visit()
    page.click("#more > .fold-title summary")
    page.locator("#sampler").wait_for()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("#workspace button, #workspace input, #header button")]
            .filter((e) => e.checkVisibility() && !(e.getAttribute("aria-label") || e.title || e.innerText.trim()
                || e.labels?.length || e.getAttribute("aria-labelledby")))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_without_a_model_the_page_says_what_to_do_and_finds_one_that_is_added(browser, tiny_checkpoint, tmp_path):
    with served(tmp_path) as url, contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#status")).to_contain_text("No model yet")
        page.locator("#examples button.thumbnail-item").first.click()
        page.locator("#prepared img").wait_for()
        page.click("#colorize")
        page.locator(".toast-body", has_text="checkpoints folder").wait_for()
        shutil.copy(tiny_checkpoint, tmp_path / "added.safetensors")
        page.reload()
        expect(page.locator("#status")).to_contain_text("Ready")
        page.locator("#examples button.thumbnail-item").first.click()
        page.locator("#prepared img").wait_for()
        set_number(page, "steps", 4)
        page.click("#colorize")
        wait_for_result(page)


def test_security_headers_and_closed_doors(url, tiny_checkpoint):
    headers = httpx.get(url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    for path in (__file__, str(tiny_checkpoint), "app.py"):
        assert httpx.get(f"{url}gradio_api/file={path}").status_code == 403
    assert httpx.get(f"{url}monitoring").status_code == 403
