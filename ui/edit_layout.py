"""The panel "Edit by words": its components and where they stand. No events here."""

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from colorizer.manipulation import DEFAULT_THRESHOLDS, Edit
from colorizer.manipulation.pwv import MODES
from ui.clipped_slider import ClippedSlider
from ui.edit_defaults import target_scale_range, weights_mode
from ui.edit_form import Painted
from ui.edit_list import EditList
from ui.edit_session import EditSession
from ui.edit_strip_layout import build_strip
from ui.fold import fold
from ui.model_shelf import ModelDescription
from ui.region_canvas import region_canvas
from ui.texts import text

FOLDER = Path(__file__).parent
# minimum, maximum, default
STRENGTH_RATIO = (0.0, 5.0, Edit.strength_ratio)

# The two ways to work share sketch, reference, settings and stage; CSS shows what belongs to the one that is chosen.
MODE_SWITCH = """<fieldset class="mode-switch"><legend>{legend}</legend>
<label><input type="radio" name="mode" id="mode-colorize" checked><span>{colorize}</span></label>
<label><input type="radio" name="mode" id="mode-edit"><span>{edit}<b id="edit-count" hidden></b></span></label>
</fieldset>"""

LIST = """<ol class="edit-rows"></ol><p class="hint edit-empty">{{empty}}</p>"""

LIST_TEXTS = ("empty", "on", "up", "down", "change", "discard")


@dataclass(frozen=True)
class EditPanel:
    """The components that events read or change.

    thresholds: ts0 to ts3. chosen: index of the edit in the form, None for a new one. refused: the form was to be saved
    and something in it is wrong; until that is put right its fields say so. fitted: the model whose default
    scales the panel has.
    """

    session: gr.State
    edits: gr.State
    chosen: gr.State
    painted: gr.State
    refused: gr.State
    fitted: gr.State
    rows: gr.HTML
    undo: gr.Button
    redo: gr.Button
    global_note: gr.HTML
    target: gr.Textbox
    target_note: gr.HTML
    anchor: gr.Textbox
    anchor_note: gr.HTML
    anchor_take: gr.Button
    control: gr.Textbox
    control_note: gr.HTML
    everywhere: gr.Checkbox
    target_scale: gr.Slider
    enhance: gr.Checkbox
    strength_ratio: gr.Slider
    mode: gr.Radio
    regions: gr.Column
    canvas: gr.HTML
    histogram: gr.HTML
    polarity: gr.HTML
    thresholds: tuple[gr.Slider, ...]
    auto: gr.Button
    reset: gr.Button
    save: gr.Button
    new: gr.Button
    ideas: tuple[gr.Button, ...]
    strip_low: gr.Number
    strip_high: gr.Number
    strip_count: gr.Slider
    strip: gr.Button
    strip_picture: gr.Image
    strip_download: gr.DownloadButton


def build_mode_switch() -> None:
    gr.HTML(
        MODE_SWITCH.format(legend=text("mode"), colorize=text("mode_colorize"), edit=text("mode_edit")),
        elem_id="mode",
        padding=False,
    )


def build_edit_panel(description: ModelDescription) -> EditPanel:
    """Lay the panel out: list, texts, regions with their thresholds, buttons, degree strip."""
    parts: dict = {
        "session": gr.State(EditSession()),
        "edits": gr.State(EditList()),
        "chosen": gr.State(None),
        "painted": gr.State(Painted()),
        "refused": gr.State(False),
        "fitted": gr.State(description.name or None),
    }
    parts |= _list()
    with gr.Column(elem_id="edit-form", min_width=0):
        parts |= _texts(description)
        with gr.Column(elem_id="edit-regions", min_width=0) as parts["regions"]:
            parts |= _regions()
        with gr.Row(elem_classes="edit-buttons"):
            parts["save"] = gr.Button(text("edit_add"), elem_id="edit-save", variant="primary", min_width=0)
            parts["new"] = gr.Button(text("edit_new"), elem_id="edit-new", min_width=0)
    with fold(text("more_editing"), "edit-more"):
        parts["strength_ratio"] = gr.Slider(
            *STRENGTH_RATIO,
            step=0.1,
            label=text("strength_ratio"),
            info=text("strength_ratio_info"),
            elem_id="edit-ratio",
        )
        parts["mode"] = gr.Radio(
            [(text(f"weights_{mode}"), mode) for mode in MODES],
            value=weights_mode(description),
            label=text("weights"),
            info=text("weights_info"),
            elem_id="edit-weights",
        )
        parts |= build_strip(description)
    return EditPanel(**parts)


def _list() -> dict:
    with gr.Column(elem_id="edit-list-group", min_width=0):
        with gr.Row(elem_classes="edit-head"):
            gr.HTML(f"<h2>{text('edit_list')}</h2>", padding=False)
            undo = gr.Button(text("undo"), size="sm", interactive=False, elem_id="edit-undo", scale=0, min_width=70)
            redo = gr.Button(text("redo"), size="sm", interactive=False, elem_id="edit-redo", scale=0, min_width=70)
        rows = gr.HTML(
            {"rows": []},
            html_template=LIST,
            js_on_load=_script("edit_list.js"),
            apply_default_css=False,
            elem_id="edit-list",
            **{name: text(f"list_{name}") for name in LIST_TEXTS},
        )
        with gr.Row(elem_id="edit-ideas"):
            ideas = tuple(
                gr.Button(text(f"idea_{i}"), size="sm", min_width=0, elem_classes="idea", elem_id=f"edit-idea-{i}")
                for i in range(3)
            )
    return {"rows": rows, "undo": undo, "redo": redo, "ideas": ideas}


def _texts(description: ModelDescription) -> dict:
    parts = {"global_note": gr.HTML(visible=False, elem_id="edit-global", padding=False)}
    with gr.Row(elem_classes="edit-trio"):
        for name in ("target", "anchor", "control"):
            with gr.Column(min_width=0, elem_classes="edit-field"):
                parts[name] = _textbox(name)
                parts[f"{name}_note"] = _note(name)
                if name == "anchor":
                    parts["anchor_take"] = gr.Button(
                        text("anchor_take"), size="sm", elem_id="edit-anchor-take", min_width=0
                    )
    with gr.Row(elem_classes=["edit-trio", "edit-strength"]):
        parts["target_scale"] = ClippedSlider(
            *target_scale_range(description),
            step=0.5,
            label=text("target_scale"),
            info=text("target_scale_info"),
            elem_id="edit-scale",
            min_width=0,
        )
        for name in ("enhance", "everywhere"):
            parts[name] = gr.Checkbox(label=text(name), info=text(f"{name}_info"), elem_id=f"edit-{name}", min_width=0)
    return parts


def _textbox(name: str) -> gr.Textbox:
    return gr.Textbox(
        label=text(f"edit_{name}"),
        info=text(f"edit_{name}_info"),
        placeholder=text(f"edit_{name}_placeholder"),
        max_lines=1,
        elem_id=f"edit-{name}",
        min_width=0,
    )


def _note(name: str) -> gr.HTML:
    return gr.HTML(elem_id=f"edit-{name}-note", elem_classes="edit-note", padding=False)


def _regions() -> dict:
    with gr.Row(elem_classes="edit-pair", equal_height=False):
        canvas = region_canvas("edit-canvas")
        with gr.Column(min_width=0, elem_id="edit-thresholds"):
            histogram = gr.HTML(elem_id="edit-histogram", padding=False)
            polarity = gr.HTML(elem_id="edit-polarity", padding=False)
            with gr.Column(min_width=0, elem_id="edit-sliders"):
                thresholds = tuple(
                    gr.Slider(
                        0,
                        1,
                        value,
                        step=0.01,
                        label=text(f"threshold_{i}"),
                        buttons=[],
                        elem_id=f"edit-ts{i}",
                        min_width=0,
                    )
                    for i, value in enumerate(DEFAULT_THRESHOLDS)
                )
            with gr.Row(elem_classes="small-buttons"):
                auto = gr.Button(text("thresholds_auto"), size="sm", elem_id="edit-auto", min_width=0)
                reset = gr.Button(text("thresholds_reset"), size="sm", elem_id="edit-reset", min_width=0)
    return {
        "canvas": canvas,
        "histogram": histogram,
        "polarity": polarity,
        "thresholds": thresholds,
        "auto": auto,
        "reset": reset,
    }


def _script(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
