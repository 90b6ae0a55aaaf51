"""A study as pages: participants at the root, the organiser at /organiser; nothing of the ordinary page."""

from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from colorizer.errors import UserError
from colorizer.study.check import findings
from colorizer.study.session import Study
from ui.generate import build_generate
from ui.guarded_blocks import GuardedBlocks
from ui.page import DELETE_CACHE, build_header, launch
from ui.study.models import StudyShelf
from ui.study.organiser_page import build_organiser_page
from ui.study.participant_events import connect_participant
from ui.study.participant_flow import ParticipantFlow
from ui.study.participant_page import build_participant_page
from ui.study.pictures import StudyPictures
from ui.study.trial_run import TrialRun
from ui.texts import page_for_everybody, text
from ui.texts.visitor import COOKIE

FOLDER = Path(__file__).parent
ORGANISER = "organiser"  # the path of the page
MAX_WAITING = 200  # answers and generations in the queue, over all participants


def build_study_page(study: Study, device: str = "auto") -> gr.Blocks:
    """The pages as Gradio blocks, closed to programs. Raises UserError that lists what the study lacks."""
    if problems := findings(study.protocol):
        raise UserError("\n       ".join(problems))
    shelf = StudyShelf(study.protocol, device)
    title = study.protocol.title
    with (
        page_for_everybody(),
        GuardedBlocks(title=title, analytics_enabled=False, delete_cache=DELETE_CACHE, fill_width=True) as blocks,
    ):
        build_header(title, text("study_tagline"))
        page = build_participant_page(study)
        flow = ParticipantFlow(page, study, StudyPictures())
        connect_participant(page, flow, TrialRun(flow, shelf, build_generate(shelf)))
    with page_for_everybody(), blocks.route(text("organiser_title"), ORGANISER, show_in_navbar=False):
        build_header(title, text("organiser_title"))
        build_organiser_page(study)
    return blocks.queue(max_size=MAX_WAITING, api_open=False)


def launch_study(
    blocks: gr.Blocks, study: Study, host: str, port: int | None, share: bool = False, password: str | None = None
) -> str:
    """Serve the study in the background and return its address. password: for participants, with any user name."""
    style, script = ((FOLDER / f"study.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    language = Middleware(OneLanguage, language=study.protocol.language)
    return launch(
        blocks, host, port, share, password, css=style, script=script, middleware=[language], for_programs=False
    )


class OneLanguage:
    """ASGI middleware: whatever their browsers ask for, all participants read the page in the study's language."""

    def __init__(self, app: ASGIApp, language: str):
        self.app, self.language = app, language.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [(name, self._without_choice(name, value)) for name, value in scope["headers"]]
            headers = [header for header in headers if header[0] != b"accept-language"]
            scope = {**scope, "headers": [*headers, (b"accept-language", self.language)]}
        await self.app(scope, receive, send)

    @staticmethod
    def _without_choice(name: bytes, value: bytes) -> bytes:
        """A cookie header without the language chosen on an ordinary page of the same server."""
        if name != b"cookie":
            return value
        kept = [part for part in value.split(b"; ") if not part.startswith(COOKIE.encode() + b"=")]
        return b"; ".join(kept)
