"""A bound on what one request may send, before any of it is kept."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.texts import text


class TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI middleware. Gradio bounds one file, but neither the sum of an upload nor what its other routes read.

    most: bytes of a request's body; most_at: path -> other bounds.
    """

    def __init__(self, app: ASGIApp, most: int, most_at: Mapping[str, int]):
        self.app, self.most, self.most_at = app, most, most_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.most_at.get(scope["path"], self.most)
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > most:
            await self._refuse(most, scope, receive, send)
            return
        received, has_answered = 0, False

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:  # a body sent in chunks does not say its length
                raise TooLarge
            return message

        async def send_noted(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self.app(scope, receive_bounded, send_noted)
        except TooLarge:
            if not has_answered:
                await self._refuse(most, scope, receive, send)

    async def _refuse(self, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        answer = PlainTextResponse(text("error_request_too_large", most=most >> 20), status_code=413)
        await answer(scope, receive, send)
