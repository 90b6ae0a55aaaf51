"""Where settings come back from: a picture dropped on the page, and presets kept in the browser. No events here."""

from dataclasses import dataclass

import gradio as gr

from ui import saved_presets
from ui.drawn_by_gradio import DrawnByGradio
from ui.fold import fold
from ui.picture_upload import FileUpload
from ui.texts import text

# Gradio encrypts what it keeps in a browser. A fixed secret lets presets outlive the program; they are no secret.
BROWSER_SECRET = "colorize-saved"


class BrowsersChoice(DrawnByGradio, gr.Dropdown):
    """`gr.Dropdown` whose choices the browser knows; the server may have forgotten them. Handlers check the value."""

    def preprocess(self, payload: str | None) -> str | None:
        return payload


@dataclass(frozen=True)
class SavedSettings:
    presets: gr.BrowserState
    chosen: gr.Dropdown
    name: gr.Textbox
    load: gr.Button
    save: gr.Button
    rename: gr.Button
    delete: gr.Button
    picture: FileUpload


def build_saved_settings() -> SavedSettings:
    presets = gr.BrowserState({}, storage_key="colorize-presets", secret=BROWSER_SECRET)
    with fold(text("saved"), "saved"):
        picture = FileUpload(label=text("load_picture"), height=130, elem_id="load-settings")
        gr.HTML(f'<p class="hint">{text("load_picture_hint")}</p>', padding=False)
        chosen = BrowsersChoice(
            [], value=None, label=text("saved_presets"), info=text("saved_presets_info"), elem_id="saved-presets"
        )
        with gr.Row(elem_classes="small-buttons"):
            load, delete = (_button(name) for name in ("load", "delete"))
        name = gr.Textbox(
            label=text("preset_name"),
            info=text("preset_name_info"),
            max_length=saved_presets.LONGEST_NAME,
            elem_id="preset-name",
        )
        with gr.Row(elem_classes="small-buttons"):
            save, rename = (_button(name) for name in ("save", "rename"))
    return SavedSettings(presets, chosen, name, load, save, rename, delete, picture)


def _button(name: str) -> gr.Button:
    return gr.Button(text(f"preset_{name}"), size="sm", min_width=0, elem_id=f"preset-{name}")
