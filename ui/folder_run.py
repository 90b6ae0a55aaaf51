"""Colouring a folder: sketch after sketch; what fails is listed, what is finished goes into a zip."""

import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import gradio as gr

from colorizer.errors import UserError
from colorizer.generation import Preview
from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from ui import folder_view, status
from ui.colorize_run import ColorizeRun, Updates, Values, save_results
from ui.errors import errors_as_toasts, saying_why
from ui.folder_layout import FolderPage
from ui.folder_names import result_stems, write_zip
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import inform

MAX_SKETCHES = 100
MAX_SKETCH_BYTES = 200 * 2**20
MAX_RESULT_BYTES = 500 * 2**20  # what comes after is left out and said
ZIP_NAME = "coloured.zip"


@dataclass
class _Progress:
    """One run so far. skipped: (name, reason) of each sketch that gave no picture."""

    sketches: list[Path]
    started: float = field(default_factory=time.monotonic)
    pictures: list[Path] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)

    @property
    def finished(self) -> int:
        return len({picture.parent for picture in self.pictures})

    def line(self, index: int, share: float = 0) -> str:
        """The status line while `share` of sketch `index` is done, 0 to 1."""
        done, whole = index + share, len(self.sketches)
        elapsed = time.monotonic() - self.started
        left = elapsed / done * (whole - done) if done else None
        return folder_view.progress(index + 1, whole, self.sketches[index].name, done / whole, left)

    def news(self, name: str, notes: Sequence[str]) -> list[str]:
        """Those of the notes on a sketch's pictures that no earlier sketch had, with its name."""
        new = [note for note in dict.fromkeys(notes) if note not in self.notes]
        self.notes.update(new)
        return [f"{name}: {in_visitors_language(note)}" for note in new]


class FolderRun:
    """Handlers of the Folder page. The reference, the settings and the edits are those of the Colorize page."""

    def __init__(self, page: FolderPage, run: ColorizeRun):
        self.page, self.run = page, run
        self.inputs = run.inputs | run.changes.inputs | {page.sketches}

    def check(self, values: Values) -> Updates:
        """Before the queue: refuse at once what could not run."""
        with errors_as_toasts():
            self.run.settings(values)
            self._sketches(values)
            if self.run.changes.is_pending(values):
                raise UserError(text("error_edit_form"))
            self.run.shelf.describe(values[self.run.page.model])
        page = self.page
        return {
            page.start: gr.update(interactive=False),
            page.stop: gr.update(interactive=True),
            page.download: gr.update(interactive=False),
            page.results: gr.update(value=None, visible=False),
            page.skipped: "",
            page.status: status.busy(text("status_waiting")),
            page.problem: "",
        }

    def colour(self, values: Values) -> Iterator[Updates]:
        """Colour one sketch after the other, yielding after every step, so that Stop and a closed page end it there."""
        yield from saying_why(self.page.problem, self._colour(values))

    def _colour(self, values: Values) -> Iterator[Updates]:
        page, controls = self.page, self.run.page
        with errors_as_toasts(), tempfile.TemporaryDirectory() as folder:
            settings = self.run.settings(values)
            sketches = self._sketches(values)
            chosen = (values[controls.model], values[controls.prediction_type])
            references = [read_picture(path) for path in self.run.references(values).paths]
            yield {page.status: status.busy(text("status_loading"))}
            colorizer = self.run.shelf.open(*chosen)
            progress = _Progress(sketches)
            for index, (sketch, stem) in enumerate(zip(sketches, result_stems(sketches), strict=True)):
                yield {page.status: progress.line(index)}
                try:
                    prepared = load_sketch(sketch, values[controls.preparation])
                    with closing(self.run.generate(*chosen, prepared, references, settings, False)) as events:
                        for event in events:
                            if isinstance(event, Preview):
                                yield {page.status: progress.line(index, event.step / event.steps)}
                            else:
                                place = Path(folder) / stem
                                place.mkdir()
                                progress.pictures += save_results(
                                    event, colorizer, place, stem, values[controls.preparation]
                                )
                                for note in progress.news(sketch.name, event.notes):
                                    inform(escape(note))
                except (UserError, gr.Error) as error:
                    reason = error.message if isinstance(error, gr.Error) else in_visitors_language(str(error))
                    progress.skipped.append((sketch.name, reason))
                if sum(picture.stat().st_size for picture in progress.pictures) > MAX_RESULT_BYTES:
                    progress.skipped += [(later.name, text("folder_full")) for later in sketches[index + 1 :]]
                    break
                yield {page.results: _gallery(progress.pictures), page.skipped: folder_view.skipped(progress.skipped)}
            yield self._finished(progress, Path(folder))

    def ended(self, values: Values) -> Iterator[Updates]:
        """After Stop or an error: what is finished is kept and goes into the zip."""
        page = self.page
        pictures = [Path(picture) for picture, _ in values[page.results] or ()]
        stopped = text("folder_stopped", count=len(pictures))
        updates = self._at_rest() | {page.status: status.ended(stopped, values[page.problem])}
        if not pictures:
            yield updates
            return
        with tempfile.TemporaryDirectory() as folder:
            yield updates | {page.download: self._zip(pictures, Path(folder))}

    def _finished(self, progress: _Progress, folder: Path) -> Updates:
        page = self.page
        seconds = time.monotonic() - progress.started
        count, of = progress.finished, len(progress.sketches)
        updates = self._at_rest() | {
            page.skipped: folder_view.skipped(progress.skipped),
            page.results: _gallery(progress.pictures),
            page.status: status.idle(text("folder_done", count=count, of=of, seconds=seconds)),
        }
        return updates | ({page.download: self._zip(progress.pictures, folder)} if progress.pictures else {})

    def _zip(self, pictures: list[Path], folder: Path) -> dict:
        # A new name each time, or a browser may give an older zip of the same name from its own store.
        place = folder / secrets.token_hex(4)
        place.mkdir()
        return gr.update(value=str(write_zip(pictures, place / ZIP_NAME)), interactive=True)

    def _sketches(self, values: Values) -> list[Path]:
        sketches = [Path(path) for path in values[self.page.sketches] or ()]
        if not sketches:
            raise UserError(text("folder_no_sketches"))
        if len(sketches) > MAX_SKETCHES:
            raise UserError(text("folder_too_many", count=len(sketches), most=MAX_SKETCHES))
        size = sum(path.stat().st_size for path in sketches)
        if size > MAX_SKETCH_BYTES:
            raise UserError(text("folder_too_large", size=size >> 20, most=MAX_SKETCH_BYTES >> 20))
        return sketches

    def _at_rest(self) -> Updates:
        return {self.page.start: gr.update(interactive=True), self.page.stop: gr.update(interactive=False)}


def _gallery(pictures: list[Path]) -> dict:
    return gr.update(value=[(str(picture), picture.stem) for picture in pictures], visible=bool(pictures))
