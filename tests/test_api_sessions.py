"""Conversations and feedback over HTTP, and what becomes of both when an article goes."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from api.app import create_app
from api.auth import ANONYMOUS, Caller
from api.schemas.questions import ChatRequest
from api.stores.feedback import opinions
from api.stores.sessions import Sessions
from api.stores.tables import MessageRow
from rag.catalog import Catalog
from rag.errors import DependencyError, InputError, NotFound
from rag.settings import Settings
from rag.types import Filters, Question
from tests.commands import dateline
from tests.test_api_chat import BRIDGE, MUSEUM, QUESTION

NOW = datetime(2026, 5, 1, tzinfo=UTC)
READER = Caller("key1", frozenset(("read",)))
OTHER = Caller("key2", frozenset(("read",)))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path_factory.mktemp("data")))) as opened:
        for article in (BRIDGE, MUSEUM):
            assert opened.post("/v1/documents", json=article).status_code == 201
        yield opened


@pytest.fixture
def session_id(client: TestClient) -> str:
    return str(client.post("/v1/sessions", json={}).json()["id"])


def ask(client: TestClient, message: str, **body: object) -> dict[str, Any]:  # Any: JSON
    response = client.post("/v1/chat", json={"message": message} | body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("title", ["", "  ", "\t\n"])
def test_a_title_of_nothing_is_refused_and_another_is_stripped(
    client: TestClient, title: str
) -> None:
    assert client.post("/v1/sessions", json={"title": title}).status_code == 422
    assert client.post("/v1/sessions", json={"title": f" Flood{title} "}).json()["title"] == "Flood"


@pytest.mark.parametrize("name", [".", "..", "-x", "_x", "", "x" * 65])
def test_a_session_that_could_not_be_addressed_is_not_made(client: TestClient, name: str) -> None:
    assert client.post("/v1/sessions", json={"id": name}).status_code == 422


def test_a_follow_up_is_understood_from_its_conversation(
    client: TestClient, session_id: str
) -> None:
    ask(client, "Who did the Pemberton museum appoint?", session_id=session_id)
    answer = ask(client, "When does he start?", session_id=session_id)
    assert answer["standalone_question"] == "When does Tobias Renn start?"
    assert answer["session_id"] == session_id


def test_messages_that_are_sent_along_count_before_those_that_are_kept(
    client: TestClient, session_id: str
) -> None:
    ask(client, QUESTION, session_id=session_id)
    turns = [
        {"role": "user", "content": "Who did the Pemberton museum appoint?"},
        {"role": "assistant", "content": "Tobias Renn."},
        {"role": "user", "content": "When does he start?"},
    ]
    body = {"messages": turns, "session_id": session_id}
    answer = client.post("/v1/chat", json=body).json()
    assert answer["standalone_question"] == "When does Tobias Renn start?"


def test_a_conversation_shows_what_was_said_in_order(client: TestClient, session_id: str) -> None:
    first = ask(client, QUESTION, session_id=session_id, filters={"sources": ["ledger.example"]})
    second = ask(client, "What is the price of copper?", session_id=session_id)
    shown = client.get(f"/v1/sessions/{session_id}").json()
    assert shown["title"] == QUESTION
    assert [m["question"] for m in shown["messages"]] == [QUESTION, "What is the price of copper?"]
    assert shown["messages"][0]["filters"]["sources"] == ["ledger.example"]
    kept = [m["answer"] for m in shown["messages"]]
    assert [one["id"] for one in kept] == [first["id"], second["id"]]
    assert kept[0]["citations"] == first["citations"]


def test_conversations_are_listed_last_used_first_and_page_by_page(client: TestClient) -> None:
    made = [client.post("/v1/sessions", json={"title": f"{n}"}).json()["id"] for n in range(3)]
    ask(client, QUESTION, session_id=made[0])
    first = client.get("/v1/sessions", params={"limit": 2}).json()
    assert [one["id"] for one in first["sessions"]] == [made[0], made[2]]
    more = client.get("/v1/sessions", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in more["sessions"]] == [made[1]]


@pytest.mark.parametrize("cursor", ["AA", "!!", "eCB5", "MQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgeA"])
def test_a_cursor_of_no_page_is_refused(client: TestClient, cursor: str) -> None:
    assert client.get("/v1/sessions", params={"cursor": cursor}).status_code == 422


def test_an_id_of_the_caller_s_own_is_taken_and_taken_again(client: TestClient) -> None:
    body = {"id": "slack.T1.C1.1700000000", "title": "Thread"}
    first, again = (client.post("/v1/sessions", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_a_conversation_is_renamed_and_forgotten(client: TestClient, session_id: str) -> None:
    ask(client, QUESTION, session_id=session_id)
    renamed = client.patch(f"/v1/sessions/{session_id}", json={"title": " Bridge "})
    assert renamed.json()["title"] == "Bridge"
    assert client.delete(f"/v1/sessions/{session_id}").status_code == 204
    for response in (
        client.get(f"/v1/sessions/{session_id}"),
        client.patch(f"/v1/sessions/{session_id}", json={"title": "x"}),
        client.delete(f"/v1/sessions/{session_id}"),
        client.post("/v1/chat", json={"message": QUESTION, "session_id": session_id}),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_what_is_said_of_an_answer_is_shown_beside_it(client: TestClient, session_id: str) -> None:
    answer = ask(client, QUESTION, session_id=session_id)
    said = {"message_id": answer["id"], "rating": "down", "reasons": ["wrong"], "citation_index": 1}
    assert client.post("/v1/feedback", json=said | {"rating": "up"}).status_code == 201
    assert client.post("/v1/feedback", json=said | {"comment": "No."}).status_code == 201
    [message] = client.get(f"/v1/sessions/{session_id}").json()["messages"]
    assert message["feedback"] == {
        "rating": "down",
        "reasons": ["wrong"],
        "comment": "No.",
        "citation_index": 1,
    }


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"message_id": "msg_0", "rating": "up"}, 404),
        ({"rating": "up"}, 422),
        ({"rating": "fine"}, 422),
        ({"rating": "up", "citation_index": 9}, 422),
        ({"rating": "up", "reasons": ["x"] * 11}, 422),
    ],
)
def test_feedback_that_means_nothing_is_refused(
    client: TestClient, said: dict[str, object], status: int
) -> None:
    answer = ask(client, QUESTION)
    if status == 404 or "citation_index" in said or "reasons" in said:
        said = {"message_id": answer["id"]} | said
    assert client.post("/v1/feedback", json=said).status_code == status


def test_no_conversation_repeats_a_deleted_article(client: TestClient, session_id: str) -> None:
    gone = BRIDGE | {"id": "gone", "text": "Mayor Ada Gone blamed the gas board.", "url": None}
    assert client.post("/v1/documents", json=gone).status_code == 201
    question = "Who blamed the gas board?"
    answer = ask(client, question, session_id=session_id, filters={"article_ids": ["gone"]})
    assert "Gone" in answer["answer"]
    assert client.delete("/v1/documents/gone").status_code == 200
    shown = client.get(f"/v1/sessions/{session_id}")
    assert [m["answer"] for m in shown.json()["messages"]] == [None]
    assert "Gone" not in shown.text
    said = client.post("/v1/feedback", json={"message_id": answer["id"], "rating": "up"})
    assert said.status_code == 404


def test_an_answer_in_the_making_does_not_keep_what_is_deleted_meanwhile(
    client: TestClient, session_id: str
) -> None:
    services = client.app.state.services  # type: ignore[attr-defined] # a FastAPI
    late = BRIDGE | {"id": "late", "text": "Mayor Ada Late blamed the oil board.", "url": None}
    assert client.post("/v1/documents", json=late).status_code == 201
    question = Question(text="Who blamed the oil board?", filters=Filters(article_ids=("late",)))
    now = datetime.now(UTC)
    asked = services.desk.prepare(question, ANONYMOUS, now=now, session_id=session_id)
    assert client.delete("/v1/documents/late").status_code == 200
    services.desk.complete(asked)
    shown = client.get(f"/v1/sessions/{session_id}")
    assert [m["answer"] for m in shown.json()["messages"]] == [None]
    assert "Late" not in shown.text


def test_a_follow_up_that_was_completed_from_a_deleted_article_goes_with_it(
    client: TestClient, session_id: str
) -> None:
    born = {"id": "born", "title": "Quimby", "text": "The mayor appointed Zorblatt Quimby."}
    kept = {"id": "kept", "title": "Town", "text": "Zorblatt Quimby was born in Larchmont."}
    for article in (born, kept):
        assert client.post("/v1/documents", json=article).status_code == 201
    only = {"filters": {"article_ids": ["born", "kept"]}, "retrieval": {"min_confidence": 0}}
    ask(client, "Whom did the mayor appoint?", session_id=session_id, **only)
    follow = ask(client, "Where was he born?", session_id=session_id, **only)
    assert "Quimby" in follow["standalone_question"]
    assert client.delete("/v1/documents/born").status_code == 200
    shown = client.get(f"/v1/sessions/{session_id}").text
    assert "Quimby" not in shown
    client.delete("/v1/documents/kept")


def test_no_conversation_repeats_an_article_that_was_retired_elsewhere(
    client: TestClient, session_id: str
) -> None:
    index = client.app.state.services.index  # type: ignore[attr-defined] # a FastAPI
    away = BRIDGE | {"id": "away", "text": "Mayor Ada Away blamed the oil board.", "url": None}
    assert client.post("/v1/documents", json=away).status_code == 201
    filters = {"article_ids": ["away"]}
    answer = ask(client, "Who blamed the oil board?", session_id=session_id, filters=filters)
    # As `dateline ingest` does with a file that holds another article now.
    assert index.delete(["away"]) == ["away"]
    assert "Away" not in client.get(f"/v1/sessions/{session_id}").text
    said = client.post("/v1/feedback", json={"message_id": answer["id"], "rating": "up"})
    assert said.status_code == 404


def test_a_conversation_that_is_forgotten_while_it_answers_keeps_nothing(
    client: TestClient, session_id: str
) -> None:
    services = client.app.state.services  # type: ignore[attr-defined] # a FastAPI
    now = datetime.now(UTC)
    asked = services.desk.prepare(
        Question(text=QUESTION), ANONYMOUS, now=now, session_id=session_id
    )
    assert client.delete(f"/v1/sessions/{session_id}").status_code == 204
    answer = services.desk.complete(asked)
    said = client.post("/v1/feedback", json={"message_id": answer.id, "rating": "up"})
    assert said.status_code == 404


def test_a_forgotten_conversation_cannot_be_streamed_again(
    client: TestClient, session_id: str
) -> None:
    body = {"message": QUESTION, "session_id": session_id, "stream": True}
    reply = client.post("/v1/chat", json=body)
    message_id = json.loads(reply.text.split("data: ")[1].split("\n")[0])["id"]
    assert client.get(f"/v1/chat/{message_id}/events").status_code == 200
    assert client.delete(f"/v1/sessions/{session_id}").status_code == 204
    assert client.get(f"/v1/chat/{message_id}/events").status_code == 404


def test_two_who_begin_the_same_conversation_at_once_have_one(tmp_path: Path) -> None:
    """Neither may take away what the other has begun."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'c.sqlite3'}")
    sessions = Sessions(catalog.engine, keep_days=30)
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda _: sessions.create(READER, now=NOW, asked_id="slack.1"), range(16))
        )
    assert sorted(is_new for _, is_new in made) == [False] * 15 + [True]
    assert len({info.created_at for info, _ in made}) == 1
    catalog.close()


def test_a_long_history_is_cut_to_what_a_follow_up_needs() -> None:
    turns = [{"role": "user", "content": "x" * 50_000}, {"role": "assistant", "content": "y"}] * 50
    request = ChatRequest.model_validate({"messages": [*turns, {"role": "user", "content": "z"}]})
    history = request.question().history
    assert [len(turn.question) for turn in history] == [4_000] * 10


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    opened = Catalog("sqlite://")
    yield opened
    opened.close()


def test_a_conversation_ends_so_many_days_after_its_last_word(catalog: Catalog) -> None:
    sessions = Sessions(catalog.engine, keep_days=30)
    made, _ = sessions.create(READER, now=NOW, title="t")
    assert made.expires_at == NOW + timedelta(days=30)
    assert sessions.get(made.id, READER, now=NOW + timedelta(days=29)).title == "t"
    with pytest.raises(NotFound, match="has expired"):
        sessions.get(made.id, READER, now=NOW + timedelta(days=30))
    assert sessions.page(READER, now=NOW + timedelta(days=30), limit=9) == []


def test_a_conversation_is_its_key_s_own_and_the_admin_s(catalog: Catalog) -> None:
    sessions = Sessions(catalog.engine, keep_days=30)
    made, _ = sessions.create(READER, now=NOW, asked_id="mine")
    with pytest.raises(NotFound, match="no session has the id 'mine'"):
        sessions.get("mine", OTHER, now=NOW)
    with pytest.raises(InputError, match="'mine' is taken"):
        sessions.create(OTHER, now=NOW, asked_id="mine")
    assert sessions.page(OTHER, now=NOW, limit=9) == []
    assert sessions.page(ANONYMOUS, now=NOW, limit=9) == [made]


def test_a_database_that_refuses_a_new_conversation_is_unavailable(catalog: Catalog) -> None:
    sessions = Sessions(catalog.engine, keep_days=30)
    with catalog.engine.begin() as connection:
        connection.execute(text("ALTER TABLE sessions RENAME TO elsewhere"))
    with pytest.raises(DependencyError, match="the session cannot be begun"):
        sessions.create(READER, now=NOW)


def test_a_server_that_keeps_nothing_says_so(catalog: Catalog) -> None:
    sessions = Sessions(catalog.engine, keep_days=0)
    with pytest.raises(InputError, match="keeps no conversations"):
        sessions.create(READER, now=NOW)


def test_old_answers_go_and_those_with_feedback_stay(client: TestClient) -> None:
    services = client.app.state.services  # type: ignore[attr-defined] # a FastAPI
    session_id = str(client.post("/v1/sessions", json={}).json()["id"])
    rated, unrated = (ask(client, QUESTION, session_id=session_id) for _ in range(2))
    said = {"message_id": rated["id"], "rating": "up"}
    assert client.post("/v1/feedback", json=said).status_code == 201
    later = datetime.now(UTC) + timedelta(days=31)
    engine = services.index.catalog.engine
    services.sessions.sweep(datetime.now(UTC))
    assert client.get(f"/v1/sessions/{session_id}").status_code == 200
    services.sessions.sweep(later)
    assert client.get(f"/v1/sessions/{session_id}").status_code == 404
    with Session(engine) as session:
        left = {row.id for row in session.scalars(select(MessageRow))}
    assert rated["id"] in left
    assert unrated["id"] not in left
    assert rated["id"] in {opinion.message_id for opinion in opinions(engine)}


def test_the_command_line_goes_on_with_a_conversation_of_the_api(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as opened:
        assert opened.post("/v1/documents", json=MUSEUM).status_code == 201
        opened.post("/v1/sessions", json={"id": "renn"})
        ask(opened, "Who did the Pemberton museum appoint?", session_id="renn")
    options = ("--session", "renn", "--data-dir", tmp_path, "--json")
    answer = dateline("ask", "When does he start?", *options).json
    assert answer["standalone_question"] == "When does Tobias Renn start?"
    with TestClient(create_app(Settings(data_dir=tmp_path))) as opened:
        shown = opened.get("/v1/sessions/renn").json()
    assert [message["question"] for message in shown["messages"]] == [
        "Who did the Pemberton museum appoint?",
        "When does he start?",
    ]


def test_the_command_line_refuses_a_name_that_no_conversation_can_have(tmp_path: Path) -> None:
    ran = dateline("ask", "Who?", "--session", "a b", "--data-dir", tmp_path)
    assert ran.code == 2
    assert "id: String should match pattern" in ran.err
