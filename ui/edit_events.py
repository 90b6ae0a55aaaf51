"""Which control of the panel "Edit by words" does what."""

import gradio as gr
from gradio.context import Context

from colorizer.manipulation import DEFAULT_THRESHOLDS, separate_thresholds
from colorizer.manipulation.degree import degree_range
from ui.colorize_layout import ColorizePage
from ui.edit_changes import IDEAS, EditChanges
from ui.edit_defaults import target_scale_range, weights_mode
from ui.edit_form import Painted
from ui.edit_layout import EditPanel
from ui.edit_look import EditLook
from ui.edit_strip import EditStrip
from ui.model_shelf import ModelDescription, ModelShelf
from ui.model_updates import carried
from ui.queues import MODEL
from ui.texts import text

# A queue of its own: looking at regions needs the encoder only and never waits for somebody's run.
AT_ONCE = {
    "concurrency_id": "relevance",
    "concurrency_limit": 4,
    "show_progress": "hidden",
    "api_visibility": "private",
}
NEWEST = {**AT_ONCE, "trigger_mode": "always_last"}


def connect_edits(page: ColorizePage, shelf: ModelShelf) -> EditChanges:
    """Attach the panel's events. Call inside the `gr.Blocks` of the page."""
    look = EditLook(page, shelf)
    changes = EditChanges(page, shelf, look)
    _connect_look(page, look)
    _connect_thresholds(page, look)
    _connect_changes(page, changes)
    _connect_model(page, shelf, look)
    return changes


def connect_strip(page: ColorizePage, strip: EditStrip, changes: EditChanges) -> None:
    panel = page.edit
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    settled = panel.strip.click(
        changes.settle, inputs=changes.inputs, outputs=changes.outputs, concurrency_limit=None, **quiet
    )
    checked = settled.then(strip.check, inputs=strip.inputs, outputs=strip.outputs, concurrency_limit=None, **quiet)
    making = checked.success(
        strip.make,
        inputs=strip.inputs,
        outputs=strip.outputs,
        **MODEL,
        show_progress="minimal",
        show_progress_on=page.status,
        api_visibility="private",
    )
    making.failure(strip.ended, inputs={page.problem}, outputs=strip.outputs, queue=False, **quiet)
    page.stop.click(None, cancels=[making])


def _connect_look(page: ColorizePage, look: EditLook) -> None:
    panel = page.edit
    texts = (panel.target, panel.anchor, panel.control)
    seen = {"inputs": look.inputs, "outputs": look.outputs, **NEWEST}
    # The page's script lets a text box say "blur" when the visitor stops typing.
    gr.on([event for box in texts for event in (box.submit, box.blur)], look.look, **seen)
    panel.anchor_take.click(look.take_anchor, inputs=look.inputs, outputs=[*look.outputs, panel.anchor], **NEWEST)
    gr.on([panel.everywhere.input, panel.enhance.input, panel.mode.input], look.look, **seen)
    gr.on([panel.target_scale.release, panel.strength_ratio.release], look.look, **seen)

    def repaint(values):
        """Another reference: what was painted on the old one means nothing."""
        return look.painted(values, Painted(stroke=values[panel.painted].stroke))

    page.reference.change(repaint, **seen)

    def painted(values, event: gr.EventData):
        stroke = event.stroke if isinstance(event.stroke, int) else 0
        return look.painted(values, Painted(str(event.cells), bool(event.only), stroke))

    drawing = {**NEWEST, "concurrency_id": "histogram", "concurrency_limit": 2}
    panel.canvas.change(look.histogram, inputs=look.inputs, outputs=panel.histogram, **drawing)
    panel.canvas.input(painted, **{**seen, "trigger_mode": "multiple"})


def _connect_thresholds(page: ColorizePage, look: EditLook) -> None:
    panel = page.edit
    seen = {"inputs": look.inputs, "outputs": look.outputs, **NEWEST}
    for index, slider in enumerate(panel.thresholds):

        def moved(values, index=index):
            current = [values[slider] for slider in panel.thresholds]
            return look.with_thresholds(values, separate_thresholds(current, index))

        slider.release(moved, **seen)
    panel.auto.click(look.auto, **seen)
    panel.reset.click(lambda values: look.with_thresholds(values, DEFAULT_THRESHOLDS), **seen)


def _connect_changes(page: ColorizePage, changes: EditChanges) -> None:
    panel = page.edit
    changed = {"inputs": changes.inputs, "outputs": changes.outputs, **AT_ONCE}
    panel.save.click(changes.save, **changed)
    panel.new.click(changes.new, **changed)
    panel.rows.input(changes.act, **changed)
    panel.undo.click(changes.undo, **changed)
    panel.redo.click(changes.redo, **changed)
    for index in range(len(IDEAS)):
        panel.ideas[index].click(lambda values, index=index: changes.idea(values, index), **changed)


def _connect_model(page: ColorizePage, shelf: ModelShelf, look: EditLook) -> None:
    """What the panel offers depends on the model: a CLS model has no regions."""
    panel = page.edit

    def suit(values):
        model = values[page.model]
        if model is None:
            return gr.skip()
        config = look.config(model)
        is_global = config.kind == "cls"
        description = shelf.describe(model)
        polarity = text("polarity_low" if config.relevance_polarity == "low" else "polarity_high")
        former = shelf.describe_any(values[panel.fitted])
        scales = _scales(panel, values, former, description)
        mode = values[panel.mode]
        if values[panel.chosen] is None and mode == weights_mode(former):
            mode = weights_mode(description)
        return {
            **look.look(values | {panel.target_scale: scales[panel.target_scale]["value"], panel.mode: mode}),
            panel.regions: gr.update(visible=not is_global),
            panel.control: gr.update(visible=not is_global),
            panel.everywhere: gr.update(visible=not is_global),
            panel.strength_ratio: gr.update(visible=not is_global),
            panel.mode: gr.update(visible=not is_global, value=mode),
            panel.global_note: gr.update(
                value=f'<p class="panel-note">{text("edits_are_global")}</p>', visible=is_global
            ),
            panel.polarity: f'<p class="hint">{polarity}</p>',
            panel.fitted: model,
            **scales,
        }

    outputs = [
        *look.outputs, panel.regions, panel.control, panel.everywhere, panel.strength_ratio, panel.mode,
        panel.global_note, panel.polarity, panel.fitted, panel.target_scale, panel.strip_low, panel.strip_high,
    ]  # fmt: skip
    inputs = look.inputs | {page.model, panel.fitted, panel.strip_low, panel.strip_high}
    # One event for both, so that an answer about the former model is never the later one.
    gr.on([page.model.change, Context.root_block.load], suit, inputs=inputs, outputs=outputs, **NEWEST)


def _scales(panel: EditPanel, values: dict, former: ModelDescription, description: ModelDescription) -> dict:
    """Target scale and degree strip for another model: at its default where they are at the former one's."""
    before = target_scale_range(former)[2]
    minimum, maximum, default = target_scale_range(description)
    # In the form of an edit from the list the scale is that edit's own.
    known = before if values[panel.chosen] is None else None
    scale = carried(values[panel.target_scale], known, minimum, maximum, default)
    updates = {panel.target_scale: gr.update(minimum=minimum, maximum=maximum, value=scale)}
    for number, old, new in zip(
        (panel.strip_low, panel.strip_high), degree_range(before), degree_range(default), strict=True
    ):
        if values[number] == old != new:
            updates[number] = new
    return updates
