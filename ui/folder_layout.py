"""The Folder page: many sketches, one reference; its components and where they stand. No events here."""

from dataclasses import dataclass

import gradio as gr

from ui import status
from ui.picture_upload import FileUpload, UploadsOnly
from ui.texts import text


class SketchFolder(UploadsOnly, gr.UploadButton):
    pass


class FolderResults(UploadsOnly, gr.Gallery):
    """An input too, for the zip of a run that was stopped."""


@dataclass(frozen=True)
class FolderPage:
    """The components that events read or change. problem: why the last run failed, "" if it did not."""

    sketches: FileUpload
    folder: SketchFolder
    references: gr.Gallery
    note: gr.HTML
    start: gr.Button
    stop: gr.Button
    status: gr.HTML
    problem: gr.State
    results: FolderResults
    skipped: gr.HTML
    download: gr.DownloadButton


def build_folder_page() -> FolderPage:
    """Sketches, reference and buttons at the left; progress and results at the right, below them on a phone."""
    with gr.Row(elem_id="folder-workspace"):
        with gr.Column(elem_id="folder-inputs", min_width=0):
            parts = _inputs()
        with gr.Column(elem_id="folder-outputs", min_width=0):
            parts |= _outputs()
    return FolderPage(problem=gr.State(""), **parts)


def _inputs() -> dict:
    gr.HTML(f'<p class="hint">{text("folder_hint")}</p>', padding=False)
    sketches = FileUpload(
        label=text("folder_sketches"), file_count="multiple", type="filepath", height=240, elem_id="folder-sketches"
    )
    folder = SketchFolder(
        text("folder_choose"), file_count="directory", type="filepath", size="sm", elem_id="folder-choose"
    )
    references = gr.Gallery(
        label=text("folder_reference"),
        format="png",
        columns=3,
        height="auto",
        allow_preview=False,
        object_fit="contain",
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="folder-reference",
    )
    note = gr.HTML("", padding=False, elem_id="folder-note")
    with gr.Row(elem_classes="actions"):
        start = gr.Button(text("folder_start"), variant="primary", elem_id="folder-start", scale=3, min_width=120)
        stop = gr.Button(text("stop"), variant="stop", elem_id="folder-stop", interactive=False, scale=1, min_width=80)
    return {
        "sketches": sketches,
        "folder": folder,
        "references": references,
        "note": note,
        "start": start,
        "stop": stop,
    }


def _outputs() -> dict:
    with gr.Row(elem_classes="under-stage"):
        status_line = gr.HTML(
            status.idle(text("folder_ready")), elem_id="folder-status", elem_classes="run-status", padding=False
        )
        download = gr.DownloadButton(
            text("folder_download"), interactive=False, elem_id="folder-download", scale=0, min_width=190, size="md"
        )
    skipped = gr.HTML("", padding=False, elem_id="folder-skipped")
    results = FolderResults(
        label=text("folder_results"),
        format="png",
        type="filepath",
        columns=4,
        height="auto",
        object_fit="contain",
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="folder-results",
    )
    return {"status": status_line, "download": download, "skipped": skipped, "results": results}
