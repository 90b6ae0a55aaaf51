"""Appearance: a Gradio theme in neutral greys, beside which colours are judged, with one accent; CSS and script."""

import json
from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

from ui.texts import text
from ui.texts.en import TEXTS

FOLDER = Path(__file__).parent
SCRIPTS = ("page.js", "keyboard.js", "edit.js")

# What the browser's side of Gradio says by itself, in English only -> key of our text
TOASTS_OF_GRADIO = {
    "Error": "toast_error",
    "Warning": "toast_warning",
    "Info": "toast_info",
    "Connection Lost": "toast_lost",
    "Connection to the server was lost. Attempting reconnection...": "toast_lost_message",
    "This application is currently busy. Please try again.": "toast_busy",
}

# The operating system's own fonts: nothing is fetched from elsewhere.
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
FONT_MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def build_theme() -> gr.themes.Base:
    """The page's theme; pairs of text and ground reach a contrast of 4.5:1 in both modes."""
    theme = gr.themes.Base(
        primary_hue=colors.teal,
        secondary_hue=colors.teal,
        neutral_hue=colors.zinc,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=FONT,
        font_mono=FONT_MONO,
    )
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_label_background_fill="*block_background_fill",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        color_accent="*primary_700",
        color_accent_soft="*primary_50",
        input_border_width="1px",
        input_background_fill="white",
        input_background_fill_dark="*neutral_800",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_600",
        checkbox_border_color="*neutral_400",
        slider_color="*primary_600",
        slider_color_dark="*primary_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        checkbox_label_background_fill_selected="*primary_50",
        checkbox_label_background_fill_selected_dark="*primary_950",
        checkbox_label_border_color_selected="*primary_700",
        checkbox_label_border_color_selected_dark="*primary_400",
    )


def read_css() -> str:
    sheets = ("page.css", "edit.css", "folder.css")
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in sheets)


def read_head() -> str:
    """The page's own scripts with their texts, as `<script>` for the document head."""
    tips = {key.removeprefix("tip_"): text(key) for key in TEXTS if key.startswith("tip_")}
    toasts = {english: text(key) for english, key in TOASTS_OF_GRADIO.items()}
    texts = json.dumps({"slider": text("slider_keys"), "tips": tips, "toasts": toasts})
    start = f'document.body.lang = "{text("language_code")}";\nconst PAGE_TEXTS = {texts};'
    scripts = [(FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return "".join(f"<script>{script}</script>" for script in (start, *scripts))
