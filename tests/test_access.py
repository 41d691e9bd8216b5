"""Where a server may listen, what it answers to there, and what it tells browsers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import ValidationError

from api.app import create_app
from api.auth import Keys
from api.guards.access import check_exposure, is_loopback
from rag.catalog import open_engine
from rag.errors import ConfigurationError
from rag.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Serve = Callable[..., TestClient]


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    engine = open_engine(f"sqlite:///{tmp_path / 'keys.sqlite3'}")
    yield Keys(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server with these settings; with the same ones again it is the same server."""
    running: dict[str, TestClient] = {}

    def served(**fields: object) -> TestClient:
        name = repr(fields)
        if name not in running:
            settings = Settings(data_dir=tmp_path_factory.mktemp("data"), **fields)  # type: ignore[arg-type] # checked there
            running[name] = TestClient(create_app(settings)).__enter__()
        return running[name]

    yield served
    for client in running.values():
        client.__exit__(None, None, None)


def search(client: TestClient, **headers: str) -> Response:
    return client.post("/v1/search", json={"query": "bridge"}, headers=headers)


# -- whom a server may listen to --------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "localhost.evil.example"])  # noqa: S104
def test_other_machines_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "auth", "told"),
    [
        ("0.0.0.0", "auto", "Either make one with `dateline keys create"),  # noqa: S104
        ("0.0.0.0", "on", "there is none"),  # noqa: S104
        ("127.0.0.1", "on", "there is none"),
    ],
)
def test_a_server_that_nobody_guards_is_refused(
    keys: Keys, host: str, auth: str, told: str
) -> None:
    settings = Settings(host=host, auth=auth)
    with pytest.raises(ConfigurationError, match=told):
        check_exposure(settings, keys)
    keys.create("a", ("read",), now=NOW)
    check_exposure(settings, keys)


def test_a_server_on_loopback_needs_no_key(keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    check_exposure(Settings(), keys)
    check_exposure(Settings(auth="off"), keys)
    assert caplog.messages == []


def test_a_server_that_is_to_be_open_is_warned_of_once(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    check_exposure(Settings(host="0.0.0.0", auth="off"), keys)  # noqa: S104
    assert caplog.messages == [
        "DATELINE_AUTH=off: everyone who reaches 0.0.0.0:8321 may read, write and delete"
    ]


# -- names and origins ------------------------------------------------------------------------

HERE = ["127.0.0.1:8321", "localhost", "LOCALHOST:1", "[::1]:8321", "desk.localhost", ""]
ELSEWHERE = [
    *("evil.example", "evil.example:8321", "127.0.0.1.evil.example", "localhost.evil.example"),
    *("0.0.0.0:8321", "10.0.0.1", "x/web/?", "localhost@evil"),
]


@pytest.mark.parametrize("host", HERE)
def test_without_keys_the_names_of_this_machine_are_answered(serve: Serve, host: str) -> None:
    assert search(serve(), Host=host).status_code == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_without_keys_another_name_is_somebody_rebinding_it(serve: Serve, host: str) -> None:
    response = search(serve(), Host=host)
    assert (response.status_code, response.json()["code"]) == (421, "wrong_host")


def test_health_is_told_under_any_name(serve: Serve) -> None:
    assert serve().get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_names_that_the_operator_lists_are_answered_and_then_no_others(serve: Serve) -> None:
    client = serve(allowed_hosts="News.example, desk.example", auth="off")
    assert search(client, Host="desk.example:443").status_code == 200
    assert search(client, Host="news.example").status_code == 200
    assert search(client, Host="localhost").status_code == 200
    assert search(client, Host="evil.example").status_code == 421


def test_with_keys_the_key_decides_and_not_the_name(serve: Serve) -> None:
    assert search(serve(auth="off"), Host="evil.example").status_code == 200
    assert search(serve(auth="on"), Host="evil.example").status_code == 401


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://testserver:1", "http://testserver.evil.example", ""],
)
def test_without_keys_a_page_from_elsewhere_changes_nothing(serve: Serve, origin: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        response = serve().request(method, "/v1/documents/x", headers={"Origin": origin})
        assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")
    assert serve().get("/v1/documents", headers={"Origin": origin}).status_code == 200


def test_the_page_of_this_server_may_ask(serve: Serve) -> None:
    assert search(serve(), Origin="http://testserver").status_code == 200


# -- what browsers are told -------------------------------------------------------------------

DESK = "https://desk.example"


def test_no_other_origin_is_let_in_unless_it_is_listed(serve: Serve) -> None:
    response = serve().get("/v1/documents", headers={"Origin": DESK})
    assert not [name for name in response.headers if name.startswith("access-control-")]


def test_a_listed_origin_may_ask_and_read_what_a_client_needs(serve: Serve) -> None:
    client = serve(cors_origins=DESK)
    asked = {"Origin": DESK, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization, content-type"
    before = client.options("/v1/search", headers=asked)
    assert (before.status_code, before.headers["Access-Control-Allow-Origin"]) == (200, DESK)
    response = search(client, Origin=DESK)
    assert response.status_code == 200
    told = {name: value for name, value in response.headers.items() if name.startswith("access")}
    assert told == {
        "access-control-allow-origin": DESK,
        "access-control-expose-headers": "X-Request-ID, RateLimit, RateLimit-Policy, Retry-After",
    }
    assert (
        "Access-Control-Allow-Origin" not in search(client, Origin="https://evil.example").headers
    )


def test_a_listed_origin_can_read_why_it_was_refused(serve: Serve) -> None:
    response = search(serve(cors_origins=DESK, auth="on"), Origin=DESK)
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == DESK


@pytest.mark.parametrize("origin", ["*", "desk.example", f"{DESK}/", f"{DESK}, *", "null"])
def test_what_is_no_exact_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        Settings(cors_origins=origin)


@pytest.mark.parametrize("path", ["/healthz", "/v1/documents", "/v1/nothing", "/v1/documents/%00"])
def test_every_answer_tells_browsers_to_make_nothing_else_of_it(serve: Serve, path: str) -> None:
    told = serve().get(path).headers
    assert {name: told.get(name) for name in SECURITY} == SECURITY
    assert told.get("Cache-Control") == ("no-store" if path.startswith("/v1/") else None)


SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def test_refusals_and_accidents_have_the_headers_too(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(auth="on")
    monkeypatch.setattr(Keys, "find", None)
    assert isinstance(client.app, FastAPI)
    quiet = TestClient(client.app, raise_server_exceptions=False)
    broken = search(quiet, Authorization="Bearer x")
    assert (search(client).status_code, broken.status_code) == (401, 500)
    for response in (search(client), broken):
        assert {name: response.headers.get(name) for name in SECURITY} == SECURITY


def test_a_page_keeps_the_policy_it_sets_itself(serve: Serve) -> None:
    told = serve().get("/docs").headers["Content-Security-Policy"]
    assert told == "default-src 'none'; style-src 'unsafe-inline'"
