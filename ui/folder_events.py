"""Which control of the Folder page does what."""

from pathlib import Path

import gradio as gr

from ui.colorize_run import ColorizeRun
from ui.folder_layout import FolderPage
from ui.folder_run import FolderRun
from ui.queues import MODEL
from ui.texts import text

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
LOCAL = {"queue": False, **QUIET}


def connect_folder(page: FolderPage, tab: gr.Tab, run: ColorizeRun) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page. `run` is that of the Colorize page."""
    folder_run = FolderRun(page, run)
    outputs = [page.start, page.stop, page.download, page.results, page.skipped, page.status]
    # Through the queue, because only queued events show their errors; it never waits there.
    checked = page.start.click(
        folder_run.check, inputs=folder_run.inputs, outputs=outputs, concurrency_limit=None, **QUIET
    )
    running = checked.success(
        folder_run.colour,
        inputs=folder_run.inputs,
        outputs=outputs,
        show_progress="minimal",
        show_progress_on=page.status,
        api_visibility="private",
        **MODEL,
    )
    # Gradio reports a cancelled run as failed too, so both ends share a handler and it does not matter which is last.
    ending = {"inputs": {page.results}, "outputs": outputs, **LOCAL}
    running.failure(folder_run.ended, **ending)
    page.stop.click(folder_run.ended, cancels=[running], **ending)

    page.folder.upload(_add, inputs=[page.sketches, page.folder], outputs=page.sketches, **LOCAL)
    references = [run.page.reference, *run.page.more_references.pictures]
    tab.select(_show_reference, inputs=references, outputs=[page.reference, page.note], **LOCAL)


def _add(sketches: list[str] | None, chosen: list[str] | None) -> list[str]:
    """The files of a folder join those that are there, without what systems hide in folders."""
    return [*(sketches or ()), *(path for path in chosen or () if not Path(path).name.startswith("."))]


def _show_reference(*references: str | None):
    """The first reference of the Colorize page; where there is none, a word about it."""
    reference = next(filter(None, references), None)
    note = "" if reference else f'<p class="hint">{text("folder_no_reference")}</p>'
    return gr.update(value=reference, visible=reference is not None), note
