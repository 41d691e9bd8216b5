"""Who may come in, and with what: every route against every key, and the ways around them."""

import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from api.auth import Key, Keys, Made, Scope
from api.guards.access import needed
from api.openai.envelope import is_enveloped
from rag.catalog import open_engine
from rag.errors import DependencyError, NotFound
from rag.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPEN = {"/", "/docs", "/openapi.json", "/healthz", "/readyz"}
# Method and path of every route, and of those to come; a new one has to be entered here.
NEEDED: dict[str, Scope] = {
    "POST /v1/chat": "read",
    "GET /v1/chat/{message_id}/events": "read",
    "POST /v1/chat/completions": "read",
    "GET /v1/models": "read",
    "GET /v1/models/{model}": "read",
    "POST /v1/search": "read",
    "GET /v1/citations/{citation_id}": "read",
    "POST /v1/sessions": "read",
    "GET /v1/sessions": "read",
    "GET /v1/sessions/{session_id}": "read",
    "PATCH /v1/sessions/{session_id}": "read",
    "DELETE /v1/sessions/{session_id}": "read",
    "POST /v1/feedback": "read",
    "GET /metrics": "read",
    "GET /v1/sources": "read",
    "GET /v1/documents": "read",
    "GET /v1/documents/{article_id}": "read",
    "GET /v1/documents/{article_id}/passages": "read",
    "POST /v1/documents": "write",
    "PUT /v1/documents/{article_id}": "write",
    "DELETE /v1/documents/{article_id}": "write",
    "DELETE /v1/documents": "admin",
}


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    engine = open_engine(f"sqlite:///{tmp_path / 'keys.sqlite3'}")
    yield Keys(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that has the keys of `tokens`."""
    data_dir = tmp_path_factory.mktemp("data")
    app = create_app(Settings(data_dir=data_dir, rate_limit="off"))
    with TestClient(app, client=("198.51.100.7", 1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def tokens(client: TestClient) -> dict[str, str]:
    made = keys_of(client)
    scopes: tuple[Scope, ...] = ("read", "write", "admin")
    return {scope: made.create(scope, (scope,), now=NOW).token for scope in scopes}


@pytest.fixture
def open_client(tmp_path: Path) -> Iterator[TestClient]:
    """A server for which no key was ever made."""
    with TestClient(create_app(Settings(data_dir=tmp_path))) as opened:
        yield opened


def keys_of(client: TestClient) -> Keys:
    assert isinstance(client.app, FastAPI)
    found: Keys = client.app.state.keys
    return found


def elsewhere(client: TestClient, number: int) -> TestClient:
    """The same server asked from another address, which has refusals of its own to spend."""
    return TestClient(client.app, client=(f"192.0.2.{number}", 1))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def search(client: TestClient, **headers: str) -> Response:
    return client.post("/v1/search", json={"query": "bridge"}, headers=headers)


# -- keys -------------------------------------------------------------------------------------


def test_a_key_names_its_caller(keys: Keys) -> None:
    made = keys.create("newsroom", ("write", "read"), now=NOW)
    found = keys.find(made.token, now=NOW)
    assert found.caller == (made.key.id, frozenset(("read", "write")))
    assert (found.refusal, found.key_id) == (None, made.key.id)


def test_a_key_is_described_without_its_secret(keys: Keys) -> None:
    made = keys.create("newsroom", ("read",), now=NOW, expires_at=NOW + timedelta(days=90))
    assert made.key == Key(
        id=made.token.split("_")[1],
        name="newsroom",
        scopes=("read",),
        created_at=NOW,
        expires_at=NOW + timedelta(days=90),
        last_used_at=None,
        revoked_at=None,
    )
    assert keys.all() == [made.key]


def test_a_token_has_256_bits_behind_a_prefix_that_scanners_find(keys: Keys) -> None:
    token = keys.create("a", ("read",), now=NOW).token
    assert re.fullmatch(r"dl_[0-9a-f]{12}_[0-9a-f]{64}", token)
    assert token != keys.create("a", ("read",), now=NOW).token


def test_the_secret_is_nowhere_in_the_database(keys: Keys, tmp_path: Path) -> None:
    secret = keys.create("a", ("read",), now=NOW).token.split("_")[2]
    with sqlite3.connect(tmp_path / "keys.sqlite3") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "api_keys" in dump
    assert secret not in dump


def spoiled(made: Made) -> dict[str, str]:
    head, key_id, secret = made.token.split("_")
    other = "0" if secret[-1] != "0" else "1"
    return {
        "wrong_secret": f"{head}_{key_id}_{secret[:-1]}{other}",
        "unknown": f"{head}_{'0' * 12}_{secret}",
        "malformed": made.token[:-1],
    }


@pytest.mark.parametrize("why", ["wrong_secret", "unknown", "malformed"])
def test_a_spoiled_token_names_nobody(keys: Keys, why: str) -> None:
    made = keys.create("a", ("read",), now=NOW)
    found = keys.find(spoiled(made)[why], now=NOW)
    assert (found.caller, found.refusal) == (None, why)


@pytest.mark.parametrize("token", ["", "dl_", "Ω" * 80, "dl_" + "0" * 12 + "_" + "é" * 64])
def test_what_is_no_token_names_nobody(keys: Keys, token: str) -> None:
    assert keys.find(token, now=NOW) == (None, "malformed", None, False)


def test_a_key_ends_at_its_moment(keys: Keys) -> None:
    end = NOW + timedelta(hours=12)
    token = keys.create("a", ("read",), now=NOW, expires_at=end).token
    assert keys.find(token, now=end - timedelta(seconds=1)).refusal is None
    assert keys.find(token, now=end).refusal == "expired"


def test_a_revoked_key_is_of_no_use_and_stays_listed(keys: Keys) -> None:
    made = keys.create("a", ("read",), now=NOW)
    keys.revoke(made.key.id, now=NOW)
    keys.revoke(made.key.id, now=NOW + timedelta(days=1))
    assert keys.find(made.token, now=NOW).refusal == "revoked"
    assert [key.revoked_at for key in keys.all()] == [NOW]
    assert keys.ever()


def test_a_key_that_does_not_exist_cannot_be_revoked(keys: Keys) -> None:
    with pytest.raises(NotFound, match="no key has the id 'x'"):
        keys.revoke("x", now=NOW)


def test_the_use_of_a_key_is_noted_once_a_minute(keys: Keys) -> None:
    made = keys.create("a", ("read",), now=NOW)
    for after_s, noted_s, due in ((0, 0, True), (59, 0, False), (60, 60, True)):
        moment = NOW + timedelta(seconds=after_s)
        assert keys.find(made.token, now=moment).note_use is due
        keys.note_use(made.key.id, now=moment)
        assert keys.all()[0].last_used_at == NOW + timedelta(seconds=noted_s)


def test_keys_that_cannot_be_read_are_a_dependency_that_fails(tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite3").write_bytes(b"no database" * 1_000)
    engine = open_engine(f"sqlite:///{tmp_path / 'keys.sqlite3'}")
    with pytest.raises(DependencyError, match="keys cannot be read"):
        Keys(engine)
    engine.dispose()


# -- what is asked for ------------------------------------------------------------------------


def routes(client: TestClient) -> list[tuple[str, str]]:
    paths = client.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def test_every_route_is_in_the_table_of_what_it_needs(client: TestClient) -> None:
    found = [route for route in routes(client) if route[1] not in OPEN]
    assert len(found) >= 10
    for method, path in found:
        assert needed(method, path) == NEEDED[f"{method} {path}"]


def test_every_route_refuses_who_has_no_key_and_who_has_too_little(
    client: TestClient, tokens: dict[str, str]
) -> None:
    held = {"read": {"read"}, "write": {"write"}, "admin": {"read", "write", "admin"}}
    for method, path in routes(client):
        if path in OPEN:
            continue
        address = re.sub(r"\{\w+\}", "none", path)
        refused = client.request(method, address)
        body = refused.json()
        code = body["error"]["code"] if is_enveloped(path) else body["code"]
        assert (refused.status_code, code) in (
            (401, "unauthorized"),
            (401, "invalid_api_key"),
            (429, "rate_limited"),
            (429, "rate_limit_exceeded"),
        )
        for name, token in tokens.items():
            allowed = NEEDED[f"{method} {path}"] in held[name]
            response = client.request(method, address, headers=bearer(token))
            assert (response.status_code in (401, 403)) is not allowed, (method, path, name)


@pytest.mark.parametrize("path", sorted(OPEN - {"/"}))
def test_health_and_description_are_open(
    client: TestClient, tokens: dict[str, str], path: str
) -> None:
    assert tokens
    assert client.get(path).status_code == 200


def test_a_missing_key_is_a_problem_that_says_what_to_send(
    client: TestClient, tokens: dict[str, str]
) -> None:
    assert tokens
    response = search(elsewhere(client, 1), **{"X-Request-ID": "req-1"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json() == {
        "type": "urn:dateline:error:unauthorized",
        "title": "Unauthorized",
        "status": 401,
        "detail": "This needs a valid API key, sent as `Authorization: Bearer dl_…`.",
        "instance": "/v1/search",
        "code": "unauthorized",
        "request_id": "req-1",
        "retryable": False,
    }


def test_no_refusal_tells_which_it_is_and_the_log_does(
    client: TestClient, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert tokens
    caplog.set_level(logging.INFO, logger="dateline")
    made = keys_of(client).create("a", ("read",), now=NOW)
    revoked = keys_of(client).create("b", ("read",), now=NOW)
    keys_of(client).revoke(revoked.key.id, now=NOW)
    expired = keys_of(client).create("c", ("read",), now=NOW, expires_at=NOW)
    sent = {name: f"Bearer {token}" for name, token in spoiled(made).items()}
    sent |= {"revoked": f"Bearer {revoked.token}", "expired": f"Bearer {expired.token}"}
    other = elsewhere(client, 2)
    answers = {json.dumps(search(other, **{"X-Request-ID": "req-1"}).json())}
    for header in sent.values():
        response = search(other, Authorization=header, **{"X-Request-ID": "req-1"})
        answers.add(json.dumps(response.json()))
    assert len(answers) == 1
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["refused"] for line in lines] == ["missing", *sent]
    known = [line.get("key") for line in lines]
    assert known == [None, made.key.id, None, None, revoked.key.id, expired.key.id]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic {token}", "{token}", "Bearer {token} x", "Bearer {token},"],
)
def test_a_header_that_is_no_bearer_token_is_refused(
    client: TestClient, tokens: dict[str, str], header: str
) -> None:
    sent = header.format(token=tokens["read"])
    assert search(elsewhere(client, 3), Authorization=sent).status_code == 401


def test_two_authorizations_are_none(client: TestClient, tokens: dict[str, str]) -> None:
    twice = [("Authorization", f"Bearer {tokens['read']}")] * 2
    response = elsewhere(client, 4).post("/v1/search", json={"query": "x"}, headers=twice)
    assert response.status_code == 401


def test_the_scheme_may_be_written_as_one_likes(client: TestClient, tokens: dict[str, str]) -> None:
    assert search(client, Authorization=f"bEARER {tokens['read']}").status_code == 200


def test_a_key_without_the_scope_is_told_which_it_needs(
    client: TestClient, tokens: dict[str, str]
) -> None:
    response = client.delete("/v1/documents/x", headers=bearer(tokens["read"]))
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert response.json()["detail"] == "This needs a key with the scope 'write'."
    challenge = 'Bearer error="insufficient_scope", scope="write"'
    assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("host", ["x/web/?", "x/healthz?", "x/docs#", "localhost/web/", "@x/web/?"])
def test_a_host_that_looks_like_an_open_path_opens_nothing(
    client: TestClient, tokens: dict[str, str], host: str
) -> None:
    assert tokens
    assert search(elsewhere(client, 5), Host=host).status_code == 401


@pytest.mark.parametrize("path", ["/web/..%2Fv1/documents", "/web/%2E%2E/v1/documents", "/web/"])
def test_a_path_that_begins_like_an_open_one_leads_to_nothing_closed(
    client: TestClient, tokens: dict[str, str], path: str
) -> None:
    assert tokens
    assert "documents" not in elsewhere(client, 6).get(path).json()


def test_the_line_of_a_request_names_its_key(
    client: TestClient, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="dateline")
    search(client, **bearer(tokens["read"]))
    [line] = [json.loads(record.message) for record in caplog.records]
    assert line["key"] == tokens["read"].split("_")[1]


def test_a_use_is_noted_behind_the_answer(client: TestClient, tokens: dict[str, str]) -> None:
    search(client, **bearer(tokens["read"]))
    used = {key.id: key.last_used_at for key in keys_of(client).all()}
    assert used[tokens["read"].split("_")[1]] is not None


def test_uses_are_not_noted_one_by_one_while_the_database_is_busy(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def busy(_: Keys, key_id: str, **__: object) -> None:
        tried.append(key_id)
        raise DependencyError("database is locked")

    token = keys_of(client).create("busy", ("read",), now=NOW).token
    monkeypatch.setattr(Keys, "note_use", busy)
    assert [search(client, **bearer(token)).status_code for _ in range(3)] == [200] * 3
    assert tried == [token.split("_")[1]]
    assert "database is locked" in caplog.messages


def test_keys_that_cannot_be_read_let_nobody_in(
    client: TestClient, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DependencyError("the keys cannot be read or written")

    monkeypatch.setattr(Keys, "find", fail)
    response = search(client, **bearer(tokens["read"]))
    assert (response.status_code, response.json()["code"]) == (503, "dependency_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert client.get("/healthz").status_code == 200


def test_the_first_key_closes_a_running_server_and_its_end_does_not_open_it(
    open_client: TestClient,
) -> None:
    assert search(open_client).status_code == 200
    made = keys_of(open_client).create("first", ("read",), now=NOW)
    assert search(open_client).status_code == 401
    assert search(open_client, **bearer(made.token)).status_code == 200
    keys_of(open_client).revoke(made.key.id, now=NOW)
    assert search(open_client, **bearer(made.token)).status_code == 401
    assert search(open_client).status_code == 401


def test_off_asks_for_no_key_and_on_asks_for_one_before_there_is_any(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path, auth="off"))) as client:
        keys_of(client).create("a", ("read",), now=NOW)
        assert search(client).status_code == 200
    with TestClient(create_app(Settings(data_dir=tmp_path / "on", auth="on"))) as client:
        assert search(client).status_code == 401


def test_the_description_declares_the_key_and_what_a_refusal_looks_like(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "dl_…",
        "description": "made with `dateline keys create`; x-scope says which scope a request needs",
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            asked = path not in OPEN
            assert ("security" in operation) is asked
            assert operation.get("x-scope") == NEEDED.get(f"{method.upper()} {path}")
            assert ({"401", "403", "421", "429"} <= set(operation["responses"])) is asked
            if "requestBody" in operation:
                assert {"408", "413"} <= set(operation["responses"])
