"""A real server, asked over HTTP, against the same archive in process."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.client import peer
from evals.archive import library
from evals.cases import SAMPLE_CORPUS
from evals.targets import Library, Server
from ingest.read import read
from rag.errors import DependencyError, InputError
from rag.settings import Settings
from rag.types import Question, Turn

ARTICLES = [SAMPLE_CORPUS / "northern-ledger_taji-rockets.txt"]
ASKED = Question(text="Who was blamed for the Taji attack?")


@pytest.fixture(scope="module")
def known() -> Iterator[Library]:
    with library(read(ARTICLES), settings=Settings(threads=1)) as target:
        yield target


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same article behind a real socket."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), threads=1)
    running = uvicorn.Server(
        uvicorn.Config(create_app(settings), host="127.0.0.1", port=0, log_level="error")
    )
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    try:
        with ARTICLES[0].open("rb") as file:
            httpx.post(
                f"{url}/v1/documents", files={"file": (ARTICLES[0].name, file)}, timeout=60
            ).raise_for_status()
        with closing(Server(url)) as target:
            yield target
    finally:
        running.should_exit = True
        thread.join()


def test_a_server_answers_as_the_library_does(server: Server, known: Library) -> None:
    one, other = server.ask(ASKED, insist=True), known.ask(ASKED, insist=True)
    assert one.answer.answer_status == "answered"
    assert one.answer.answer == other.answer.answer
    assert [hit.passage for hit in one.hits] == [hit.passage for hit in other.hits]
    assert one.latency_ms > 0


def test_a_refusal_comes_with_what_would_be_said(server: Server, known: Library) -> None:
    asked = Question(text="Who chaired the orchestra's board?")
    one, other = server.ask(asked, insist=True), known.ask(asked, insist=True)
    assert one.answer.answer_status == other.answer.answer_status == "no_answer"
    assert one.insisted is not None
    assert other.insisted is not None
    assert one.insisted.answer == other.insisted.answer
    assert server.ask(asked, insist=False).insisted is None


def test_a_follow_up_is_asked_with_its_turns(server: Server) -> None:
    turns = (Turn(question="What happened at Camp Taji?", answer="Rockets hit it."),)
    found = server.ask(Question(text="Who was blamed for it?", history=turns), insist=False)
    assert "Taji" in found.answer.standalone_question


def test_a_server_shows_its_articles_and_says_what_it_answers_with(
    server: Server, known: Library
) -> None:
    [hit, *_] = server.ask(ASKED, insist=False).hits
    article = server.article(hit.article.article_id)
    assert article == known.article(hit.article.article_id)
    assert server.article("no-such-article") is None
    one, other = server.system(), known.system()
    assert (one.corpus, one.index) == (other.corpus, other.index)
    assert one.target.startswith("http://127.0.0.1:")


def test_no_server_and_no_address_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_BACKOFF_S", 0.01)
    with (
        closing(Server("http://127.0.0.1:9")) as nobody,
        pytest.raises(DependencyError, match="does not answer"),
    ):
        nobody.ask(ASKED, insist=False)
    with pytest.raises(InputError, match="no address"):
        Server("not an address")


def test_another_server_than_ours_is_named(other_server: str) -> None:
    with (
        closing(Server(other_server)) as other,
        pytest.raises(DependencyError, match="404"),
    ):
        other.ask(ASKED, insist=False)


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[str]:
    """A server that knows no route of ours."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Nothing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            (tmp_path / "log").write_text(str(args))

    other = HTTPServer(("127.0.0.1", 0), Nothing)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{other.server_port}"
    other.shutdown()
    thread.join()
    other.server_close()
