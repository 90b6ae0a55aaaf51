"""The two upload zones and "what the model sees"."""

from pathlib import Path

import gradio as gr

from colorizer.errors import UserError
from colorizer.images import fitted_size, has_colours, read_picture
from colorizer.lineart import classify_sketch, has_lines, prepare_sketch, read_line_art
from colorizer.thin_lines import reduce_line_art
from ui.colorize_layout import ColorizePage
from ui.queues import PICTURES
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import warn

PREPARED_SIDE = 512  # longest side of "what the model sees", in pixels
NOT_SHOWN_BY_BROWSERS = (".tif", ".tiff")
EVENTS = {
    **PICTURES,
    "trigger_mode": "always_last",  # of one visitor's quick changes only the newest counts
    "show_progress": "hidden",
    "api_visibility": "private",
}


def connect_pictures(page: ColorizePage) -> None:
    """Check uploads as they come, keep "what the model sees" up to date, swap and clear."""
    gr.on(
        [page.sketch.change, page.preparation.change],
        _prepare,
        inputs=[page.sketch, page.preparation],
        outputs=[page.prepared, page.sketch],
        **EVENTS,
    )
    for reference in (page.reference, *page.more_references.pictures):
        reference.change(_check_reference, inputs=reference, outputs=reference, **EVENTS)
    pictures = [page.sketch, page.reference]
    local = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    page.swap.click(lambda sketch, reference: (reference, sketch), inputs=pictures, outputs=pictures, **local)
    everything = [*pictures, *page.more_references.pictures]
    page.clear.click(lambda: [None] * len(everything), outputs=everything, **local)


def _prepare(path: str | None, mode: str):
    """(what the model sees, what the sketch zone shows). A refused upload is taken out of its zone again."""
    if path is None:
        return gr.update(value=None, label=text("prepared")), gr.skip()
    try:
        picture = read_line_art(path)
    except UserError as error:
        warn(in_visitors_language(str(error)))
        return gr.update(value=None, label=text("prepared")), None
    label = text("prepared")
    if mode == "auto":
        mode = classify_sketch(picture)
        label = text(f"prepared_{mode}")
    prepared = prepare_sketch(picture, mode)
    if not has_lines(prepared):
        warn(text("warning_no_lines"))
    if max(prepared.size) > PREPARED_SIDE:
        prepared = reduce_line_art(prepared, fitted_size(prepared.size, PREPARED_SIDE))  # as for the model
    return gr.update(value=prepared, label=label), _showable(path, picture)


def _check_reference(path: str | None):
    """What the reference zone shows."""
    if path is None:
        return gr.skip()
    try:
        picture = read_picture(path)
        if not has_colours(picture):
            warn(text("warning_no_colours"))
        return _showable(path, picture)
    except UserError as error:
        warn(in_visitors_language(str(error)))
        return None


def _showable(path: str, picture):
    """The zone's new value: the picture itself where the browser cannot show its file, else no change."""
    return picture if Path(path).suffix.lower() in NOT_SHOWN_BY_BROWSERS else gr.skip()
