"""Which control of the Folder page does what."""

from html import escape
from pathlib import Path

import gradio as gr

from ui.colorize_run import ColorizeRun, Updates, Values
from ui.folder_layout import FolderPage
from ui.folder_run import FolderRun
from ui.more_references import GivenReferences
from ui.queues import MODEL
from ui.texts import text

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
LOCAL = {"queue": False, **QUIET}


def connect_folder(page: FolderPage, tab: gr.Tab, run: ColorizeRun) -> None:
    """Attach all events. Call inside the `gr.Blocks` of the page. `run` is that of the Colorize page."""
    folder_run = FolderRun(page, run)
    outputs = [page.start, page.stop, page.download, page.results, page.skipped, page.status, page.problem]
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
    ending = {"inputs": {page.results, page.problem}, "outputs": outputs, **LOCAL}
    running.failure(folder_run.ended, **ending)
    page.stop.click(folder_run.ended, cancels=[running], **ending)

    page.folder.upload(_add, inputs=[page.sketches, page.folder], outputs=page.sketches, **LOCAL)

    def show(values: Values) -> Updates:
        """What the Colorize page brings: its references, and in words its edits."""
        given = run.references(values)
        pictures = [(path, _caption(given, index)) for index, path in enumerate(given.paths)]
        edits = [edit.target for edit in values[run.page.edit.edits].edits if edit.enabled]
        notes = [] if pictures else [text("folder_no_reference")]
        notes += [text("folder_edits", edits=", ".join(edits))] if edits else []
        return {
            page.references: gr.update(value=pictures, visible=bool(pictures)),
            page.note: "".join(f'<p class="hint">{escape(note)}</p>' for note in notes),
        }

    tab.select(show, inputs=run.inputs, outputs=[page.references, page.note], **LOCAL)


def _add(sketches: list[str] | None, chosen: list[str] | None) -> list[str]:
    """The files of a folder join those that are there, without what systems hide in folders."""
    return [*(sketches or ()), *(path for path in chosen or () if not Path(path).name.startswith("."))]


def _caption(given: GivenReferences, index: int) -> str:
    parts = [text("reference_number", number=index + 1)] if len(given.paths) > 1 else []
    parts += [text("folder_weight", weight=f"{given.weights[index]:g}")] if given.weights else []
    parts += [text("row_painted")] if given.regions and given.regions[index] is not None else []
    return " · ".join(parts)
