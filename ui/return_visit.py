"""A page that is loaded again: sketch, reference, settings and history come back in the same browser.

The browser keeps the addresses of the uploads and the settings itself; nothing is sent while they change.
"""

import json
from pathlib import Path

import gradio as gr
from gradio.events import Dependency
from gradio.utils import get_upload_folder

from colorizer.lineart import MODES
from colorizer.png import restore_settings
from colorizer.settings import GenerationSettings
from ui import presets
from ui.colorize_layout import ColorizePage
from ui.history_events import AT_ONCE, History, history_outputs
from ui.saved_layout import BROWSER_SECRET
from ui.settings_load import SettingsLoader

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)

# Until what was kept is back on the page, the page's first values must not be taken for the visitor's.
KEEP = """(kept, sketch, reference, preparation, model, lock, preset, ...settings) => window.visitReturned ? {
    sketch: sketch?.path, reference: reference?.path, preparation, model, lock, preset,
    settings: Object.fromEntries(%s.map((name, index) => [name, settings[index]])),
} : kept"""
RETURNED = "(...values) => { window.visitReturned = true; return window.visitBegun ? (%s)(...values) : values[0]; }"
# page.js notes the first input of a visit: what was kept must not take the place of what a quick visitor did already.
HAS_BEGUN = "(...values) => [...values.slice(0, -1), Boolean(window.visitBegun)]"


def connect_return(arrived: Dependency, page: ColorizePage, history: History, loader: SettingsLoader) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page. arrived: the event that sets up the model."""
    kept = gr.BrowserState({}, storage_key="colorize-desk", secret=BROWSER_SECRET)
    kept_edits = gr.BrowserState([], storage_key="colorize-edits", secret=BROWSER_SECRET)
    has_begun = gr.Checkbox(visible=False)  # the last component, so the last of the values

    def come_back(values: Values) -> Updates:
        if values[has_begun]:
            return {page.preset: gr.skip()}
        stored = values[kept] if isinstance(values[kept], dict) else {}
        updates: Updates = {page.preset: gr.skip()}  # an empty answer is none to Gradio
        if stored.get("preparation") in MODES:
            updates[page.preparation] = stored["preparation"]
        for name, zone in (("sketch", page.sketch), ("reference", page.reference)):
            if path := _upload(stored.get(name)):
                updates[zone] = path
        model = stored.get("model") if stored.get("model") in loader.shelf.names() else loader.shelf.default()
        if model is None or not isinstance(stored.get("settings"), dict):
            return updates
        settings, _ = restore_settings(stored["settings"] | {"edits": values[kept_edits]})
        if settings.edits:
            now = {page.model: model, page.reference: updates.get(page.reference)}
            updates |= loader.changes.restored(values | now, settings.edits)
        preset = stored.get("preset")
        return {
            **updates,
            **loader.model_updates(model),
            **loader.fit(settings, loader.shelf.describe(model))[0],
            page.preset: preset if preset in presets.PRESETS else None,
            page.seed_lock: stored.get("lock") is True,
        }

    returned = arrived.then(
        come_back,
        inputs={kept, kept_edits, has_begun, *loader.inputs},
        outputs=[page.sketch, page.reference, *loader.outputs],
        js=HAS_BEGUN,
        **AT_ONCE,
    )
    gr.on(None, history.arrive, inputs={page.history.visitor}, outputs=history_outputs(page), **AT_ONCE)

    watched = [
        page.sketch, page.reference, page.preparation, page.model, page.seed_lock, page.preset,
        *page.settings.values(),
    ]  # fmt: skip
    keep = KEEP % json.dumps(list(page.settings))
    returned.then(None, inputs=[kept, *watched], outputs=kept, js=RETURNED % keep)
    gr.on([component.change for component in watched], None, inputs=[kept, *watched], outputs=kept, js=keep)
    page.edit.edits.change(
        lambda edits: GenerationSettings(edits=edits.edits).to_dict()["edits"],
        inputs=page.edit.edits,
        outputs=kept_edits,
        **AT_ONCE,
    )


def _upload(path) -> str | None:
    """The path of an upload that is still there. The browser's word is not taken for it: only uploads are reachable."""
    if not isinstance(path, str):
        return None
    folder = Path(get_upload_folder()).resolve()
    try:
        file = Path(path).resolve()
        return str(file) if file.is_relative_to(folder) and file.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None
