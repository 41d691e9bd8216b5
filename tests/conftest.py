"""Real stores in `tmp_path`, one embedder for the whole session, and no way out to the network.

The guard can be installed in another process, too: `import conftest; conftest.forbid_network()`.
"""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ingest.split import Splitter
from rag.catalog import Catalog, Staged
from rag.embedder import Embedder
from rag.index import Index
from rag.lexical import Bm25
from rag.types import Article
from rag.vectors import Vectors
from tests.readings import MakeReading, make_reading
from tests.scripted import ScriptedLLM

# Two busy cores: a slow example is no failure, and what failed once must fail again.
settings.register_profile(
    "dateline",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("dateline")

# A shell has what it starts in the background not hear Ctrl-C, which tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture
def scripted_llm() -> Iterator[ScriptedLLM]:
    """A language model that says what the test wrote for it."""
    play = ScriptedLLM()
    yield play
    play.close()


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


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the sample articles, to be copied: taking them in takes seconds."""
    from tests.browsing import take_in_samples

    directory = tmp_path_factory.mktemp("samples") / "data"
    take_in_samples(directory)
    return directory


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """A data directory with the sample articles, this module's own."""
    directory = tmp_path_factory.mktemp("copied") / "data"
    shutil.copytree(samples, directory)
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


@pytest.fixture(scope="session")
def reading() -> MakeReading:
    """A reading without an index: what the reader would return for one sentence."""
    return make_reading
