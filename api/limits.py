"""No request body is larger or slower than the operator allows, whether it says its length or not.

>>> app.add_middleware(BodyLimit, limit_bytes=20_000_000, timeout_s=30)

Starlette's `RequestBodyLimitMiddleware` limits the size, but always answers in plain text.
"""

import time

from anyio import fail_after
from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import body_too_large, request_timeout, respond, two_lengths

# Slower than this after the first seconds is no network, but somebody who holds the line.
_MIN_BYTES_PER_S = 500


class BodyLimit:
    """Answers 413 before the body is read when it announces too much, else while it is read.

    Answers 408 when a piece of it does not come in time, or all of it comes a byte at a time.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, timeout_s: float = 30) -> None:
        """Let bodies through to `app` of `limit_bytes`, never `timeout_s` without a piece."""
        self._app = app
        self._limit = limit_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        if announced and "transfer-encoding" in headers:
            # A proxy that believes the other one sees another request than we do (RFC 9112, 6.1).
            response = respond(Request(scope), two_lengths(), {"Connection": "close"})
            await response(scope, receive, send)
            return
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
        whole = False
        began = time.monotonic()

        async def counted() -> Message:
            nonlocal seen, whole
            if whole:
                # What comes now is the end of the connection, which may take its time.
                return await receive()
            allowed_s = self._timeout_s + seen / _MIN_BYTES_PER_S - (time.monotonic() - began)
            message = await self._in_time(receive, min(self._timeout_s, max(allowed_s, 0)))
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > self._limit:
                raise HTTPException(413, body_too_large(self._limit).detail)
            return message

        return counted

    async def _in_time(self, receive: Receive, seconds: float) -> Message:
        try:
            with fail_after(seconds):
                return await receive()
        except TimeoutError as exc:
            detail = request_timeout(self._timeout_s).detail
            raise HTTPException(408, detail, {"Connection": "close"}) from exc
