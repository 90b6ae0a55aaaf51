"""The Folder page in a real browser, and the names of its results."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from colorizer.png import read_parameters
from tests.browsing import set_number, upload, url_of_a_tiny_model, visitors  # noqa: F401  (fixtures)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)
from ui import folder_run
from ui.folder_names import result_stems, write_zip

expect = sync_api.expect


def draw(path, shape="ellipse", side=120):
    image = Image.new("L", (side, side), 255)
    getattr(ImageDraw.Draw(image), shape)((20, 20, side - 20, side - 20), outline=0, width=4)
    image.save(path)
    return path


def test_names_are_the_sketches_own_and_differ():
    sketches = [Path(name) for name in ("a/page.png", "b/page.jpg", "c/PAGE.png", "d/page-2.png", "絵.png")]
    stems = result_stems(sketches)
    assert stems[0] == "page" and stems[-1] == "絵"
    assert len({stem.lower() for stem in stems}) == len(stems)


def test_a_zip_holds_the_files_under_their_names(tmp_path):
    for name in ("a.png", "絵.png"):
        (tmp_path / name).write_bytes(name.encode())
    path = write_zip([tmp_path / "a.png", tmp_path / "絵.png"], tmp_path / "all.zip")
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == {
            "a.png": "a.png",
            "絵.png": "絵.png",
        }


@pytest.fixture
def page(visit):
    return visit()


@pytest.fixture
def reference(tmp_path):
    Image.new("RGB", (90, 60), (200, 80, 40)).save(tmp_path / "reference.png")
    return tmp_path / "reference.png"


def open_folder_tab(page):
    page.get_by_role("tab", name="Folder").click()
    page.locator("#folder-sketches input[type=file]").wait_for(state="attached")


def add_sketches(page, *paths):
    page.set_input_files("#folder-sketches input[type=file]", paths)
    expect(page.locator("#folder-sketches .file")).to_have_count(len(paths))


def download_zip(page):
    expect(page.locator("#folder-download")).to_be_enabled()
    with page.expect_download() as download:
        page.click("#folder-download")
    return zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))


@needs_chromium
def test_a_folder_is_coloured_with_the_settings_of_the_page_and_bad_files_are_listed(page, reference, tmp_path):
    upload(page, "reference", reference)
    page.click("#more-references > .fold-title summary")
    upload(page, "reference-2", reference)
    set_number(page, "reference-weight-2", 0.5)
    set_number(page, "steps", 6)
    page.fill("#seed input", "42")
    page.locator("#seed input").press("Tab")
    open_folder_tab(page)
    expect(page.locator("#folder-reference img")).to_have_count(2)
    expect(page.locator("#folder-reference")).to_contain_text("Reference 2 · weight 0.5")
    (tmp_path / "broken.png").write_text("no picture")
    Image.new("L", (80, 80), 255).save(tmp_path / "<b>blank.png")
    sketches = [draw(tmp_path / "round.png"), draw(tmp_path / "square.png", "rectangle")]
    add_sketches(page, tmp_path / "broken.png", sketches[0], tmp_path / "<b>blank.png", sketches[1])
    page.click("#folder-start")
    expect(page.locator("#folder-status")).to_contain_text("2 of 4 sketches coloured")
    expect(page.locator("#folder-results img")).to_have_count(2)
    skipped = page.locator("#folder-skipped li")
    expect(skipped).to_have_count(2)
    expect(skipped.nth(0)).to_contain_text("broken.png This is not a PNG")
    expect(skipped.nth(1)).to_contain_text("no lines")
    archive = download_zip(page)
    assert archive.namelist() == ["round-42.png", "square-42.png"]
    for name in archive.namelist():
        parameters = read_parameters(archive.read(name))
        assert (parameters.settings.steps, parameters.seed) == (6, 42)
        assert parameters.settings.reference_weights == (1, 0.5)
    assert len(set(map(archive.read, archive.namelist()))) == 2


@needs_chromium
def test_a_stopped_folder_keeps_what_is_finished(page, tmp_path):
    set_number(page, "steps", 50)
    set_number(page, "batch_size", 2)
    open_folder_tab(page)
    page.locator("#folder-note", has_text="no reference").wait_for()
    add_sketches(page, *(draw(tmp_path / f"panel {i}.png") for i in range(6)))
    expect(page.locator("#folder-stop")).to_be_disabled()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#folder-status")).to_contain_text(re.compile(r"Sketch [2-5] of 6"))
    page.keyboard.press("Escape")
    expect(page.locator("#folder-status")).to_contain_text("Stopped")
    expect(page.locator("#folder-start")).to_be_enabled()
    shown = page.locator("#folder-results img").count()
    names = download_zip(page).namelist()
    assert len(names) == shown and 2 <= shown < 12
    assert all(re.fullmatch(r"panel[ _]?\d-\d+\.png", name) for name in names)
    page.wait_for_timeout(1500)
    expect(page.locator("#folder-status")).to_contain_text("Stopped")  # no later step wrote over it


@needs_chromium
def test_too_many_files_and_none_are_refused(page, tmp_path, monkeypatch):
    open_folder_tab(page)
    page.click("#folder-start")
    page.locator(".toast-body", has_text="Add some sketches").wait_for()
    monkeypatch.setattr(folder_run, "MAX_SKETCHES", 2)
    add_sketches(page, *(draw(tmp_path / f"{i}.png") for i in range(3)))
    page.click("#folder-start")
    page.locator(".toast-body", has_text="3 files; 2 can").wait_for()
    monkeypatch.setattr(folder_run, "MAX_SKETCHES", 100)
    monkeypatch.setattr(folder_run, "MAX_SKETCH_BYTES", 100)
    page.click("#folder-start")
    page.locator(".toast-body", has_text="MB can be coloured").wait_for()
    expect(page.locator("#folder-start")).to_be_enabled()


@needs_chromium
def test_a_whole_folder_can_be_chosen(page, tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    draw(folder / "one.png")
    draw(folder / "two.png")
    (folder / ".hidden").write_text("of the system")
    open_folder_tab(page)
    page.set_input_files("#folder-inputs input[webkitdirectory]", folder)
    expect(page.locator("#folder-sketches .file")).to_have_count(2)


@needs_chromium
def test_finished_pictures_beyond_the_bound_are_left_out_and_said(page, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_run, "MAX_RESULT_BYTES", 1)
    set_number(page, "steps", 4)
    open_folder_tab(page)
    add_sketches(page, *(draw(tmp_path / f"{i}.png") for i in range(3)))
    page.click("#folder-start")
    expect(page.locator("#folder-status")).to_contain_text("1 of 3")
    expect(page.locator("#folder-skipped li")).to_have_count(2)
