"""What participants see before the first trial and after the last one: components only."""

from dataclasses import dataclass

import gradio as gr

from colorizer.study.protocol import Protocol
from colorizer.study.store import LONGEST_TEXT
from colorizer.study.sus import POINTS, STATEMENTS
from ui.fold import fold
from ui.study.scales import ScaleQuestion, scale_question
from ui.texts import text


@dataclass(frozen=True)
class WelcomeParts:
    agree: gr.Checkbox
    keep: gr.Checkbox
    start: gr.Button
    resume_code: gr.Textbox
    resume: gr.Button
    withdraw_code: gr.Textbox
    withdraw_sure: gr.Checkbox
    withdraw: gr.Button


@dataclass(frozen=True)
class CodeParts:
    code: gr.Textbox
    begin: gr.Button


@dataclass(frozen=True)
class QuestionnaireParts:
    """statements: of the SUS, none when the study does not ask them; texts: key -> its field."""

    statements: tuple[ScaleQuestion, ...]
    sus_next: gr.Button
    texts: dict[str, gr.Textbox]
    texts_next: gr.Button


def build_welcome(protocol: Protocol) -> WelcomeParts:
    """Information, consent, and the way back in or out with a code."""
    with gr.Row(elem_id="welcome"):
        with gr.Column(elem_classes="card reading", min_width=0, scale=3):
            gr.HTML(f'<h2 tabindex="-1">{text("study_information")}</h2>', padding=False)
            gr.Markdown(protocol.information)
            gr.HTML(f"<h2>{text('study_consent')}</h2>", padding=False)
            gr.Markdown(protocol.consent)
            agree = gr.Checkbox(label=text("study_agree"), info=text("study_agree_info"), elem_id="agree")
            keep = gr.Checkbox(
                label=text("study_keep"), info=text("study_keep_info"), elem_id="keep", visible=protocol.keep_pictures
            )
            start = gr.Button(text("study_start"), variant="primary", elem_id="start")
        with gr.Column(elem_id="with-code", min_width=0, scale=2):
            with gr.Column(elem_classes="card", min_width=0):
                gr.HTML(
                    f'<h2>{text("study_return")}</h2><p class="hint">{text("study_return_info")}</p>', padding=False
                )
                resume_code = _code_field("resume-code")
                resume = gr.Button(text("study_resume"), elem_id="resume")
            with fold(text("study_withdraw_title"), "withdraw-part"):
                gr.HTML(f'<p class="hint">{text("study_withdraw_info")}</p>', padding=False)
                withdraw_code = _code_field("withdraw-code")
                withdraw_sure = gr.Checkbox(label=text("study_withdraw_sure"), elem_id="withdraw-sure")
                withdraw = gr.Button(text("study_withdraw"), variant="stop", elem_id="withdraw")
    return WelcomeParts(agree, keep, start, resume_code, resume, withdraw_code, withdraw_sure, withdraw)


def build_code_page() -> CodeParts:
    """The code, shown once."""
    with gr.Column(elem_classes="card reading", min_width=0):
        gr.HTML(f'<h2 tabindex="-1">{text("study_code_title")}</h2><p>{text("study_code_once")}</p>', padding=False)
        code = gr.Textbox(
            label=text("study_code"), interactive=False, buttons=["copy"], elem_id="code", elem_classes="code-shown"
        )
        begin = gr.Button(text("study_code_begin"), variant="primary", elem_id="begin")
    return CodeParts(code, begin)


def build_sus() -> tuple[tuple[ScaleQuestion, ...], gr.Button]:
    """The ten statements and the button under them."""
    with gr.Column(elem_classes="card reading", min_width=0):
        gr.HTML(
            f'<h2 tabindex="-1">{text("study_sus_title")}</h2><p class="hint">{text("study_sus_hint")}</p>',
            padding=False,
        )
        questions = tuple(
            scale_question(
                key,
                str(place),
                f"{place}. {text(f'study_{key}')}",
                None,
                POINTS,
                text("study_sus_low"),
                text("study_sus_high"),
            )
            for place, key in enumerate(STATEMENTS, 1)
        )
        go_on = gr.Button(text("study_sus_next"), variant="primary", elem_id="sus-next")
    return questions, go_on


def build_texts(prompts: dict[str, str]) -> tuple[dict[str, gr.Textbox], gr.Button]:
    """A field for each prompt (key -> what is asked) and the button under them."""
    with gr.Column(elem_classes="card reading", min_width=0):
        gr.HTML(
            f'<h2 tabindex="-1">{text("study_text_title")}</h2><p class="hint">{text("study_text_hint")}</p>',
            padding=False,
        )
        fields = {
            key: gr.Textbox(label=prompt, lines=4, max_lines=20, max_length=LONGEST_TEXT, elem_id=f"answer-{key}")
            for key, prompt in prompts.items()
        }
        go_on = gr.Button(text("study_text_next"), variant="primary", elem_id="texts-next")
    return fields, go_on


def build_finished() -> gr.Textbox:
    """Thanks and the finish code; returns its field."""
    with gr.Column(elem_classes="card reading", min_width=0):
        gr.HTML(
            f'<h2 tabindex="-1">{text("study_finished_title")}</h2><p>{text("study_finished_body")}</p>', padding=False
        )
        return gr.Textbox(
            label=text("study_finish_code"),
            info=text("study_finish_code_info"),
            interactive=False,
            buttons=["copy"],
            elem_id="finish-code",
            elem_classes="code-shown",
        )


def build_withdrawn() -> None:
    with gr.Column(elem_classes="card reading", min_width=0):
        gr.HTML(
            f'<h2 tabindex="-1">{text("study_withdrawn_title")}</h2><p>{text("study_withdrawn_body")}</p>',
            padding=False,
        )


def _code_field(elem_id: str) -> gr.Textbox:
    return gr.Textbox(
        label=text("study_code"),
        placeholder=text("study_code_placeholder"),
        max_lines=1,
        max_length=40,
        elem_id=elem_id,
        min_width=0,
    )
