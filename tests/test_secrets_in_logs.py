"""No key, no question and no word of an article in what is logged, whatever is asked.

The words looked for are none that occur elsewhere, so that finding one is finding a leak.
"""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import Keys, Scope
from rag.answer import Answerer
from rag.settings import Settings
from tests.hostile import exchange, served

QUESTION = "Who saw the zanzoquill at Quorvath?"
ARTICLE = {
    "id": "vellamark-1",
    "title": "Vellamark closes",
    "text": "The zanzoquill was seen at Quorvath on Tuesday. Drustil Yembo blamed the brakkenfolk.",
    "author": "Drustil Yembo",
}
WORDS = ("zanzoquill", "quorvath", "drustil", "yembo", "brakkenfolk", "vellamark closes")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), rate_limit="off")
    with TestClient(create_app(settings), raise_server_exceptions=False) as opened:
        yield opened


def tokens(client: TestClient) -> dict[str, str]:
    assert isinstance(client.app, FastAPI)
    keys: Keys = client.app.state.keys
    scopes: tuple[Scope, ...] = ("read", "admin")
    made: dict[str, str] = {scope: keys.create(scope, (scope,), now=NOW).token for scope in scopes}
    made["wrong secret"] = made["read"][:-64] + "0" * 64
    made["no key at all"] = "sk-" + "zanzoquill" * 4
    made["a question in its place"] = QUESTION
    return made


def every_route(client: TestClient) -> list[tuple[str, str]]:
    paths = client.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


BODIES: tuple[dict[str, object], ...] = (
    {"message": QUESTION, "retrieval": {"min_confidence": 0}},
    {"message": QUESTION, "stream": True, "retrieval": {"min_confidence": 0}},
    {"message": QUESTION, "session_id": "zanzoquill"},
    {"messages": [{"role": "user", "content": QUESTION}], "model": "zanzoquill"},
    {"query": QUESTION},
    {"query": QUESTION, "filters": {"published_after": QUESTION}},
    {"title": QUESTION, "message_id": "zanzoquill", "comment": QUESTION, "rating": QUESTION},
    {"message": ["zanzoquill"], QUESTION: QUESTION},
    dict(ARTICLE),
    {**ARTICLE, "published_at": QUESTION},
)


def ask_everything(client: TestClient, token: str) -> set[int]:
    headers = {"Authorization": f"Bearer {token}"}
    answered: set[int] = set()
    for method, path in every_route(client):
        for value in ("vellamark-1", "zanzoquill", "cit_zanzoquill.0e3ff56d53bc.4-9"):
            address = re.sub(r"\{\w+\}", value, path)
            for body in BODIES if method in ("POST", "PUT", "PATCH") else (None,):
                sent = {"source": QUESTION, "cursor": QUESTION} if method == "GET" else {}
                response = client.request(method, address, params=sent, json=body, headers=headers)
                answered.add(response.status_code)
    return answered


def test_nothing_that_was_said_or_read_is_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    made = tokens(client)
    sent = {"Authorization": f"Bearer {made['admin']}"}
    for name in ("dateline", "dateline.api", "uvicorn", "uvicorn.error", "uvicorn.access"):
        caplog.set_level(logging.DEBUG, logger=name)
    assert client.post("/v1/documents", json=ARTICLE, headers=sent).status_code == 201
    answer = client.post("/v1/chat", json=BODIES[0], headers=sent).json()
    assert "zanzoquill" in answer["answer"]
    answered = {name: ask_everything(client, token) for name, token in made.items()}
    assert {200, 404, 422} <= answered["admin"]
    assert 403 in answered["read"]
    assert {401, 429} <= answered["wrong secret"] | answered["no key at all"]
    logged = "\n".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert len(caplog.records) > 100
    assert made["read"].split("_")[1] in logged  # the id of a key may be told
    for word in (*WORDS, *(token[-64:].lower() for token in made.values())):
        assert word not in logged.lower(), word


def test_an_accident_in_the_middle_of_an_answer_says_nothing_of_it(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot read {ARTICLE['text']} for {QUESTION}")

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Answerer, "prepare", fail)
    sent = {"Authorization": f"Bearer {tokens(client)['admin']}"}
    response = client.post("/v1/chat", json={"message": QUESTION}, headers=sent)
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "RuntimeError" in caplog.text
    monkeypatch.undo()
    monkeypatch.setattr(Answerer, "stream", fail)
    streamed = client.post("/v1/chat", json=BODIES[1], headers=sent)
    # The events before the accident hold the question: it goes to whoever asked it, not to the log.
    assert '"code":"internal_error"' in streamed.text.partition("event: error")[2]
    assert "brakkenfolk" not in streamed.text.partition("event: error")[2]
    for word in WORDS:
        assert word not in (caplog.text + response.text).lower()


def test_a_server_in_a_process_of_its_own_writes_none_of_it_either(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for line in ("POST /v1/documents", "POST /v1/chat", "POST /v1/zanzoquill"):
            for body in (ARTICLE["text"], f'{{"message": "{QUESTION}"}}', ""):
                head = server.head(
                    line,
                    "Content-Type: application/json",
                    "Connection: close",
                    f"Content-Length: {len(body)}",
                    f"X-Request-ID: {QUESTION}",
                    f"User-Agent: {QUESTION}",
                )
                assert exchange(server, head + body.encode())[0] < 500
        exchange(server, f"GET /{QUESTION} zanzoquill\r\n\r\n".encode())
        logged = server.log.read_text().lower()
    assert logged.count('"status"') >= 9
    for word in (*WORDS, server.token[-64:]):
        assert word not in logged
