"""The organiser's page, at an address of its own. Nothing on it is there before the password is given: the components
come empty, and every single action checks the password again."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr

from colorizer.errors import UserError
from colorizer.study.organiser import Organiser, Progress, as_organiser
from colorizer.study.session import Study
from ui.errors import errors_as_toasts
from ui.texts import text

EVENTS = {
    "concurrency_id": "organiser",
    "concurrency_limit": 2,  # guesses wait for each other
    "show_progress": "hidden",
    "api_visibility": "private",
}
SECONDS_AFTER_WRONG = 1.0
SECONDS_BETWEEN_COUNTS = 10
MEDIA_TYPES = {"zip": "application/zip", "html": "text/html", "pdf": "application/pdf"}
SAVE_FILE = "(file) => window.saveStudyFile(file)"


def build_organiser_page(study: Study) -> None:
    """Call inside the `gr.Blocks` of the page."""
    page = OrganiserPage(study)
    if not study.protocol.has_password:
        gr.HTML(f'<div class="card reading"><p>{text("organiser_shut")}</p></div>', padding=False)
        return
    with gr.Column(elem_classes="card reading", min_width=0) as login:
        gr.HTML(f'<h2 tabindex="-1">{text("organiser_title")}</h2>', padding=False)
        password = gr.Textbox(label=text("organiser_password"), type="password", elem_id="organiser-password")
        enter = gr.Button(text("organiser_open"), variant="primary", elem_id="organiser-open")
    with gr.Column(visible=False, elem_id="organiser-panel", min_width=0) as panel:
        counts = gr.HTML(elem_id="counts", padding=False)
        with gr.Row(elem_classes="organiser-buttons"):
            for kind in ("csv", "jsonl"):
                _download(text(f"organiser_{kind}"), f"export-{kind}", page.export(kind), password)
        with gr.Row(elem_classes="organiser-buttons"):
            show = gr.Button(text("organiser_report"), elem_id="show-report")
            for kind in ("html", "pdf"):
                _download(text(f"organiser_report_{kind}"), f"report-{kind}", page.report(kind), password)
        report = gr.HTML(elem_id="report", padding=False)
        with gr.Row(elem_classes="card", elem_id="check-code"):
            code = gr.Textbox(label=text("organiser_code"), info=text("organiser_code_info"), elem_id="finish-code")
            check = gr.Button(text("organiser_check"), elem_id="check")
            verdict = gr.HTML(elem_id="verdict", padding=False)
    timer = gr.Timer(SECONDS_BETWEEN_COUNTS, active=False)

    entered = {"inputs": password, "outputs": [login, panel, counts, timer], **EVENTS}
    for event in (enter.click, password.submit):
        event(page.enter, **entered)
    timer.tick(page.counts, inputs=password, outputs=counts, **EVENTS)
    show.click(page.show_report, inputs=password, outputs=report, **EVENTS | {"show_progress": "minimal"})
    check.click(page.check_code, inputs=[password, code], outputs=verdict, **EVENTS)


class OrganiserPage:
    """Handlers; the first argument of each is the password that the browser sends along."""

    def __init__(self, study: Study):
        self.study = study

    def enter(self, password: str):
        """The panel instead of the login."""
        with self._organiser(password) as organiser:
            counts = counts_as_html(organiser.progress())
        return gr.update(visible=False), gr.update(visible=True), counts, gr.update(active=True)

    def counts(self, password: str) -> str:
        with self._organiser(password) as organiser:
            return counts_as_html(organiser.progress())

    def show_report(self, password: str) -> str:
        """The report in a frame of its own in which no script runs."""
        with self._organiser(password) as organiser:
            page = organiser.report("html").decode()
        return f'<iframe sandbox="" title="{text("organiser_report_title")}" srcdoc="{escape(page)}"></iframe>'

    def check_code(self, password: str, code: str) -> str:
        with self._organiser(password) as organiser:
            finished = organiser.has_finished(code or "")
        return f"<p>{text('organiser_finished' if finished else 'organiser_not_finished')}</p>"

    def export(self, kind: str):
        """Handler that gives all tables as a file."""

        def handler(password: str) -> dict:
            with self._organiser(password) as organiser:
                return _file(f"study-{kind}.zip", organiser.export_zip(kind))

        return handler

    def report(self, kind: str):
        """Handler that gives the report as a file."""

        def handler(password: str) -> dict:
            with self._organiser(password) as organiser:
                return _file(f"study-report.{kind}", organiser.report(kind))

        return handler

    @contextmanager
    def _organiser(self, password: str) -> Iterator[Organiser]:
        """The organiser for whoever has the password; errors become toasts, and a wrong guess costs time."""
        with errors_as_toasts("study_error_unexpected"):
            try:
                organiser = as_organiser(self.study, password or "")
            except UserError as error:
                time.sleep(SECONDS_AFTER_WRONG)
                raise UserError(text("organiser_refused")) from error
            yield organiser


def counts_as_html(progress: Progress) -> str:
    """How far the study is: figures, then where everybody is and what is finished, as tables."""
    figures = {name: getattr(progress, name) for name in ("enrolled", "finished", "withdrawn", "tries")}
    cards = "".join(
        f'<div class="figure" data-name="{name}"><b>{value}</b><span>{text(f"organiser_count_{name}")}</span></div>'
        for name, value in figures.items()
    )
    steps = {text(f"organiser_at_{step}"): count for step, count in progress.now_at.items()}
    orders = {str(row): count for row, count in enumerate(progress.finished_by_order, 1)}
    tables = (("now_at", steps), ("by_condition", progress.finished_trials), ("by_order", orders))
    return (
        f'<div class="figures">{cards}</div><div class="count-tables">'
        + "".join(_table(text(f"organiser_{name}"), rows) for name, rows in tables)
        + "</div>"
    )


def _table(title: str, rows: dict[str, int]) -> str:
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{count}</td></tr>" for name, count in rows.items())
    return f"<table><caption>{title}</caption>{lines}</table>"


def _download(label: str, elem_id: str, handler: Callable, password: gr.Textbox) -> None:
    """A button whose file goes straight to the browser: nothing that others might find is left in a cache."""
    button, file = gr.Button(label, elem_id=elem_id), gr.JSON(visible=False)
    button.click(handler, inputs=password, outputs=file, **EVENTS).success(None, inputs=file, js=SAVE_FILE)


def _file(name: str, content: bytes) -> dict:
    media_type = MEDIA_TYPES[name.rsplit(".", 1)[1]]
    return {"name": name, "type": media_type, "base64": base64.b64encode(content).decode()}
