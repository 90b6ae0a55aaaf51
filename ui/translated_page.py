"""The page in each visitor's language: it is built once, and its texts are filled in when it is sent."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.texts import translate
from ui.texts.visitor import language_of

TRANSLATED = ("text/html", "application/json")


class TranslatedPage:
    """ASGI middleware that replaces the marks of `ui.texts.text` in HTML and JSON answers."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def send_translated(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type", "").startswith(TRANSLATED):
                    start = message  # held back until the length is known
                else:
                    await send(message)
            elif not start or message["type"] != "http.response.body":
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._send_page(start, bytes(body), language_of(Headers(scope=scope)), send)

        await self.app(scope, receive, send_translated)

    async def _send_page(self, start: Message, body: bytes, language: str, send: Send) -> None:
        if b"@@text:" in body:
            body = translate(body.decode(), language).encode()
            headers = MutableHeaders(raw=start["headers"])
            headers["content-length"] = str(len(body))
            headers.add_vary_header("Accept-Language")
            headers.add_vary_header("Cookie")
        await send(start)
        await send({"type": "http.response.body", "body": body})
