"""A trial: what is to be coloured, the controls that the study allows, the result and its rating. Components only."""

from dataclasses import dataclass

import gradio as gr

from colorizer.settings import SAMPLERS, SCHEDULES
from colorizer.study.protocol import Protocol
from ui import status
from ui.colorize_layout import EMPTY_DRAWING, build_preview
from ui.fold import fold
from ui.settings_layout import SLIDER_RANGES
from ui.study.scales import ScaleQuestion, scale_question
from ui.study.words import Words, build_words
from ui.texts import text

GUIDANCE = ("guidance_scale", "sketch_guidance_scale", "noise_level")
SLIDER_STEPS = {"guidance_scale": 0.1, "sketch_guidance_scale": 0.1, "noise_level": 0.05, "steps": 1}


@dataclass(frozen=True)
class TrialParts:
    """settings: field of `GenerationSettings` -> its component, those that participants may change. words: of edits.

    tries: the pictures of this trial; try_ids: the record behind each of them; shown_try: the record on the stage.
    problem: why the last run failed, "" if it did not.
    """

    head: gr.HTML
    sketch: gr.Image
    reference: gr.Image
    settings: dict[str, gr.components.Component]
    seed_lock: gr.Checkbox | None
    words: tuple[Words, ...]
    colorize: gr.Button
    stop: gr.Button
    empty: gr.HTML
    preview: gr.Image
    result: gr.Image
    status: gr.HTML
    problem: gr.State
    tries: gr.Gallery
    try_ids: gr.JSON
    shown_try: gr.Number
    rating: gr.Column
    questions: tuple[ScaleQuestion, ...]
    go_on: gr.Button


def build_trial(protocol: Protocol) -> TrialParts:
    """Task and pictures at the left, the result at the right, the rating under both; on phones one under the other."""
    parts: dict = {"problem": gr.State(""), "head": gr.HTML(elem_id="trial-head", padding=False)}
    generated = protocol.results == "generated"
    with gr.Row(elem_id="trial"):
        with gr.Column(elem_id="trial-given", min_width=0), gr.Row(elem_classes="pair", equal_height=True):
            parts["sketch"], parts["reference"] = (_picture(name) for name in ("sketch", "reference"))
        with gr.Column(elem_id="trial-actions", min_width=0, visible=generated):
            parts["colorize"] = gr.Button(text("colorize"), variant="primary", elem_id="colorize", scale=3)
            parts["stop"] = gr.Button(text("stop"), variant="stop", elem_id="stop", interactive=False, scale=1)
        with gr.Column(elem_id="trial-stage", min_width=0):
            parts |= _stage(generated)
        with gr.Column(elem_id="trial-controls", min_width=0, visible=protocol.controls != "fixed"):
            parts |= _controls(protocol.controls)
    with gr.Column(elem_classes="card", elem_id="rating", min_width=0) as rating:
        gr.HTML(f'<h2>{text("study_rate_title")}</h2><p class="hint">{text("study_rate_hint")}</p>', padding=False)
        with gr.Row(elem_id="questions"):
            parts["questions"] = tuple(
                scale_question(item.key, item.label, item.label, item.text, protocol.points, item.low, item.high)
                for item in protocol.questions
            )
        parts["go_on"] = gr.Button(text("study_trial_next"), variant="primary", elem_id="trial-next")
    return TrialParts(rating=rating, **parts)


def _picture(name: str) -> gr.Image:
    return gr.Image(
        label=text(name),
        elem_id=name,
        type="filepath",
        image_mode=None,
        format="png",
        interactive=False,
        buttons=["fullscreen"],
        height=220,
        min_width=0,
    )


def _stage(generated: bool) -> dict:
    with gr.Column(elem_id="stage", min_width=0):
        empty = gr.HTML(empty_stage("study_empty_body"), elem_id="stage-empty", padding=False, visible=generated)
        preview = build_preview()
        result = gr.Image(
            label=text("study_result"),
            type="filepath",
            image_mode=None,
            format="png",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            elem_id="stage-result",
        )
    status_line = gr.HTML(status.idle(""), elem_id="status", padding=False, visible=generated)
    tries = gr.Gallery(
        label=text("study_tries"),
        type="filepath",
        format="png",
        columns=4,
        height="auto",
        allow_preview=False,
        object_fit="contain",
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="variants",
    )
    return {
        "empty": empty,
        "preview": preview,
        "result": result,
        "status": status_line,
        "tries": tries,
        "try_ids": gr.JSON([], visible=False),
        "shown_try": gr.Number(visible=False, precision=0),
    }


def empty_stage(body: str) -> str:
    """What stands where no picture is; `body`: key of its second line."""
    return f"{EMPTY_DRAWING}<h3>{text('study_empty_title')}</h3><p>{text(body)}</p>"


def _controls(controls: str) -> dict:
    if controls == "fixed":
        return {"settings": {}, "seed_lock": None, "words": ()}
    words = build_words() if controls == "full" else ()
    settings = {name: _slider(name) for name in GUIDANCE}
    with gr.Column(elem_id="seed-group", min_width=0):
        seed = gr.Number(0, precision=0, label=text("seed"), info=text("seed_info"), elem_id="seed")
        seed_lock = gr.Checkbox(label=text("seed_lock"), info=text("seed_lock_info"), elem_id="seed-lock")
    settings["seed"] = seed
    if controls == "full":
        with fold(text("more"), "more"):
            settings["steps"] = _slider("steps")
            for name, choices in (("sampler", SAMPLERS), ("schedule", SCHEDULES)):
                settings[name] = gr.Radio(
                    [(text(f"{name}_{choice}"), choice) for choice in choices],
                    label=text(name),
                    info=text(f"{name}_info"),
                    elem_id=name,
                )
    return {"settings": settings, "seed_lock": seed_lock, "words": words}


def _slider(name: str) -> gr.Slider:
    minimum, maximum, value = SLIDER_RANGES[name]
    return gr.Slider(
        minimum, maximum, value, step=SLIDER_STEPS[name], label=text(name), info=text(f"{name}_info"), elem_id=name
    )
