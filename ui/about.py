"""The About page: what the loaded model is, from its own description and its card."""

import gradio as gr

from ui.model_shelf import ModelDescription
from ui.texts import text


def build_about(description: ModelDescription | None) -> gr.Markdown:
    return gr.Markdown(about_text(description), elem_id="about")


def about_text(description: ModelDescription | None) -> str:
    """Markdown: the model card that lies beside the checkpoint, else what the checkpoint's metadata says."""
    if description is None:
        return text("about_none")
    if description.card:
        return _text_of(description.card)
    lines = [f"## {description.name}"]
    if config := description.config:
        facts = {
            "about_kind": config.kind,
            "about_size": text("size_choice", pixels=config.native_size),
            "about_trained_on": config.trained_on,
            "about_licence": config.licence,
            "about_limits": config.notes,
        }
        lines += [f"**{text(key)}:** {value}" for key, value in facts.items() if value]
    return "\n\n".join(lines)


def _text_of(card: str) -> str:
    """The card without front matter and without its pictures, whose paths lead nowhere from the page."""
    if card.startswith("---\n"):
        card = card.split("\n---\n", 1)[-1]
    return "\n".join(line for line in card.splitlines() if not line.startswith("!["))
