"""The whole page: header, tabs, events, and how it is served."""

import hmac
import os
from collections.abc import Sequence
from html import escape

import gradio as gr
from gradio.route_utils import API_PREFIX
from starlette.middleware import Middleware

from ui import folder_run
from ui.about import build_about
from ui.api import add_endpoints
from ui.api_page import api_routes
from ui.body_limit import BodyLimit
from ui.bounded_queue import BlocksWithBoundedQueue
from ui.colorize_events import connect
from ui.colorize_layout import build_colorize_page
from ui.examples import ASSETS, load_examples, thumbnail
from ui.folder_events import connect_folder
from ui.folder_layout import build_folder_page
from ui.generate import build_generate
from ui.guarded_blocks import NoAddresses
from ui.mcp_server import check_mcp
from ui.model_shelf import ModelShelf
from ui.security import SecurityHeaders
from ui.texts import page_for_everybody, text
from ui.theme import build_theme, read_css, read_head
from ui.translated_page import TranslatedPage

MAX_UPLOAD = "20mb"  # one file
MAX_UPLOADS = folder_run.MAX_SKETCH_BYTES + 2**20  # bytes: the files of one request and what stands between them
MAX_REQUEST = 32 * 2**20  # bytes: any other
# Seconds: how often to look, and the age at which uploads and results are deleted.
DELETE_CACHE = (600, 6 * 3600)
MAX_SESSIONS = 200
SPACE_FRAMES = ("https://huggingface.co", "https://*.hf.space")

HEADER = """
<div class="brand">
  <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
    <path class="brand-drop" d="M16 3c5 6.2 9 10.6 9 16a9 9 0 0 1-18 0c0-5.4 4-9.8 9-16z"/>
    <path class="brand-half" d="M16 3c5 6.2 9 10.6 9 16a9 9 0 0 1-9 9z"/>
  </svg>
  <div><h1>{title}</h1><p>{tagline}</p></div>
</div>
<div class="header-buttons">
  <button id="language-toggle" type="button" lang="{other_code}" data-language="{other_code}"
   data-question="{question}">{other_language}</button>
  <button id="theme-toggle" type="button" aria-label="{toggle}" title="{toggle}">
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <path d="M10 1.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zm0 2v13a6.5 6.5 0 0 1 0-13z"/>
    </svg>
  </button>
</div>
"""


def build_page(shelf: ModelShelf) -> gr.Blocks:
    """The page as Gradio blocks, with one bounded queue. Raises UserError when the default model is none."""
    examples = load_examples()
    name = shelf.default()
    description = shelf.describe(name) if name else None
    generate = build_generate(shelf)
    with (
        page_for_everybody(),
        BlocksWithBoundedQueue(
            title=text("title"), analytics_enabled=False, delete_cache=DELETE_CACHE, fill_width=True
        ) as blocks,
    ):
        build_header(text("title"), text("tagline"))
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab(text("tab_colorize")):
                page = build_colorize_page(
                    shelf.names(),
                    description,
                    shelf.device.upper(),
                    [(thumbnail(example), example.title) for example in examples],
                )
            with gr.Tab(text("tab_folder"), id="folder") as folder_tab:
                folder = build_folder_page()
            with gr.Tab(text("tab_about")):
                about = build_about(description)
        run = connect(page, shelf, generate, examples, about)
        connect_folder(folder, folder_tab, run)
        add_endpoints(shelf, generate)
    return blocks.queue(api_open=False)


def build_header(title: str, tagline: str) -> None:
    """The line at the top of every page, with the switches for language and theme. Call inside `gr.Blocks`."""
    header = HEADER.format(
        title=escape(title),
        tagline=escape(tagline),
        toggle=text("theme_toggle"),
        other_code=text("other_language_code"),
        other_language=text("other_language"),
        question=escape(text("language_ends_run")),
    )
    gr.HTML(header, elem_id="header", padding=False)


def launch(
    blocks: gr.Blocks,
    host: str,
    port: int | None,
    share: bool = False,
    password: str | None = None,
    mcp: bool = False,
    *,
    css: str = "",
    script: str = "",
    middleware: Sequence[Middleware] = (),
    for_programs: bool = True,
) -> str:
    """Serve the page in the background and return its address. With a password, any user name is accepted.

    mcp: the endpoints for programs are tools of an MCP server too. css, script: added to those of every page.
    middleware: sees requests before the page is translated. for_programs: whether the endpoints are described. Raises
    UserError where the MCP server cannot be, OSError where the port is taken.
    """
    if mcp:
        check_mcp(password)

    def is_password(_user: str, given: str) -> bool:
        return hmac.compare_digest(given.encode(), password.encode())

    on_space = "SPACE_ID" in os.environ
    with page_for_everybody():
        head, auth_message = read_head(), text("login")
    _, local_url, share_url = blocks.launch(
        server_name=host,
        server_port=port,
        share=share,
        auth=is_password if password else None,
        auth_message=auth_message,
        theme=build_theme(),
        css=read_css() + css,
        head=head + (f"<script>{script}</script>" if script else ""),
        favicon_path=str(ASSETS / "favicon.png"),
        footer_links=["api"] if for_programs else [],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        max_file_size=MAX_UPLOAD,
        state_session_capacity=MAX_SESSIONS,
        allowed_paths=[str(ASSETS / "examples")],
        mcp_server=mcp,
        app_kwargs={
            "middleware": [
                Middleware(SecurityHeaders, framed_by=SPACE_FRAMES if on_space else ()),
                Middleware(NoAddresses),
                Middleware(BodyLimit, most=MAX_REQUEST, most_at={f"{API_PREFIX}/upload": MAX_UPLOADS}),
                *middleware,
                Middleware(TranslatedPage),
            ],
            "routes": api_routes(blocks, has_password=bool(password)) if for_programs else [],
            "openapi_url": None,  # FastAPI's own describes the insides of Gradio
        },
        prevent_thread_lock=True,
        quiet=True,
    )
    return share_url or local_url
