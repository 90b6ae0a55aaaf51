"""An anchor that the reference itself suggests."""

from pathlib import Path

import gradio as gr
import pytest
import torch

from colorizer.encoder import Encoder
from colorizer.images import read_picture
from colorizer.manipulation import Edit
from colorizer.manipulation.anchor import suggest_anchor
from colorizer.manipulation.preview import EditPreview, Source
from ui.colorize_layout import build_colorize_page
from ui.edit_changes import EditChanges
from ui.edit_look import EditLook
from ui.model_shelf import ModelShelf

ROOT = Path(__file__).parent.parent
BUNDLED = ROOT / "checkpoints"

AXES = {"red": 0, "green": 1, "purple": 2}


def encode_text(texts):
    """A text with a colour of AXES points along its axis, any other along the last one."""
    rows = [next((axis for colour, axis in AXES.items() if colour in text.split()), 3) for text in texts]
    return torch.eye(4)[rows]


def tokens(*shown):
    return torch.tensor(shown, dtype=torch.float32)


PURPLE = tokens([0, 0, 3, 1], [0, 1, 2, 0])


def test_it_is_the_target_in_the_colour_that_the_tokens_show():
    assert suggest_anchor(PURPLE, "long Green hair", encode_text, "high") == "long purple hair"
    assert suggest_anchor(-PURPLE, "green hair", encode_text, "low") == "purple hair"


def test_only_words_that_the_encoder_knows_are_suggested():
    assert suggest_anchor(PURPLE, "teal hair", encode_text, "high", {"red", "green", "hair"}) == "green hair"


@pytest.mark.parametrize("target", ["purple hair", "wavy hair", "red and green hair", ""])
def test_there_is_none_for_what_is_there_already_or_names_not_one_colour(target):
    assert suggest_anchor(PURPLE, target, encode_text, "high") is None


def test_there_is_none_without_a_region():
    assert suggest_anchor(PURPLE[:0], "green hair", encode_text, "high") is None


@pytest.fixture(scope="module")
def shelf():
    return ModelShelf(BUNDLED, device="cpu")


@pytest.fixture(scope="module")
def bundled(shelf):
    """suggestion(name of an example, target, control) of the bundled model."""
    encoder, preview = Encoder.load(BUNDLED / "mini.safetensors", "cpu"), EditPreview()

    def suggestion(name, target, control, before=()):
        reference = reference_of(name)
        config = shelf.describe("mini.safetensors").config
        source = Source("mini", name, config, lambda: read_picture(reference), lambda: encoder)
        return preview.anchor(source, before, Edit(target, control=control, mode="focused"))

    return suggestion


def reference_of(name):
    return ROOT / f"assets/examples/{name}-reference.jpg"


@pytest.mark.parametrize(
    ("name", "target", "control", "expected"),
    [
        ("hair-buns", "green hair", "the hair", "purple hair"),
        ("round-glasses", "green hair", "the hair", "pink hair"),
        ("hair-bun", "blue clothes", "the clothes", "red clothes"),
        ("flower-crown", "pink background", "the background", "teal background"),
        ("flower-crown", "teal background", "the background", None),  # is there already
    ],
)
def test_the_bundled_model_sees_what_is_there(bundled, name, target, control, expected):
    assert bundled(name, target, control) == expected


def test_edits_before_it_count(bundled):
    before = Edit("yellow hair", anchor="purple hair", control="the hair", target_scale=10, mode="focused")
    assert bundled("hair-buns", "green hair", "the hair", (before,)) == "yellow hair"


@pytest.fixture
def changes(shelf):
    with gr.Blocks():
        page = build_colorize_page(shelf.names(), shelf.describe("mini.safetensors"), "CPU", [])
        yield EditChanges(page, shelf, EditLook(page, shelf))


@pytest.fixture
def values(changes):
    page = changes.page
    values = {component: component.value for component in changes.inputs}
    return values | {page.model: "mini.safetensors", page.reference: str(reference_of("hair-buns"))}


def test_an_idea_of_the_panel_comes_with_its_anchor_and_the_models_own_weights(changes, values):
    panel = changes.panel
    updates = changes.idea(values, 0)
    assert (updates[panel.target], updates[panel.anchor], updates[panel.mode]) == (
        "green hair",
        "purple hair",
        "focused",
    )
    updates = changes.idea(values | {changes.page.reference: None}, 0)
    assert (updates[panel.target], updates[panel.anchor]) == ("green hair", "")


def test_an_anchor_is_taken_from_the_reference(changes, values):
    panel = changes.panel
    written = values | {panel.target: "blue hair", panel.control: "the hair"}
    assert changes.look.take_anchor(written)[panel.anchor] == "purple hair"
    with pytest.warns(UserWarning, match="one colour"):
        assert panel.anchor not in changes.look.take_anchor(written | {panel.target: "wavy hair"})
