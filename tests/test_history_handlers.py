"""What the buttons of the history strip do, without a browser."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from ui.colorize_layout import build_colorize_page
from ui.history_events import History
from ui.history_store import HistoryStore, new_key


@pytest.fixture
def history():
    with gr.Blocks():
        return History(build_colorize_page([], None, "CPU", []), HistoryStore())


@pytest.fixture
def values(history, tmp_path):
    """Of a visitor with two pictures, the newest of which is on the stage."""
    strip, key = history.strip, new_key()
    for number in (1, 2):
        Image.new("RGB", (32, 32), (100 * number, 0, 0)).save(tmp_path / f"cat-{number}.png")
        history.store.add(key, [tmp_path / f"cat-{number}.png"], [number], tmp_path / "cat-1.png")
    ids = tuple(entry.id for entry in history.store.entries(key))
    states = {strip.ids: ids, strip.chosen: ids[0], strip.compared: None, strip.deleted: ()}
    return {strip.visitor: key, strip.run_ids: ids[:1], **states}


def after(values, updates):
    """The states as the browser holds them after an event."""
    return {state: updates.get(state, value) for state, value in values.items()}


def choose(history, values, index):
    return history.select(values, SimpleNamespace(index=index))


def names(update):
    return [Path(path).name for path in update["value"]]


@pytest.mark.parametrize("elsewhere", [False, True])  # deleted in another tab of the same browser
def test_a_picture_that_was_to_be_compared_may_be_deleted_first(history, values, elsewhere):
    strip, result = history.strip, history.page.result
    values = after(values, history.compare(values))
    changed = after(values, history.delete(values))
    updates = choose(history, values if elsewhere else changed, 1 if elsewhere else 0)
    assert updates[strip.compared] is None
    assert names(updates[result])[1] == "cat-1.png"


def test_two_pictures_compared_are_both_named_as_when_they_are_downloaded(history, values):
    values = after(values, history.compare(values))
    assert names(choose(history, values, 1)[history.page.result]) == ["cat-2.png", "cat-1.png"]


def test_a_picture_of_the_history_and_its_layers_keep_its_name(history, values):
    page, updates = history.page, choose(history, values, 1)
    assert Path(updates[page.download]["value"]).name == "cat-1.png"
    assert [Path(files.result).name for files in updates[page.comparison.compared]] == ["cat-1.png"]


def test_undo_says_that_the_picture_is_back(history, values):
    page = history.page
    deleted = history.delete(values)
    updates = history.undo(after(values, deleted))
    assert len(updates[history.strip.ids]) == 2
    assert updates[page.status] != deleted[page.status]


def test_without_pictures_there_is_none_to_take_apart(history, values):
    for _ in range(2):
        values = after(values, updates := history.delete(values))
    assert updates[history.page.shown_seed] is None
    assert updates[history.page.comparison.compared] == ()
