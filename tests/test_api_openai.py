"""OpenAI's own client gets answers, and gives questions in its own ways."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from api.openai.reply import completion
from rag.settings import Settings
from rag.types import Answer
from tests.openai_served import (
    ANSWER,
    ASKED,
    connected,
    extra,
    raw,
    serve_archive,
    streamed,
)
from tests.scripted import PATIENT, ScriptedLLM
from tests.test_api_chat import QUESTION
from tests.test_streams import Served, serve
from tests.waiting import PATIENCE_S


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
        "accounts": [],
        "answer_status": "answered",
        "abstain_reason": None,
        "session_id": None,
    }


def test_replies_chunks_and_models_are_those_of_the_published_types(served: Served) -> None:
    """Validated, and the same when written again: nothing was of another type, nothing is lost."""
    whole = raw(served.url).json()
    assert ChatCompletion.model_validate(whole).model_dump(exclude_unset=True) == whole
    assert extras(ChatCompletion.model_validate(whole)) == {
        "citations", "accounts", "answer_status", "abstain_reason", "confidence", "session_id",
    }  # fmt: skip
    sent = chunks(raw(served.url, stream=True, stream_options={"include_usage": True}).text)
    for chunk in sent:
        assert ChatCompletionChunk.model_validate(chunk).model_dump(exclude_unset=True) == chunk
    models = httpx.get(f"{served.url}/v1/models", timeout=PATIENCE_S).json()
    assert models["object"] == "list"
    for model in models["data"]:
        assert Model.model_validate(model).model_dump(exclude_unset=True) == model
        assert extras(Model.model_validate(model)) == set()


@pytest.fixture(scope="module")
def contradicting(copied: Path) -> Iterator[openai.OpenAI]:
    """A client of a server whose articles contradict each other."""
    for one in serve(Settings(data_dir=copied, threads=1)):
        with connected(one.url) as opened:
            yield opened


def test_the_sides_of_a_conflict_are_named_with_their_citations(
    contradicting: openai.OpenAI,
) -> None:
    asked: list[Any] = [{"role": "user", "content": "Who was blamed for the Taji attack?"}]
    reply = contradicting.chat.completions.create(model="dateline", messages=asked)
    whole = reply.model_dump(exclude_unset=True)
    assert ChatCompletion.model_validate(whole).model_dump(exclude_unset=True) == whole
    last = streamed(contradicting, messages=asked)[-1]
    for said in (extra(reply), extra(last)):
        assert said["answer_status"] == "conflicting"
        assert said["accounts"] == [
            {"claim": "Kataib Hezbollah", "citations": [1, 2, 3]},
            {"claim": "remnants of Islamic State", "citations": [4]},
        ]
        assert [one["index"] for one in said["citations"]] == [1, 2, 3, 4]


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
    address, asked = f"{served.url}/v1/chat", {"message": QUESTION}
    told = httpx.post(address, json=asked, timeout=PATIENCE_S).json()
    answer = Answer.model_validate(told, extra="ignore")
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
    said = {"message_id": message_id, "rating": "up"}
    given = httpx.post(f"{served.url}/v1/feedback", json=said, timeout=PATIENCE_S)
    assert given.status_code == 201


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
    with httpx.Client(timeout=PATIENCE_S) as http_client:
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
