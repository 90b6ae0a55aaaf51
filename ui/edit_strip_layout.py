"""The degree strip of the panel: its components and where they stand."""

import gradio as gr

from colorizer.manipulation.degree import FEWEST, MOST, degree_range
from ui.edit_defaults import target_scale_range
from ui.model_shelf import ModelDescription
from ui.texts import text

STRIP_COUNT = 5


def build_strip(description: ModelDescription) -> dict:
    """By the names of `EditPanel`."""
    low, high = degree_range(target_scale_range(description)[2])
    gr.HTML(f'<h3>{text("strip")}</h3><p class="hint">{text("strip_info")}</p>', padding=False)
    with gr.Row(elem_classes="strip-row"):
        parts = {
            "strip_low": gr.Number(low, label=text("strip_low"), elem_id="strip-low", min_width=0),
            "strip_high": gr.Number(high, label=text("strip_high"), elem_id="strip-high", min_width=0),
        }
    parts["strip_count"] = gr.Slider(
        FEWEST, MOST, STRIP_COUNT, step=1, label=text("strip_count"), buttons=[], elem_id="strip-count"
    )
    parts["strip"] = gr.Button(text("strip_make"), elem_id="strip-make", min_width=0)
    parts["strip_picture"] = gr.Image(
        label=text("strip"),
        show_label=False,
        format="png",
        interactive=False,
        visible=False,
        buttons=["fullscreen"],
        elem_id="strip-picture",
    )
    parts["strip_download"] = gr.DownloadButton(text("download"), visible=False, size="sm", elem_id="strip-download")
    return parts
