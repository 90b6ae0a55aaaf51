"""What happens when Colorize is pressed: check, run step by step, show; and what Stop leaves behind."""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gradio as gr
from PIL import Image

from colorizer.errors import UserError
from colorizer.generation import Preview, Result
from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from colorizer.pipeline import Colorizer
from colorizer.png import save_png
from colorizer.settings import GenerationSettings
from ui import status
from ui.colorize_layout import ColorizePage
from ui.edit_changes import EditChanges
from ui.edit_compare import change_note, save_comparisons
from ui.errors import errors_as_toasts, saying_why
from ui.generate import Generate
from ui.history_events import History
from ui.model_shelf import ModelShelf
from ui.more_references import GivenReferences
from ui.settings_layout import MAX_SEED, MAX_VARIANTS
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import inform

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)


def save_results(result: Result, colorizer: Colorizer, folder: Path, stem: str, preparation: str) -> list[Path]:
    """Write each picture with its parameters to `folder`/`stem`-SEED.png."""
    paths = [folder / f"{stem}-{seed}.png" for seed in result.seeds]
    for path, image, seed in zip(paths, result.images, result.seeds, strict=True):
        save_png(image, path, colorizer.parameters_of(result.settings, seed, preparation))
    return paths


class ColorizeRun:
    """Handlers of the run events. Holds components and the shared models, nothing of any visitor."""

    def __init__(
        self, page: ColorizePage, shelf: ModelShelf, generate: Generate, changes: EditChanges, history: History
    ):
        self.page, self.shelf, self.generate, self.changes, self.history = page, shelf, generate, changes, history
        self.inputs = {
            page.sketch,
            page.reference,
            page.preparation,
            page.model,
            page.prediction_type,
            page.seed_lock,
            page.edit.edits,
            page.edit.session,
            page.comparison.mode,
            *page.more_references.inputs,
            page.history.visitor,
            *page.settings.values(),
        }

    def check(self, values: Values) -> Updates:
        """Before the queue: refuse at once what could not run."""
        with errors_as_toasts():
            self.settings(values)
            self._sketch_path(values)
            if self.changes.is_pending(values):
                raise UserError(text("error_edit_form"))
            self.shelf.describe(values[self.page.model])
        page = self.page
        return {
            page.colorize: gr.update(interactive=False),
            page.stop: gr.update(interactive=True),
            page.status: status.busy(text("status_waiting")),
            page.problem: "",
        }

    def run(self, values: Values) -> Iterator[Updates]:
        """Colour the sketch, yielding after every step, so that Stop and a closed page end it there."""
        yield from saying_why(self.page.problem, self._colour(values))

    def _colour(self, values: Values) -> Iterator[Updates]:
        page = self.page
        with errors_as_toasts():
            started = time.monotonic()
            settings = self.settings(values)
            sketch_path = self._sketch_path(values)
            prepared = load_sketch(sketch_path, values[page.preparation])
            paths = self.references(values).paths
            reference = [read_picture(path) for path in paths]
            yield {page.status: status.busy(text("status_loading")), page.settings["seed"]: settings.seed}
            chosen = (values[page.model], values[page.prediction_type])
            colorizer = self.shelf.open(*chosen)
            yield {page.status: status.busy(text("status_encoding"))}
            session = values[page.edit.session]
            inputs = (str(sketch_path), values[page.preparation], *paths, *chosen)
            inputs = (*inputs, self.shelf.encoder_key(chosen[0]))
            unedited = session.unedited(inputs, settings)
            is_edited = any(edit.enabled for edit in settings.edits)
            runs = [settings] if unedited or not is_edited else [settings.evolve(edits=()), settings]
            for run in runs:
                part = text("status_unedited") if run is not settings else ""
                with closing(self.generate(*chosen, prepared, reference, run)) as events:
                    shown = None
                    for event in events:
                        if isinstance(event, Preview):
                            yield self._show_preview(event, event.image is not shown, part)
                            shown = event.image
                        elif run is settings:
                            result = event
                        else:
                            unedited = event.images
                            session.keep_unedited(inputs, settings, unedited)
            if not is_edited:
                unedited = None
                session.keep_unedited(inputs, settings, result.images)
            seconds = time.monotonic() - started
            yield from self._show_result(result, colorizer, prepared, sketch_path.stem, seconds, unedited, values)

    def ended(self, values: Values) -> Updates:
        """After Stop or an error: the last finished picture comes back if there is one, else the last preview stays."""
        page = self.page
        updates = {**self._at_rest(), page.status: status.ended(text("status_stopped"), values[page.problem])}
        if seeds := values[page.run_seeds]:
            updates |= page.stage(page.result)
            updates |= {page.variants: gr.update(visible=len(seeds) > 1), page.download: gr.update(interactive=True)}
            compared = values[page.comparison.compared]
            is_edited = bool(compared) and compared[0].unedited is not None
            updates |= {part: gr.update(visible=is_edited) for part in (page.comparison.mode, page.comparison.note)}
        return updates

    def settings(self, values: Values) -> GenerationSettings:
        """What the page's controls are set to, with a new seed unless it is kept."""
        chosen = {name: values[component] for name, component in self.page.settings.items()}
        chosen["edits"] = values[self.page.edit.edits].edits
        given = self.references(values)
        chosen |= {"reference_weights": given.weights, "reference_regions": given.regions}
        if not values[self.page.seed_lock]:
            chosen["seed"] = secrets.randbelow(MAX_SEED - MAX_VARIANTS)
        return GenerationSettings(**chosen)

    def references(self, values: Values) -> GivenReferences:
        """The uploads whose colours are taken, with their weights and painted regions."""
        return self.page.more_references.given(values, values[self.page.reference])

    def _sketch_path(self, values: Values) -> Path:
        path = values[self.page.sketch]
        if path is None:
            raise UserError(text("error_no_sketch"))
        return Path(path)

    def _show_preview(self, preview: Preview, is_new: bool, part: str) -> Updates:
        page = self.page
        return {
            **page.stage(page.preview, **({"value": preview.image} if is_new else {})),
            page.variants: gr.update(visible=False),
            page.comparison.mode: gr.update(visible=False),
            page.comparison.note: gr.update(visible=False),
            page.download: gr.update(interactive=False),
            page.status: status.step(preview.step, preview.steps, preview.seconds_left, part),
        }

    def _show_result(
        self,
        result: Result,
        colorizer: Colorizer,
        prepared: Image.Image,
        stem: str,
        seconds: float,
        unedited: list[Image.Image] | None,
        values: Values,
    ) -> Iterator[Updates]:
        page, comparison = self.page, self.page.comparison
        for note in result.notes:
            inform(in_visitors_language(note))
        edits = result.settings.edits
        notes = [
            change_note(before, after, edits, colorizer.encoder, colorizer.config)
            for before, after in zip(unedited or (), result.images, strict=False)
        ]
        with tempfile.TemporaryDirectory() as folder:
            paths = save_results(result, colorizer, Path(folder), stem, values[page.preparation])
            compared = save_comparisons(prepared, paths, unedited, notes, page.result.GRADIO_CACHE)
        paths = [one.result for one in compared]
        captions = [text("seed_caption", seed=seed) for seed in result.seeds]
        yield {
            **self._at_rest(),
            **self.history.remember(values, list(map(Path, paths)), result.seeds, Path(compared[0].sketch)),
            **page.stage(page.result, value=compared[0].pair(values[comparison.mode]), label=text("stage_result")),
            page.variants: gr.update(
                value=list(zip(paths, captions, strict=True)), visible=len(paths) > 1, selected_index=0
            ),
            page.download: gr.update(value=paths[0], interactive=True),
            page.run_seeds: tuple(result.seeds),
            page.shown_seed: result.seeds[0],
            page.seed_reuse: gr.update(interactive=True),
            page.status: status.done(seconds, tuple(result.seeds)),
            comparison.compared: compared,
            comparison.mode: gr.update(visible=unedited is not None),
            comparison.note: gr.update(value=compared[0].note, visible=unedited is not None),
        }

    def _at_rest(self) -> Updates:
        return {self.page.colorize: gr.update(interactive=True), self.page.stop: gr.update(interactive=False)}
