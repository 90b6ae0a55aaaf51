"""Handlers of the page without a browser: what a run gets, what they say, and how their events wait."""

import contextlib
import re

import anyio
import gradio as gr
import pytest
import safehttpx
from gradio.context import LocalContext
from gradio.route_utils import Request
from PIL import Image, ImageDraw

from colorizer.generation import Preview
from colorizer.pipeline import Result
from ui import folder_run
from ui.colorize_events import connect
from ui.colorize_layout import build_colorize_page
from ui.edit_form import Painted
from ui.edit_list import EditList
from ui.edit_strip import EditStrip
from ui.edit_view import canvas, field_note
from ui.folder_layout import build_folder_page
from ui.folder_run import FolderRun
from ui.model_shelf import ModelShelf
from ui.more_references import PaintedReference
from ui.page import build_page
from ui.picture_upload import UploadsOnly


@pytest.fixture
def shelf(tiny_checkpoint):
    return ModelShelf(tiny_checkpoint.parent, device="cpu")


@pytest.fixture
def runs():
    """(references, settings) of every run that was asked for."""
    return []


@pytest.fixture
def run(shelf, runs):
    """The run of a page whose pictures are made by a recorder."""

    def generate(model, prediction_type, sketch, references, settings, previews=True):
        runs.append((references, settings))
        yield Result([Image.new("RGB", (64, 64))], [settings.seed], settings)

    with gr.Blocks():
        name = shelf.default()
        page = build_colorize_page(shelf.names(), shelf.describe(name), "CPU", [])
        yield connect(page, shelf, generate, [], gr.Markdown())


@pytest.fixture
def values(run, tmp_path):
    """Of all inputs as the page begins, with a sketch and two references."""
    page = run.page
    sketch = Image.new("L", (80, 80), 255)
    ImageDraw.Draw(sketch).ellipse((10, 10, 70, 70), outline=0, width=4)
    for name, picture in (
        ("sketch", sketch),
        ("first", Image.new("RGB", (40, 40), "red")),
        ("second", Image.new("RGB", (40, 40), "blue")),
    ):
        picture.save(tmp_path / f"{name}.png")
    panel = page.edit
    inputs = run.inputs | run.changes.inputs | {panel.strip_low, panel.strip_high, panel.strip_count}
    values = {component: component.value for component in inputs}
    return values | {
        page.sketch: str(tmp_path / "sketch.png"),
        page.reference: str(tmp_path / "first.png"),
        page.more_references.pictures[0]: str(tmp_path / "second.png"),
        panel.target: "green hair",
        panel.control: "the hair",
    }


def colours(references):
    return [picture.getpixel((0, 0)) for picture in references]


def test_a_degree_strip_and_a_folder_take_all_references_weights_and_regions(run, runs, values):
    page = run.page
    painted = Painted("++../++../++../++..")
    values |= {
        page.more_references.weights[1]: 0.5,
        page.more_references.painted[1]: PaintedReference(painted, values[page.more_references.pictures[0]]),
    }
    values |= run.changes.save(values)
    list(EditStrip(run).make(values))
    assert len(runs) == values[page.edit.strip_count]
    with gr.Blocks():
        folder = build_folder_page()
    list(FolderRun(folder, run).colour(values | {folder.sketches: [values[page.sketch]]}))
    for references, settings in runs:
        assert colours(references) == [(255, 0, 0), (0, 0, 255)]
        assert settings.reference_weights == (1, 0.5)
        assert settings.reference_regions == (None, painted.mask)


def test_a_folder_says_how_far_it_is_and_what_is_wrong_with_a_picture(run, values, monkeypatch):
    def generate(*_arguments):
        yield Preview(30, 60, None, 1.0)  # a sharp picture has more steps than its settings say
        yield Result([Image.new("RGB", (64, 64))], [1], run.settings(values), ("It came out black.",))

    said = []
    monkeypatch.setattr(run, "generate", generate)
    monkeypatch.setattr(folder_run, "inform", said.append)
    with gr.Blocks():
        folder = build_folder_page()
    updates = list(FolderRun(folder, run).colour(values | {folder.sketches: [values[run.page.sketch]] * 2}))
    shares = re.findall(r'valuenow="(\d+)"', "".join(str(update.get(folder.status)) for update in updates))
    assert shares == ["0", "25", "50", "75"]
    assert said == ["sketch.png: It came out black."]  # once, not with every sketch


@pytest.mark.parametrize("way", ["save", "new", "act"])
def test_the_seed_is_kept_from_the_first_edit_on_however_it_comes_into_the_list(run, values, way):
    changes, panel = run.changes, run.page.edit
    values |= {run.page.shown_seed: 7}
    if way == "act":
        updates = changes.act(values, gr.EventData(None, {"action": "switch", "index": 0}))
    else:
        updates = getattr(changes, way)(values)
    assert [edit.target for edit in updates[panel.edits].edits] == ["green hair"]
    assert (updates[run.page.seed_lock], updates[run.page.settings["seed"]]) == (True, 7)
    refused = changes.new(values | {panel.control: "", panel.edits: EditList()})
    assert refused[panel.edits].edits == () and run.page.seed_lock not in refused


def test_the_edit_panel_speaks_the_visitors_language():
    message = "The target text is empty; write what you want to see."
    token = LocalContext.request.set(Request(headers={"accept-language": "ja"}))
    try:
        shown = (field_note(message), field_note(None, [message]), canvas(None, Painted(), message, 0)["message"])
    finally:
        LocalContext.request.reset(token)
    assert all("ターゲットの文が空です" in part for part in shown)
    assert message in field_note(message)


@pytest.fixture(scope="module")
def blocks(tiny_checkpoint):
    return build_page(ModelShelf(tiny_checkpoint.parent, device="cpu"))


@pytest.fixture(scope="module")
def events(blocks):
    return blocks.fns.values()


def test_events_of_one_queue_name_one_limit(events):
    """The lowest would count for all of them."""
    limits = {}
    for event in events:
        limits.setdefault(event.concurrency_id, set()).add(event.concurrency_limit)
    assert {"model", "pictures"} <= limits.keys()
    assert {name: found for name, found in limits.items() if len(found) > 1} == {}


def test_no_event_takes_a_file_from_elsewhere(events):
    kinds = (gr.Image, gr.ImageSlider, gr.Gallery, gr.File, gr.UploadButton, gr.DownloadButton)
    taken = {part for event in events for part in event.inputs if isinstance(part, kinds)}
    assert len(taken) > 5
    assert {part.elem_id for part in taken if not isinstance(part, UploadsOnly)} == set()


ADDRESS = "http://pictures.example/a.png"


@pytest.fixture
def asked(monkeypatch):
    """The hosts of which something was about to be fetched."""
    hosts = []

    async def validate(host, *_arguments, **_options):
        hosts.append(host)
        raise ValueError("no network in tests")

    monkeypatch.setattr(safehttpx, "async_validate_url", validate)
    return hosts


def preprocess(blocks, events, payload, method):
    """Each of the events gets the payload for all its inputs; what is refused, and how, depends on the component."""

    async def call_all():
        for event in events:
            with contextlib.suppress(Exception):
                await method(blocks, event, [payload] * len(event.inputs), None)

    anyio.run(call_all)


@pytest.mark.parametrize(
    "file", [{"path": ADDRESS}, {"path": ADDRESS, "is_stream": True}, {"path": "/tmp/none.png", "url": ADDRESS}]
)
@pytest.mark.parametrize("wrapped", [lambda file: file, lambda file: {"a": [{"b": file}]}, lambda file: [[file]]])
def test_no_input_of_any_event_makes_the_server_fetch_an_address(blocks, events, asked, file, wrapped):
    """Every way to a handler leads through `preprocess_data`: the queue, direct calls, `/call` and MCP."""
    payload = wrapped(file | {"meta": {"_type": "gradio.FileData"}})
    preprocess(blocks, events, payload, type(blocks).preprocess_data)
    assert asked == []


def test_gradio_itself_would_fetch_it(blocks, events, asked):
    """Else the test above could not fail."""
    payload = {"path": ADDRESS, "meta": {"_type": "gradio.FileData"}}
    preprocess(blocks, events, payload, gr.Blocks.preprocess_data)
    assert set(asked) == {"pictures.example"}
