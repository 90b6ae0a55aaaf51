"""A study as participants and its organiser go through it, in a real browser, with tiny random models."""

import contextlib
import io
import json
import re
import shutil
import zipfile

import httpx
import pytest
from PIL import Image

from colorizer.study.password import hash_password
from colorizer.study.records import read_records
from colorizer.study.session import Study
from colorizer.study.sus import STATEMENTS
from tests.chromium import PATIENCE, chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)
from tests.study_fixtures import write_study
from ui.study.page import build_study_page, launch_study

expect = sync_api.expect
pytestmark = needs_chromium

PASSWORD = "correct horse"

STUDY = """
title = "Two settings"
information = "You will rate pictures."
consent = "I agree."
free_text = ["What else?"]
keep_pictures = true

[[conditions]]
name = "zebra weak"
checkpoint = "tiny.safetensors"
settings = { guidance_scale = 1.0, steps = 2, size = 64 }
results = "ready"

[[conditions]]
name = "zebra strong"
checkpoint = "tiny.safetensors"
settings = { guidance_scale = 12.0, steps = 2, size = 64 }
results = "ready"

[[stimuli]]
name = "square"
sketch = "sketch.png"
reference = "reference.png"
task = "Make it <b>green</b>."
edits = ["target=green; control=the square"]

[[practice]]
name = "first"
sketch = "sketch.png"
reference = "reference.png"
"""


@contextlib.contextmanager
def served(folder, checkpoint, text=STUDY, **top):
    """(study, address) of a study that runs."""
    write_study(folder, text, organiser_password=json.dumps(hash_password(PASSWORD)), **top)
    shutil.copy(checkpoint, folder / "tiny.safetensors")
    study = Study.open(folder)
    blocks = build_study_page(study, "cpu")
    try:
        yield study, launch_study(blocks, study, "127.0.0.1", port=None)
    finally:
        blocks.close()
        study.store.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory, tiny_checkpoint):
    with served(tmp_path_factory.mktemp("study"), tiny_checkpoint) as study_and_url:
        yield study_and_url


@pytest.fixture
def visit(browser):
    """visit(url, **context options) -> the page of somebody new."""
    with contextlib.ExitStack() as contexts:

        def open_page(url, **options):
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(url)
            page.locator("#start, #organiser-open").wait_for()
            return page

        yield open_page


def enrol(page):
    """Consent, and the code; the first step is in sight after that."""
    page.check("#agree input")
    page.click("#start")
    code = page.locator("#code textarea, #code input")
    expect(code).to_have_value(re.compile(r"^\w{4}-\w{4}-\w{4}$"))
    written = code.input_value()
    page.click("#begin")
    page.locator("#trial-head h2").wait_for()
    return written


def resume(page, code):
    page.fill("#resume-code :is(input, textarea)", code)
    page.click("#resume")


def expect_progress(page, line):
    expect(page.locator("#progress")).to_contain_text(line)


def colorize(page, pictures=1):
    """Start a generation and wait for its picture. pictures: how many this trial has after that."""
    page.click("#colorize")
    if pictures > 1:
        expect(page.locator("#variants img")).to_have_count(pictures)
    expect_picture(page)


def expect_picture(page):
    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.locator("#stage-result img")).to_be_visible()


def rate(page, **values):
    """Give answers and wait until the page says that they are stored."""
    for key, value in values.items():
        page.locator(f"#answer-{key} input").nth(value - 1).check()
    for key in values:
        expect(page.locator(f"#note-{key}")).to_contain_text("Saved")


def answered(page, key):
    """What is chosen, None for nothing."""
    checked = page.locator(f"#answer-{key} input:checked")
    return int(checked.get_attribute("value")) if checked.count() else None


def finish_questionnaires(page, values, words):
    rate(page, **dict(zip(STATEMENTS, values, strict=True)))
    page.click("#sus-next")
    page.fill("#answer-text1 textarea", words)
    page.click("#texts-next")
    page.locator("#finish-code").wait_for()
    return page.locator("#finish-code :is(input, textarea)").input_value()


PRACTICE = {"quality": 3, "similarity": 3, "usability": 3}


@pytest.mark.timeout(900)  # seconds; three browsers and a model on a busy machine
def test_three_participants_at_once_one_comes_back_and_one_withdraws(visit, running):
    study, url = running
    ann, ben, cyd = (visit(url) for _ in range(3))
    ann.click("#start")
    ann.locator(".toast-body", has_text="Tick the box").wait_for()
    ann.check("#keep input")
    codes = {page: enrol(page) for page in (ann, ben, cyd)}
    assert len(set(codes.values())) == 3
    assert codes[ann] not in ann.content()

    for page in codes:  # all of them at once
        page.click("#colorize")
    for page in codes:
        expect_picture(page)
        rate(page, **PRACTICE)
        page.click("#trial-next")
        expect_progress(page, "Trial 1 of 2")

    # blind, nothing chosen, everything required
    for page in codes:
        expect(page.locator("#trial-head h2")).to_have_text("Model A")
        expect(page.locator("#trial-head .task")).to_contain_text("Make it <b>green</b>.")
        expect(page.locator("#rating")).not_to_be_visible()
    colorize(ben)
    assert [answered(ben, key) for key in ("quality", "similarity", "usability", "controllability")] == [None] * 4
    rate(ben, quality=1, usability=2)
    ben.click("#trial-next")
    ben.locator(".toast-body", has_text="Please answer: Similarity, Controllability.").wait_for()
    expect(ben.locator("#note-similarity")).to_contain_text("Please answer this")
    expect_progress(ben, "Trial 1 of 2")
    rate(ben, similarity=3, controllability=4)
    ben.click("#trial-next")
    expect_progress(ben, "Trial 2 of 2")
    assert [answered(ben, key) for key in ("quality", "similarity", "usability", "controllability")] == [None] * 4

    # Ann tries twice, changes her mind, closes the browser and comes back
    colorize(ann)
    colorize(ann, pictures=2)
    rate(ann, quality=4, similarity=5)
    rate(ann, quality=2, controllability=3)  # the second is stored after the first
    ann.context.close()
    back = visit(url)
    resume(back, "AAAA-AAAA-AAAA")
    back.locator(".toast-body", has_text="not known").wait_for()
    resume(back, codes[ann].lower().replace("-", " "))
    expect_progress(back, "Trial 1 of 2")
    expect(back.locator("#trial-head h2")).to_have_text("Model A")
    assert [answered(back, key) for key in ("quality", "similarity", "usability")] == [2, 5, None]
    rate(back, usability=1, controllability=1)
    back.click("#trial-next")
    expect_progress(back, "Trial 2 of 2")

    # Cyd withdraws from another window; the page that is still open can store nothing any more
    colorize(cyd)
    rate(cyd, quality=5)
    other = visit(url)
    other.click("#withdraw-part > .fold-title summary")
    other.fill("#withdraw-code :is(input, textarea)", codes[cyd])
    other.click("#withdraw")
    other.locator(".toast-body", has_text="Yes, delete").wait_for()
    other.check("#withdraw-sure input")
    other.click("#withdraw")
    expect(other.locator("#part-withdrawn")).to_contain_text("deleted")
    cyd.locator("#answer-similarity input").nth(0).check()
    expect(cyd.locator("#note-similarity")).to_contain_text("Not saved")
    cyd.reload()
    resume(cyd, codes[cyd])
    cyd.locator(".toast-body", has_text="not known").wait_for()

    for page, value in ((back, 3), (ben, 4)):
        expect(page.locator("#trial-head h2")).to_have_text("Model B")
        colorize(page)
        rate(page, quality=value, similarity=value, usability=value, controllability=value)
        page.click("#trial-next")
        page.locator("#sus-next").wait_for()
    back.click("#sus-next")
    back.locator(".toast-body", has_text="1, 2, 3").wait_for()
    assert finish_questionnaires(back, [5, 1] * 5, "words of Ann") == codes[ann]
    assert finish_questionnaires(ben, [3] * 10, "=1+1") == codes[ben]

    records = read_records(study.store)
    rows = {name: [row for row in table if "participant" in row] for name, table in records.tables.items()}
    assert {name: {row["participant"] for row in table} for name, table in rows.items() if table} == dict.fromkeys(
        ("participants", "trials", "tries", "ratings", "answers"), {1, 2}
    )
    assert records.withdrawals == 1
    assert [(row["keep_pictures"], row["sus_score"]) for row in rows["participants"]] == [(True, 100), (False, 50)]
    assert all(row["finished_at"] for row in rows["participants"])
    ratings = {(row["participant"], row["label"], row["question"]): row["value"] for row in rows["ratings"]}
    assert len(ratings) == 16
    assert (ratings[1, "A", "quality"], ratings[1, "B", "quality"]) == (2, 3)
    assert (ratings[2, "A", "controllability"], ratings[2, "B", "controllability"]) == (4, 4)
    minds = [row["value"] for row in rows["answers"] if (row["participant"], row["question"]) == (1, "quality")]
    assert minds == [3, 4, 2, 3]
    assert {row["condition"] for row in rows["trials"] if row["label"] == "A"} == {"zebra weak", "zebra strong"}
    tries = [row for row in rows["tries"] if row["participant"] == 1]
    assert [(row["position"], row["outcome"]) for row in tries] == [(0, "done"), (1, "done"), (1, "done"), (2, "done")]
    assert len({row["seed"] for row in tries}) == 4
    for row in tries:
        assert row["settings"]["steps"] == 2 and row["settings"]["seed"] == row["seed"]
        assert re.fullmatch(r"[0-9a-f]{10}", row["model_hash"])
        assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in (row["sketch_hash"], *row["picture_hashes"]))
    assert tries[1]["edits"][0]["target"] == "green"


def test_the_organisers_page_needs_its_password(visit, running):
    study, url = running
    code = study.enrol()
    page = visit(f"{url}organiser")
    for wrong in ("", "guess"):
        page.fill("#organiser-password input", wrong)
        page.click("#organiser-open")
        toast = page.locator(".toast-body", has_text="not the password")
        toast.wait_for()
        toast.locator("button").click()
        expect(toast).to_have_count(0)
    expect(page.locator("#organiser-panel")).to_have_count(0)
    page.fill("#organiser-password input", PASSWORD)
    page.click("#organiser-open")
    page.locator("#counts .figure[data-name=enrolled]").wait_for()
    enrolled = page.locator("#counts .figure[data-name=enrolled] b")
    before = int(enrolled.inner_text())
    assert before == len(read_records(study.store).participants)
    expect(page.locator("#counts")).to_contain_text("zebra weak")
    study.enrol()
    expect(enrolled).to_have_text(str(before + 1))  # the counts are live

    for kind in ("csv", "jsonl"):
        with page.expect_download() as download:
            page.click(f"#export-{kind}")
        with zipfile.ZipFile(download.value.path()) as archive:
            lines = archive.read(f"participants.{kind}").decode().splitlines()
        assert len(lines) == before + 1 + (kind == "csv")
    with page.expect_download() as download:
        page.click("#report-pdf")
    assert download.value.path().read_bytes().startswith(b"%PDF")
    page.click("#show-report")
    expect(page.frame_locator("#report iframe").locator("h1")).to_have_text("Two settings")
    page.fill("#check-code :is(input, textarea)", code)
    page.click("#check")
    expect(page.locator("#verdict")).to_contain_text("not finished")


def call(url, dependency, data):
    """Call an endpoint of the page over HTTP as its script does; returns what the server says at the end."""
    body = {"fn_index": dependency["id"], "data": data, "session_hash": f"caller{dependency['id']}"}
    assert httpx.post(f"{url}gradio_api/run/predict", json=body).status_code == 404  # none without the queue
    httpx.post(f"{url}gradio_api/queue/join", json=body, timeout=60).raise_for_status()
    stream = httpx.stream(
        "GET", f"{url}gradio_api/queue/data", params={"session_hash": body["session_hash"]}, timeout=60
    )
    with stream as response:
        for line in response.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line else {}
            if message.get("msg") == "process_completed":
                return message
    raise AssertionError("no answer")


def test_programs_get_nothing_without_the_password(running):
    study, url = running
    study.enrol()
    config = httpx.get(f"{url}config").text
    assert "zebra" not in config  # no name of a condition
    config = json.loads(config)
    page = config["page"]["organiser"]
    endpoints = [one for one in config["dependencies"] if one["id"] in page["dependencies"] and one["backend_fn"]]
    assert len(endpoints) >= 8
    for endpoint in endpoints:
        assert endpoint["api_visibility"] == "private"
        message = call(url, endpoint, [None, *["x"] * (len(endpoint["inputs"]) - 1)])
        assert not message["success"]
        assert "not the password" in message["output"]["error"]
        assert "data" not in message["output"]
    password_field = endpoints[0]["inputs"][0]
    assert all(endpoint["inputs"][0] == password_field for endpoint in endpoints)
    assert not call(url, endpoints[0], ["guess"])["success"]
    assert call(url, endpoints[0], [PASSWORD])["output"]["data"][0]["name"] == "study-csv.zip"
    for path in ("study.toml", "study.sqlite", "tiny.safetensors"):
        assert httpx.get(f"{url}gradio_api/file={study.protocol.folder / path}").status_code == 403
    assert httpx.get(f"{url}gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}
    for path in ("monitoring", "openapi.json", "docs"):
        assert httpx.get(f"{url}{path}").status_code in (403, 404)


FULL = STUDY.replace("steps = 2, size = 64", "steps = 50, size = 64, batch_size = 4")


def test_the_full_tool_logs_settings_words_stops_and_failures(visit, tmp_path, tiny_checkpoint):
    with served(tmp_path / "full", tiny_checkpoint, FULL, controls='"full"') as (study, url):
        page = visit(url, viewport={"width": 390, "height": 844}, has_touch=True)
        enrol(page)
        page.fill("#word-target-1 :is(input, textarea)", "green hair")
        page.fill("#word-control-1 :is(input, textarea)", "the hair")
        page.fill("#guidance_scale input[type=number]", "3")
        page.fill("#seed input", "42")
        page.check("#seed-lock input")
        page.click("#more > .fold-title summary")
        page.click("#colorize")
        page.locator("#stage-preview img").wait_for()
        page.click("#stop")
        expect(page.locator("#status")).to_contain_text("Stopped")
        expect(page.locator("#rating")).not_to_be_visible()

        checkpoint = study.protocol.folder / "tiny.safetensors"
        checkpoint.rename(tmp_path / "away")
        page.click("#colorize")
        toast = page.locator(".toast-body", has_text="cannot be used at the moment")
        toast.wait_for()
        assert "tiny" not in toast.inner_text()
        (tmp_path / "away").rename(checkpoint)

        page.fill("#steps input[type=number]", "4")
        page.press("#steps input[type=number]", "Tab")
        colorize(page, pictures=4)
        picture = page.request.get(page.locator("#stage-result img").get_attribute("src"))
        assert Image.open(io.BytesIO(picture.body())).info.get("colorizer") is None  # it would tell the model
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        tries = read_records(study.store).tries
        # A stopped run is recorded when its step is over; the next one may have failed by then.
        assert sorted(row["outcome"] for row in tries) == ["done", "failed", "stopped"]
        for row in tries:
            assert (row["seed"], row["settings"]["guidance_scale"]) == (42, 3)
            assert [(edit["target"], edit["control"]) for edit in row["edits"]] == [("green hair", "the hair")]
        (done,) = (row for row in tries if row["outcome"] == "done")
        assert len(done["picture_hashes"]) == 4
        assert done["settings"]["steps"] == 4

        # Who wants to go on too early ends the run under way, and the trial goes on as it was
        page.fill("#steps input[type=number]", "50")
        page.press("#steps input[type=number]", "Tab")
        page.click("#colorize")
        page.locator("#stage-preview img").wait_for()
        page.click("#trial-next")
        page.locator(".toast-body", has_text="Please answer: Quality, Similarity, Usability.").wait_for()
        expect(page.locator("#status")).to_contain_text("Stopped")
        expect(page.locator("#colorize")).to_be_enabled()
        expect(page.locator("#stop")).to_be_disabled()
        expect(page.locator("#stage-result img")).to_be_visible()
        expect(page.locator("#variants img")).to_have_count(4)


FIXED = STUDY.replace("size = 64", "size = 64, seed = 7")


def test_with_fixed_settings_there_is_one_button(visit, tmp_path, tiny_checkpoint):
    with served(tmp_path / "fixed", tiny_checkpoint, FIXED, controls='"fixed"', sus="false") as (study, url):
        page = visit(url)
        code = enrol(page)
        expect(page.locator("#trial-head")).to_contain_text("Press Colorize. Then rate the picture.")
        for control in ("#guidance_scale", "#seed", "#seed-lock", "#word-target-1", "#more"):
            expect(page.locator(control)).to_have_count(0)
        colorize(page)
        expect(page.locator("#status")).to_contain_text("Rate the picture")
        rate(page, **PRACTICE)
        page.click("#trial-next")

        for place in (1, 2):
            expect_progress(page, f"Trial {place} of 2")
            colorize(page)
            rate(page, quality=place, similarity=place, usability=place, controllability=place)
            page.click("#trial-next")
        page.click("#texts-next")
        expect(page.locator("#finish-code :is(input, textarea)")).to_have_value(code)

        records = read_records(study.store)
        assert [(row["position"], row["outcome"]) for row in records.tries] == [(n, "done") for n in range(3)]
        conditions = {condition.name: condition.settings for condition in study.protocol.conditions}
        for row in records.tries:
            assert conditions[row["condition"]].items() <= row["settings"].items()
            assert row["seed"] == 7
            assert [edit["target"] for edit in row["edits"]] == ([] if row["practice"] else ["green"])
        assert len({tuple(row["picture_hashes"]) for row in records.tries[1:]}) == 2
        assert [row["value"] for row in records.ratings] == [1] * 4 + [2] * 4


def test_ready_pictures_are_rated_without_a_model(visit, tmp_path, tiny_checkpoint):
    ready = tmp_path / "shown" / "ready"
    ready.mkdir(parents=True)
    for name in ("square", "first"):
        Image.new("RGB", (64, 64), "teal").save(ready / f"{name}.png")
    options = {"results": '"shown"', "controls": '"fixed"', "points": 7, "sus": "false", "language": '"ja"'}
    with served(tmp_path / "shown", tiny_checkpoint, **options) as (study, url):
        page = visit(url, locale="en-GB")
        expect(page.locator("#start")).to_have_text("始める")  # the study's language, not the browser's
        page.check("#agree input")
        page.click("#start")
        page.click("#begin")
        for _ in range(3):
            expect(page.locator("#stage-result img")).to_be_visible()
            expect(page.locator("#colorize")).to_have_count(0)
            place = page.locator("#progress").inner_text()
            for question in page.locator(".question:visible").all():
                question.locator("input").nth(6).check()
                expect(question.locator(".is-saved")).to_have_count(1)
            page.click("#trial-next")
            expect(page.locator("#progress")).not_to_contain_text(place)
        page.click("#texts-next")
        page.locator("#finish-code").wait_for()
        records = read_records(study.store)
        assert [row["outcome"] for row in records.tries] == ["shown"] * 3
        assert {row["value"] for row in records.ratings} == {7}
