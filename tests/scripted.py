"""A language model whose replies a test writes, for failures that a real one does not have at will.

>>> play = ScriptedLLM()
>>> play.replies = [Reply(status=429, headers=(("retry-after", "1"),)), Reply("It burned [1].")]

One that takes its time is held back until the test lets it go, however long that is:

>>> play.replies = [Reply("It burned [1].", is_held=True)]
>>> play.let_go.set()
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

# Settings by which a reply that is held back is not given up meanwhile. Any: of several types.
PATIENT: dict[str, Any] = {"llm_total_timeout_s": 300, "llm_read_timeout_s": 300}


class Reply(NamedTuple):
    """What the scripted language model does with a request: text in pieces, or an error.

    Of one that is held the text is sent, and its end only after `let_go` is set; of one that is not
    streamed nothing is sent before.
    """

    text: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    finish: str | None = "stop"
    piece_chars: int = 3
    before_piece_s: float = 0.0
    body: bytes | None = None
    is_cut: bool = False
    is_held: bool = False


class ScriptedLLM:
    """An OpenAI-compatible server that plays `replies` in turn, the last one for ever."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [Reply()]
        self.requests: list[dict[str, Any]] = []  # Any: JSON
        self.authorizations: list[str | None] = []
        self.times: list[float] = []
        self.let_go = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:  # Any: as the original
        """A client that hung up is part of the play."""


def _handler(play: ScriptedLLM) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            play.requests.append(json.loads(body))
            play.authorizations.append(self.headers["authorization"])
            play.times.append(time.monotonic())
            reply = play.next()
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            streamed = bool(play.requests[-1].get("stream"))
            kind = "text/event-stream" if streamed else "application/json"
            self.send_header("content-type", kind)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            pieces = _pieces(reply) if streamed else [_whole(reply)]
            ends_at = -(-len(reply.text) // reply.piece_chars) if streamed else 0
            for number, piece in enumerate(pieces):
                if reply.is_held and number == ends_at:
                    play.let_go.wait()
                time.sleep(reply.before_piece_s)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.close_connection = reply.is_cut
            if not reply.is_cut:
                self.wfile.write(b"0\r\n\r\n")

    return Handler


def _pieces(reply: Reply) -> list[bytes]:
    if reply.body is not None:
        return [reply.body]
    step = reply.piece_chars
    cut = [reply.text[i : i + step] for i in range(0, len(reply.text), step)]
    events: list[Any] = [{"choices": [_choice(text, None)]} for text in cut]  # Any: JSON
    if reply.finish:
        events.append({"choices": [_choice("", reply.finish)]})
        counts = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47}
        events.append({"choices": [], "usage": counts})
    common = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    lines = [f"data: {json.dumps(common | event)}\n\n".encode() for event in events]
    return lines if reply.is_cut else [*lines, b"data: [DONE]\n\n"]


def _whole(reply: Reply) -> bytes:
    """Return what a client that does not stream is sent."""
    if reply.body is not None:
        return reply.body
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish}
    usage = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47}
    common = {"id": "1", "object": "chat.completion", "created": 1, "model": "scripted"}
    return json.dumps(common | {"choices": [choice], "usage": usage}).encode()


def _choice(text: str, finish: str | None) -> dict[str, Any]:  # Any: JSON
    return {"index": 0, "delta": {"content": text}, "finish_reason": finish}
