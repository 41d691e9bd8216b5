"""POST /v1/chat with `stream`: over real sockets where a connection has to break."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import uvicorn
from pydantic import BaseModel

from api import streams
from api.app import create_app
from api.auth import ANONYMOUS
from api.deps import Services
from api.guards.admission import Admission
from api.streams import Run
from rag.settings import Settings
from rag.types import Answer, Evidence, Question
from tests.scripted import PATIENT, Reply, ScriptedLLM
from tests.test_api_chat import BRIDGE, MUSEUM, QUESTION
from tests.waiting import PATIENCE_S, wait_for

WRITTEN = "Mayor Ida Quell blamed the water board for the delay [1]."
# No measure of speed: a shared machine may stand still for some seconds.


class Sent(NamedTuple):
    """One event as a client reads it."""

    number: int
    name: str
    data: dict[str, Any]  # Any: JSON


class Served(NamedTuple):
    """A server on a socket, with the app that it runs."""

    url: str
    app: Any  # Any: FastAPI's state has no types


def serve(settings: Settings) -> Iterator[Served]:
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://127.0.0.1:{port}", app)
    server.should_exit = True
    thread.join()


def fill(url: str) -> None:
    for article in (BRIDGE, MUSEUM):
        sent = httpx.post(f"{url}/v1/documents", json=article, timeout=PATIENCE_S)
        assert sent.status_code == 201


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for one in serve(Settings(data_dir=tmp_path_factory.mktemp("data"))):
        fill(one.url)
        yield one


@pytest.fixture
def written(tmp_path: Path, scripted_llm: ScriptedLLM) -> Iterator[Served]:
    """A server whose answers the scripted language model writes."""
    settings = Settings(data_dir=tmp_path, llm_url=scripted_llm.url, llm_model="tiny", **PATIENT)
    for one in serve(settings):
        fill(one.url)
        yield one


def read(text: str) -> list[Sent]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if fields:
            found.append(Sent(int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def ask(url: str, **body: object) -> list[Sent]:
    sent = {"message": QUESTION, "stream": True} | body
    reply = httpx.post(f"{url}/v1/chat", json=sent, timeout=PATIENCE_S)
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    return read(reply.text)


def shown(events: list[Sent]) -> str:
    text = ""
    for event in events:
        if event.name == "message.delta":
            text = event.data["text"] if event.data["replaces"] else text + event.data["text"]
    return text


def cut_off(url: str, *, after: str) -> str:
    """Ask, hang up once the text holds `after`, and return the answer's id."""
    body = {"message": QUESTION, "stream": True}
    with httpx.stream("POST", f"{url}/v1/chat", json=body, timeout=PATIENCE_S) as reply:
        text = ""
        for piece in reply.iter_text():
            text += piece
            if after in text:
                break
    return str(read(text.partition("\n\n")[0])[0].data["id"])


def asking(url: str, path: str = "/v1/chat", **asked: object) -> socket.socket:
    """Ask and read nothing of the answer; to close what is returned is to hang up."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps(asked).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    reader = socket.create_connection((host, int(port)))
    reader.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
    return reader


def test_the_events_come_in_order_and_are_counted(served: Served) -> None:
    events = ask(served.url)
    names = ["message.start", "retrieval", "citation", "message.delta", "message.end", "done"]
    assert [event.name for event in events] == names
    assert [event.number for event in events] == [1, 2, 3, 4, 5, 6]


def test_the_last_event_is_the_answer_as_it_is_without_a_stream(served: Served) -> None:
    events = ask(served.url, include=["passages"])
    asked = {"message": QUESTION, "include": ["passages"]}
    whole = httpx.post(f"{served.url}/v1/chat", json=asked, timeout=PATIENCE_S).json()
    end = events[-2].data
    drawn = {"id", "created_at", "timings_ms", "request_id"}
    assert {k: v for k, v in end.items() if k not in drawn} == {
        k: v for k, v in whole.items() if k not in drawn
    }
    assert end["id"] == events[0].data["id"]
    assert [e.data for e in events if e.name == "citation"] == end["citations"]
    assert shown(events) == end["answer"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"session_id": "ses_unknown"}, 404),
        ({"message": ""}, 422),
        ({"filters": {"sources": [1]}}, 422),
    ],
)
def test_what_fails_before_the_first_byte_has_its_status(
    served: Served, body: dict[str, object], status: int
) -> None:
    sent = {"message": QUESTION, "stream": True} | body
    reply = httpx.post(f"{served.url}/v1/chat", json=sent, timeout=PATIENCE_S)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_what_fails_later_is_an_event_and_the_stream_ends(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret text")

    monkeypatch.setattr(served.app.state.services.sessions, "save", broken)
    *_, delta, error, done = ask(served.url)
    assert (delta.name, error.name, done.name) == ("message.delta", "error", "done")
    assert (error.data["status"], error.data["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(error.data)


@pytest.mark.parametrize("after", [0, 3, 6, 99])
def test_a_finished_answer_can_be_had_again_from_any_event(served: Served, after: int) -> None:
    events = ask(served.url)
    url = f"{served.url}/v1/chat/{events[0].data['id']}/events"
    reply = httpx.get(url, headers={"Last-Event-ID": str(after)}, timeout=PATIENCE_S)
    assert read(reply.text) == events[after:]


@pytest.mark.parametrize(
    ("message_id", "last", "status"),
    [("msg_0", "1", 404), ("msg_-", "1", 422), ("msg_0", "x", 422), ("msg_0", "-1", 422)],
)
def test_a_stream_that_cannot_be_taken_up_is_a_problem(
    served: Served, message_id: str, last: str, status: int
) -> None:
    url = f"{served.url}/v1/chat/{message_id}/events"
    reply = httpx.get(url, headers={"Last-Event-ID": last}, timeout=PATIENCE_S)
    assert reply.status_code == status


def test_an_answer_with_words_of_a_deleted_article_cannot_be_had_again(served: Served) -> None:
    gone = BRIDGE | {"id": "gone", "title": "Gone", "url": "https://ledger.example/gone"}
    with httpx.Client(base_url=served.url, timeout=PATIENCE_S) as client:
        assert client.post("/v1/documents", json=gone).status_code == 201
        events = ask(served.url, filters={"article_ids": ["gone"]})
        assert client.delete("/v1/documents/gone").status_code == 200
        assert client.get(f"/v1/chat/{events[0].data['id']}/events").status_code == 404


def test_a_model_s_sentences_come_as_they_are_written(
    written: Served, scripted_llm: ScriptedLLM
) -> None:
    scripted_llm.replies = [Reply(f"{WRITTEN} The moon is cheese.")]
    events = ask(written.url)
    assert [e.name for e in events] == [
        "message.start", "retrieval", "citation", "message.delta", "message.delta", "message.end",
        "done",
    ]  # fmt: skip
    assert events[0].data["model"] == "tiny"
    assert shown(events) == events[-2].data["answer"]


def test_text_that_does_not_stand_is_void_with_its_citations(
    written: Served, scripted_llm: ScriptedLLM
) -> None:
    scripted_llm.replies = [Reply(f"{WRITTEN} And then", is_cut=True)]
    events = ask(written.url)
    end = events[-2].data
    assert end["model"] == "extractive"
    assert shown(events) == end["answer"]
    void = max(n for n, e in enumerate(events) if e.data.get("replaces"))
    assert [e.data for e in events[void:] if e.name == "citation"] == end["citations"]


def test_who_hangs_up_stops_the_work_and_can_take_it_up_again(
    written: Served, scripted_llm: ScriptedLLM
) -> None:
    scripted_llm.replies = [Reply(f"{WRITTEN} He said so", is_held=True), Reply(WRITTEN)]
    message_id = cut_off(written.url, after="message.delta")
    run = written.app.state.services.streams.get(message_id)
    wait_for(lambda: run.state == "interrupted")
    assert written.app.state.services.questions.running == 0
    address = f"{written.url}/v1/chat/{message_id}/events"
    reply = httpx.get(address, headers={"Last-Event-ID": "4"}, timeout=PATIENCE_S)
    events = read(reply.text)
    assert [event.number for event in events] == list(range(5, 5 + len(events)))
    assert events[0].data == {"text": "", "replaces": True}
    assert shown(events) == events[-2].data["answer"] == WRITTEN.replace(" [1].", ". [1]")
    assert events[-2].data["id"] == message_id


def test_who_hangs_up_without_a_stream_stops_the_work(
    written: Served, scripted_llm: ScriptedLLM
) -> None:
    scripted_llm.replies = [Reply("It took long. ", is_held=True)]
    questions = written.app.state.services.questions
    with asking(written.url, message=QUESTION):
        wait_for(lambda: scripted_llm.requests)
        assert questions.running == 1
    wait_for(lambda: questions.running == 0)
    assert len(scripted_llm.requests) == 1


def test_a_stream_that_waits_says_that_it_is_alive(
    written: Served, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_S", 0.05)
    scripted_llm.replies = [Reply(WRITTEN, is_held=True)]
    body = {"message": QUESTION, "stream": True}
    with httpx.stream("POST", f"{written.url}/v1/chat", json=body, timeout=PATIENCE_S) as reply:
        text = ""
        for piece in reply.iter_text():
            text += piece
            if ": keep-alive\n\n" in text:
                scripted_llm.let_go.set()
    assert scripted_llm.let_go.is_set()
    assert read(text)[-1].name == "done"


def test_an_answer_that_nobody_reads_is_made_and_holds_no_turn(served: Served) -> None:
    services: Services = served.app.state.services

    async def unread() -> Run:
        question = Question(text=QUESTION)
        asked = services.desk.prepare(question, ANONYMOUS, now=datetime.now(UTC))
        run = Run(services.desk, asked, Unread())
        admission = Admission(running=1, waiting=0, wait_s=1)
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(admission.turn())
            run.start(turn.pop_all())
        assert admission.running == 1
        while run.state == "running":
            await asyncio.sleep(0.01)
        assert admission.running == 0
        return run

    assert asyncio.run(unread()).state == "finished"


class Unread:
    """What an answer looks like does not matter here."""

    def ended(self, answer: Answer, _: Evidence) -> BaseModel:
        return answer

    def failed(self, exc: Exception) -> BaseModel:
        raise exc


def test_a_search_waits_for_no_answer(written: Served, scripted_llm: ScriptedLLM) -> None:
    questions = written.app.state.services.questions
    scripted_llm.replies = [Reply("It took long. ", is_held=True)]
    readers = [asking(written.url, message=QUESTION, stream=True) for _ in range(4)]
    wait_for(lambda: questions.running == 4)
    found = httpx.post(f"{written.url}/v1/search", json={"query": "bridge"}, timeout=PATIENCE_S)
    assert (found.status_code, questions.running) == (200, 4)
    for reader in readers:
        reader.close()
