"""Controls of "closer to the reference": attention injection and AdaIN."""

import gradio as gr

from colorizer.settings import GenerationSettings
from ui.fold import fold
from ui.texts import text

NAMES = ("attention_injection", "adain", "style_fidelity", "similarity_start", "similarity_end")


def build_closer_settings() -> dict[str, gr.Slider]:
    """Sliders by the names of their settings, all from 0 to 1."""
    defaults = GenerationSettings()
    with fold(text("closer"), "closer"):
        gr.HTML(f'<p class="hint">{text("closer_hint")}</p>', padding=False)
        return {
            name: gr.Slider(
                0, 1, getattr(defaults, name), step=0.05, label=text(name), info=text(f"{name}_info"), elem_id=name
            )
            for name in NAMES
        }
