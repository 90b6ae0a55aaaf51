"""What happens when a participant presses Colorize: run step by step, log the try, show the picture."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import gradio as gr

from colorizer.errors import UserError
from colorizer.generation import Preview, Result
from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from colorizer.settings import GenerationSettings
from colorizer.study.session import TrialStep
from ui import status
from ui.errors import saying_why
from ui.generate import Generate
from ui.settings_layout import MAX_SEED
from ui.study.models import StudyShelf
from ui.study.participant_flow import ParticipantFlow, Values, study_errors
from ui.study.steps import Updates
from ui.study.try_log import TryLog
from ui.study.words import read_words
from ui.texts import text
from ui.toasts import inform


class TrialRun:
    """Handlers of the run events of a trial. Holds components, the study and its models, nothing of any participant."""

    def __init__(self, flow: ParticipantFlow, shelf: StudyShelf, generate: Generate):
        self.flow, self.shelf, self.generate = flow, shelf, generate
        self.study, self.pictures, self.page = flow.study, flow.pictures, flow.page

    def check(self, values: Values) -> Updates:
        """Before the queue: refuse at once what could not run."""
        with study_errors():
            self._settings(values, self._step(values))
        trial = self.page.trial
        return {**self._at_work(), trial.status: status.busy(text("status_waiting")), trial.problem: ""}

    def run(self, values: Values) -> Iterator[Updates]:
        """Colour the trial's sketch, yielding after every step, so that Stop and a closed page end it there."""
        yield from saying_why(self.page.trial.problem, self._colour(values))

    def _colour(self, values: Values) -> Iterator[Updates]:
        trial = self.page.trial
        with study_errors():
            code, step = self.flow.code(values), self._step(values)
            settings = self._settings(values, step)
            log_try = TryLog(self.study, self.shelf, self.pictures, code, step, settings)
            try:
                yield {trial.status: status.busy(text("status_loading")), **self._at_work()}
                for event in self._events(step, settings):
                    if isinstance(event, Preview):
                        yield self._show_preview(event)
                    else:
                        result = event
            except GeneratorExit:
                log_try.without_picture("stopped")
                raise
            except Exception:
                log_try.without_picture("failed")
                raise
            try_id = log_try.done(result)
            yield self._show_result(values, result, step, try_id)

    def ended(self, values: Values) -> Updates:
        """After Stop or an error: the pictures made before stay."""
        trial = self.page.trial
        pictures = values[trial.tries]
        return {
            **self._at_rest(),
            trial.status: status.ended(text("study_status_stopped"), values[trial.problem]),
            trial.preview: gr.update(visible=False),
            trial.result: gr.update(visible=bool(pictures)),
            trial.empty: gr.update(visible=not pictures),
        }

    def _step(self, values: Values) -> TrialStep:
        step = self.study.next_step(self.flow.code(values))
        if not isinstance(step, TrialStep) or step.trial.id != values[self.page.trial_id]:
            raise UserError(text("study_error_session"))
        return step

    def _settings(self, values: Values, step: TrialStep) -> GenerationSettings:
        trial = self.page.trial
        chosen = {name: values[component] for name, component in trial.settings.items()}
        if trial.words:
            chosen["edits"] = read_words(values, trial.words, step.settings.edits)
        if trial.seed_lock is not None and not values[trial.seed_lock]:
            chosen["seed"] = secrets.randbelow(MAX_SEED - step.settings.batch_size)
        return step.settings.evolve(**chosen)

    def _events(self, step: TrialStep, settings: GenerationSettings) -> Iterator[Preview | Result]:
        protocol, checkpoint = self.study.protocol, step.condition.checkpoint
        sketch = load_sketch(protocol.picture_path(step.stimulus.sketch))
        reference = read_picture(protocol.picture_path(step.stimulus.reference))
        self.shelf.open_blind(checkpoint)
        with closing(self.generate(checkpoint, None, sketch, reference, settings)) as events:
            yield from events

    def _show_preview(self, preview: Preview) -> Updates:
        trial = self.page.trial
        return {
            trial.empty: gr.update(visible=False),
            trial.result: gr.update(visible=False),
            trial.preview: gr.update(visible=True, value=preview.image),
            trial.status: status.step(preview.step, preview.steps, preview.seconds_left),
            **self._at_work(),
        }

    def _show_result(self, values: Values, result: Result, step: TrialStep, try_id: int) -> Updates:
        trial = self.page.trial
        for note in result.notes:
            inform(note)
        number = len(set(values[trial.try_ids] or [])) + 1
        caption = text("study_try_caption", number=number)
        # As pictures and no files: no copies but the ones that Gradio deletes in time.
        pictures = [*(values[trial.tries] or []), *((image, caption) for image in result.images)]
        seed = {trial.settings["seed"]: result.seeds[0]} if "seed" in trial.settings else {}
        done = "study_status_fixed" if self.study.protocol.controls == "fixed" else "study_status_done"
        return {
            **self._at_rest(),
            **seed,
            trial.preview: gr.update(visible=False),
            trial.result: gr.update(visible=True, value=result.images[0]),
            trial.tries: gr.update(
                value=pictures, visible=len(pictures) > 1, selected_index=len(pictures) - len(result.images)
            ),
            trial.try_ids: [*(values[trial.try_ids] or []), *([try_id] * len(result.images))],
            trial.shown_try: try_id,
            trial.rating: gr.update(visible=True),
            trial.status: status.idle(text(done)),
        }

    def _at_rest(self) -> Updates:
        trial = self.page.trial
        return {trial.colorize: gr.update(interactive=True), trial.stop: gr.update(interactive=False)}

    def _at_work(self) -> Updates:
        """Said at every step: the end of a run that was stopped just before may arrive late."""
        trial = self.page.trial
        return {trial.colorize: gr.update(interactive=False), trial.stop: gr.update(interactive=True)}
