"""Between a program and a language model's server: counts the tokens that the server says it used.

>>> with serve() as url, Meter(url) as meter:
...     ask(meter.url)
>>> meter.tokens
812

So the tokens of any program can be told, whatever it says of them itself.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_TIMEOUT_S = 300


class Meter:
    """Holds a server on this machine that passes requests on; replies are not streamed."""

    def __init__(self, url: str) -> None:
        """Pass on to `url`, which ends in /v1."""
        self.tokens = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self, url))
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def note(self, body: bytes) -> None:
        """Add the tokens of a reply, if it tells them."""
        try:
            spent = json.loads(body)["usage"]["total_tokens"]
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            self.tokens += spent


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # Any: as the original
        """A client that did not wait has hung up."""


def _handler(meter: Meter, url: str) -> type[BaseHTTPRequestHandler]:
    import httpx

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            reply = httpx.post(
                url.removesuffix("/v1") + self.path,
                content=body,
                headers={"content-type": "application/json"},
                timeout=_TIMEOUT_S,
            )
            meter.note(reply.content)
            self.send_response(reply.status_code)
            self.send_header("content-type", reply.headers.get("content-type", "text/plain"))
            self.send_header("content-length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

    return Handler
