"""What the history strip does: show, pin, delete and undo, compare, reuse, download all."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_file_to_cache

from colorizer.errors import UserError
from colorizer.png import read_parameters
from ui import status
from ui.colorize_layout import ColorizePage
from ui.edit_compare import Comparison
from ui.errors import errors_as_toasts
from ui.history_store import HistoryEntry, HistoryStore, is_key, new_key
from ui.settings_load import SettingsLoader
from ui.texts import text

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
AT_ONCE = {"concurrency_limit": None, **QUIET}  # through the queue, because only queued events show their errors


class History:
    """Handlers of the strip. Holds components and the store of all visitors, nothing of any visitor."""

    def __init__(self, page: ColorizePage, store: HistoryStore):
        self.page, self.strip, self.store = page, page.history, store

    def remember(self, values: Values, pictures: list[Path], seeds: list[int], before: Path) -> Updates:
        """Take the pictures of a finished run into the strip; the first of them is on the stage."""
        strip = self.strip
        key = self._key(values)
        entries = self.store.add(key, pictures, seeds, before)
        return {
            strip.visitor: key,
            strip.deleted: (),
            strip.undo: gr.update(visible=False),
            strip.compared: None,
            strip.run_ids: tuple(entry.id for entry in entries[: len(pictures)]),
            **self._strip(key, entries, entries[0].id),
        }

    def arrive(self, values: Values) -> Updates:
        """What this browser made before its page was loaded again."""
        key = self._key(values)
        self.store.forget_old_visitors(key)
        entries = self.store.entries(key)
        updates = {self.strip.visitor: key, **self._strip(key, entries, None)}
        if entries:
            updates |= self._show(key, entries, entries[0])
        return updates

    def select(self, values: Values, event: gr.SelectData) -> Updates:
        """Show a picture with its sketch, or beside the picture that waits for a comparison."""
        strip = self.strip
        with errors_as_toasts():
            entries, entry = self._entry(values, values[strip.ids][event.index])
            key = values[strip.visitor]
            shown = {**self._show(key, entries, entry, same=True), strip.compared: None}
            first = next((other for other in entries if other.id == values[strip.compared]), entry)
            if first is entry:
                return {**shown, self.page.status: status.idle(text("status_history", seed=entry.seed))}
            pair = (self._files(key, first)[1], self._files(key, entry)[1])
            return {
                **shown,
                self.page.result: gr.update(value=pair, visible=True, label=text("history_compared")),
                self.page.status: status.idle(text("status_compared")),
            }

    def select_variant(self, values: Values, event: gr.SelectData) -> Updates:
        """A picture of the last run, which is on the stage already, is the chosen one here too."""
        entries, entry = self._entry(values, values[self.strip.run_ids][event.index])
        return self._strip(values[self.strip.visitor], entries, entry.id)

    def compare(self, values: Values) -> Updates:
        return {self.strip.compared: values[self.strip.chosen], self.page.status: status.idle(text("status_compare"))}

    def pin(self, values: Values) -> Updates:
        with errors_as_toasts():
            _, entry = self._entry(values, values[self.strip.chosen])
            key = values[self.strip.visitor]
            self.store.change(key, entry.id, pinned=not entry.pinned)
            return self._strip(key, self.store.entries(key), entry.id)

    def delete(self, values: Values) -> Updates:
        """The neighbour comes to the stage, so that a row of pictures can be cleared with one key."""
        strip, page = self.strip, self.page
        with errors_as_toasts():
            before, entry = self._entry(values, values[strip.chosen])
            key = values[strip.visitor]
            self.store.change(key, entry.id, deleted=True)
            entries = self.store.entries(key)
            updates = {
                strip.deleted: (*values[strip.deleted], entry.id),
                strip.undo: gr.update(visible=True),
                strip.compared: None,
            }
            if entries:
                updates |= self._show(key, entries, entries[min(before.index(entry), len(entries) - 1)])
            else:
                updates |= {
                    **self._strip(key, entries, None),
                    **page.stage(page.empty),
                    page.variants: gr.update(visible=False),
                    page.download: gr.update(interactive=False),
                    page.seed_reuse: gr.update(interactive=False),
                    page.run_seeds: (),
                    page.shown_seed: None,
                    page.comparison.compared: (),
                }
            return updates | {
                strip.area: gr.update(visible=True),
                page.status: status.idle(text("status_deleted")),
            }

    def undo(self, values: Values) -> Updates:
        strip, page = self.strip, self.page
        with errors_as_toasts():
            *rest, last = values[strip.deleted] or (None,)
            key = values[strip.visitor]
            restored = None if last is None else self.store.change(key, last, deleted=False)
            if restored is None:
                raise UserError(text("error_history_gone"))
            return {
                **self._show(key, self.store.entries(key), restored),
                strip.deleted: tuple(rest),
                strip.undo: gr.update(visible=bool(rest)),
                page.status: status.idle(text("status_undeleted")),
            }

    def archive(self, values: Values) -> Iterator[Updates]:
        """A zip of all pictures, written for the moment in which Gradio copies it to its cache."""
        with errors_as_toasts(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "colorized.zip"
            if not self.store.write_zip(self._key(values), path):
                raise UserError(text("error_history_gone"))
            yield {self.strip.archive_file: path}

    def parameters(self, values: Values):
        """The parameters in the chosen picture."""
        self._entry(values, values[self.strip.chosen])
        return read_parameters(self.store.files(values[self.strip.visitor], values[self.strip.chosen])[1])

    def _key(self, values: Values) -> str:
        key = values[self.strip.visitor]
        return key if is_key(key) else new_key()

    def _entry(self, values: Values, entry_id: str | None) -> tuple[list[HistoryEntry], HistoryEntry]:
        entries = self.store.entries(self._key(values))
        for entry in entries:
            if entry.id == entry_id:
                return entries, entry
        raise UserError(text("error_history_gone"))

    def _strip(self, key: str, entries: list[HistoryEntry], chosen: str | None, same: bool = False) -> Updates:
        """The strip's state. same: the gallery shows these entries already and keeps the keyboard's focus."""
        strip = self.strip
        ids = tuple(entry.id for entry in entries)
        captioned = [] if same else zip(self.store.thumbnails(key), map(_caption, entries), strict=True)
        pinned = any(entry.pinned for entry in entries if entry.id == chosen)
        return {
            strip.area: gr.update(visible=bool(entries)),
            strip.gallery: gr.skip() if same else gr.update(value=list(captioned), selected_index=_index(ids, chosen)),
            strip.ids: ids,
            strip.chosen: chosen,
            **{button: gr.update(interactive=chosen is not None) for button in strip.of_one},
            strip.compare: gr.update(interactive=chosen is not None and len(entries) > 1),
            strip.pin: gr.update(
                value=text("history_unpin" if pinned else "history_pin"), interactive=chosen is not None
            ),
        }

    def _show(self, key: str, entries: list[HistoryEntry], entry: HistoryEntry, same: bool = False) -> Updates:
        page = self.page
        before, picture = self._files(key, entry)
        return {
            **self._strip(key, entries, entry.id, same),
            **page.stage(page.result, value=(before, picture), label=text("stage_result")),
            # One picture as if it were the last run's, for all that works on what the stage shows.
            page.variants: gr.update(visible=False),
            page.run_seeds: (entry.seed,),
            page.comparison.compared: (Comparison(before, picture),),
            page.comparison.mode: gr.update(visible=False),
            page.comparison.note: gr.update(visible=False),
            page.download: gr.update(value=picture, interactive=True),
            page.shown_seed: entry.seed,
            page.seed_reuse: gr.update(interactive=True),
        }

    def _files(self, key: str, entry: HistoryEntry) -> tuple[str, str]:
        """(sketch, picture) in Gradio's cache, the picture under the name that it is downloaded with."""
        files = self.store.files(key, entry.id)
        if files is None:
            raise UserError(text("error_history_gone"))
        cache = self.page.result.GRADIO_CACHE
        with tempfile.TemporaryDirectory() as folder:
            named = shutil.copyfile(files[1], Path(folder) / entry.name)
            return save_file_to_cache(files[0], cache), save_file_to_cache(named, cache)


def _index(ids: tuple[str, ...], chosen: str | None) -> int | None:
    return ids.index(chosen) if chosen in ids else None


def _caption(entry: HistoryEntry) -> str:
    return text("history_pinned_caption" if entry.pinned else "seed_caption", seed=entry.seed)


def connect_history(page: ColorizePage, history: History, loader: SettingsLoader) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page."""
    strip = page.history
    inputs = {strip.visitor, strip.ids, strip.run_ids, strip.chosen, strip.compared, strip.deleted}
    outputs = history_outputs(page)
    quick = {"trigger_mode": "always_last", **AT_ONCE}  # of many quick choices the last one counts
    strip.gallery.select(history.select, inputs=inputs, outputs=outputs, **quick)
    page.variants.select(history.select_variant, inputs=inputs, outputs=outputs, **quick)
    for button, handler in (
        (strip.pin, history.pin),
        (strip.compare, history.compare),
        (strip.delete, history.delete),
        (strip.undo, history.undo),
    ):
        button.click(handler, inputs=inputs, outputs=outputs, **AT_ONCE)

    def reuse(values: Values) -> Updates:
        with errors_as_toasts():
            updates = loader.restore(history.parameters(values), values)
            return updates | {page.status: status.idle(text("status_settings_reused"))}

    strip.reuse.click(reuse, inputs={*inputs, *loader.inputs}, outputs=loader.outputs, **AT_ONCE)
    strip.seed.click(
        lambda shown: (shown, True),
        inputs=page.shown_seed,
        outputs=[page.settings["seed"], page.seed_lock],
        queue=False,
        **QUIET,
    )
    strip.archive.click(history.archive, inputs=inputs, outputs=strip.archive_file, **AT_ONCE).success(
        None, js="() => document.querySelector('#history-archive-file').click()"
    )


def history_outputs(page: ColorizePage) -> list[gr.components.Component]:
    """Everything that a handler of the strip may change."""
    strip = page.history
    return [
        strip.visitor, strip.area, strip.gallery, strip.ids, strip.run_ids, strip.chosen, strip.compared, strip.deleted,
        *strip.of_one, strip.undo, page.empty, page.preview, page.result, page.variants, page.download, page.status,
        page.shown_seed, page.seed_reuse, page.run_seeds, page.comparison.compared, page.comparison.mode,
        page.comparison.note,
    ]  # fmt: skip
