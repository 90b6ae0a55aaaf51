"""Which control of the participant's page does what."""

from functools import partial

import gradio as gr

from ui.queues import MODEL
from ui.study.participant_flow import ParticipantFlow
from ui.study.participant_page import ParticipantPage
from ui.study.trial_run import TrialRun

# One after the other, so that an answer is never stored after the step that it belongs to. It takes milliseconds.
RECORDS = {
    "concurrency_id": "records",
    "concurrency_limit": 1,
    "show_progress": "hidden",
    "api_visibility": "private",
}
ANSWER = {**RECORDS, "trigger_mode": "always_last"}  # of quick changes of mind the last one counts
SHOW_STEP = "() => window.showStudyStep()"


def connect_participant(page: ParticipantPage, flow: ParticipantFlow, run: TrialRun) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page."""
    _connect_welcome(page, flow)
    _connect_rating(page, flow)
    _connect_run(page, run)
    _connect_questionnaire(page, flow)


def _connect_welcome(page: ParticipantPage, flow: ParticipantFlow) -> None:
    welcome = page.welcome
    steps = _step_outputs(page)
    _step(
        welcome.start.click,
        flow.start,
        {welcome.agree, welcome.keep},
        [page.code, page.code_page.code, page.progress, *page.parts.values()],
    )
    _step(page.code_page.begin.click, flow.begin, {page.code}, steps)
    for event in (welcome.resume.click, welcome.resume_code.submit):
        _step(event, flow.resume, {welcome.resume_code}, steps)
    _step(
        welcome.withdraw.click,
        flow.withdraw,
        {welcome.withdraw_code, welcome.withdraw_sure},
        [page.code, welcome.withdraw_code, welcome.withdraw_sure, page.progress, *page.parts.values()],
    )


def _connect_rating(page: ParticipantPage, flow: ParticipantFlow) -> None:
    trial = page.trial
    place = {page.code, page.trial_id, trial.shown_try}
    for question in trial.questions:
        question.radio.input(
            partial(flow.rate, question), inputs={question.radio, *place}, outputs=[question.note], **ANSWER
        )
    radios = {question.radio for question in trial.questions}
    _step(trial.go_on.click, flow.finish_trial, {*radios, *place}, _step_outputs(page))
    trial.tries.select(
        flow.choose_try,
        inputs={trial.tries, trial.try_ids},
        outputs=[trial.result, trial.preview, trial.empty, trial.shown_try],
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )


def _connect_run(page: ParticipantPage, run: TrialRun) -> None:
    trial = page.trial
    words = [component for line in trial.words for component in line.components]
    lock = [trial.seed_lock] if trial.seed_lock is not None else []
    inputs = {page.code, page.trial_id, trial.tries, trial.try_ids, *trial.settings.values(), *words, *lock}
    outputs = [
        trial.colorize, trial.stop, trial.status, trial.empty, trial.preview, trial.result, trial.tries, trial.try_ids,
        trial.shown_try, trial.rating, trial.problem,
    ]  # fmt: skip
    # A run changes no other setting.
    outputs += [trial.settings["seed"]] if "seed" in trial.settings else []
    checked = trial.colorize.click(
        run.check,
        inputs=inputs,
        outputs=outputs,
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    running = checked.success(
        run.run,
        inputs=inputs,
        outputs=outputs,
        **MODEL,
        show_progress="minimal",
        show_progress_on=trial.status,
        trigger_mode="multiple",  # "once" would drop a run that is started while a stopped one is still ending
        api_visibility="private",
    )
    ending = {"inputs": {trial.tries, trial.problem}, "outputs": outputs, "queue": False, "api_visibility": "private"}
    running.failure(run.ended, show_progress="hidden", **ending)
    trial.stop.click(run.ended, cancels=[running], show_progress="hidden", **ending)
    # Who goes on while a picture is being made gets it no more.
    trial.go_on.click(None, cancels=[running])


def _connect_questionnaire(page: ParticipantPage, flow: ParticipantFlow) -> None:
    parts, steps = page.questionnaire, _step_outputs(page)
    for question in parts.statements:
        question.radio.input(
            partial(flow.answer_sus, question),
            inputs={page.code, question.radio},
            outputs=[question.note],
            **ANSWER,
        )
    radios = {question.radio for question in parts.statements}
    _step(parts.sus_next.click, flow.finish_sus, {page.code, *radios}, steps)
    _step(parts.texts_next.click, flow.finish_texts, {page.code, *parts.texts.values()}, steps)


def _step(event, handler, inputs: set, outputs: list) -> None:
    """An event that may bring another part into sight; the browser then goes to its top, or to what is missing."""
    event(handler, inputs=inputs, outputs=outputs, **RECORDS).then(None, js=SHOW_STEP)


def _step_outputs(page: ParticipantPage) -> list[gr.components.Component]:
    """Everything that a step may change."""
    trial, parts = page.trial, page.questionnaire
    scales = [item for question in (*trial.questions, *parts.statements) for item in (question.radio, question.note)]
    return [
        page.code, page.trial_id, page.progress, page.code_page.code, page.welcome.resume_code, page.finish_code,
        *page.parts.values(),
        trial.head, trial.sketch, trial.reference, trial.colorize, trial.stop, trial.empty, trial.preview, trial.result,
        trial.status, trial.tries, trial.try_ids, trial.shown_try, trial.rating, *trial.settings.values(),
        *([trial.seed_lock] if trial.seed_lock is not None else []),
        *(component for line in trial.words for component in line.components),
        *scales, *(question.group for question in trial.questions), *parts.texts.values(),
    ]  # fmt: skip
