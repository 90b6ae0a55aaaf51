"""A picture with regions over it, drawn, read out and painted on in the browser."""

from pathlib import Path

import gradio as gr

from ui.texts import text

SCRIPT = Path(__file__).parent / "edit_canvas.js"

CANVAS = """<div class="region-tools" role="toolbar" aria-label="{{tools}}">
<button type="button" data-tool="look" title="{{look_tip}}" aria-pressed="true">{{look}}</button>
<button type="button" data-tool="+" title="{{add_tip}}" aria-pressed="false">{{add}}</button>
<button type="button" data-tool="-" title="{{remove_tip}}" aria-pressed="false">{{remove}}</button>
<button type="button" data-tool="." title="{{erase_tip}}" aria-pressed="false">{{erase}}</button>
<label class="region-brush" title="{{brush_tip}}"><input type="checkbox" data-part="brush">{{brush}}</label>
<button type="button" data-part="clear" title="{{clear_tip}}">{{clear}}</button>
</div>
<div class="region-frame">
<p class="region-message" role="status"></p>
<div class="region-picture">
<img alt="{{reference}}"><canvas data-part="bands"></canvas>
<canvas data-part="marks" tabindex="0" role="application" aria-label="{{canvas}}"
 aria-describedby="{{readout_id}}"></canvas>
</div></div>
<p class="region-readout" id="{{readout_id}}" aria-live="polite">{{hint}}</p>
<div class="region-options">
<label title="{{opacity_tip}}">{{opacity}}<input type="range" data-part="opacity" min="0" max="100" value="60"></label>
<label title="{{only_tip}}"><input type="checkbox" data-part="only">{{only}}</label>
</div>
<ul class="region-legend" aria-label="{{legend}}"></ul>"""

CANVAS_TEXTS = (
    "tools", "look", "add", "remove", "erase", "brush", "clear", "reference", "canvas", "hint", "opacity", "only",
    "legend", "readout", "readout_everything", "painted_in", "painted_out",
    "look_tip", "add_tip", "remove_tip", "erase_tip", "brush_tip", "clear_tip", "opacity_tip", "only_tip",
)  # fmt: skip


def region_canvas(elem_id: str, elem_classes: str = "", **texts: str) -> gr.HTML:
    """Its value is what `edit_view.canvas` gives; every stroke is an `input` event with cells, only and stroke.

    elem_classes: "region-plain" for a picture to paint on and nothing else. texts: in the place of those of the edit
    panel, by their names in CANVAS_TEXTS.
    """
    return gr.HTML(
        None,
        html_template=CANVAS,
        js_on_load=SCRIPT.read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["region-canvas", elem_classes],
        min_width=0,
        readout_id=f"{elem_id}-readout",
        **{name: text(f"canvas_{name}") for name in CANVAS_TEXTS} | texts,
    )
