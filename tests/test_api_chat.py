"""POST /v1/chat and /v1/search over a real index of three invented articles."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from rag.bundle import Bundle
from rag.settings import Settings

BRIDGE = {
    "id": "bridge",
    "title": "Hallow Bridge closes after flood",
    "text": "The Hallow Bridge was closed on Tuesday after the river rose. "
    "Mayor Ida Quell blamed the water board for the delay.",
    "source": "ledger.example",
    "author": "Nell Orrin",
    "url": "https://ledger.example/bridge",
    "published_at": "2021-05-04T06:00:00Z",
}
MUSEUM = {
    "id": "museum",
    "title": "Pemberton museum gets a new director",
    "text": "The Pemberton museum appointed Tobias Renn as its director. He starts in March.",
    "source": "courier.example",
    "published_at": "2022-01-10",
}
ORCHARD = {
    "id": "orchard",
    "title": "Orchard fire",
    "text": "A fire burned the Larch orchard. Nobody was hurt.",
    "source": "ledger.example",
}
QUESTION = "Who blamed the water board?"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path_factory.mktemp("data")))) as opened:
        for article in (BRIDGE, MUSEUM, ORCHARD):
            assert opened.post("/v1/documents", json=article).status_code == 201
        yield opened


def ask(client: TestClient, **body: object) -> dict[str, Any]:  # Any: JSON
    response = client.post("/v1/chat", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_question_gets_a_cited_answer(client: TestClient) -> None:
    answer = ask(client, message=QUESTION)
    assert answer["answer"] == (
        "Mayor Ida Quell, reports ledger.example (4 May 2021): "
        "“Mayor Ida Quell blamed the water board for the delay.” [1]"
    )
    assert answer["answer_status"] == "answered"
    [citation] = answer["citations"]
    assert citation["article_id"] == "bridge"
    assert citation["author"] == "Nell Orrin"
    assert citation["published_at"] == "2021-05-04T06:00:00Z"


def test_the_cited_characters_are_those_of_the_stored_text(client: TestClient) -> None:
    [citation] = ask(client, message=QUESTION)["citations"]
    text = client.get(f"/v1/documents/{citation['article_id']}").json()["text"]
    span = slice(citation["start_char_index"], citation["end_char_index"])
    assert text[span] == citation["cited_text"]


def test_every_field_of_the_answer_is_there_even_without_an_answer(client: TestClient) -> None:
    body = {"message": "What is the price of copper?", "retrieval": {"min_confidence": 1}}
    assert set(ask(client, **body)) == set(ask(client, message=QUESTION)) == {
        "note", "verification", "accounts",
        "id", "object", "session_id", "created_at", "model", "answer", "short_answer",
        "answer_status", "abstain_reason", "confidence", "standalone_question", "citations",
        "sources", "passages", "usage", "timings_ms", "index_fingerprint", "request_id", "bundle",
    }  # fmt: skip


def test_too_little_confidence_is_no_answer_with_its_reason(client: TestClient) -> None:
    answer = ask(client, message=QUESTION, retrieval={"min_confidence": 1})
    assert (answer["answer_status"], answer["abstain_reason"]) == ("no_answer", "low_confidence")
    assert answer["citations"] == []


def test_the_request_id_of_the_answer_is_that_of_the_response(client: TestClient) -> None:
    response = client.post("/v1/chat", json={"message": QUESTION}, headers={"X-Request-ID": "r1"})
    assert response.json()["request_id"] == response.headers["X-Request-ID"] == "r1"


def test_an_unknown_session_is_not_found(client: TestClient) -> None:
    response = client.post("/v1/chat", json={"message": QUESTION, "session_id": "ses_9f2"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_last_user_message_is_the_question_and_earlier_ones_complete_it(
    client: TestClient,
) -> None:
    answer = ask(
        client,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who did the Pemberton museum appoint?"},
            {"role": "assistant", "content": "Tobias Renn."},
            {"role": "user", "content": "When does he start?"},
        ],
    )
    assert answer["standalone_question"] == "When does Tobias Renn start?"
    assert answer["passages"] is None


def test_passages_come_without_scores_unless_both_are_asked_for(client: TestClient) -> None:
    [passage, *_] = ask(client, message=QUESTION, include=["passages"])["passages"]
    assert (passage["article_id"], passage["scores"]) == ("bridge", None)


def test_passages_come_with_scores_when_both_are_asked_for(client: TestClient) -> None:
    answer = ask(client, message=QUESTION, include=["passages", "scores"])
    [passage, *_] = answer["passages"]
    assert set(passage["scores"]) == {"dense", "bm25", "fused", "reader"}
    assert passage["scores"]["reader"] == pytest.approx(answer["confidence"])


def test_top_k_limits_the_passages_that_are_read(client: TestClient) -> None:
    answer = ask(client, message=QUESTION, retrieval={"top_k": 1}, include=["passages"])
    assert len(answer["passages"]) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"sources": ["courier.example"]}, {"museum"}),
        ({"article_ids": ["orchard", "gone"]}, {"orchard"}),
        ({"published_after": "2021-05-04", "published_before": "2021-05-05"}, {"bridge"}),
        ({"as_of": "2021-05-04"}, {"bridge"}),
        ({"as_of": "2021-05-03"}, set()),
    ],
)
def test_a_filter_lets_only_its_articles_through(
    client: TestClient, filters: dict[str, object], found: set[str]
) -> None:
    body = {"query": "bridge museum orchard fire director flood", "filters": filters}
    hits = client.post("/v1/search", json=body).json()["hits"]
    assert {hit["article_id"] for hit in hits} == found


def test_a_question_whose_filter_excludes_all_says_so(client: TestClient) -> None:
    answer = ask(client, message=QUESTION, filters={"sources": ["nobody.example"]})
    assert answer["abstain_reason"] == "filtered_out"


def test_a_hit_is_written_flat(client: TestClient) -> None:
    body = {"query": "Hallow Bridge", "k": 1, "mode": "bm25"}
    [hit] = client.post("/v1/search", json=body).json()["hits"]
    passage = client.get("/v1/documents/bridge/passages").json()["passages"][0]
    assert hit == {
        "article_id": "bridge",
        "passage_id": passage["passage_id"],
        "title": BRIDGE["title"],
        "url": BRIDGE["url"],
        "source": "ledger.example",
        "published_at": "2021-05-04T06:00:00Z",
        "text": BRIDGE["text"],
        "start_char_index": 0,
        "end_char_index": len(BRIDGE["text"]),
        "score": hit["scores"]["fused"],
        "scores": {
            "dense": None,
            "bm25": hit["scores"]["bm25"],
            "fused": hit["score"],
            "reader": None,
        },
    }


def test_hits_come_best_first(client: TestClient) -> None:
    body = {"query": "museum director fire", "k": 3}
    scores = [hit["score"] for hit in client.post("/v1/search", json=body).json()["hits"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "send either message or messages"),
        ({"message": "a", "messages": [{"role": "user", "content": "a"}]}, "send either message"),
        ({"messages": []}, "/messages: Tuple should have at least 1 item"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "the last user message must have"),
        ({"messages": [{"role": "user", "content": " "}]}, "the last user message must have"),
        ({"messages": [{"role": "user", "content": "a" * 4_001}]}, "found 4,001"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}]}, "/messages/0/content"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "/messages/0/role"),
        ({"message": ""}, "/message: String should have at least 1 character"),
        ({"message": " \n"}, "/message: String should have at least 1 character"),
        ({"message": "a" * 4_001}, "/message: String should have at most 4000 characters"),
        ({"message": "a", "session_id": "../x"}, "/session_id"),
        ({"message": "a", "retrieval": {"top_k": 0}}, "/retrieval/top_k"),
        ({"message": "a", "retrieval": {"top_k": 51}}, "/retrieval/top_k"),
        ({"message": "a", "retrieval": {"min_confidence": 1.1}}, "/retrieval/min_confidence"),
        ({"message": "a", "retrieval": {"mode": "magic"}}, "/retrieval/mode"),
        ({"message": "a", "include": ["everything"]}, "/include/0"),
        ({"message": "a", "filters": {"as_of": 2020}}, "/filters/as_of: write it as 2020-03-13"),
        ({"message": "a", "temperature": 1}, "/temperature: Extra inputs are not permitted"),
    ],
)
def test_a_question_that_cannot_be_used_says_why(
    client: TestClient, body: dict[str, object], said: str
) -> None:
    response = client.post("/v1/chat", json=body)
    assert response.status_code == 422
    assert said in response.json()["detail"]


def test_a_confidence_that_is_not_a_number_is_refused(client: TestClient) -> None:
    body = b'{"message": "a", "retrieval": {"min_confidence": NaN}}'
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/chat", content=body, headers=headers).status_code == 422


def test_a_bundle_comes_with_the_answer_when_it_is_asked_for(client: TestClient) -> None:
    assert client.post("/v1/sessions", json={"id": "s1"}).status_code == 201
    answer = ask(client, message=QUESTION, session_id="s1", include=["bundle"])
    one = Bundle.model_validate(answer["bundle"])
    assert one.question.text == QUESTION
    assert one.answer.id == answer["id"]
    assert answer["passages"] is None
    assert ask(client, message=QUESTION)["bundle"] is None
