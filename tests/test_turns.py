"""Who holds a turn, and for how long: never somebody who still sends or has hung up."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.asking import Asked, Desk, Stopped
from api.auth import ANONYMOUS
from rag.settings import Settings
from rag.types import Evidence, Question
from tests.test_api_chat import BRIDGE
from tests.test_streams import Served, serve, until


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("data")
    yield from serve(Settings(data_dir=folder, queue_wait_s=5, concurrency=1))


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(served.url).port or 80), timeout=10)


def hold(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Let no question go on until the event is set; return it, and the questions that came up."""
    free, came = threading.Event(), list[str]()
    whole = desk.prepare

    def held(question: Question, *args: Any, **named: Any) -> Asked:  # Any: as the original
        came.append(question.text)
        assert free.wait(20)
        return whole(question, *args, **named)

    monkeypatch.setattr(desk, "prepare", held)
    return free, came


def head(path: str, kind: str, length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}")
    return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()


BEGUN = {
    "application/json": b'{"title": "',
    "multipart/form-data; boundary=x": b"--x\r\nContent-Disposition: form-",
}


@pytest.mark.parametrize("kind", BEGUN)
def test_uploads_that_stall_hold_up_no_other_writer(served: Served, kind: str) -> None:
    with ExitStack() as opened:
        for _ in range(3):  # one more than there are turns
            stalled = opened.enter_context(connected(served))
            stalled.sendall(head("/v1/documents", kind, 900) + BEGUN[kind])
        # Answered behind them: what they sent has been read by then.
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        added = httpx.post(f"{served.url}/v1/documents", json=BRIDGE)
        assert added.status_code in (200, 201)
        assert httpx.delete(f"{served.url}/v1/documents/bridge").status_code == 200


ASKED = {
    "an answer": ("/v1/chat", {"message": "Second?"}),
    "a stream": ("/v1/chat", {"message": "Second?", "stream": True}),
    "a completion": (
        "/v1/chat/completions",
        {"model": "dateline", "messages": [{"role": "user", "content": "Second?"}]},
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_who_hung_up_while_waiting_for_a_turn_is_not_answered(
    served: Served, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    services = served.app.state.services
    free, came = hold(services.desk, monkeypatch)
    first = threading.Thread(
        target=httpx.post, args=(f"{served.url}/v1/chat",), kwargs={"json": {"message": "First?"}}
    )
    first.start()
    until(lambda: services.questions.running == 1)
    path, asked = ASKED[name]
    body = json.dumps(asked).encode()
    with connected(served) as waiting:
        waiting.sendall(head(path, "application/json", len(body)) + body)
        until(lambda: services.questions.waiting == 1)
    time.sleep(0.1)  # until the server has seen it hang up
    free.set()
    first.join()
    until(lambda: services.questions.running == 0)
    assert came == ["First?"]


def test_who_hung_up_while_passages_were_looked_for_is_not_answered(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, stop = served.app.state.services.desk, threading.Event()
    begun: list[object] = []
    whole = desk._answerer.prepare

    def prepare(question: Question, **named: Any) -> Evidence:  # Any: as the original
        evidence: Evidence = whole(question, **named)
        stop.set()
        return evidence

    monkeypatch.setattr(desk._answerer, "prepare", prepare)
    monkeypatch.setattr(desk._answerer, "begin", begun.append)
    with pytest.raises(Stopped):
        desk.prepare(Question(text="Who?"), ANONYMOUS, now=datetime.now(UTC), stop=stop)
    assert begun == []
