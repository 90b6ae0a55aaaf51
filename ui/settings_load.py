"""Settings from a picture or a saved preset back to the page's controls, as far as they fit there."""

from collections.abc import Collection
from dataclasses import fields
from html import escape

import gradio as gr

from colorizer.errors import UserError
from colorizer.lineart import MODES
from colorizer.png import PictureParameters, read_parameters
from colorizer.published import PREDICTION_TYPES
from colorizer.settings import GenerationSettings
from ui import presets, status
from ui.colorize_layout import ColorizePage
from ui.edit_changes import EditChanges
from ui.model_shelf import ModelDescription, ModelShelf
from ui.model_updates import described, described_components
from ui.reference_regions import ReferenceRegions
from ui.settings_layout import SLIDER_RANGES, size_choices, slider_range
from ui.texts import text
from ui.toasts import warn

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)

ELSEWHERE = ("edits", "reference_weights", "reference_regions")  # settings that no single control shows
LONGEST_SHOWN = 40  # characters of a name or value from a file


class SettingsLoader:
    """Holds components and the models to choose from, nothing of any visitor."""

    def __init__(
        self, page: ColorizePage, shelf: ModelShelf, about: gr.Markdown, changes: EditChanges, regions: ReferenceRegions
    ):
        self.page, self.shelf, self.about, self.changes, self.regions = page, shelf, about, changes, regions
        self.inputs = {page.model, *changes.inputs, *regions.inputs}

    @property
    def outputs(self) -> list[gr.components.Component]:
        page = self.page
        return list(
            dict.fromkeys(
                [
                    *page.settings.values(), *described_components(page, self.about), page.model, page.preset,
                    page.preparation, page.seed_lock, page.status, *self.changes.outputs,
                    *self.regions.outputs, *page.more_references.weights,
                ]
            )
        )  # fmt: skip

    def load(self, path: str, values: Values) -> Updates:
        """Restore from an uploaded picture. Raises UserError where it holds no parameters of ours."""
        parameters = read_parameters(path)
        if parameters is None:
            raise UserError(text("error_no_parameters"))
        return self.restore(parameters, values)

    def restore(self, parameters: PictureParameters, values: Values) -> Updates:
        """Set everything that this page has a control for, and say what could not be restored."""
        page, current_model = self.page, values[self.page.model]
        lost = parameters.not_restored
        notes = not_restored_notes(lost)
        updates: Updates = {}
        found = self.shelf.find(parameters.model_hash)
        model = found or current_model
        if found is None:
            name = f"{parameters.model} {parameters.model_hash}".strip()
            notes.append(text("load_other_model", name=_shown(name) if name else "?"))
        description = self.shelf.describe(model) if model else ModelDescription()
        if model != current_model:
            updates |= self.model_updates(model)
        if parameters.prediction_type in PREDICTION_TYPES and not description.states_prediction_type:
            updates[page.prediction_type] = gr.update(value=parameters.prediction_type, visible=True)
        if parameters.preparation in MODES:
            updates[page.preparation] = parameters.preparation
        settings = parameters.picture_settings
        fitted, misfits = self.fit(settings, description, lost)
        if "edits" not in lost and settings.edits != values[page.edit.edits].edits:
            updates |= self.changes.restored(values | {page.model: model}, settings.edits)
        references, missing = self.regions.restore(values | {page.model: model}, settings)
        if notes := [*notes, *misfits, *missing]:
            warn("<br>".join(map(escape, notes)), 20, title="load_notes")
        return {
            **updates,
            **fitted,
            **references,
            page.preset: presets.matching(settings, description.slider_ranges) if not lost else None,
            page.seed_lock: True,
            page.status: status.idle(text("status_settings_loaded")),
        }

    def model_updates(self, name: str) -> Updates:
        """What the page needs for a model."""
        return {**described(self.page, self.about, self.shelf.describe(name), {}), self.page.model: name}

    def fit(
        self, settings: GenerationSettings, description: ModelDescription, lost: Collection[str] = ()
    ) -> tuple[Updates, list[str]]:
        """The controls' values, brought into what the controls and the model offer, and notes on what was changed.

        lost: settings that could not be restored, whose controls stay as they are.
        """
        updates, notes = {}, []
        for field in fields(GenerationSettings):
            if field.name in lost:
                continue
            wanted = getattr(settings, field.name)
            component = self.page.settings.get(field.name)
            if component is None:
                if field.name not in ELSEWHERE and wanted != field.default:
                    notes.append(text("load_no_control", name=field.name))
                continue
            value, update = _fit(field.name, component, wanted, description)
            updates[component] = update
            if wanted not in (None, value):  # None: the model's own choice
                notes.append(text("load_changed", name=text(field.name), wanted=_shown(wanted), value=_shown(value)))
        return updates, notes


def _fit(name: str, component: gr.components.Component, wanted, description: ModelDescription) -> tuple:
    """(value, update) of a control: the wanted value or the nearest that the control takes."""
    if name == "size":
        choices = size_choices(description.native_size)
        native = description.native_size
        value = min((size for _, size in choices), key=lambda size: abs(size - (native if wanted is None else wanted)))
        return value, gr.update(choices=choices, value=value)
    if name in SLIDER_RANGES:
        limits = slider_range(description, name)
        value = min(max(wanted, limits["minimum"]), limits["maximum"])
        return value, gr.update(**limits | {"value": value})
    if isinstance(component, gr.Slider):  # a seed is one as soon as the settings took it
        value = min(max(wanted, component.minimum), component.maximum)
        return value, value
    if isinstance(component, gr.Dropdown | gr.Radio):
        offered = [value for _, value in component.choices]
        value = wanted if wanted in offered else component.value
        return value, value
    return wanted, wanted


def not_restored_notes(names: Collection[str]) -> list[str]:
    """What is said of settings that could not be restored."""
    ours = {field.name for field in fields(GenerationSettings)}
    invalid = [text(name) if name not in ELSEWHERE else name for name in names if name in ours]
    unknown = [_shown(name) for name in names if name not in ours]
    said = {"load_unknown": unknown, "load_invalid": invalid}
    return [text(key, names=", ".join(f"“{name}”" for name in found)) for key, found in said.items() if found]


def _shown(value) -> str:
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
