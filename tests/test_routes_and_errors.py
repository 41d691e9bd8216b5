"""Every route and every failure that it declares: each can come about, and no other does.

A new route needs an entry in `VALID`, a new status a way to bring it about in `STAGED`.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.types import Message

from api.app import create_app
from api.deps import Services
from api.errors import Problem
from api.guards.access import needed
from api.openai.envelope import Envelope, is_enveloped
from api.routes.reference import document, table
from api.schemas.health import Readiness
from api.watch.readiness import Probe
from rag.errors import DependencyError
from rag.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# What each operation answers without a failure; ids in an address are those of nothing.
VALID: dict[tuple[str, str], Any] = {  # Any: JSON
    ("GET", "/v1/citations/{citation_id}"): None,
    ("GET", "/v1/documents"): None,
    ("GET", "/v1/sources"): None,
    ("DELETE", "/v1/documents"): None,
    ("POST", "/v1/documents"): {"title": "Flood", "text": "The Hallow Bridge was closed."},
    ("GET", "/v1/documents/{article_id}"): None,
    ("DELETE", "/v1/documents/{article_id}"): None,
    ("PUT", "/v1/documents/{article_id}"): {"text": "The Hallow Bridge was closed."},
    ("GET", "/v1/documents/{article_id}/passages"): None,
    ("POST", "/v1/chat"): {"message": "Who closed the bridge?"},
    ("GET", "/v1/chat/{message_id}/events"): None,
    ("POST", "/v1/search"): {"query": "bridge"},
    ("POST", "/v1/sessions"): {"title": "Bridges"},
    ("GET", "/v1/sessions"): None,
    ("GET", "/v1/sessions/{session_id}"): None,
    ("PATCH", "/v1/sessions/{session_id}"): {"title": "Bridges"},
    ("DELETE", "/v1/sessions/{session_id}"): None,
    ("POST", "/v1/feedback"): {"message_id": "msg_0", "rating": "up"},
    ("POST", "/v1/chat/completions"): {
        "model": "dateline",
        "messages": [{"role": "user", "content": "Who closed the bridge?"}],
    },
    ("GET", "/v1/models"): None,
    ("GET", "/v1/models/{model}"): None,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
}
# What has to be said for a body to name something that is not there.
NAMES_NOTHING: dict[tuple[str, str], dict[str, object]] = {
    ("POST", "/v1/chat"): {"session_id": "nothing"},
    ("POST", "/v1/chat/completions"): {"session_id": "nothing"},
}
QUERY = {("DELETE", "/v1/documents"): {"source": "ledger.example"}}
IDS = {
    "article_id": "nothing",
    "citation_id": "cit_nothing.0e3ff56d53bc.4-9",
    "message_id": "msg_0",
    "session_id": "nothing",
    "model": "nothing",
}


class Operation(NamedTuple):
    """One operation, and what the OpenAPI document says of it."""

    method: str
    path: str
    declared: dict[str, Any]  # Any: JSON
    has_body: bool

    @property
    def body(self) -> Any:  # Any: JSON
        return VALID[self.method, self.path]

    @property
    def address(self) -> str:
        # What is put is there afterwards.
        ids = IDS | ({"article_id": "flood"} if self.method == "PUT" else {})
        return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], self.path)


class Broken:
    """Something of which everything can be taken and nothing works."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> "Broken":
        return Broken(self.error)

    def __call__(self, *_: object, **__: object) -> None:
        raise self.error

    def __str__(self) -> str:
        raise self.error


class Servers(NamedTuple):
    """An app that is open, one that asks for keys and one that answers one request an hour."""

    open: TestClient
    guarded: TestClient
    limited: TestClient
    keys: dict[str, str]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as running:

        def started(**chosen: Any) -> TestClient:
            app = create_app(Settings(data_dir=tmp_path_factory.mktemp("data"), **chosen))
            client = TestClient(app, raise_server_exceptions=False)
            return running.enter_context(client)

        guarded = started(auth="on", body_timeout_s=0.05, rate_limit="off")
        made = guarded.app.state.keys  # type: ignore[attr-defined] # FastAPI's state
        keys = {s: made.create(s, (s,), now=NOW).token for s in ("read", "write", "admin")}
        limited = started(rate_limit="1/hour")
        limited.get("/v1/documents")
        yield Servers(started(rate_limit="off"), guarded, limited, keys)


def operations() -> list[Operation]:
    made = document(create_app(Settings()))
    return [
        Operation(method.upper(), path, said["responses"], "requestBody" in said)
        for path, methods in made["paths"].items()
        for method, said in methods.items()
    ]


def sent(client: TestClient, one: Operation, **options: Any) -> Response:
    given = {"params": QUERY.get((one.method, one.path)), "json": one.body} | options
    return client.request(one.method, one.address, **given)


# -- how each failure comes about -------------------------------------------------------------


def malformed(servers: Servers, one: Operation) -> Response:
    if not one.has_body:
        return impossible(servers, one)
    headers = {"Content-Type": "application/json"}
    return sent(servers.open, one, json=None, content=b"{", headers=headers)


def without_key(servers: Servers, one: Operation) -> Response:
    return sent(servers.guarded, one)


def with_another_scope(servers: Servers, one: Operation) -> Response:
    scope = "write" if needed(one.method, one.path) == "read" else "read"
    headers = {"Authorization": f"Bearer {servers.keys[scope]}"}
    return sent(servers.guarded, one, headers=headers)


def of_nothing(servers: Servers, one: Operation) -> Response:
    added = NAMES_NOTHING.get((one.method, one.path), {})
    return sent(servers.open, one, json=one.body and one.body | added)


def too_slow(servers: Servers, one: Operation) -> Response:
    """Send the head of a request whose body never comes."""
    if not one.has_body:
        return sent(servers.open, one)
    got: list[Message] = []
    headers = {
        "host": "testserver",
        "content-type": "application/json",
        "content-length": "9",
        "authorization": f"Bearer {servers.keys['admin']}",
    }
    scope = {"type": "http", "method": one.method, "path": one.address, "query_string": b""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        got.append(message)

    asyncio.run(servers.guarded.app(scope, receive, send))  # type: ignore[arg-type] # a coroutine
    body = b"".join(message.get("body", b"") for message in got)
    return Response(got[0]["status"], headers=got[0]["headers"], content=body)


def too_large(servers: Servers, one: Operation) -> Response:
    if not one.has_body:
        return sent(servers.open, one)
    return sent(servers.open, one, headers={"Content-Length": "99999999"})


def elsewhere(servers: Servers, one: Operation) -> Response:
    return sent(servers.open, one, headers={"Host": "evil.example"})


def impossible(servers: Servers, one: Operation) -> Response:
    address = re.sub(r"\{\w+\}", "%00", one.path)
    body = {"stream": "perhaps"} if one.has_body else None
    params = {"limit": "0", "dry_run": "perhaps"}
    return servers.open.request(one.method, address, params=params, json=body)


def too_often(servers: Servers, one: Operation) -> Response:
    return sent(servers.limited, one)


def broken(error: Exception) -> Callable[[Servers, Operation], Response]:
    def stage(servers: Servers, one: Operation) -> Response:
        app: Any = servers.open.app
        whole: Services = app.state.services
        names = {field.name for field in fields(whole)} - {"metrics", "questions", "writes"}
        # Any: none of them is what it says.
        broke: Any = {name: Broken(error) for name in names}
        broke["probe"] = Probe(broke["index"])
        app.state.services = replace(whole, **broke)
        try:
            return sent(servers.open, one)
        finally:
            app.state.services = whole

    return stage


STAGED: dict[int, Callable[[Servers, Operation], Response]] = {
    400: malformed,
    401: without_key,
    403: with_another_scope,
    404: of_nothing,
    408: too_slow,
    413: too_large,
    421: elsewhere,
    422: impossible,
    429: too_often,
    500: broken(RuntimeError("the secret text")),
    503: broken(DependencyError("the secret text")),
}


@pytest.mark.parametrize("one", operations(), ids=lambda one: f"{one.method} {one.path}")
def test_every_failure_that_a_route_declares_comes_about_and_no_other(
    servers: Servers, one: Operation
) -> None:
    failures = {int(status) for status in one.declared if int(status) >= 400}
    assert failures <= set(STAGED)
    for status, stage in STAGED.items():
        response = stage(servers, one)
        assert str(response.status_code) in one.declared, (status, response.text)
        if status in failures:
            assert response.status_code == status, response.text
            assert_shaped(response, one)


def assert_shaped(response: Response, one: Operation) -> None:
    status = response.status_code
    declared = one.declared[str(status)]
    [media_type] = declared["content"]
    assert all(name in response.headers for name in declared.get("headers", ()))
    assert response.headers["Content-Type"] == media_type
    assert response.headers["X-Request-ID"]
    body = response.json()
    assert "secret" not in response.text
    if one.path == "/readyz":  # it is there to say what is the matter
        assert Readiness.model_validate(body).status == "not_ready"
        return
    assert ("Retry-After" in response.headers) == (status in (429, 503))
    if is_enveloped(one.path):
        assert Envelope.model_validate(body).model_dump() == body
        return
    problem = Problem.model_validate(body)
    assert problem.model_dump(exclude_none=True, mode="json") == body
    assert problem.status == status
    assert problem.instance in (one.address, re.sub(r"\{\w+\}", "\0", one.path))


def test_every_operation_has_a_valid_request() -> None:
    assert {(one.method, one.path) for one in operations()} == set(VALID)


@pytest.mark.parametrize("one", operations(), ids=lambda one: f"{one.method} {one.path}")
def test_the_valid_requests_are_valid(servers: Servers, one: Operation) -> None:
    """Otherwise a failure might come about for another reason than the one that was staged."""
    expected = {404} if "404" in one.declared and not one.has_body else {200, 201}
    expected |= {404} if one.path in ("/v1/feedback", "/v1/sessions/{session_id}") else set()
    assert sent(servers.open, one).status_code in expected


def test_the_table_names_every_route_and_every_failure() -> None:
    made = table(document(create_app(Settings())))
    head, _, *rows = made.splitlines()
    assert head == "| | " + " | ".join(map(str, sorted(STAGED))) + " |"
    assert len(rows) == len(VALID)
    assert "| `GET /healthz` | | | | | | | | | | | |" in rows
    assert "| `GET /readyz` | | | | | | | | | | | ✓ |" in rows
