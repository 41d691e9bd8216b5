"""Streams as OpenAI's client reads them."""

import gc
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
import openai
import pytest
from fastapi.responses import StreamingResponse
from openai.types.chat import ChatCompletionChunk
from starlette.types import Send

from api.routes import openai as routes
from rag.errors import DependencyError
from tests.openai_served import (
    ANSWER,
    ASKED,
    DRAFT,
    WRITTEN,
    connected,
    extra,
    raw,
    serve_archive,
    streamed,
)
from tests.scripted import PATIENT, Reply, ScriptedLLM
from tests.test_streams import Served, asking
from tests.waiting import PATIENCE_S, wait_for


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve_archive(tmp_path_factory.mktemp("data"))


@pytest.fixture
def written(tmp_path: Path, scripted_llm: ScriptedLLM) -> Iterator[Served]:
    """A server whose answers the scripted language model writes."""
    yield from serve_archive(tmp_path, llm_url=scripted_llm.url, llm_model="org/tiny", **PATIENT)


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with connected(served.url) as opened:
        yield opened


def begin(client: openai.OpenAI) -> Iterable[ChatCompletionChunk]:
    """Ask for a stream, and return its chunks when its status has come."""
    return client.chat.completions.create(model="dateline", messages=ASKED, stream=True)


def stream_of(served: Served) -> AbstractContextManager[httpx.Response]:
    body = {"model": "dateline", "messages": ASKED, "stream": True}
    address = f"{served.url}/v1/chat/completions"
    return httpx.stream("POST", address, json=body, timeout=PATIENCE_S)


# -- streams ----------------------------------------------------------------------------------


def test_a_stream_says_role_text_annotations_end_and_usage(client: openai.OpenAI) -> None:
    sent = streamed(client, stream_options={"include_usage": True})
    assert sent[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in sent[:-1])
    assert text == ANSWER
    [annotation] = extra(sent[-3].choices[0].delta)["annotations"]
    assert annotation["url_citation"]["url"] == "https://ledger.example/bridge"
    assert [chunk.choices[0].finish_reason for chunk in sent[:-1]] == [None, None, None, "stop"]
    assert extra(sent[-2])["answer_status"] == "answered"
    assert [one["article_id"] for one in extra(sent[-2])["citations"]] == ["bridge"]
    assert (sent[-1].choices, sent[-1].usage and sent[-1].usage.total_tokens) == ([], 0)
    assert all(chunk.usage is None for chunk in sent[:-1])
    assert len({(c.id, c.created, c.model, c.system_fingerprint) for c in sent}) == 1


def test_usage_is_not_sent_unless_it_is_asked_for(served: Served, client: openai.OpenAI) -> None:
    assert streamed(client)[-1].choices[0].finish_reason == "stop"
    assert '"usage"' not in raw(served.url, stream=True).text


def test_a_stream_is_an_event_stream_that_nobody_collects(served: Served) -> None:
    response = raw(served.url, stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (response.headers["cache-control"], response.headers["x-accel-buffering"]) == (
        "no-store",
        "no",
    )


def test_what_fails_before_the_first_byte_has_its_own_status(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        streamed(client, extra_body={"session_id": "ses_unknown"})
    assert caught.value.code == "not_found"


def test_what_a_model_had_to_take_back_is_never_sent(
    written: Served, scripted_llm: ScriptedLLM
) -> None:
    scripted_llm.replies = [Reply(DRAFT, is_cut=True)]
    with connected(written.url) as client:
        sent = streamed(client)
        assert {chunk.model for chunk in sent} == {"dateline-extractive"}
        assert "".join(c.choices[0].delta.content or "" for c in sent) == ANSWER
        scripted_llm.replies = [Reply(DRAFT)]
        sent = streamed(client, stream_options={"include_usage": True})
    assert {chunk.model for chunk in sent} == {"dateline-org/tiny"}
    assert "".join(c.choices[0].delta.content or "" for c in sent if c.choices) == WRITTEN
    assert sent[-1].usage
    assert sent[-1].usage.model_dump(exclude_unset=True) == {
        "prompt_tokens": 40,
        "completion_tokens": 7,
        "total_tokens": 47,
    }


def test_a_slow_answer_is_kept_alive(
    written: Served, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.05)
    scripted_llm.replies = [Reply(DRAFT, is_held=True)]
    twice = ": keep-alive\n\n" * 2
    with stream_of(written) as reply:
        text = ""
        for piece in reply.iter_text():
            text += piece
            if text.startswith(twice):
                scripted_llm.let_go.set()
    assert text.startswith(twice)
    scripted_llm.let_go.clear()
    with connected(written.url) as client:
        begun = begin(client)
        scripted_llm.let_go.set()
        assert "".join(chunk.choices[0].delta.content or "" for chunk in begun) == WRITTEN


def test_what_fails_after_the_first_byte_is_the_clients_error(
    written: Served, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DependencyError("catalog at 10.0.0.7 does not answer")

    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(written.app.state.services.sessions, "save", fail)
    scripted_llm.replies = [Reply(DRAFT, is_held=True)]
    with connected(written.url) as client:
        begun = begin(client)
        scripted_llm.let_go.set()
        with pytest.raises(openai.APIError) as caught:
            list(begun)
    assert caught.value.code == "dependency_unavailable"
    assert "10.0.0.7" not in caught.value.message


def test_the_work_stops_when_nobody_waits_for_it(
    written: Served, scripted_llm: ScriptedLLM, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="dateline")
    scripted_llm.replies = [Reply(DRAFT, is_held=True)]
    questions = written.app.state.services.questions
    with asking(written.url, "/v1/chat/completions", model="dateline", messages=ASKED):
        wait_for(lambda: scripted_llm.requests)
        assert questions.running == 1
    wait_for(lambda: '"status": 499' in caplog.text)
    assert questions.running == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_work_stops_when_a_stream_is_left(
    written: Served, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.05)
    scripted_llm.replies = [Reply(DRAFT, is_held=True)]
    questions = written.app.state.services.questions
    with stream_of(written) as reply:
        assert next(reply.iter_raw()) == b": keep-alive\n\n"
        assert questions.running == 1
    wait_for(lambda: questions.running == 0)


class Left(StreamingResponse):
    """A reply to somebody who has hung up by then: nothing of it is asked for."""

    left = threading.Event()

    async def stream_response(self, send: Send) -> None:  # noqa: ARG002
        self.left.set()
        raise OSError("the reader left")


def test_how_the_work_failed_for_a_reader_who_left_is_noted_without_its_words(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **_named: object) -> None:
        assert Left.left.wait(PATIENCE_S)
        raise ValueError("words of an article")

    Left.left.clear()
    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(served.app.state.services.desk, "complete", fail)
    monkeypatch.setattr(routes, "StreamingResponse", Left)
    with suppress(httpx.HTTPError):
        raw(served.url, stream=True)
    wait_for(lambda: "has no answer: ValueError" in caplog.text)
    assert served.app.state.services.questions.running == 0
    gc.collect()
    assert "never retrieved" not in caplog.text
    assert "words of an article" not in caplog.text
