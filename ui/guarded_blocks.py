"""Nothing is fetched for a caller: files are uploads to this server, and addresses are refused wherever they stand."""

from typing import Any

import gradio as gr
from gradio.route_utils import API_PREFIX
from gradio_client.utils import is_file_obj_with_meta, is_http_url_like, traverse
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.picture_upload import UploadsOnly
from ui.texts import text
from ui.toasts import failure


class GuardedBlocks(gr.Blocks):
    """Gradio fetches what a file in a request names, also where the component takes no files and only holds JSON."""

    async def preprocess_data(self, block_fn, inputs: list[Any], *arguments, **options) -> list[Any]:
        """As Gradio's, on every way to a handler: the queue, direct calls, the endpoints for programs and MCP."""
        for block, value in zip(block_fn.inputs, inputs, strict=False):
            traverse(value, lambda file, block=block: _refuse(file, block), is_file_obj_with_meta)
        return await super().preprocess_data(block_fn, inputs, *arguments, **options)


def _refuse(file: dict, block: gr.blocks.Block) -> dict:
    """`UploadsOnly` takes the address of an upload too; it does not see streams."""
    if file.get("is_stream") or (is_http_url_like(file["path"]) and not isinstance(block, UploadsOnly)):
        raise failure(text("error_not_a_file"))
    return file


class NoAddresses:
    """ASGI middleware: Gradio's route for files would fetch an address for anybody, as a proxy does."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, is_file, path = scope.get("path", "").partition(f"{API_PREFIX}/file=")
        if is_file and is_http_url_like(path):
            await PlainTextResponse(text("error_not_a_file"), status_code=403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
