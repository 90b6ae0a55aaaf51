"""A page that is loaded again: pictures, what is painted on them, settings and history come back in the same browser.

The browser keeps the addresses of the uploads and the settings itself; nothing is sent while they change.
"""

import json
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData
from gradio.events import Dependency
from gradio.route_utils import API_PREFIX
from gradio.utils import get_upload_folder, is_prop_update
from gradio_client.utils import encode_file_path

from colorizer.lineart import MODES
from colorizer.png import restore_settings
from colorizer.settings import LARGEST_WEIGHT, GenerationSettings
from ui import presets
from ui.colorize_layout import ColorizePage
from ui.history_events import AT_ONCE, History, history_outputs
from ui.model_updates import carried_over, defaults, described, described_components
from ui.reference_regions import kept_painting
from ui.saved_layout import BROWSER_SECRET
from ui.settings_load import SettingsLoader

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)

PICTURES = ("sketch", "reference", "reference2", "reference3")

# Until what was kept is back on the page, the page's first values must not be taken for the visitor's.
KEEP = """(kept, ...values) => {
    if (!window.visitReturned) return kept;
    const take = (names) => Object.fromEntries(names.map((name) => [name, values.shift()]));
    const pictures = take(%(pictures)s);
    for (const name in pictures) pictures[name] = pictures[name]?.path;
    const weights = values.splice(0, %(weights)d);
    const rest = take(["preparation", "model", "lock", "preset"]);
    const settings = take(%(settings)s);
    return { ...pictures, weights, ...rest, settings, painted: values.map((canvas) => canvas?.painted ?? "") };
}"""
SAME = "const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);"
# In the browser and at one moment: what the visitor did since the page is there stays, whatever the answer says.
APPLY = """(restored, ...now) => {
    %s
    const root = window.gradio_config?.root ?? "";
    const ready = (value) => value?.url ? { ...value, url: root + value.url } : value;
    const untouched = (value, i) => restored?.[i] && same(value, restored[i].first);
    return now.map((value, i) => untouched(value, i) ? ready(restored[i].value) : undefined);
}"""
# A page that nobody touched keeps nothing, so that its defaults may change.
RETURNED = """(restored, kept, ...values) => {
    %s
    window.visitReturned = true;
    return restored?.every(({ first }, i) => same(values[i], first)) ? kept : (%s)(kept, ...values);
}"""


def connect_return(arrived: Dependency, page: ColorizePage, history: History, loader: SettingsLoader) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page. arrived: the event that sets up the model."""
    more = page.more_references
    kept = gr.BrowserState({}, storage_key="colorize-desk", secret=BROWSER_SECRET)
    kept_edits = gr.BrowserState([], storage_key="colorize-edits", secret=BROWSER_SECRET)
    restored = gr.JSON(visible=False)  # for each of `targets`: its first value, and the one that comes back if any does
    pictures = (page.sketch, page.reference, *more.pictures)
    targets = [
        *pictures, *more.weights, page.preparation, page.model, page.seed_lock, page.preset, *page.settings.values(),
    ]  # fmt: skip

    def come_back(values: Values) -> Updates:
        """The model's ranges, and for the browser's part all values that come back."""
        stored = values[kept] if isinstance(values[kept], dict) else {}
        wanted = _simple(stored)
        updates: Updates = {}
        model = stored.get("model") if stored.get("model") in loader.shelf.names() else loader.shelf.default()
        if model is not None and isinstance(stored.get("settings"), dict):
            description = loader.shelf.describe(model)
            fitted, _ = loader.fit(restore_settings(stored["settings"])[0], description)
            wanted |= {part: update["value"] if is_prop_update(update) else update for part, update in fitted.items()}
            preset = stored.get("preset")
            wanted |= {
                page.model: model,
                page.preset: preset if preset in presets.PRESETS else None,
                page.seed_lock: stored.get("lock") is True,
            }
            updates |= described(page, loader.about, description, {})
        for state, zone, cells in zip(more.painted, pictures[1:], _listed(stored, "painted"), strict=False):
            if zone in wanted and values[state].path is None:
                updates[state] = kept_painting(wanted[zone], cells)
        return {**updates, restored: _entries(wanted)}

    def _simple(stored: dict) -> Values:
        paths = {zone: _upload(stored.get(name)) for name, zone in zip(PICTURES, pictures, strict=True)}
        wanted = {zone: path for zone, path in paths.items() if path}
        for weight, value in zip(more.weights, _listed(stored, "weights"), strict=False):
            if isinstance(value, int | float):
                wanted[weight] = min(max(value, 0), LARGEST_WEIGHT)
        if stored.get("preparation") in MODES:
            wanted[page.preparation] = stored["preparation"]
        return wanted

    def _entries(wanted: Values) -> list[dict]:
        model = loader.shelf.default()
        of_model = {} if model is None else defaults(loader.shelf.describe(model))
        first = {page.model: model} | {page.settings[name]: value for name, value in of_model.items()}
        entries = [{"first": first.get(target, target.value)} for target in targets]
        for target, entry in zip(targets, entries, strict=True):
            if target in wanted:
                value = wanted[target]
                entry["value"] = _picture(value) if target in pictures else value
        return entries

    def settle(values: Values) -> Updates:
        """After the browser's part: what only the server has."""
        updates: Updates = {page.preset: gr.skip()}  # an empty answer is none to Gradio
        model, fitted = values[page.model], values[page.fitted]
        if model is not None and model != fitted:  # the visitor has chosen one meanwhile
            description = loader.shelf.describe(model)
            carried = carried_over(page, values, loader.shelf.describe_any(fitted), description)
            updates |= described(page, loader.about, description, carried)
        edits = restore_settings({"edits": values[kept_edits]})[0].edits
        if edits and not values[page.edit.edits].edits:
            arranged = loader.changes.restored(values, edits)
            updates |= {part: arranged[part] for part in listed}
        return updates

    listed = [page.edit.edits, page.edit.rows, page.edit.undo, page.edit.redo]
    of_model = described_components(page, loader.about)
    returned = arrived.then(
        come_back, inputs={kept, *more.painted}, outputs=[restored, *of_model, *more.painted], **AT_ONCE
    )
    applied = returned.then(None, inputs=[restored, *targets], outputs=targets, js=APPLY % SAME)
    settled = applied.then(
        settle,
        inputs={kept_edits, page.fitted, *page.settings.values(), *loader.inputs},
        outputs=list(dict.fromkeys([page.preset, *of_model, *listed])),
        **AT_ONCE,
    )
    gr.on(None, history.arrive, inputs={page.history.visitor}, outputs=history_outputs(page), **AT_ONCE)

    watched = [*targets, *more.canvases]
    keep = KEEP % {
        "pictures": json.dumps(PICTURES),
        "weights": len(more.weights),
        "settings": json.dumps(list(page.settings)),
    }
    settled.then(None, inputs=[restored, kept, *watched], outputs=kept, js=RETURNED % (SAME, keep))
    gr.on([component.change for component in watched], None, inputs=[kept, *watched], outputs=kept, js=keep)
    page.edit.edits.change(
        lambda edits: GenerationSettings(edits=edits.edits).to_dict()["edits"],
        inputs=page.edit.edits,
        outputs=kept_edits,
        **AT_ONCE,
    )


def _picture(path: str) -> dict:
    """An upload as the browser holds it, its address without the page's own: Gradio adds none to what is in a JSON."""
    return ImageData(path=path, url=f"{API_PREFIX}/file={encode_file_path(path)}").model_dump()


def _listed(stored: dict, name: str) -> list:
    """The browser's word is not taken for what it should have kept."""
    return stored[name] if isinstance(stored.get(name), list) else []


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
