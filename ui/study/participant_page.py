"""The participant's page: all of its parts, one of them in sight at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from colorizer.study.session import Study
from ui.study import welcome_layout as layout
from ui.study.trial_layout import TrialParts, build_trial

PARTS = ("welcome", "code", "trial", "sus", "texts", "finished", "withdrawn")


@dataclass(frozen=True)
class ParticipantPage:
    """code and trial_id say who answers and what: the browser keeps them, so a restart of the server loses nobody.

    progress: the line above every part. parts: name of PARTS -> its column.
    """

    code: gr.Textbox
    trial_id: gr.Number
    progress: gr.HTML
    parts: dict[str, gr.Column]
    welcome: layout.WelcomeParts
    code_page: layout.CodeParts
    trial: TrialParts
    questionnaire: layout.QuestionnaireParts
    finish_code: gr.Textbox


def build_participant_page(study: Study) -> ParticipantPage:
    """Call inside `gr.Blocks`."""
    protocol = study.protocol
    code = gr.Textbox(visible=False)
    trial_id = gr.Number(visible=False, precision=0)
    progress = gr.HTML(elem_id="progress", padding=False)
    parts = {}

    def part(name: str, build: Callable, *arguments):
        with gr.Column(visible=name == "welcome", elem_id=f"part-{name}", min_width=0) as parts[name]:
            return build(*arguments)

    welcome = part("welcome", layout.build_welcome, protocol)
    code_page = part("code", layout.build_code_page)
    trial = part("trial", build_trial, protocol)
    statements, sus_next = part("sus", layout.build_sus)
    texts, texts_next = part("texts", layout.build_texts, study.free_text_prompts)
    finish_code = part("finished", layout.build_finished)
    part("withdrawn", layout.build_withdrawn)
    questionnaire = layout.QuestionnaireParts(statements, sus_next, texts, texts_next)
    return ParticipantPage(code, trial_id, progress, parts, welcome, code_page, trial, questionnaire, finish_code)
