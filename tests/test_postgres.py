"""The whole service with its catalog in a real Postgres, where one is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import ANONYMOUS, Keys
from api.stores.feedback import opinions
from api.stores.sessions import Sessions
from rag.catalog import Catalog, open_engine
from rag.settings import Settings
from tests.commands import dateline
from tests.test_api_chat import BRIDGE, MUSEUM, QUESTION

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A Postgres server of its own, on a socket in a temporary folder."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    found = shutil.which("initdb") or next(
        (str(path) for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), None
    )
    if found is None:
        pytest.skip("Postgres is not installed")
    programs, folder = Path(found).parent, Path(mkdtemp(prefix="dateline-pg-"))
    # Postgres does not run as root; its package makes a user for it.
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, user=user, check=True, capture_output=True, cwd=folder)

    run("initdb", "-U", "dateline", "--auth=trust", "--no-sync", "--encoding=UTF8")
    run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", f"-F -h '' -k {folder}")
    yield f"postgresql+psycopg://dateline@/postgres?host={folder}"
    run("pg_ctl", "stop", "-m", "immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def settings(url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("data"), database_url=url)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as opened:
        for article in (BRIDGE, MUSEUM):
            assert opened.post("/v1/documents", json=article).status_code == 201
        yield opened


def ask(client: TestClient, message: str, **body: object) -> dict[str, Any]:  # Any: JSON
    response = client.post("/v1/chat", json={"message": message} | body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_conversation_is_kept_and_understood(client: TestClient) -> None:
    session_id = client.post("/v1/sessions", json={}).json()["id"]
    ask(client, "Who did the Pemberton museum appoint?", session_id=session_id)
    answer = ask(client, "When does he start?", session_id=session_id)
    assert answer["standalone_question"] == "When does Tobias Renn start?"
    said = client.post("/v1/feedback", json={"message_id": answer["id"], "rating": "up"})
    assert said.status_code == 201
    shown = client.get(f"/v1/sessions/{session_id}").json()
    assert [bool(message["feedback"]) for message in shown["messages"]] == [False, True]
    page = client.get("/v1/sessions", params={"limit": 1}).json()
    assert [one["id"] for one in page["sessions"]] == [session_id]


def test_articles_are_replaced_listed_and_forgotten_with_their_answers(client: TestClient) -> None:
    filters = {"article_ids": ["gone"]}
    for text in ("Mayor Ada Gone blamed the gas board.", "Mayor Ada Gone blamed the oil board."):
        put = client.put("/v1/documents/gone", json={"title": "Gone", "text": text})
        assert put.status_code in (200, 201)
    session_id = client.post("/v1/sessions", json={}).json()["id"]
    answer = ask(client, "Who blamed the oil board?", session_id=session_id, filters=filters)
    assert "oil board" in answer["answer"]
    listed = client.get("/v1/documents", params={"published_after": "2021-01-01"}).json()
    assert [one["article_id"] for one in listed["documents"]] == ["bridge", "museum"]
    newest: list[str] = []
    cursor: dict[str, str | None] = {}
    for _ in range(3):
        page = client.get("/v1/documents", params={"order": "newest", "limit": 1, **cursor}).json()
        newest += [one["article_id"] for one in page["documents"]]
        cursor = {"cursor": page["next_cursor"]}
    # Postgres by itself has those without a date first.
    assert (newest, cursor) == (["museum", "bridge", "gone"], {"cursor": None})
    assert client.delete("/v1/documents/gone").status_code == 200
    [message] = client.get(f"/v1/sessions/{session_id}").json()["messages"]
    assert message["answer"] is None


def test_it_is_ready_and_its_stores_agree(client: TestClient) -> None:
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["articles"]) == ("ready", 2)
    services = client.app.state.services  # type: ignore[attr-defined] # a FastAPI
    assert services.index.check().clean


def test_keys_and_opinions_are_reached_beside_the_server(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = ask(client, QUESTION)
    client.post("/v1/feedback", json={"message_id": answer["id"], "rating": "down"})
    monkeypatch.setenv("DATELINE_DATABASE_URL", str(settings.database_url))
    exported = dateline("feedback", "export", tmp_path / "gold.jsonl", "--json")
    assert exported.json["drafts"] == 1
    engine = open_engine(str(settings.database_url))
    try:
        made = Keys(engine).create("desk", ("read",), now=NOW)
        caller = Keys(engine).find(made.token, now=NOW).caller
        assert caller is not None
        assert caller.key_id == made.key.id
        assert len(list(opinions(engine))) >= 1
    finally:
        engine.dispose()


def test_what_is_too_old_is_forgotten(url: str) -> None:
    catalog = Catalog(url)
    sessions = Sessions(catalog.engine, keep_days=1)
    made, _ = sessions.create(ANONYMOUS, now=NOW, asked_id="old")
    assert sessions.get("old", ANONYMOUS, now=NOW).id == made.id
    again, is_new = sessions.create(ANONYMOUS, now=NOW + timedelta(days=2), asked_id="old")
    assert is_new
    assert again.created_at > made.created_at
    catalog.close()
