"""Changes by words, as participants may write them: a few lines of target, anchor, region and degree."""

import dataclasses
from dataclasses import dataclass

import gradio as gr

from colorizer.manipulation.edit import EVERYTHING, Edit
from ui.fold import fold
from ui.texts import text

LINES = 3
DEGREES = (0.0, 20.0, 8.0)  # minimum, maximum, default
LONGEST = 200  # characters of a text


@dataclass(frozen=True)
class Words:
    """The components of one change."""

    target: gr.Textbox
    anchor: gr.Textbox
    control: gr.Textbox
    scale: gr.Slider

    @property
    def components(self) -> tuple[gr.components.Component, ...]:
        return self.target, self.anchor, self.control, self.scale


def build_words() -> tuple[Words, ...]:
    """One change in sight, the others folded away."""
    with gr.Column(elem_classes="card", min_width=0):
        gr.HTML(f'<h3>{text("study_words")}</h3><p class="hint">{text("study_words_hint")}</p>', padding=False)
        first = _line(1)
        with fold(text("study_words_more"), "more-words"):
            others = [_line(number) for number in range(2, LINES + 1)]
    return (first, *others)


def read_words(values: dict, words: tuple[Words, ...], given: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits that the lines ask for. given: the trial's own; what a line cannot say of them stays. UserError."""
    edits = []
    for place, line in enumerate(words):
        target, anchor, control = ((values[part] or "").strip() for part in (line.target, line.anchor, line.control))
        if not target:
            continue
        start = given[place] if place < len(given) else Edit(target)
        edits.append(
            dataclasses.replace(
                start,
                target=target,
                anchor=anchor or None,
                control=control or EVERYTHING,
                target_scale=values[line.scale],
            )
        )
    return (*edits, *given[len(words) :])


def show_words(words: tuple[Words, ...], given: tuple[Edit, ...]) -> dict:
    """The lines' values for the edits of a trial."""
    updates = {}
    for place, line in enumerate(words):
        edit = given[place] if place < len(given) else None
        minimum, maximum, default = DEGREES
        scale = edit.target_scale if edit else default
        updates |= {
            line.target: edit.target if edit else "",
            line.anchor: (edit.anchor or "") if edit else "",
            line.control: "" if edit is None or edit.is_everywhere else edit.control,
            line.scale: gr.update(minimum=min(minimum, scale), maximum=max(maximum, scale), value=scale),
        }
    return updates


def _line(number: int) -> Words:
    def field(name: str) -> gr.Textbox:
        return gr.Textbox(
            label=text(f"study_word_{name}"),
            placeholder=text(f"study_word_{name}_placeholder"),
            max_lines=1,
            max_length=LONGEST,
            elem_id=f"word-{name}-{number}",
            min_width=0,
        )

    with gr.Row(elem_classes="words"):
        target, anchor, control = map(field, ("target", "anchor", "control"))
    minimum, maximum, default = DEGREES
    scale = gr.Slider(
        minimum, maximum, default, step=0.5, label=text("study_word_scale"), elem_id=f"word-scale-{number}"
    )
    return Words(target, anchor, control, scale)
