"""No request body is larger than the operator allows, whether it says its length or not.

>>> app.add_middleware(BodyLimit, limit_bytes=20_000_000)

Starlette's `RequestBodyLimitMiddleware` does the same but always answers in plain text.
"""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import body_too_large, respond


class BodyLimit:
    """Answers 413 before the body is read when it announces too much, else while it is read."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        """Let bodies of at most `limit_bytes` through to `app`."""
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and self._exceeds(announced):
            response = respond(Request(scope), body_too_large(self._limit))
            await response(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _exceeds(self, announced: str) -> bool:
        # int() refuses strings of more than 4,300 digits.
        return len(announced) > 18 or int(announced) > self._limit

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise HTTPException(413, body_too_large(self._limit).detail)
            return message

        return counted
