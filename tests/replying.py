"""A server that replies what a test wrote down, and the replies of a Dateline server.

>>> with replying(BUSY, whole(answer)) as (url, seen), Dateline(url) as client:
...     client.ask("Who was blamed?")
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple

from api.schemas.answers import ChatAnswer

# Status, headers, and the body or its pieces.
Reply = tuple[int, dict[str, str], bytes | tuple[bytes, ...]]


class Seen(NamedTuple):
    """What a client sent."""

    method: str
    path: str
    last_event_id: str | None
    authorization: str | None


class Replying(BaseHTTPRequestHandler):
    """Replies what the test wrote down, one request after the other."""

    protocol_version = "HTTP/1.1"
    script: ClassVar[list[Reply]] = []
    seen: ClassVar[list[Seen]] = []

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        said = (self.headers.get(name) for name in ("Last-Event-ID", "Authorization"))
        self.seen.append(Seen(self.command, self.path, *said))
        status, headers, body = self.script.pop(0) if self.script else (500, {}, b"")
        self.send_response(status)
        # A body without its length ends with the connection, however much of it has come.
        for name, value in {"Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in (body,) if isinstance(body, bytes) else body:
            self.wfile.write(piece)
            self.wfile.flush()
            # Each in a packet of its own.
            time.sleep(0 if isinstance(body, bytes) else 0.02)
        self.close_connection = True

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_DELETE(self) -> None:
        self._reply()

    def do_CONNECT(self) -> None:
        self._reply()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def replying(*replies: Reply) -> Iterator[tuple[str, list[Seen]]]:
    """Yield the address of a server that gives these replies, and what it was sent."""
    seen: list[Seen] = []
    handler = type("Handler", (Replying,), {"script": list(replies), "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


BUSY: Reply = (503, {"Retry-After": "0"}, b'{"code": "busy", "detail": "Too many requests."}')
SLOW_DOWN: Reply = (429, {"Retry-After": "1"}, b'{"code": "rate_limited", "detail": "Too often."}')


def sse(number: int, event: str, data: dict[str, Any] | str) -> bytes:
    sent = data if isinstance(data, str) else json.dumps(data)
    return f"id: {number}\nevent: {event}\ndata: {sent}\n\n".encode()


def whole(answer: ChatAnswer) -> Reply:
    return 200, {}, answer.model_dump_json().encode()


def streamed(answer: ChatAnswer) -> list[bytes]:
    begun = answer.model_dump(
        mode="json",
        include={
            "id",
            "object",
            "session_id",
            "created_at",
            "model",
            "standalone_question",
            "request_id",
        },
    )
    return [
        sse(1, "message.start", begun),
        sse(2, "retrieval", {"passages": []}),
        sse(3, "message.delta", {"text": answer.answer, "replaces": False}),
        sse(4, "message.end", answer.model_dump_json()),
        sse(5, "done", {}),
    ]


SSE = {"Content-Type": "text/event-stream"}
