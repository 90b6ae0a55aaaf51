"""Questions that are answered on a scale: ratings and the statements of the SUS."""

from dataclasses import dataclass

import gradio as gr

from ui.texts import text


@dataclass(frozen=True)
class ScaleQuestion:
    """One question and what is known of it.

    name: what a message calls it. group holds the rest, to show or hide the question as a whole. note says whether its
    answer is stored.
    """

    key: str
    name: str
    group: gr.Column
    radio: gr.Radio
    note: gr.HTML


def scale_question(
    key: str, name: str, label: str, info: str | None, points: int, low: str, high: str
) -> ScaleQuestion:
    """A question with answers from 1 to `points`, none of them chosen at first. low, high: what the ends mean."""
    choices = [(str(value), value) for value in range(1, points + 1)]
    choices[0], choices[-1] = (f"1\n{low}", 1), (f"{points}\n{high}", points)
    with gr.Column(elem_classes="question", min_width=0) as group:
        radio = gr.Radio(
            choices, value=None, label=label, info=info, elem_id=f"answer-{key}", elem_classes="scale", min_width=0
        )
        note = gr.HTML(elem_id=f"note-{key}", elem_classes="answer-note", padding=False)
    return ScaleQuestion(key, name, group, radio, note)


def saved() -> str:
    """The note of an answer that is stored."""
    return f'<span role="status" class="is-saved">✓ {text("study_saved")}</span>'


def not_saved(key: str = "study_not_saved") -> str:
    """The note of an answer that is not stored, or not given."""
    return f'<span role="alert" class="is-missing">{text(key)}</span>'
