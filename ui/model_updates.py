"""What changes on the page with the model that is chosen."""

import gradio as gr

from ui.about import about_text
from ui.colorize_layout import ColorizePage
from ui.model_shelf import ModelDescription
from ui.settings_layout import SLIDER_RANGES, size_choices, slider_range

Updates = dict  # component -> its update


def described_components(page: ColorizePage, about: gr.Markdown) -> list[gr.components.Component]:
    """The components that `described` updates."""
    sliders = (page.settings[name] for name in SLIDER_RANGES)
    return [about, page.fitted, page.prediction_type, page.settings["size"], *sliders]


def described(page: ColorizePage, about: gr.Markdown, description: ModelDescription, values: dict) -> Updates:
    """Ranges and choices of a model, and `values` of settings by name; the other settings keep theirs."""
    shown = {
        "size": {"choices": size_choices(description.native_size)},
        **{name: _limits(description, name) for name in SLIDER_RANGES},
    }
    return {
        about: about_text(description),
        page.fitted: description.name,
        page.prediction_type: gr.update(visible=not description.states_prediction_type),
        **{
            page.settings[name]: gr.update(**options, **({"value": values[name]} if name in values else {}))
            for name, options in shown.items()
        },
    }


def carried_over(page: ColorizePage, values: dict, before: ModelDescription, description: ModelDescription) -> dict:
    """The settings, by name, that cannot or should not stay as they are under another model.

    values: component -> its value. What is at the default of the model `before` goes to the new one's; what the
    visitor moved stays as far as the new range allows.
    """
    now = {"size": nearest_size(values[page.settings["size"]], before, description)}
    for name in SLIDER_RANGES:
        old, new = (slider_range(each, name) for each in (before, description))
        now[name] = carried(values[page.settings[name]], old["value"], *new.values())
    return {name: value for name, value in now.items() if value != values[page.settings[name]]}


def defaults(description: ModelDescription) -> dict:
    """The settings that depend on the model, by name, as it has them."""
    sliders = {name: slider_range(description, name)["value"] for name in SLIDER_RANGES}
    return {"size": description.native_size, **sliders}


def carried(value: float, default_before: float, minimum: float, maximum: float, default: float) -> float:
    """What a control that shows `value` shows under a model with another range and default."""
    return default if value == default_before else min(max(value, minimum), maximum)


def nearest_size(value: int, before: ModelDescription, description: ModelDescription) -> int:
    """As `carried`, for the size, which has choices."""
    if value == before.native_size:
        return description.native_size
    return min((size for _, size in size_choices(description.native_size)), key=lambda size: abs(size - value))


def _limits(description: ModelDescription, name: str) -> dict:
    return {key: value for key, value in slider_range(description, name).items() if key != "value"}
