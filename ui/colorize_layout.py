"""The Colorize page: its components and where they stand. No events here."""

from dataclasses import dataclass, fields

import gradio as gr

from colorizer.lineart import MODES
from colorizer.settings import GenerationSettings
from ui import status
from ui.edit_compare import ComparisonChoice, build_comparison_choice
from ui.edit_layout import EditPanel, build_edit_panel, build_mode_switch
from ui.fold import fold
from ui.history_layout import HistoryStrip, build_history
from ui.layers_panel import LayersPanel, build_layers_panel
from ui.model_shelf import ModelDescription
from ui.more_references import MoreReferences, build_more_references
from ui.picture_upload import PictureUpload, picture_upload
from ui.saved_layout import SavedSettings, build_saved_settings
from ui.settings_layout import MAX_VARIANTS, build_main_settings, build_more_settings
from ui.texts import text

# A frame whose half is filled with colour: what the page does.
EMPTY_DRAWING = """<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true">
<rect x="5" y="8" width="38" height="32" rx="3"/><circle cx="15.5" cy="17.5" r="3.5"/>
<path d="M5 34l11-9 7 6 8-10 12 12"/><path d="M24 4v40" stroke-dasharray="2 3"/></svg>"""


@dataclass(frozen=True)
class ColorizePage:
    """The components that events read or change.

    settings: field of `GenerationSettings` -> its component, so settings travel by name. fitted: the model
    whose ranges and defaults they have. problem: why the last run failed, "" if it did not.
    """

    sketch: PictureUpload
    reference: PictureUpload
    prepared: gr.Image
    preparation: gr.Dropdown
    swap: gr.Button
    clear: gr.Button
    colorize: gr.Button
    stop: gr.Button
    status: gr.HTML
    problem: gr.State
    empty: gr.HTML
    preview: gr.Image
    result: gr.ImageSlider
    variants: gr.Gallery
    download: gr.DownloadButton
    examples: gr.Gallery
    preset: gr.Radio
    seed_lock: gr.Checkbox
    seed_dice: gr.Button
    seed_reuse: gr.Button
    model: gr.Dropdown
    prediction_type: gr.Radio
    fitted: gr.State
    device: gr.HTML
    estimate: gr.HTML
    layers: LayersPanel
    more_references: MoreReferences
    run_seeds: gr.State
    shown_seed: gr.State
    edit: EditPanel
    comparison: ComparisonChoice
    history: HistoryStrip
    saved: SavedSettings
    settings: dict[str, gr.components.Component]

    def stage(self, shown: gr.components.Component, **update) -> dict:
        """Updates that show one of the three things that share the stage."""
        parts = (self.empty, self.preview, self.result)
        return {part: gr.update(visible=False) for part in parts} | {shown: gr.update(visible=True, **update)}


def build_colorize_page(
    models: list[str], description: ModelDescription | None, device: str, examples: list[tuple]
) -> ColorizePage:
    """Lay the page out: pictures, actions and settings at the left, the stage at the right; CSS reorders for phones.

    description: of the model chosen at first, None when there is none. examples: (picture, title) of each.
    """
    parts: dict = {"problem": gr.State(""), "run_seeds": gr.State(()), "shown_seed": gr.State(None)}
    with gr.Row(elem_id="workspace"):
        with gr.Column(elem_id="area-mode", min_width=0):
            build_mode_switch()
        with gr.Column(elem_id="area-inputs", min_width=0):
            parts |= _pictures()
            parts["more_references"] = build_more_references()
        with gr.Column(elem_id="area-actions", min_width=0):
            parts |= _actions()
        with gr.Column(elem_id="area-stage", min_width=0):
            parts |= _stage("status_ready" if description else "status_no_model")
            parts["layers"] = build_layers_panel()
            parts["history"] = build_history()
        with gr.Column(elem_id="area-examples", min_width=0, visible=bool(examples)):
            parts["examples"] = _examples(examples)
        with gr.Column(elem_id="area-edit", min_width=0):
            parts["edit"] = build_edit_panel(description or ModelDescription())
        with gr.Column(elem_id="area-settings", min_width=0):
            description = description or ModelDescription()
            parts["fitted"] = gr.State(description.name or None)
            parts |= build_main_settings(description)
            with fold(text("more"), "more"):
                parts |= build_more_settings(models, description, device)
            parts["saved"] = build_saved_settings()
    settings = {field.name: parts.pop(field.name) for field in fields(GenerationSettings) if field.name in parts}
    return ColorizePage(settings=settings, **parts)


def _pictures() -> dict:
    with gr.Row(elem_classes="pair", equal_height=True):
        sketch, reference = (
            picture_upload(text(name), placeholder=text(f"{name}_placeholder"), elem_id=name, height=210, min_width=120)
            for name in ("sketch", "reference")
        )
    with gr.Row(elem_classes="pair", equal_height=True):
        prepared = gr.Image(
            label=text("prepared"),
            elem_id="prepared",
            format="png",
            interactive=False,
            buttons=["fullscreen"],
            height=170,
            min_width=120,
        )
        with gr.Column(min_width=120, elem_id="preparation-column"):
            preparation = gr.Dropdown(
                [(text(f"preparation_{mode}"), mode) for mode in MODES],
                value="auto",
                label=text("preparation"),
                info=text("preparation_info"),
                filterable=False,
                min_width=0,
                elem_id="preparation",
            )
            with gr.Row(elem_classes="small-buttons"):
                swap = gr.Button(text("swap"), size="sm", elem_id="swap", min_width=0)
                clear = gr.Button(text("clear"), size="sm", elem_id="clear", min_width=0)
    return {
        "sketch": sketch,
        "reference": reference,
        "prepared": prepared,
        "preparation": preparation,
        "swap": swap,
        "clear": clear,
    }


def _actions() -> dict:
    with gr.Row(elem_classes="actions"):
        colorize = gr.Button(text("colorize"), variant="primary", elem_id="colorize", scale=3, min_width=120)
        stop = gr.Button(text("stop"), variant="stop", elem_id="stop", interactive=False, scale=1, min_width=80)
    gr.HTML(f'<p class="hint shortcuts-hint">{text("shortcut_hint")}</p>', padding=False)
    return {"colorize": colorize, "stop": stop}


def _stage(first_status: str) -> dict:
    with gr.Column(elem_id="stage", min_width=0):
        empty = gr.HTML(
            f"{EMPTY_DRAWING}<h2>{text('stage_empty_title')}</h2><p>{text('stage_empty_body')}</p>",
            elem_id="stage-empty",
            padding=False,
        )
        preview = build_preview()
        result = gr.ImageSlider(
            label=text("stage_result"),
            format="png",
            image_mode=None,
            type="filepath",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            slider_position=50,
            max_height=2000,
            elem_id="stage-result",
        )
    with gr.Row(elem_id="under-stage"):
        status_line = gr.HTML(status.idle(text(first_status)), elem_id="status", padding=False)
        download = gr.DownloadButton(
            text("download"), interactive=False, elem_id="download", scale=0, min_width=150, size="md"
        )
    comparison = build_comparison_choice()
    variants = gr.Gallery(
        label=text("variants"),
        format="png",
        columns=MAX_VARIANTS,
        height="auto",
        allow_preview=False,
        object_fit="contain",
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="variants",
    )
    return {
        "empty": empty,
        "preview": preview,
        "result": result,
        "status": status_line,
        "download": download,
        "variants": variants,
        "comparison": comparison,
    }


def build_preview() -> gr.Image:
    """Previews are many and passing: JPEG keeps them small on the wire."""
    return gr.Image(
        label=text("stage_preview"),
        format="jpeg",
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="stage-preview",
    )


def _examples(examples: list[tuple]) -> gr.Gallery:
    gr.HTML(f'<h2>{text("examples")}</h2><p class="hint">{text("examples_hint")}</p>', padding=False)
    return gr.Gallery(
        examples,
        label=text("examples"),
        show_label=False,
        format="png",
        columns=4,
        height="auto",
        allow_preview=False,
        object_fit="cover",
        interactive=False,
        buttons=[],
        elem_id="examples",
    )
