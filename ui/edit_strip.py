"""The degree strip on the page: made picture by picture, and stopped like any run."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gradio as gr

from colorizer.errors import UserError
from colorizer.generation import Preview
from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from colorizer.manipulation import degree_scales
from colorizer.manipulation.degree import degree_settings, strip_picture
from ui import status
from ui.colorize_run import ColorizeRun, Updates, Values
from ui.errors import errors_as_toasts, saying_why
from ui.texts import text


class EditStrip:
    """Handlers of the strip's events. Holds components and the shared models, nothing of any visitor."""

    def __init__(self, run: ColorizeRun):
        self.run, self.page, self.panel = run, run.page, run.page.edit
        panel = self.panel
        self.inputs = run.inputs | {panel.chosen, panel.strip_low, panel.strip_high, panel.strip_count}
        self.outputs = [
            self.page.colorize, self.page.stop, self.page.status, self.page.problem, panel.strip, panel.strip_picture,
            panel.strip_download,
        ]  # fmt: skip

    def check(self, values: Values) -> Updates:
        """Before the queue: refuse at once what could not be made."""
        with errors_as_toasts():
            self._plan(values)
        return {
            self.page.colorize: gr.update(interactive=False),
            self.page.stop: gr.update(interactive=True),
            self.panel.strip: gr.update(interactive=False),
            self.page.status: status.busy(text("status_waiting")),
            self.page.problem: "",
        }

    def make(self, values: Values) -> Iterator[Updates]:
        """One picture a scale, the strip growing; yields after every step, so that Stop ends it there."""
        yield from saying_why(self.page.problem, self._make(values))

    def _make(self, values: Values) -> Iterator[Updates]:
        page, panel = self.page, self.panel
        with errors_as_toasts():
            scales, steps, title = self._plan(values)
            sketch = load_sketch(values[page.sketch], values[page.preparation])
            references = [read_picture(path) for path in self.run.references(values).paths]
            chosen = (values[page.model], values[page.prediction_type])
            yield {page.status: status.busy(text("status_encoding"))}
            started, pictures = time.monotonic(), []
            for index, settings in enumerate(steps):
                with closing(self.run.generate(*chosen, sketch, references, settings)) as events:
                    for event in events:
                        if isinstance(event, Preview):
                            done = index * settings.steps + event.step
                            total = len(steps) * settings.steps
                            left = (time.monotonic() - started) / done * (total - done)
                            yield {
                                page.status: status.step(
                                    done, total, left, text("status_strip", number=index + 1, count=len(steps))
                                )
                            }
                        else:
                            pictures += event.images
                strip = strip_picture(pictures, scales[: len(pictures)], title)
                with tempfile.TemporaryDirectory() as folder:  # Gradio copies the file to its cache at the yield
                    path = Path(folder) / f"{Path(values[page.sketch]).stem}-degrees.png"
                    strip.save(path)
                    yield {
                        panel.strip_picture: gr.update(value=path, visible=True),
                        panel.strip_download: gr.update(value=path, visible=True),
                    }
            yield {**self._at_rest(), page.status: status.idle(text("status_strip_done", count=len(scales)))}

    def ended(self, values: Values) -> Updates:
        """After Stop or an error: what is finished stays."""
        page = self.page
        return {**self._at_rest(), page.status: status.ended(text("status_stopped"), values[page.problem])}

    def _at_rest(self) -> Updates:
        return {
            self.page.colorize: gr.update(interactive=True),
            self.page.stop: gr.update(interactive=False),
            self.panel.strip: gr.update(interactive=True),
        }

    def _plan(self, values: Values):
        """(scales, settings of each picture, title). Raises UserError for what cannot be made."""
        page, panel = self.page, self.panel
        settings = self.run.settings(values)
        if values[page.sketch] is None or not self.run.references(values).paths:
            raise UserError(text("error_strip_pictures"))
        if not settings.edits:
            raise UserError(text("error_strip_edit"))
        chosen = values[panel.chosen]
        index = len(settings.edits) - 1 if chosen is None else chosen
        if None in (values[panel.strip_low], values[panel.strip_high]):
            raise UserError(text("error_strip_scales"))
        scales = degree_scales(values[panel.strip_low], values[panel.strip_high], int(values[panel.strip_count]))
        return scales, degree_settings(settings, index, scales), settings.edits[index].target
