"""Real stores in `tmp_path`, one embedder for the whole session, and no way out to the network.

The guard can be installed in another process, too: `import conftest; conftest.forbid_network()`.
"""

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from ingest.split import Splitter
from rag.catalog import Catalog, Staged
from rag.embedder import Embedder
from rag.index import Index
from rag.lexical import Bm25
from rag.types import Article
from rag.vectors import Vectors

# Two busy cores: a slow example is no failure, and what failed once must fail again.
settings.register_profile(
    "dateline",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("dateline")

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "", None, "testserver")
attempts: list[str] = []


class NetworkForbiddenError(OSError):
    """A test tried to leave the machine."""


def forbid_network() -> None:
    """Make every connection, datagram and look-up that leaves the machine fail and be noted."""

    def checked(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(self: socket.socket, *args: Any) -> Any:  # Any: as the original has it
            # sendto takes its address last, behind data and flags.
            if self.family != socket.AF_UNIX:
                _refuse_unless_local(name, args[-1][0])
            return original(self, *args)

        return guarded

    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, checked(name, getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        look_up = getattr(socket, name)

        def resolved(
            host: str | bytes | None,
            *args: Any,
            _name: str = name,
            _look_up: Callable[..., Any] = look_up,
            **options: Any,
        ) -> Any:
            _refuse_unless_local(_name, host)
            return _look_up(host, *args, **options)

        setattr(socket, name, resolved)


def _refuse_unless_local(call: str, host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in _LOOPBACK:
        attempts.append(f"{call}({name!r})")
        raise NetworkForbiddenError(f"{call}({name!r}): tests do not leave this machine")


if "PYTEST_VERSION" in os.environ:
    forbid_network()


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """Fail the test that tried to leave, even where its code swallowed the error.

    What a shared fixture tried before is left standing, and fails the test that asked for it.
    """
    yield
    left, attempts[:] = list(attempts), []
    assert left == []


@pytest.fixture
def network_attempts() -> list[str]:
    """The calls that tried to leave the machine in this test; what is left in it fails the test."""
    return attempts


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's DATELINE_* variables."""
    for name in [name for name in os.environ if name.startswith("DATELINE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The model that ships with Dateline."""
    return Embedder(threads=2)


@pytest.fixture(scope="session")
def splitter() -> Splitter:
    """The splitter at its default size."""
    return Splitter(200)


OpenIndex = Callable[[Path], Index]
Stage = Callable[[Article], Staged]


@pytest.fixture(scope="session")
def open_index(embedder: Embedder) -> OpenIndex:
    """Open the stores in a directory as `rag.wiring` does, but share the embedder."""

    def build(directory: Path) -> Index:
        directory.mkdir(parents=True, exist_ok=True)
        return Index(
            catalog=Catalog(f"sqlite:///{directory / 'catalog.sqlite3'}"),
            vectors=Vectors(directory / "chroma"),
            passages=Bm25(directory / "bm25" / "passages"),
            articles=Bm25(directory / "bm25" / "articles"),
            embedder=embedder,
            splitter="sentence-1/200",
        )

    return build


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory, open_index: OpenIndex) -> Path:
    """A directory of empty, accepted stores; a copy of it opens faster than new ones are made."""
    directory = tmp_path_factory.mktemp("empty") / "data"
    opened = open_index(directory)
    opened.accept()
    opened.close()
    return directory


@pytest.fixture
def index(tmp_path: Path, empty_stores: Path, open_index: OpenIndex) -> Iterator[Index]:
    """An empty index of real stores, accepted."""
    shutil.copytree(empty_stores, tmp_path / "data")
    opened = open_index(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def stage(splitter: Splitter) -> Stage:
    """An article with its passages, ready for `Index.put`."""

    def staged(article: Article) -> Staged:
        return Staged(article, splitter.cut(article))

    return staged


class Reply(NamedTuple):
    """What the scripted language model does with a request: text in pieces, or an error."""

    text: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    finish: str | None = "stop"
    piece_chars: int = 3
    before_piece_s: float = 0.0
    body: bytes | None = None
    is_cut: bool = False


class ScriptedLLM:
    """An OpenAI-compatible server that plays `replies` in turn, the last one for ever."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [Reply()]
        self.requests: list[dict[str, Any]] = []  # Any: JSON
        self.authorizations: list[str | None] = []
        self.times: list[float] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def close(self) -> None:
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
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for piece in _pieces(reply):
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


def _choice(text: str, finish: str | None) -> dict[str, Any]:  # Any: JSON
    return {"index": 0, "delta": {"content": text}, "finish_reason": finish}


@pytest.fixture
def scripted_llm() -> Iterator[ScriptedLLM]:
    """A language model that says what the test wrote for it."""
    play = ScriptedLLM()
    yield play
    play.close()
