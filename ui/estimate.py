"""What the run that is set up would take, under the size: seconds and memory, as they are known so far."""

from html import escape

import gradio as gr
from PIL import Image

from colorizer.errors import UserError
from colorizer.settings import GenerationSettings
from colorizer.workload import GIB, Estimate
from ui.colorize_layout import ColorizePage
from ui.model_shelf import ModelShelf
from ui.queues import PICTURES
from ui.texts import text
from ui.texts.messages import in_visitors_language

# The work does not depend on these; they keep their defaults.
FREE = {"seed", "noise_level", "sampler", "schedule", "style_fidelity"}


def connect_estimate(page: ColorizePage, shelf: ModelShelf) -> None:
    """Keep the estimate up to date with the settings, the pictures, the model and what runs have shown."""
    controls = {name: control for name, control in page.settings.items() if name not in FREE}
    references = [page.reference, *page.more_references.pictures]
    watched = [page.sketch, *references, page.prediction_type, *controls.values()]

    def estimate(values: dict) -> str:
        try:
            settings = GenerationSettings(**{name: values[control] for name, control in controls.items()})
            colorizer = shelf.loaded(values[page.model], values[page.prediction_type])
        except UserError as error:
            return _line(in_visitors_language(str(error)), wrong=True)
        if colorizer is None:
            return _line(text("estimate_later"))
        given = sum(values[reference] is not None for reference in references)
        return _estimate_line(colorizer.estimate(_size(values[page.sketch]), settings, given))

    gr.on(
        # Not the model's change: the choices of size are the former model's until the page is fitted to the new one.
        [component.change for component in (*watched, page.fitted, page.run_seeds)],
        estimate,
        inputs={page.model, *watched},
        outputs=page.estimate,
        trigger_mode="always_last",
        **PICTURES,
        show_progress="hidden",
        api_visibility="private",
    )


def _size(path: str | None) -> tuple[int, int]:
    """Width and height of an upload, from its header; a square where there is none yet, or none that can be read."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, AttributeError, ValueError, Image.DecompressionBombError):
        return 1, 1


def _estimate_line(estimate: Estimate) -> str:
    numbers = {"memory": f"{max(0.1, estimate.memory / GIB):.1f}"}
    if not estimate.fits:
        return _line(text("estimate_too_large", free=f"{estimate.available / GIB:.1f}", **numbers), wrong=True)
    if estimate.seconds is None:
        return _line(text("estimate_memory", **numbers))
    return _line(text("estimate", seconds=max(1, round(estimate.seconds)), **numbers))


def _line(message: str, wrong: bool = False) -> str:
    return f'<p class="hint{" is-wrong" if wrong else ""}">{escape(message)}</p>'
