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

from api.errors import Failure, body_too_large, request_timeout, respond, two_lengths

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
        body = _Body(receive, send, limit_bytes=self._limit, timeout_s=self._timeout_s)
        await self._app(scope, body.receive, body.send)

    def _exceeds(self, announced: str) -> bool:
        # int() refuses strings of more than 4,300 digits.
        return len(announced) > 18 or int(announced) > self._limit


class _Body:
    """The body of one request on its way in, counted and timed."""

    def __init__(self, receive: Receive, send: Send, *, limit_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit_bytes
        self._timeout_s = timeout_s
        self._began = time.monotonic()
        self._seen = 0
        self._whole = False
        self._answered = False

    async def send(self, message: Message) -> None:
        """Send what the app answers."""
        self._answered = True
        await self._send(message)

    async def receive(self) -> Message:
        """Return the next piece; raises HTTPException when there is no going on."""
        if self._whole:
            # What comes now is the end of the connection, which may take its time.
            return await self._receive()
        try:
            with fail_after(self._left_s()):
                message = await self._receive()
        except TimeoutError as exc:
            return self._given_up(request_timeout(self._timeout_s), exc)
        self._seen += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._seen > self._limit:
            return self._given_up(body_too_large(self._limit))
        return message

    def _left_s(self) -> float:
        earned_s = self._seen / _MIN_BYTES_PER_S
        left_s = self._timeout_s + earned_s - (time.monotonic() - self._began)
        return min(self._timeout_s, max(left_s, 0))

    def _given_up(self, failure: Failure, cause: Exception | None = None) -> Message:
        """Refuse the rest; to an app that answers already, its client is as good as gone."""
        self._whole = True
        if self._answered:
            return {"type": "http.disconnect"}
        raise HTTPException(failure.status, failure.detail, {"Connection": "close"}) from cause
