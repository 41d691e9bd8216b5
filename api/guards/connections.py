"""What a connection may do before and after its requests, which no app ever sees.

>>> uvicorn.run(create_app(settings), **options(settings))

uvicorn waits for ever for the head of a request, and for a client that does not read its answer. A
few thousand such connections would leave it without file descriptors (slowloris).
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rag.settings import Settings

HEAD_S = 15.0
# The buffer of a connection is 64 KiB: this is a reader of one kilobyte a second.
STALLED_S = 60.0
# A filter may name many articles in the address.
MAX_HEAD_BYTES = 32_768


def options(settings: Settings) -> dict[str, Any]:  # Any: the options of uvicorn.run
    """Return how `dateline serve` runs its app."""
    return {
        "host": settings.host,
        "port": settings.port,
        # Never httptools, which "auto" takes where it is installed: its heads have no limit.
        "http": Connection,
        "ws": "none",
        "h11_max_incomplete_event_size": MAX_HEAD_BYTES,
        "timeout_keep_alive": 20,
        # A stream that is open must not keep the server from stopping.
        "timeout_graceful_shutdown": 10,
        "access_log": False,
        # Its own would be no JSON; `logs.configure` sees to its messages.
        "log_config": None,
        "server_header": False,
    }


class Connection(H11Protocol):
    """Closes when no whole head comes for `HEAD_S`, or nothing is read for `STALLED_S`.

    Mends two things in uvicorn 0.54 on the way: a head that comes in one piece has no limit there,
    and nonsense in the middle of a body makes it answer twice, which ends in a traceback.
    """

    _head: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    # Any: asyncio's transports have no common type that uvicorn would accept.
    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        for timer in (self._head, self._stalled):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, in pieces that are small enough for the limit of a head to count."""
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[start : start + MAX_HEAD_BYTES])

    def send_400_response(self, msg: str) -> None:
        """Answer nonsense, unless an answer has begun; either way the app has nobody to answer."""
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has begun."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._await_head()

    def timeout_keep_alive_handler(self) -> None:
        """Close, even where the last answer is never read to its end."""
        super().timeout_keep_alive_handler()
        self._abort_later()

    def pause_writing(self) -> None:
        """Give a client that does not read some time to do so."""
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        if self._stalled:
            self._stalled.cancel()

    def _await_head(self) -> None:
        if self._head:
            self._head.cancel()
        # Which request was the last tells later whether another one came.
        self._head = self.loop.call_later(HEAD_S, self._close_unless_after, self.cycle)

    def _close_unless_after(self, last: object) -> None:
        if self.cycle is last and not self.transport.is_closing():
            self.transport.close()
            self._abort_later()

    def _abort_later(self) -> None:
        if self._stalled:
            self._stalled.cancel()
        self._stalled = self.loop.call_later(STALLED_S, self.transport.abort)
