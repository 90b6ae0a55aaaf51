"""What brings settings back: a picture dropped on the page, and presets kept in the browser."""

from html import escape

import gradio as gr

from colorizer.errors import UserError
from colorizer.settings import GenerationSettings
from ui import presets, saved_presets, status
from ui.colorize_layout import ColorizePage
from ui.errors import errors_as_toasts
from ui.model_shelf import ModelDescription
from ui.settings_load import SettingsLoader, not_restored_notes
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import warn

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)

AT_ONCE = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}


def connect_saved_settings(page: ColorizePage, loader: SettingsLoader) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page."""

    saved = page.saved

    def listed(kept: saved_presets.Saved, chosen: str | None, message: str) -> Updates:
        return {
            saved.presets: kept,
            saved.chosen: gr.update(choices=list(kept), value=chosen),
            page.status: status.idle(message),
        }

    def read_picture(values: Values) -> Updates:
        with errors_as_toasts():
            try:
                updates = loader.load(values[saved.picture], values)
            except UserError as error:  # a warning and no error, so that the zone is empty for the next picture
                message = in_visitors_language(str(error))
                warn(message)
                updates = {page.status: status.idle(message)}
            return {**updates, saved.picture: None}

    def save(values: Values) -> Updates:
        with errors_as_toasts():
            name = saved_presets.clean_name(values[saved.name])
            kept = saved_presets.save(saved_presets.read(values[saved.presets]), name, current(values))
            return listed(kept, name, text("status_preset_saved", name=name))

    def load(values: Values) -> Updates:
        with errors_as_toasts():
            name, model = values[saved.chosen], values[page.model]
            settings, unknown = saved_presets.load(saved_presets.read(values[saved.presets]), name, current(values))
            description = loader.shelf.describe(model) if model else ModelDescription()
            updates, notes = loader.fit(settings, description, unknown)
            if notes := [*not_restored_notes(unknown), *notes]:
                warn("<br>".join(map(escape, notes)), 20, title="load_notes")
            return {
                **updates,
                saved.name: name,
                page.preset: presets.matching(settings, description.slider_ranges) if not unknown else None,
                page.status: status.idle(text("status_preset_loaded", name=name)),
            }

    def rename(values: Values) -> Updates:
        with errors_as_toasts():
            old, new = values[saved.chosen], saved_presets.clean_name(values[saved.name])
            kept = saved_presets.rename(saved_presets.read(values[saved.presets]), old, new)
            return listed(kept, new, text("status_preset_renamed", name=new))

    def delete(values: Values) -> Updates:
        with errors_as_toasts():
            name = values[saved.chosen]
            kept = saved_presets.delete(saved_presets.read(values[saved.presets]), name)
            return listed(kept, None, text("status_preset_deleted", name=name))

    def arrive(stored) -> dict:
        return gr.update(choices=list(saved_presets.read(stored)))

    def current(values: Values) -> GenerationSettings:
        return GenerationSettings(**{name: values[component] for name, component in page.settings.items()})

    inputs = {saved.presets, saved.chosen, saved.name, saved.picture, *loader.inputs, *page.settings.values()}
    outputs = list(dict.fromkeys([saved.presets, saved.chosen, saved.name, saved.picture, *loader.outputs]))
    saved.picture.upload(read_picture, inputs=inputs, outputs=outputs, **AT_ONCE)
    for button, handler in (
        (saved.save, save),
        (saved.load, load),
        (saved.rename, rename),
        (saved.delete, delete),
    ):
        button.click(handler, inputs=inputs, outputs=outputs, **AT_ONCE)
    gr.on(None, arrive, inputs=saved.presets, outputs=saved.chosen, **AT_ONCE)
