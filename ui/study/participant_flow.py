"""What happens when a participant presses a button. Every handler asks the study's records where the participant is."""

import gradio as gr

from colorizer.errors import UserError
from colorizer.study.session import Study, TrialStep
from colorizer.study.store import written_code
from ui.errors import errors_as_toasts
from ui.study.participant_page import ParticipantPage
from ui.study.pictures import StudyPictures
from ui.study.scales import ScaleQuestion, not_saved, saved
from ui.study.steps import StepView, Updates
from ui.study.try_log import record_look
from ui.texts import text
from ui.toasts import warn

Values = dict  # component -> its value


def study_errors():
    """Errors as toasts that are not about pictures."""
    return errors_as_toasts("study_error_unexpected")


class ParticipantFlow:
    """Handlers of everything but generation. Holds components and the study, nothing of any participant."""

    def __init__(self, page: ParticipantPage, study: Study, pictures: StudyPictures):
        self.page, self.study, self.pictures = page, study, pictures
        self.view = StepView(page, study.protocol, pictures)

    def start(self, values: Values) -> Updates:
        """Consent is given: a new participant, whose code is shown now and never again."""
        page, welcome = self.page, self.page.welcome
        with study_errors():
            if not values[welcome.agree]:
                raise UserError(text("study_error_consent"))
            code = self.study.enrol(bool(values[welcome.keep]))
        return {page.code: code, page.code_page.code: code, **self.view.part("code")}

    def begin(self, values: Values) -> Updates:
        """From the code to the first step; the code leaves the page."""
        return {self.page.code_page.code: "", **self._next(self.code(values))}

    def resume(self, values: Values) -> Updates:
        """Back to where the code's participant was."""
        with study_errors():
            code = _typed(values[self.page.welcome.resume_code])
        return {self.page.code: code, self.page.welcome.resume_code: "", **self._next(code)}

    def withdraw(self, values: Values) -> Updates:
        """Delete everything of the code's participant."""
        welcome = self.page.welcome
        with study_errors():
            code = _typed(values[welcome.withdraw_code])
            if not values[welcome.withdraw_sure]:
                raise UserError(text("study_error_sure"))
            self.study.withdraw(code)
        return {
            self.page.code: "",
            welcome.withdraw_code: "",
            welcome.withdraw_sure: False,
            **self.view.part("withdrawn"),
        }

    def rate(self, question: ScaleQuestion, values: Values) -> Updates:
        """Store one rating as soon as it is given; its note says so after that."""
        value = values[question.radio]
        if value is None:  # the page went on meanwhile
            return {question.note: gr.skip()}
        return self._note(question, lambda: self._rate(question.key, value, values))

    def finish_trial(self, values: Values) -> Updates:
        """Go on if everything is answered; else say what is missing."""
        trial = self.page.trial
        with study_errors():
            code, trial_id = self.code(values), values[self.page.trial_id]
            step = self.study.next_step(code)
            if isinstance(step, TrialStep) and step.trial.id == trial_id:
                if not step.trial.tries:
                    raise UserError(text("study_error_try_first"))
                keys = {question.key for question in step.questions}
                asked = [item for item in trial.questions if item.key in keys]
                if missing := self._missing(asked, values):
                    return missing
                for item in asked:
                    if values[item.radio] != step.trial.answers.get(item.key):
                        self._rate(item.key, values[item.radio], values)
                self.study.finish_trial(code, trial_id)
        return self._next(code)

    def answer_sus(self, question: ScaleQuestion, values: Values) -> Updates:
        """Store one answer as soon as it is given."""
        value = values[question.radio]
        if value is None:
            return {question.note: gr.skip()}
        return self._note(question, lambda: self.study.answer_sus(self.code(values), question.key, value))

    def finish_sus(self, values: Values) -> Updates:
        """Go on if all ten are answered; else say which are missing."""
        statements = self.page.questionnaire.statements
        with study_errors():
            code = self.code(values)
            if missing := self._missing(statements, values, "study_error_missing_statements"):
                return missing
            stored = self.study.store.participant(code).answers
            for question in statements:
                if values[question.radio] != stored.get(question.key):
                    self.study.answer_sus(code, question.key, values[question.radio])
            self.study.finish_sus(code)
        return self._next(code)

    def finish_texts(self, values: Values) -> Updates:
        """Store the texts and go on."""
        with study_errors():
            code = self.code(values)
            fields = self.page.questionnaire.texts
            self.study.finish_free_text(code, {key: values[field] or "" for key, field in fields.items()})
        return self._next(code)

    def choose_try(self, values: Values, event: gr.SelectData) -> Updates:
        """A picture of this trial comes to the stage again; ratings are then about it."""
        trial = self.page.trial
        path, _ = values[trial.tries][event.index]
        return {
            trial.result: gr.update(value=path, visible=True),
            trial.preview: gr.update(visible=False),
            trial.empty: gr.update(visible=False),
            trial.shown_try: values[trial.try_ids][event.index],
        }

    def code(self, values: Values) -> str:
        """The participant's code, as the page keeps it. Raises UserError on a page that has none."""
        if not values[self.page.code]:
            raise UserError(text("study_error_session"))
        return values[self.page.code]

    def _next(self, code: str) -> Updates:
        with study_errors():
            step = self.study.next_step(code)
            if isinstance(step, TrialStep) and self.study.protocol.results == "shown" and not step.trial.tries:
                record_look(self.study, self.pictures, code, step)
                step = self.study.next_step(code)
            return self.view.step(code, step)

    def _rate(self, key: str, value: int, values: Values) -> None:
        shown_try = values[self.page.trial.shown_try]
        self.study.rate(self.code(values), values[self.page.trial_id], key, value, shown_try)

    @staticmethod
    def _note(question: ScaleQuestion, store) -> Updates:
        """Store an answer; the note, and a message when it fails, say what became of it."""
        try:
            with study_errors():
                store()
        except gr.Error as error:
            warn(error.message)
            return {question.note: not_saved()}
        return {question.note: saved()}

    @staticmethod
    def _missing(questions, values: Values, message: str = "study_error_missing") -> Updates:
        """Notes at the questions without an answer, and a message that names them; nothing when there are none."""
        missing = [question for question in questions if values[question.radio] is None]
        if missing:
            warn(text(message, names=", ".join(item.name for item in missing)))
        return {question.note: not_saved("study_missing") for question in missing}


def _typed(code: str | None) -> str:
    if not (code or "").strip():
        raise UserError(text("study_error_code"))
    return written_code(code)
