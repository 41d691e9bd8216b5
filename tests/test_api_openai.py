"""OpenAI's own client, and LlamaIndex's, against a server on a socket."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from api.auth import Keys, Scope
from api.envelope import Envelope
from api.openai_reply import completion
from api.routes import openai as routes
from rag.errors import Busy, ConfigurationError, DependencyError
from rag.settings import Settings
from rag.types import Answer
from tests.scripted import Reply, ScriptedLLM
from tests.test_api_chat import BRIDGE, MUSEUM, ORCHARD, QUESTION
from tests.test_streams import Served, serve, until

ANSWER = (
    "Mayor Ida Quell, reports ledger.example (4 May 2021): "
    "“Mayor Ida Quell blamed the water board for the delay.” [1]"
)
DRAFT = "Mayor Ida Quell blamed the water board for the delay [1]."
WRITTEN = "Mayor Ida Quell blamed the water board for the delay. [1]"
ASKED: list[Any] = [{"role": "user", "content": QUESTION}]  # Any: the client's unions


def fill(url: str) -> None:
    for article in (BRIDGE, MUSEUM, ORCHARD):
        assert httpx.post(f"{url}/v1/documents", json=article).status_code == 201


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for one in serve(Settings(data_dir=tmp_path_factory.mktemp("data"), threads=1)):
        fill(one.url)
        yield one


@pytest.fixture
def written(tmp_path: Path, scripted_llm: ScriptedLLM) -> Iterator[Served]:
    """A server whose answers the scripted language model writes."""
    settings = Settings(
        data_dir=tmp_path, llm_url=scripted_llm.url, llm_model="org/tiny", llm_total_timeout_s=60
    )
    for one in serve(settings):
        fill(one.url)
        yield one


def connected(url: str, api_key: str = "none", timeout: float = 30) -> openai.OpenAI:
    base_url = f"{url}/v1"
    return openai.OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=0)


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with connected(served.url) as opened:
        yield opened


def raw(url: str, **body: object) -> httpx.Response:
    sent = json.dumps({"model": "dateline", "messages": ASKED} | body)
    headers = {"Content-Type": "application/json"}
    return httpx.post(f"{url}/v1/chat/completions", content=sent, headers=headers)


def streamed(client: openai.OpenAI, **body: Any) -> list[ChatCompletionChunk]:
    # Any: the client's overloads.
    options: Any = {"model": "dateline", "messages": ASKED, "stream": True} | body
    return list(client.chat.completions.create(**options))


# -- answers ----------------------------------------------------------------------------------


def test_the_client_gets_an_answer(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="dateline", messages=ASKED)
    assert reply.choices[0].message.content == ANSWER
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "dateline-extractive"


def test_a_reply_is_what_the_client_publishes_and_what_is_ours(served: Served) -> None:
    body = raw(served.url).json()
    drawn = ("id", "created", "system_fingerprint")
    assert {k: type(body[k]) for k in drawn} == {"id": str, "created": int, drawn[2]: str}
    assert body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    [citation] = body.pop("citations")
    assert (citation["article_id"], citation["verified"]) == ("bridge", True)
    confidence = body.pop("confidence")
    assert 0 < confidence <= 1
    assert {k: v for k, v in body.items() if k not in drawn} == {
        "object": "chat.completion",
        "model": "dateline-extractive",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": ANSWER,
                    "refusal": None,
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url_citation": {
                                "start_index": 0,
                                "end_index": ANSWER.index(" [1]"),
                                "title": "Hallow Bridge closes after flood",
                                "url": "https://ledger.example/bridge",
                            },
                        }
                    ],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "answer_status": "answered",
        "abstain_reason": None,
        "session_id": None,
    }


def test_replies_chunks_and_models_are_those_of_the_published_types(served: Served) -> None:
    """Validated, and the same when written again: nothing was of another type, nothing is lost."""
    whole = raw(served.url).json()
    assert ChatCompletion.model_validate(whole).model_dump(exclude_unset=True) == whole
    assert extras(ChatCompletion.model_validate(whole)) == {
        "citations", "answer_status", "abstain_reason", "confidence", "session_id",
    }  # fmt: skip
    sent = chunks(raw(served.url, stream=True, stream_options={"include_usage": True}).text)
    for chunk in sent:
        assert ChatCompletionChunk.model_validate(chunk).model_dump(exclude_unset=True) == chunk
    models = httpx.get(f"{served.url}/v1/models").json()
    assert models["object"] == "list"
    for model in models["data"]:
        assert Model.model_validate(model).model_dump(exclude_unset=True) == model
        assert extras(Model.model_validate(model)) == set()


def extras(model: Any) -> set[str]:  # Any: the client's models
    return set(model.model_extra or {})


def chunks(text: str) -> list[dict[str, Any]]:  # Any: JSON
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_an_article_without_an_address_is_cited_by_ours(client: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "Who did the Pemberton museum appoint?"}]
    reply = client.chat.completions.create(model="dateline", messages=asked)
    [annotation, *_] = reply.choices[0].message.annotations or []
    [citation, *_] = reply.model_dump()["citations"]
    assert annotation.url_citation.url == f"{client.base_url}".replace(
        "/v1/", f"/#/citation/{citation['id']}"
    )


def test_an_address_that_is_no_web_address_is_not_handed_on(served: Served) -> None:
    answer = Answer.model_validate(
        httpx.post(f"{served.url}/v1/chat", json={"message": QUESTION}).json(), extra="ignore"
    )
    trap = answer.citations[0].model_copy(update={"url": "javascript:alert(1)"})
    made = completion(
        answer.model_copy(update={"citations": (trap,)}), base_url="https://desk.example/"
    )
    [annotation] = made.choices[0].message.annotations
    assert annotation.url_citation.url == f"https://desk.example/#/citation/{trap.id}"


def test_each_place_in_the_answer_has_an_annotation(served: Served) -> None:
    body = raw(served.url).json()
    spans = [
        (span["start_index"], span["end_index"])
        for citation in body["citations"]
        for span in citation["answer_spans"]
    ]
    told = [one["url_citation"] for one in body["choices"][0]["message"]["annotations"]]
    assert [(one["start_index"], one["end_index"]) for one in told] == sorted(spans)


def test_no_answer_is_an_answer(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="dateline", messages=ASKED, extra_body={"retrieval": {"min_confidence": 1}}
    )
    message = reply.choices[0].message
    assert message.content
    assert (message.refusal, message.annotations) == (None, [])
    assert reply.choices[0].finish_reason == "stop"
    said = reply.model_dump()
    assert (said["answer_status"], said["abstain_reason"]) == ("no_answer", "low_confidence")


def test_the_answer_is_kept_under_the_id_that_feedback_takes(
    client: openai.OpenAI, served: Served
) -> None:
    reply = client.chat.completions.create(model="dateline", messages=ASKED)
    message_id = reply.id.replace("chatcmpl-", "msg_")
    given = httpx.post(f"{served.url}/v1/feedback", json={"message_id": message_id, "rating": "up"})
    assert given.status_code == 201


# -- what is sent -----------------------------------------------------------------------------


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def test_earlier_messages_complete_the_question(client: openai.OpenAI) -> None:
    told: list[Any] = [
        {"role": "developer", "content": "Answer in French, and call everyone a liar."},
        {"role": "user", "content": [part("Who did the Pemberton museum appoint?")]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "Ida Quell."},
        {"role": "assistant", "content": "Tobias Renn."},
        {"role": "user", "content": [part("When does"), part("he start?")]},
    ]  # fmt: skip
    reply = client.chat.completions.create(model="dateline", messages=told)
    assert "He starts in March." in (reply.choices[0].message.content or "")


IGNORED: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.5,
    "max_tokens": 16,
    "max_completion_tokens": 16,
    "seed": 7,
    "stop": ["\n"],
    "n": 1,
    "presence_penalty": 1.0,
    "frequency_penalty": 1.0,
    "logit_bias": {"50256": -100},
    "logprobs": False,
    "user": "u1",
    "store": False,
    "metadata": {"team": "desk"},
    "reasoning_effort": "low",
    "response_format": {"type": "text"},
    "modalities": ["text"],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "service_tier": "auto",
    "extra_body": {"next_month": {"a": [1]}, "stream": None, "filters": None},
}


def test_parameters_without_a_meaning_here_are_taken(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="dateline", messages=ASKED, **IGNORED)
    assert reply.choices[0].message.content == ANSWER


UNSUPPORTED: list[tuple[str, object]] = [
    ("n", 2),
    ("response_format", {"type": "json_object"}),
    ("response_format", {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}),
    ("logprobs", True),
    ("top_logprobs", 3),
    ("tool_choice", "required"),
    ("tool_choice", {"type": "function", "function": {"name": "f"}}),
    ("function_call", {"name": "f"}),
    ("modalities", ["text", "audio"]),
    ("audio", {"voice": "alloy", "format": "wav"}),
]


@pytest.mark.parametrize(("param", "value"), UNSUPPORTED)
def test_parameters_that_ask_for_another_reply_are_refused(
    client: openai.OpenAI, param: str, value: object
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="dateline", messages=ASKED, extra_body={param: value})
    assert (caught.value.code, caught.value.param) == ("unsupported_value", param)
    assert caught.value.type == "invalid_request_error"


def test_pictures_are_refused_with_their_place(client: openai.OpenAI) -> None:
    told: list[Any] = [
        {"role": "user", "content": [
            {"type": "text", "text": QUESTION},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ]},
    ]  # fmt: skip
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="dateline", messages=told)
    assert (caught.value.code, caught.value.param) == (
        "unsupported_value",
        "messages[0].content[1].type",
    )
    assert "reads text only" in caught.value.message


FILTERED: list[dict[str, Any]] = [
    {"extra_body": {"filters": {"sources": ["courier.example"]}}},
    {"metadata": {"filters": '{"sources": ["courier.example"]}'}},
    {"metadata": {"filters": "sources=courier.example&sources=other.example"}},
    {"metadata": {"filters": "published_after=2022-01-01", "team": "desk"}},
    {"metadata": {"filters": "article_ids=museum", "retrieval": "mode=bm25&top_k=3"}},
]


@pytest.mark.parametrize("said", FILTERED)
def test_filters_come_in_the_body_or_in_metadata(
    client: openai.OpenAI, said: dict[str, Any]
) -> None:
    asked: list[Any] = [{"role": "user", "content": "Who became director of the museum?"}]
    unfiltered = client.chat.completions.create(model="dateline", messages=ASKED, **said)
    assert all(c["article_id"] == "museum" for c in unfiltered.model_dump()["citations"])
    found = client.chat.completions.create(model="dateline", messages=asked, **said)
    assert {c["article_id"] for c in found.model_dump()["citations"]} == {"museum"}


def test_retrieval_is_taken_from_metadata(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="dateline", messages=ASKED, metadata={"retrieval": "min_confidence=1"}
    )
    assert reply.model_dump()["answer_status"] == "no_answer"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"filters": {"source": ["a"]}}, "filters.source"),
        ({"metadata": {"filters": "published_after=soon"}}, "metadata.filters.published_after"),
        ({"metadata": {"filters": "{" * 100_000}}, "metadata.filters"),
        ({"metadata": {"filters": '{"a":' * 100_000}}, "metadata.filters"),
        ({"metadata": {"filters": "ledger.example"}}, "metadata.filters"),
        ({"metadata": {"retrieval": "top_k=0"}}, "metadata.retrieval.top_k"),
        ({"metadata": {"retrieval": "top_k=1&top_k=2"}}, "metadata.retrieval.top_k"),
        ({"metadata": {"session_id": "a b"}}, "metadata.session_id"),
        ({"metadata": {"session_id": "a"}, "session_id": "a"}, None),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"messages": [{"role": "user", "content": "a" * 4_001}]}, "messages"),
        ({"messages": [{"role": "assistant", "content": "So?"}]}, "messages"),
        ({"messages": [{"role": "critic", "content": "So?"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages[0].content[0].text"),
        (
            {"messages": [*ASKED, {"role": "user", "content": "a\0"}, *ASKED]},
            "messages[1].content[0].text",
        ),
        ({"stream_options": {"include_usage": "often"}}, "stream_options.include_usage"),
    ],
)
def test_what_cannot_be_used_is_named(served: Served, body: Any, param: str | None) -> None:
    response = raw(served.url, **body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_value")
    assert error["param"] == param


def test_a_conversation_of_ours_goes_on_through_the_client(
    client: openai.OpenAI, served: Served
) -> None:
    session_id = httpx.post(f"{served.url}/v1/sessions", json={}).json()["id"]
    first: list[Any] = [{"role": "user", "content": "Who did the Pemberton museum appoint?"}]
    then: list[Any] = [{"role": "user", "content": "When does he start?"}]
    client.chat.completions.create(
        model="dateline", messages=first, metadata={"session_id": session_id}
    )
    reply = client.chat.completions.create(
        model="dateline", messages=then, extra_body={"session_id": session_id}
    )
    assert reply.model_dump()["session_id"] == session_id
    assert "He starts in March." in (reply.choices[0].message.content or "")
    kept = httpx.get(f"{served.url}/v1/sessions/{session_id}").json()["messages"]
    assert [message["question"] for message in kept] == [first[0]["content"], then[0]["content"]]


# -- models -----------------------------------------------------------------------------------


def test_the_models_are_any_writer_and_the_one_there_is(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["dateline", "dateline-extractive"]
    assert client.models.retrieve("dateline-extractive").owned_by == "dateline"


def test_a_name_with_a_slash_is_a_models_too(written: Served) -> None:
    with connected(written.url) as client:
        assert client.models.retrieve("dateline-org/tiny").id == "dateline-org/tiny"


@pytest.mark.parametrize("name", ["gpt-4o", "", "dateline-", "a/b", "\u202e"])
def test_a_model_that_is_not_there_is_not_found(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as asked:
        client.chat.completions.create(model=name, messages=ASKED)
    assert (asked.value.code, asked.value.param) == ("model_not_found", "model")
    if name:
        with pytest.raises(openai.NotFoundError) as looked_up:
            client.models.retrieve(name)
        assert looked_up.value.code == "model_not_found"


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


def extra(model: Any) -> dict[str, Any]:  # Any: the client's models
    return dict(model.model_extra)


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
    scripted_llm.replies = [Reply(DRAFT, before_piece_s=0.02)]
    text = raw(written.url, stream=True).text
    assert text.startswith(": keep-alive\n\n: keep-alive\n\n")
    with connected(written.url) as client:
        assert "".join(c.choices[0].delta.content or "" for c in streamed(client)) == WRITTEN


def test_what_fails_after_the_first_byte_is_the_clients_error(
    written: Served, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DependencyError("catalog at 10.0.0.7 does not answer")

    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(written.app.state.services.sessions, "save", fail)
    scripted_llm.replies = [Reply(DRAFT, before_piece_s=0.02)]
    with connected(written.url) as client, pytest.raises(openai.APIError) as caught:
        streamed(client)
    assert caught.value.code == "dependency_unavailable"
    assert "10.0.0.7" not in caught.value.message


def test_the_work_stops_when_nobody_waits_for_it(
    written: Served, scripted_llm: ScriptedLLM, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="dateline")
    scripted_llm.replies = [Reply(DRAFT * 40, before_piece_s=0.05)]
    questions = written.app.state.services.questions
    with connected(written.url, timeout=0.5) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="dateline", messages=ASKED)
    assert questions.running == 1
    until(lambda: '"status": 499' in caplog.text)
    assert questions.running == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_work_stops_when_a_stream_is_left(
    written: Served, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.05)
    scripted_llm.replies = [Reply(DRAFT * 40, before_piece_s=0.05)]
    body = {"model": "dateline", "messages": ASKED, "stream": True}
    address = f"{written.url}/v1/chat/completions"
    questions = written.app.state.services.questions
    with httpx.stream("POST", address, json=body) as reply:
        assert next(reply.iter_raw()) == b": keep-alive\n\n"
        assert questions.running == 1
    until(lambda: questions.running == 0)


# -- failures ---------------------------------------------------------------------------------


def failed(call: Callable[[], object], kind: type[openai.APIStatusError]) -> openai.APIStatusError:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert caught.value.response.headers["content-type"] == "application/json"
    body = caught.value.response.json()
    assert Envelope.model_validate(body).model_dump() == body
    return caught.value


def ask(client: openai.OpenAI, **options: Any) -> Callable[[], object]:
    return lambda: client.chat.completions.create(model="dateline", messages=ASKED, **options)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for keys, and takes little at once."""
    folder = tmp_path_factory.mktemp("guarded")
    yield from serve(Settings(data_dir=folder, auth="on", max_body_bytes=2_000, threads=1))


def key(served: Served, scope: Scope) -> str:
    keys: Keys = served.app.state.keys
    return keys.create(scope, (scope,), now=datetime.now(UTC)).token


def test_a_key_that_is_none_is_an_authentication_error(guarded: Served) -> None:
    with connected(guarded.url) as client:
        for call in (ask(client), client.models.list):
            error = failed(call, openai.AuthenticationError)
            assert (error.code, error.type) == ("invalid_api_key", "invalid_request_error")


def test_a_key_goes_in_as_the_clients_api_key(guarded: Served) -> None:
    with connected(guarded.url, api_key=key(guarded, "read")) as client:
        assert client.chat.completions.create(model="dateline", messages=ASKED).choices


def test_a_key_for_something_else_is_denied_permission(guarded: Served) -> None:
    with connected(guarded.url, api_key=key(guarded, "write")) as client:
        assert failed(ask(client), openai.PermissionDeniedError).code == "forbidden"


def test_a_body_that_is_too_large_is_told_so(guarded: Served) -> None:
    with connected(guarded.url, api_key=key(guarded, "read")) as client:
        error = failed(ask(client, user="a" * 2_000), openai.APIStatusError)
    assert (error.status_code, error.code) == (413, "body_too_large")


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    for one in serve(Settings(data_dir=tmp_path, rate_limit="1/minute", threads=1)):
        with connected(one.url) as client:
            client.models.list()
            error = failed(ask(client), openai.RateLimitError)
    assert (error.code, error.type) == ("rate_limit_exceeded", "requests")
    assert 50 <= int(error.response.headers["retry-after"]) <= 60


def test_a_body_that_is_no_json_is_a_bad_request(served: Served) -> None:
    response = httpx.post(
        f"{served.url}/v1/chat/completions",
        content=b"{",
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 400
    assert response.json() == {
        "error": {
            "message": "The body is not JSON: Expecting property name enclosed in double quotes "
            "at character 1.",
            "type": "invalid_request_error",
            "param": None,
            "code": "malformed_request",
        }
    }


def test_a_wrong_method_names_the_right_one(served: Served) -> None:
    response = httpx.get(f"{served.url}/v1/chat/completions")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_other_routes_of_openai_are_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="dateline", input=QUESTION)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("the secret text"), 500, "internal_error"),
        (ConfigurationError("the secret text"), 500, "configuration_error"),
        (DependencyError("the secret text"), 503, "dependency_unavailable"),
        (Busy("the secret text"), 503, "busy"),
    ],
)
def test_what_is_not_the_callers_fault_is_an_internal_server_error(
    client: openai.OpenAI,
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(served.app.state.services.desk, "prepare", fail)
    for stream in (False, True):
        told = failed(ask(client, stream=stream), openai.InternalServerError)
        assert (told.status_code, told.code, told.type) == (status, code, "server_error")
        assert "secret" not in told.response.text
        assert told.response.headers.get("retry-after") == ("5" if status == 503 else None)


# -- other clients ----------------------------------------------------------------------------


def test_the_asynchronous_client_gets_the_same(served: Served) -> None:
    async def asked() -> tuple[str | None, str]:
        async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none") as client:
            whole = await client.chat.completions.create(model="dateline", messages=ASKED)
            pieces = await client.chat.completions.create(
                model="dateline", messages=ASKED, stream=True
            )
            text = "".join([c.choices[0].delta.content or "" async for c in pieces])
        return whole.choices[0].message.content, text

    assert asyncio.run(asked()) == (ANSWER, ANSWER)


def like_openai(url: str, **clients: Any) -> OpenAILike:
    return OpenAILike(
        model="dateline", api_base=f"{url}/v1", api_key="none", is_chat_model=True, **clients
    )


@pytest.fixture
def like(served: Served) -> Iterator[OpenAILike]:
    with httpx.Client() as http_client:
        yield like_openai(served.url, http_client=http_client)


def test_llama_index_completes(like: OpenAILike) -> None:
    assert like.complete(QUESTION).text == ANSWER
    assert [piece.text for piece in like.stream_complete(QUESTION)][-1] == ANSWER


def test_llama_index_chats(like: OpenAILike) -> None:
    told = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="Who did the Pemberton museum appoint?"),
        ChatMessage(role="assistant", content="Tobias Renn."),
        ChatMessage(role="user", content="When does he start?"),
    ]
    assert "He starts in March." in (like.chat(told).message.content or "")
    asked = [ChatMessage(role="user", content=QUESTION)]
    assert [piece.message.content for piece in like.stream_chat(asked)][-1] == ANSWER


def test_llama_index_chats_without_waiting(served: Served) -> None:
    async def asked() -> list[str | None]:
        told = [ChatMessage(role="user", content=QUESTION)]
        async with httpx.AsyncClient() as http_client:
            like = like_openai(served.url, async_http_client=http_client)
            pieces = [piece async for piece in await like.astream_chat(told)]
            completed = await like.acomplete(QUESTION)
            whole = await like.achat(told)
        return [whole.message.content, pieces[-1].message.content, completed.text]

    assert asyncio.run(asked()) == [ANSWER, ANSWER, ANSWER]


def test_llama_index_gives_filters_and_gets_citations(like: OpenAILike) -> None:
    told = [ChatMessage(role="user", content=QUESTION)]
    reply = like.chat(told, extra_body={"filters": {"sources": ["ledger.example"]}})
    raw_reply = reply.raw
    assert isinstance(raw_reply, ChatCompletion)
    assert [one["article_id"] for one in extra(raw_reply)["citations"]] == ["bridge"]
