"""Who holds a turn, and for how long: never somebody who still sends or has hung up."""

import json
import socket
import threading
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
from tests.test_streams import Served, serve
from tests.waiting import PATIENCE_S, wait_for


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("data")
    # Who sends slowly is given up long after who waits for a turn.
    yield from serve(
        Settings(data_dir=folder, concurrency=1, queue_wait_s=PATIENCE_S, body_timeout_s=3_600)
    )


def connected(served: Served) -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", httpx.URL(served.url).port or 80), timeout=PATIENCE_S
    )


def hold(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Let no question go on until the event is set; return it, and the questions that came up."""
    free, came = threading.Event(), list[str]()
    whole = desk.prepare

    def held(question: Question, *args: Any, **named: Any) -> Asked:  # Any: as the original
        came.append(question.text)
        assert free.wait(PATIENCE_S)
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
        with httpx.Client(base_url=served.url, timeout=2 * PATIENCE_S) as client:
            assert client.get("/healthz").status_code == 200
            assert client.post("/v1/documents", json=BRIDGE).status_code in (200, 201)
            assert client.delete("/v1/documents/bridge").status_code == 200


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
    said: dict[str, Any] = {"json": {"message": "First?"}, "timeout": PATIENCE_S}
    first = threading.Thread(target=httpx.post, args=(f"{served.url}/v1/chat",), kwargs=said)
    first.start()
    wait_for(lambda: services.questions.running == 1)
    path, asked = ASKED[name]
    body = json.dumps(asked).encode()
    with connected(served) as waiting:
        waiting.sendall(head(path, "application/json", len(body)) + body)
        wait_for(lambda: services.questions.waiting == 1)
    # Answered behind it: that it hung up has been seen by then.
    assert httpx.get(f"{served.url}/healthz", timeout=PATIENCE_S).status_code == 200
    free.set()
    first.join()
    wait_for(lambda: services.questions.running == 0)
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
