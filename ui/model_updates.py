"""What changes on the page with the model that is chosen."""

import gradio as gr

from ui.about import about_text
from ui.colorize_layout import ColorizePage
from ui.model_shelf import ModelDescription
from ui.settings_layout import SLIDER_RANGES, size_choices, slider_range


def described_components(page: ColorizePage, about: gr.Markdown) -> list[gr.components.Component]:
    """The components that `described` updates."""
    return [about, page.prediction_type, page.settings["size"], *(page.settings[name] for name in SLIDER_RANGES)]


def described(page: ColorizePage, about: gr.Markdown, description: ModelDescription) -> dict:
    """Ranges, defaults and choices of a model; component -> its update."""
    size = description.native_size
    return {
        about: about_text(description),
        page.prediction_type: gr.update(visible=not description.states_prediction_type),
        page.settings["size"]: gr.update(choices=size_choices(size), value=size),
        **{page.settings[name]: gr.update(**slider_range(description, name)) for name in SLIDER_RANGES},
    }
