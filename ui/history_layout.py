"""The history strip under the stage: its components and where they stand. No events here."""

from dataclasses import dataclass

import gradio as gr

from ui.texts import text


@dataclass(frozen=True)
class HistoryStrip:
    """The components that events read or change.

    visitor: the key to this browser's history. ids: of the entries in the gallery, in its order; run_ids: of
    the last run's pictures. chosen: id of the entry
    on the stage; compared: id of the first of two to compare; deleted: ids that can be brought back, newest last.
    """

    visitor: gr.BrowserState
    area: gr.Column
    gallery: gr.Gallery
    pin: gr.Button
    reuse: gr.Button
    seed: gr.Button
    compare: gr.Button
    delete: gr.Button
    undo: gr.Button
    archive: gr.Button
    archive_file: gr.DownloadButton
    ids: gr.State
    run_ids: gr.State
    chosen: gr.State
    compared: gr.State
    deleted: gr.State

    @property
    def of_one(self) -> tuple[gr.Button, ...]:
        """Buttons that act on the chosen picture."""
        return self.pin, self.reuse, self.seed, self.compare, self.delete


def build_history() -> HistoryStrip:
    """Hidden until there is a picture."""
    states = {
        # Gradio encrypts it with a secret of this run of the program, whose end is also the end of all histories.
        "visitor": gr.BrowserState(None, storage_key="colorize-visitor"),
        "ids": gr.State(()),
        "run_ids": gr.State(()),
        "chosen": gr.State(None),
        "compared": gr.State(None),
        "deleted": gr.State(()),
    }
    with gr.Column(elem_id="history-area", min_width=0, visible=False) as area:
        gr.HTML(f'<h2>{text("history")}</h2><p class="hint">{text("history_hint")}</p>', padding=False)
        gallery = gr.Gallery(
            label=text("history"),
            show_label=False,
            format="jpeg",
            columns=8,
            height="auto",
            allow_preview=False,
            object_fit="contain",
            interactive=False,
            buttons=[],
            elem_id="history",
        )
        with gr.Row(elem_id="history-buttons", elem_classes="small-buttons"):
            buttons = {name: _button(name) for name in ("pin", "reuse", "seed", "compare", "delete")}
            buttons["undo"] = _button("undo", interactive=True, visible=False)
            buttons["archive"] = _button("archive", interactive=True)
            archive_file = gr.DownloadButton(elem_id="history-archive-file", visible="hidden")
    return HistoryStrip(area=area, gallery=gallery, archive_file=archive_file, **buttons, **states)


def _button(name: str, interactive: bool = False, visible: bool = True) -> gr.Button:
    return gr.Button(
        text(f"history_{name}"),
        size="sm",
        min_width=0,
        interactive=interactive,
        visible=visible,
        elem_id=f"history-{name}",
    )
