"""Health, readiness, start-up and the description of the API."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from api.deps import Services
from api.watch import readiness
from rag.errors import DependencyError, FingerprintMismatch, IndexInUse
from rag.index import Index
from rag.settings import Settings

# What keeps a request from its route; test_auth.py says where they are declared.
EVERYWHERE = {"401", "403", "408", "421", "429"}
ARTICLE = {"id": "a", "title": "Ferry", "text": "The ferry to Lusk sank. Nobody drowned."}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def client(data_dir: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=data_dir))) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT_S", 0.0)


def services(client: TestClient) -> Services:
    assert isinstance(client.app, FastAPI)
    found: Services = client.app.state.services
    return found


def test_a_running_server_is_alive(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_server_whose_stores_agree_is_ready(client: TestClient) -> None:
    client.post("/v1/documents", json=ARTICLE)
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ready",
            "checks": dict.fromkeys(["catalog", "vectors", "bm25", "models", "fingerprint"], "ok"),
            "queue": {"waiting": 0, "running": 0},
            "articles": 1,
            "passages": 1,
        },
    )


def test_a_server_that_lost_vectors_is_not_ready_until_they_are_repaired(
    client: TestClient,
) -> None:
    client.post("/v1/documents", json=ARTICLE)
    index = services(client).index
    index._vectors.delete([p.passage_id for p in index.catalog.passages_of("a")])
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["vectors"].startswith("holds 0 of 1 passages")
    index.repair()
    assert client.get("/readyz").status_code == 200


def test_a_server_is_ready_when_passages_are_deleted_while_it_looks(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = services(client).index
    counts = index.catalog.counts()
    seen = iter([counts._replace(passages=counts.passages + 1), counts, counts])
    monkeypatch.setattr(index.catalog, "counts", lambda: next(seen))
    assert client.get("/readyz").status_code == 200


def test_a_server_whose_reindex_was_cut_short_is_not_ready(client: TestClient) -> None:
    index = services(client).index
    index.catalog.set_meta("recipe", "unfinished reindex")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["fingerprint"].startswith("the index was built with")
    index.catalog.set_meta("recipe", index.recipe)


BROKEN: dict[str, tuple[Callable[[Index], object], str, str]] = {
    "catalog": (
        lambda index: index.catalog,
        "ping",
        "does not answer; see that the database runs and that its disk has room (OSError)",
    ),
    "vectors": (
        lambda index: index._vectors,
        "count",
        "cannot be read; stop the server, run `dateline check --repair` (OSError)",
    ),
    "bm25": (
        lambda index: index.lexical,
        "count",
        "cannot be read; stop the server, run `dateline check --repair` (OSError)",
    ),
    "models": (
        lambda index: index.embedder,
        "embed",
        "cannot be run; see that there is memory left, then install Dateline anew (OSError)",
    ),
    "fingerprint": (lambda index: index, "is_ours", "cannot be read; see the catalog (OSError)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_server_with_one_broken_part_says_which_and_what_to_do(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    part, method, said = BROKEN[name]

    def broken(*_: object) -> None:
        raise OSError("disk of db-7.internal is full")

    monkeypatch.setattr(part(services(client).index), method, broken)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "not_ready"
    others = dict.fromkeys(BROKEN, "ok")
    if name == "catalog":  # it alone knows how much the others should hold
        others |= dict.fromkeys(["vectors", "bm25"], "unknown until the catalog answers")
    assert response.json()["checks"] == others | {name: said}


def test_a_server_with_a_full_queue_is_ready_and_says_how_busy_it_is(client: TestClient) -> None:
    questions = services(client).questions
    questions.waiting, questions.running = 64, 4
    response = client.get("/readyz")
    questions.waiting, questions.running = 0, 0
    assert response.status_code == 200
    assert response.json()["queue"] == {"waiting": 64, "running": 4}


def test_many_probes_at_once_are_one_look_at_the_stores(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, looked = services(client).index, list[list[str]]()
    embed = index.embedder.embed

    def counted(texts: list[str]) -> object:
        looked.append(texts)
        return embed(texts)

    monkeypatch.setattr(index.embedder, "embed", counted)
    monkeypatch.setattr(readiness, "KEPT_S", 60.0)
    services(client).probe._known = None
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.get("/readyz"), range(16)))
    assert [reply.status_code for reply in replies] == [200] * 16
    assert looked == [["ready?"]]
    monkeypatch.setattr(readiness, "KEPT_S", 0.0)
    assert client.get("/readyz").status_code == 200
    assert len(looked) == 2


def test_a_probe_stamps_no_index(client: TestClient) -> None:
    index = services(client).index
    with index.catalog.engine.begin() as connection:
        connection.execute(text("DELETE FROM meta WHERE key = 'recipe'"))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["fingerprint"] == "is missing; restart the server"
    assert index.catalog.meta("recipe") is None
    index.accept()
    assert client.get("/readyz").status_code == 200


def test_what_is_wrong_with_the_database_is_for_the_log_alone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise DependencyError("catalog at db-7.internal does not answer")

    monkeypatch.setattr(services(client).index.catalog, "counts", broken)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "db-7.internal" not in response.text
    assert "not ready: catalog: DependencyError: catalog at db-7.internal" in caplog.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_may_ask_for_the_head_alone(client: TestClient, path: str) -> None:
    response = client.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == client.get(path).headers["content-type"]


def test_a_second_server_on_the_same_directory_does_not_start(
    client: TestClient, data_dir: Path
) -> None:
    assert client.get("/healthz").status_code == 200
    second = TestClient(create_app(Settings(data_dir=data_dir)))
    with pytest.raises(IndexInUse), second:
        pass


def test_a_server_with_other_settings_than_its_index_does_not_start(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))):
        pass
    second = TestClient(create_app(Settings(data_dir=tmp_path, passage_tokens=100)))
    with pytest.raises(FingerprintMismatch), second:
        pass


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as first:
        first.post("/v1/documents", json=ARTICLE)
    with TestClient(create_app(Settings(data_dir=tmp_path))) as second:
        assert second.post("/v1/documents", json=ARTICLE).json()["status"] == "unchanged"


def test_the_description_names_every_route_with_its_failures(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    declared = {
        f"{method.upper()} {path}": set(operation["responses"]) - EVERYWHERE
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert declared == {
        "POST /v1/chat": {"200", "400", "404", "413", "422", "500", "503"},
        "GET /v1/chat/{message_id}/events": {"200", "404", "422", "500", "503"},
        "POST /v1/search": {"200", "400", "413", "422", "500", "503"},
        "GET /v1/documents": {"200", "422", "500", "503"},
        "DELETE /v1/documents": {"200", "422", "500", "503"},
        "POST /v1/documents": {"200", "201", "400", "413", "422", "500", "503"},
        "GET /v1/documents/{article_id}": {"200", "404", "422", "500", "503"},
        "PUT /v1/documents/{article_id}": {"200", "201", "400", "413", "422", "500", "503"},
        "DELETE /v1/documents/{article_id}": {"200", "404", "422", "500", "503"},
        "GET /v1/documents/{article_id}/passages": {"200", "404", "422", "500", "503"},
        "GET /v1/citations/{citation_id}": {"200", "404", "422", "500", "503"},
        "POST /v1/chat/completions": {"200", "400", "404", "413", "500", "503"},
        "GET /v1/models": {"200", "500", "503"},
        "GET /v1/models/{model}": {"200", "400", "404", "500", "503"},
        "GET /v1/sources": {"200", "500", "503"},
        "GET /v1/sessions": {"200", "422", "500", "503"},
        "POST /v1/sessions": {"200", "201", "400", "413", "422", "500", "503"},
        "GET /v1/sessions/{session_id}": {"200", "404", "422", "500", "503"},
        "PATCH /v1/sessions/{session_id}": {"200", "400", "404", "413", "422", "500", "503"},
        "DELETE /v1/sessions/{session_id}": {"204", "404", "422", "500", "503"},
        "POST /v1/feedback": {"201", "400", "404", "413", "422", "500", "503"},
        "GET /healthz": {"200"},
        "GET /readyz": {"200", "503"},
    }


def test_every_failure_is_described_as_a_problem_or_in_openais_envelope(
    client: TestClient,
) -> None:
    document = client.get("/openapi.json").json()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    envelope = {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}
    openai = {"/v1/chat/completions", "/v1/models", "/v1/models/{model}"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400" and path != "/readyz":
                    assert response["content"] == (envelope if path in openai else problem)


def test_every_reference_of_the_description_resolves(client: TestClient) -> None:
    response = client.get("/openapi.json")
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', response.text))
    assert "ArticleIn" in names
    assert names <= set(response.json()["components"]["schemas"])


def test_the_page_of_routes_needs_no_script_and_no_network(client: TestClient) -> None:
    response = client.get("/docs")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "POST /v1/chat" in response.text
    assert "<script" not in response.text
    assert "//" not in response.text
