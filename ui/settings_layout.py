"""The settings of the Colorize page: their components, ranges and choices."""

import gradio as gr

from colorizer.settings import SAMPLERS, SCHEDULES
from ui import presets
from ui.clipped_slider import ClippedSlider
from ui.closer_layout import build_closer_settings
from ui.model_shelf import ModelDescription
from ui.texts import text

SIZE_FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # of the size the model was trained on
MAX_SIZE = 2048
MAX_SEED = 2**32 - 1
MAX_VARIANTS = 4
# minimum, maximum, default; a checkpoint may bring its own
SLIDER_RANGES = {
    "guidance_scale": (1.0, 10.0, 2.0),
    "sketch_guidance_scale": (1.0, 5.0, 1.0),
    "noise_level": (0.0, 1.0, 0.0),
    "steps": (4, 50, 20),
    "even_areas": (0.0, 1.0, 0.0),
    "match_colours": (0.0, 1.0, 0.0),
}


def slider_range(description: ModelDescription, name: str) -> dict:
    """`minimum`, `maximum` and `value` of the slider `name` for this model."""
    minimum, maximum, value = description.slider_ranges.get(name, SLIDER_RANGES[name])
    return {"minimum": minimum, "maximum": maximum, "value": value}


def size_choices(native_size: int) -> list[tuple[str, int]]:
    """Sizes of the longer side in pixels, in steps of 64, the native one first."""
    sizes = [round(native_size * factor / 64) * 64 for factor in SIZE_FACTORS]
    return [(text("size_choice", pixels=size), size) for size in sizes if size <= max(MAX_SIZE, native_size)]


def build_main_settings(description: ModelDescription) -> dict:
    """What stays in sight: preset, guidance, noise level, seed. Returns components by name."""
    preset = gr.Radio(
        presets.choices(), value=presets.BALANCED, label=text("preset"), info=text("preset_info"), elem_id="preset"
    )
    parts = {"preset": preset}
    for name, step in (("guidance_scale", 0.1), ("sketch_guidance_scale", 0.1), ("noise_level", 0.05)):
        parts[name] = _slider(description, name, step)
    with gr.Column(elem_id="seed-group", min_width=0):
        # Without bounds: GenerationSettings refuses a seed in the visitor's language, Gradio in English.
        parts["seed"] = gr.Number(0, precision=0, label=text("seed"), info=text("seed_info"), elem_id="seed")
        with gr.Row(elem_classes="small-buttons"):
            parts["seed_dice"] = gr.Button(text("seed_dice"), size="sm", elem_id="seed-dice", min_width=0)
            parts["seed_reuse"] = gr.Button(
                text("seed_reuse"), size="sm", elem_id="seed-reuse", min_width=0, interactive=False
            )
        parts["seed_lock"] = gr.Checkbox(label=text("seed_lock"), info=text("seed_lock_info"), elem_id="seed-lock")
    return parts


def build_more_settings(models: list[str], description: ModelDescription, device: str) -> dict:
    """What is seldom changed. Returns components by name."""
    return {
        "batch_size": gr.Slider(
            1, MAX_VARIANTS, 1, step=1, label=text("batch_size"), info=text("batch_size_info"), elem_id="batch_size"
        ),
        "size": gr.Dropdown(
            size_choices(description.native_size),
            value=description.native_size,
            label=text("size"),
            info=text("size_info"),
            elem_id="size",
        ),
        "sharp": gr.Checkbox(label=text("sharp"), info=text("sharp_info"), elem_id="sharp"),
        "estimate": gr.HTML(elem_id="estimate", padding=False),
        "even_areas": _slider(description, "even_areas", 0.05),
        "match_colours": _slider(description, "match_colours", 0.05),
        # Whoever colours their own line art wants it back as it was.
        "keep_lines": gr.Checkbox(True, label=text("keep_lines"), info=text("keep_lines_info"), elem_id="keep_lines"),
        **build_closer_settings(),
        "steps": _slider(description, "steps", 1),
        "sampler": gr.Dropdown(
            [(text(f"sampler_{name}"), name) for name in SAMPLERS],
            value="dpm++2m",
            label=text("sampler"),
            info=text("sampler_info"),
            elem_id="sampler",
        ),
        "schedule": gr.Radio(
            [(text(f"schedule_{name}"), name) for name in SCHEDULES],
            value="karras",
            label=text("schedule"),
            info=text("schedule_info"),
            elem_id="schedule",
        ),
        "model": gr.Dropdown(
            models,
            value=description.name if models else None,
            label=text("model"),
            info=text("model_info"),
            elem_id="model",
        ),
        "prediction_type": gr.Radio(
            [(text("prediction_v"), "v_prediction"), (text("prediction_epsilon"), "epsilon")],
            value="v_prediction",
            label=text("prediction_type"),
            info=text("prediction_type_info"),
            visible=not description.states_prediction_type,
            elem_id="prediction_type",
        ),
        "device": gr.HTML(f'<p class="hint">{text("device", device=device)}</p>', elem_id="device", padding=False),
    }


def _slider(description: ModelDescription, name: str, step: float) -> gr.Slider:
    return ClippedSlider(
        **slider_range(description, name), step=step, label=text(name), info=text(f"{name}_info"), elem_id=name
    )
