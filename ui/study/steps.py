"""What the participant's page shows at each step of the study: updates of its components, no side effects."""

from html import escape

import gradio as gr

from colorizer.study.protocol import Protocol
from colorizer.study.session import Finished, FreeTextStep, Step, SusStep, TrialStep
from ui import status
from ui.settings_layout import SLIDER_RANGES
from ui.study.participant_page import ParticipantPage
from ui.study.pictures import StudyPictures
from ui.study.scales import ScaleQuestion, saved
from ui.study.trial_layout import empty_stage
from ui.study.words import show_words
from ui.texts import text

Updates = dict  # component -> its new value or gr.update(...)


class StepView:
    """Holds components and the pictures of the study, nothing of any participant."""

    def __init__(self, page: ParticipantPage, protocol: Protocol, pictures: StudyPictures):
        self.page, self.protocol, self.pictures = page, protocol, pictures

    def part(self, name: str) -> Updates:
        """Bring one part into sight."""
        updates = {column: gr.update(visible=part == name) for part, column in self.page.parts.items()}
        return updates | {self.page.progress: ""}

    def step(self, code: str, step: Step) -> Updates:
        """Everything of a step, with the answers that are stored already."""
        match step:
            case TrialStep():
                return self.part("trial") | self._trial(step)
            case SusStep():
                statements = self.page.questionnaire.statements
                return self.part("sus") | _answers(statements, step.answers)
            case FreeTextStep():
                fields = self.page.questionnaire.texts
                return self.part("texts") | {field: step.answers.get(key, "") for key, field in fields.items()}
            case Finished():
                return self.part("finished") | {self.page.finish_code: code}
        raise TypeError(step)

    def _trial(self, step: TrialStep) -> Updates:
        trial, stimulus = self.page.trial, step.stimulus
        path = self.protocol.picture_path
        tried = step.trial.tries > 0
        return {
            self.page.trial_id: step.trial.id,
            self.page.progress: _progress(step),
            trial.head: self._head(step),
            trial.sketch: str(self.pictures.shown(path(stimulus.sketch))),
            trial.reference: str(self.pictures.shown(path(stimulus.reference))),
            trial.colorize: gr.update(interactive=True),
            trial.stop: gr.update(interactive=False),
            trial.status: status.idle(""),
            trial.tries: gr.update(value=None, visible=False),
            trial.try_ids: [],
            trial.shown_try: step.trial.last_try,
            trial.rating: gr.update(visible=tried),
            **self._stage(step, tried),
            **self._settings(step),
            **_answers(trial.questions, step.trial.answers),
            **{item.group: gr.update(visible=item.key in _keys(step)) for item in trial.questions},
        }

    def _head(self, step: TrialStep) -> str:
        practice = step.trial.practice
        title = text("study_practice") if practice else text("study_model", label=step.trial.label)
        kind = "shown" if self.protocol.results == "shown" else self.protocol.controls
        how = " ".join([*([text("study_how_practice")] if practice else []), text(f"study_how_{kind}")])
        task = step.stimulus.task
        task_line = f'<p class="task"><b>{text("study_task")}:</b> {escape(task)}</p>' if task else ""
        return f'<h2 tabindex="-1">{escape(title)}</h2><p class="hint">{how}</p>{task_line}'

    def _stage(self, step: TrialStep, tried: bool) -> Updates:
        trial = self.page.trial
        updates = {
            trial.preview: gr.update(visible=False, value=None),
            trial.result: gr.update(visible=False, value=None),
            trial.empty: gr.update(
                visible=True, value=empty_stage("study_empty_earlier" if tried else "study_empty_body")
            ),
        }
        if self.protocol.results == "shown":
            result = self.pictures.shown(self.protocol.result_path(step.condition, step.stimulus))
            updates |= {
                trial.result: gr.update(visible=True, value=str(result)),
                trial.empty: gr.update(visible=False),
            }
        return updates

    def _settings(self, step: TrialStep) -> Updates:
        trial = self.page.trial
        updates = show_words(trial.words, step.settings.edits)
        if trial.seed_lock is not None:
            updates[trial.seed_lock] = False
        for name, component in trial.settings.items():
            value = getattr(step.settings, name)
            updates[component] = value
            if name in SLIDER_RANGES:  # what the study starts from is within reach, whatever the usual range
                minimum, maximum, _ = SLIDER_RANGES[name]
                updates[component] = gr.update(minimum=min(minimum, value), maximum=max(maximum, value), value=value)
        return updates


def _keys(step: TrialStep) -> set[str]:
    return {question.key for question in step.questions}


def _answers(questions: tuple[ScaleQuestion, ...], answers) -> Updates:
    """Stored answers with their notes; the others are left open."""
    updates = {}
    for question in questions:
        updates[question.radio] = answers.get(question.key)
        updates[question.note] = saved() if question.key in answers else ""
    return updates


def _progress(step: TrialStep) -> str:
    part = text("study_practice" if step.trial.practice else "study_trial")
    line = text("study_progress", part=part, place=step.place, count=step.count)
    done = step.place - 1
    return (
        f'<div class="study-progress" role="progressbar" aria-label="{line}" aria-valuemin="0" '
        f'aria-valuemax="{step.count}" aria-valuenow="{done}"><span>{line}</span>'
        f'<div class="status-bar"><div style="width:{100 * done / step.count:.0f}%"></div></div></div>'
    )
