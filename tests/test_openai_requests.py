"""What OpenAI's client may say, and what is made of it."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.openai_served import ANSWER, ASKED, connected, raw, serve_archive
from tests.test_api_chat import QUESTION
from tests.test_streams import Served
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve_archive(tmp_path_factory.mktemp("data"))


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with connected(served.url) as opened:
        yield opened


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
    sessions = f"{served.url}/v1/sessions"
    session_id = httpx.post(sessions, json={}, timeout=PATIENCE_S).json()["id"]
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
    kept = httpx.get(f"{sessions}/{session_id}", timeout=PATIENCE_S).json()["messages"]
    assert [message["question"] for message in kept] == [first[0]["content"], then[0]["content"]]
