"""The API without a port: a client that speaks to the app in its own process.

>>> with opened(Settings(data_dir="/tmp/archive")) as dateline:
...     dateline.ask("Who was blamed for the Taji attack?").answer_status
'answered'

Slack, the terminal and other agents are served through the same client, whether the archive is
here or behind an address, so there is one way to ask and one way to fail. httpx's own transport for
ASGI collects a reply before it gives any of it, and only waits inside of an event loop.
"""

import asyncio
import logging
import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Scope

from api.auth import INSIDE, Caller
from api.client import Dateline
from rag.settings import Settings

# A name of this machine, which the guard of names lets pass.
URL = "http://inside.localhost"
_END = object()


@contextmanager
def opened(settings: Settings) -> Iterator[Dateline]:
    """Yield a client of the archive that the settings name, held open in this process.

    No key is asked for: whoever may read the folder may do all. Raises what `open_services` raises.
    """
    # Here, because the app hands out such clients of itself.
    from api.app import create_app

    # Whoever wants the lines of the log has configured it; a terminal shows answers alone.
    logger = logging.getLogger("dateline")
    if not logger.hasHandlers():
        logger.addHandler(logging.NullHandler())
    # Only a server lets Slack and other agents in: nobody else finds an app without a port.
    alone = {"auth": "off", "rate_limit": "off", "mcp": False, "slack_signing_secret": None}
    app = create_app(settings.model_copy(update=alone))
    begun: Future[_Begun] = Future()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dateline") as pool:
        try:
            # Within, because Ctrl-C may come while the thread starts.
            holding = pool.submit(lambda: asyncio.run(_hold(app, begun)))
            with inside(app, begun.result().loop, None) as dateline:
                yield dateline
        finally:
            # As soon as it has begun: Ctrl-C may come before.
            begun.add_done_callback(_stop)
        holding.result()


def inside(app: FastAPI, loop: asyncio.AbstractEventLoop, caller: Caller | None) -> Dateline:
    """Return a client of `app`, which runs in `loop`; not to be used from that loop's thread.

    Its requests come from `caller`, and pass whatever others pass but the limits on their number.
    """
    return Dateline(URL, transport=InProcess(app, loop, caller))


class InProcess(httpx.BaseTransport):
    """Gives requests to an ASGI app in another thread's event loop, and replies as they come."""

    def __init__(
        self, app: ASGIApp, loop: asyncio.AbstractEventLoop, caller: Caller | None
    ) -> None:
        """Ask `app` as `caller`; None: as whoever comes without a key."""
        self._app = app
        self._loop = loop
        self._caller = caller

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the reply when its head is there."""
        scope = _scope(request)
        if self._caller is not None:
            scope[INSIDE] = self._caller
        exchange = _Exchange(request, scope, self._loop)
        answering = exchange.run(self._app)
        try:
            asyncio.run_coroutine_threadsafe(answering, self._loop)
        except RuntimeError as exc:
            answering.close()
            # No ConnectError, which would be tried again.
            raise httpx.LocalProtocolError("the app has stopped", request=request) from exc
        try:
            head = exchange.next()
        except BaseException:  # Ctrl-C, too, while the first word is waited for
            exchange.close()
            raise
        if head is None:
            raise httpx.RemoteProtocolError("the app gave no reply", request=request)
        return httpx.Response(
            head["status"], headers=head["headers"], stream=exchange, request=request
        )


class _Exchange(httpx.SyncByteStream):
    """One request and its reply, between the app's loop and the thread that waits."""

    def __init__(
        self, request: httpx.Request, scope: Scope, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._scope = scope
        self._body: bytes | None = request.read()
        self._timeout_s: float | None = request.extensions["timeout"].get("read")
        self._sent: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._loop = loop
        self._gone = asyncio.Event()

    async def run(self, app: ASGIApp) -> None:
        """Let the app answer; in its loop."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception as exc:  # told to whoever waits, as a connection that is cut
            self._sent.put(exc)
        finally:
            self._sent.put(_END)

    def next(self) -> Message | None:
        """Return what the app sent next, or None at the end. Raises TransportError."""
        try:
            sent = self._sent.get(timeout=self._timeout_s)
        except queue.Empty:
            raise httpx.ReadTimeout(f"no reply within {self._timeout_s} s") from None
        if isinstance(sent, Exception):
            raise httpx.RemoteProtocolError(f"the reply was cut: {type(sent).__name__}") from sent
        return None if sent is _END else sent

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        more = True
        while more:
            message = self.next()
            if message is None:  # the app was stopped on its way
                raise httpx.RemoteProtocolError("the reply was cut")
            if message["type"] == "http.response.body":
                more = message.get("more_body", False)
                yield message.get("body", b"")

    def close(self) -> None:
        """Hang up, which means nothing when all was said."""
        # A loop that is closed has nobody left to hear it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._gone.set)

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self._sent.put(message)


def _scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        # From 2.4 on whoever hangs up is only noticed by writing to him.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port or 80),
        "client": None,
        "state": {},
    }


class _Begun(NamedTuple):
    """Where the app runs, and what ends it."""

    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event


async def _hold(app: FastAPI, begun: Future[_Begun]) -> None:
    """Keep the app started until it shall stop; what keeps it from starting is told in `begun`."""
    stop = asyncio.Event()
    try:
        async with app.router.lifespan_context(app):
            begun.set_result(_Begun(asyncio.get_running_loop(), stop))
            await stop.wait()
    except Exception as exc:
        if begun.done():
            raise
        begun.set_exception(exc)


def _stop(begun: Future[_Begun]) -> None:
    if begun.exception() is None:
        loop, stop = begun.result()
        loop.call_soon_threadsafe(stop.set)
