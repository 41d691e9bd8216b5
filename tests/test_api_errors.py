"""Whatever is sent, the answer is a problem that a program can read, and never a 500."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.types import Message

from api import errors
from api.app import create_app
from api.guards.limits import BodyLimit
from api.openai.envelope import is_enveloped
from api.watch import logs
from api.watch.metrics import Metrics
from rag.errors import DatelineError, DependencyError, InputError
from rag.settings import Settings

ARTICLE = {
    "id": "hallow-1",
    "title": "Hallow Bridge closes after flood",
    "text": "The Hallow Bridge was closed on Tuesday. Mayor Ida Quell blamed the water board.",
    "source": "ledger.example",
    "published_at": "2021-05-04",
}
LIMIT_BYTES = 600_000
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data_dir = tmp_path_factory.mktemp("data")
    app = create_app(Settings(data_dir=data_dir, max_body_bytes=LIMIT_BYTES))
    with TestClient(app, raise_server_exceptions=False) as opened:
        assert opened.post("/v1/documents", json=ARTICLE).status_code == 201
        yield opened


BODIES = {
    "nothing": b"",
    "half an object": b'{"message": ',
    "a list": b"[]",
    "null": b"null",
    "a number": b"17",
    "a string": b'"who?"',
    "not a number": b"NaN",
    "infinity in a field": b'{"message": -Infinity}',
    "no text at all": b"\xff\xfe\x00",
    "invalid UTF-8": b'{"message": "\xc3\x28"}',
    "an encoded surrogate": b'{"message": "\xed\xa0\x80", "text": "\xed\xa0\x80"}',
    "an escaped surrogate": rb'{"message": "\ud800", "query": "\ud800", "text": "\ud800"}',
    "a surrogate as a name": rb'{"\ud800": 1}',
    "a pointer as a name": b'{"a/b~c": 1}',
    "a deep list": b"[" * 100_000,
    "a deep object": b'{"a":' * 100_000,
    "a list as deep as is read": b'{"messages": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a number of 5,000 digits": b'{"k": ' + b"9" * 5_000 + b"}",
    "a number of 400 digits": b'{"k": ' + b"9" * 400 + b', "query": "x"}',
    "50,000 unknown fields": json.dumps({f"f{i}": i for i in range(30_000)}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/search"),
        ("POST", "/v1/documents"),
        ("PUT", "/v1/documents/x"),
        ("DELETE", "/v1/documents"),
    ],
)
def test_a_body_that_makes_no_sense_is_a_problem(
    client: TestClient, method: str, path: str, body: bytes
) -> None:
    response = client.request(method, path, content=body, headers=JSON)
    assert_refused(response)
    assert len(response.content) < 20_000


def test_every_route_answers_bad_parameters_with_a_problem(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, said in operations.items():
            if not {"parameters", "requestBody"} & set(said):
                continue  # it ignores what it does not know
            response = client.request(
                method,
                re.sub(r"\{\w+\}", "%00", path),
                params={"limit": "0", "dry_run": "perhaps", "unknown": "\ufffd"},
                content=b"{" if method in ("post", "put", "patch") else None,
                headers=JSON,
            )
            assert_refused(response)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=201",
        "limit=1e9",
        "limit=NaN",
        "limit=" + "9" * 5_000,
        "cursor=%21%21%21",
        "cursor=AA",
        "cursor=_w",
        "cursor=" + "A" * 3_000,
        "published_after=2020",
        "published_after=yesterday",
        "published_after=%2B99999",
        "published_after=0001-01-01T00:00:00%2B14:00",
        "published_after=9999-12-31T23:59:59-12:00",
        "published_after=2020-01-01T00:00:00%2B99:00",
        "published_after=2021-01-01&published_before=2020-01-01",
        "as_of=10000-01-01",
        "source=",
        "source=%00",
        "source=" + "a" * 301,
        "&".join(["article_id=a"] * 1_001),
        "unknown=1",
        "sources=ledger.example",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_filter_that_makes_no_sense_is_a_problem(
    client: TestClient, method: str, query: str
) -> None:
    response = client.request(method, f"/v1/documents?{query}")
    assert_refused(response)
    assert response.status_code == 422


@pytest.mark.parametrize(
    "path",
    ["%00", "%ff", "a%2Fb", "..%2F..%2Fetc", "a%20b", "%E2%80%AE", "%F0%9F%8C%8A", "x" * 5_000],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_id_that_no_article_can_have_is_a_problem(
    client: TestClient, method: str, path: str
) -> None:
    response = client.request(method, f"/v1/documents/{path}")
    assert_refused(response)
    assert response.status_code in (404, 422)


@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999"])
@pytest.mark.parametrize("name", ["published_after", "published_before", "as_of"])
@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
def test_a_filter_at_the_end_of_the_calendar_is_answered(
    client: TestClient, name: str, moment: str, mode: str
) -> None:
    body = {"query": "bridge", "filters": {name: moment}, "mode": mode}
    response = client.post("/v1/search", json=body)
    assert response.status_code == 200
    future = moment.startswith("9999")
    assert len(response.json()["hits"]) == int(future != (name == "published_after"))


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
def test_a_thousand_sources_are_answered(client: TestClient, mode: str) -> None:
    sources = [f"{i}.example" for i in range(999)]
    filters = {"sources": [*sources, "ledger.example"], "article_ids": [*sources, "hallow-1"]}
    response = client.post("/v1/search", json={"query": "bridge", "filters": filters, "mode": mode})
    assert [hit["article_id"] for hit in response.json()["hits"]] == ["hallow-1"]


@pytest.mark.parametrize(
    "question",
    [
        "?",
        "\u200b",
        "\ufdfd" * 4_000,
        "a" * 4_000,
        "🌊" * 4_000,
        "AND OR NOT (",
        "' OR 1=1 --",
    ],
)
def test_a_strange_question_is_answered(client: TestClient, question: str) -> None:
    for body in ({"message": question}, {"message": question, "retrieval": {"min_confidence": 0}}):
        response = client.post("/v1/chat", json=body)
        assert response.status_code == 200


NULS: dict[str, tuple[str, str, dict[str, object]]] = {
    "a question": ("POST", "/v1/chat", {"message": "who\0?"}),
    "a query": ("POST", "/v1/search", {"query": "\0"}),
    "a new title": ("POST", "/v1/sessions", {"title": "a\0"}),
    "another title": ("PATCH", "/v1/sessions/s1", {"title": "a\0"}),
    "a message id": ("POST", "/v1/feedback", {"message_id": "msg_\0", "rating": "up"}),
    "a comment": ("POST", "/v1/feedback", {"message_id": "m", "rating": "up", "comment": "\0"}),
    "a reason": ("POST", "/v1/feedback", {"message_id": "m", "rating": "up", "reasons": ["\0"]}),
}


@pytest.mark.parametrize("name", NULS)
def test_a_character_that_no_database_stores_is_refused(client: TestClient, name: str) -> None:
    method, path, body = NULS[name]
    response = client.request(method, path, json=body)
    assert_refused(response)
    assert response.status_code == 422
    assert "holds a NUL character" in response.json()["detail"]


def test_the_problem_is_written_whole(client: TestClient) -> None:
    body = {"query": " ", "k": 0, "filters": {"sources": [1]}}
    response = client.post("/v1/search", json=body, headers={"X-Request-ID": "req-7"})
    assert response.json() == {
        "type": "urn:dateline:error:invalid_input",
        "title": "Invalid input",
        "status": 422,
        "detail": "/query: String should have at least 1 character; "
        "/k: Input should be greater than or equal to 1; "
        "/filters/sources/0: Input should be a valid string",
        "instance": "/v1/search",
        "code": "invalid_input",
        "request_id": "req-7",
        "retryable": False,
        "errors": [
            {"pointer": "/query", "message": "String should have at least 1 character"},
            {"pointer": "/k", "message": "Input should be greater than or equal to 1"},
            {"pointer": "/filters/sources/0", "message": "Input should be a valid string"},
        ],
    }


def test_a_pointer_escapes_what_has_a_meaning_in_pointers(client: TestClient) -> None:
    response = client.post("/v1/search", content=b'{"query": "x", "a/b~c": 1}', headers=JSON)
    assert [error["pointer"] for error in response.json()["errors"]] == ["/a~1b~0c"]


def test_a_body_of_another_type_says_which_one_is_read(client: TestClient) -> None:
    response = client.post("/v1/search", content=b'{"query": "x"}')
    assert "Content-Type: application/json" in response.json()["detail"]


def test_an_unknown_address_is_a_problem(client: TestClient) -> None:
    response = client.get("/v1/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(client: TestClient) -> None:
    response = client.get("/v1/chat")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


def test_a_body_that_announces_too_much_is_refused(client: TestClient) -> None:
    response = client.post("/v1/search", content=b"x" * (LIMIT_BYTES + 1), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/documents"])
def test_a_body_that_does_not_say_its_length_is_refused_when_it_grows_too_large(
    client: TestClient, path: str
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(LIMIT_BYTES // 1_000 + 1):
            yield b" " * 1_000

    response = client.post(path, content=chunks(), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_a_file_that_does_not_say_its_length_is_refused_when_it_grows_too_large(
    client: TestClient,
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'

    def chunks() -> Iterator[bytes]:
        yield head
        for _ in range(LIMIT_BYTES // 1_000 + 1):
            yield b"a" * 1_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = client.post("/v1/documents", content=chunks(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("asked", ["req-1", "A.b_c-9", "x" * 64])
def test_a_request_id_is_taken_over(client: TestClient, asked: str) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": asked})
    assert response.headers["X-Request-ID"] == asked


@pytest.mark.parametrize("asked", ["", "x" * 65, "a b", "é", "<script>"])
def test_a_request_id_that_could_do_harm_is_replaced(client: TestClient, asked: str) -> None:
    response = client.get("/healthz", headers={b"X-Request-ID": asked.encode("latin-1")})
    assert response.headers["X-Request-ID"].startswith("req_")


def test_every_error_of_ours_has_a_status() -> None:
    def below(kind: type[DatelineError]) -> set[type[DatelineError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    assert below(DatelineError) == set(errors.STATUS)


def failing_app(error: Exception) -> FastAPI:
    """Return an app that has our errors, logs and limits, and a route that raises."""
    app = FastAPI()
    errors.install(app)
    app.add_middleware(BodyLimit, limit_bytes=1_000)
    app.add_middleware(logs.RequestLog, metrics=Metrics())

    @app.get("/fail/hidden")
    def fail() -> None:
        raise error

    return app


def test_an_unforeseen_error_tells_its_reader_nothing_of_the_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = TestClient(failing_app(RuntimeError("the secret text")), raise_server_exceptions=False)
    response = client.get("/fail/hidden", headers={"X-Request-ID": "req-9"})
    assert response.json() == {
        "type": "urn:dateline:error:internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong on our side; tell the operator the request_id.",
        "instance": "/fail/hidden",
        "code": "internal_error",
        "request_id": "req-9",
        "retryable": False,
    }
    assert response.headers["X-Request-ID"] == "req-9"
    [line] = [
        json.loads(record.message) for record in caplog.records if record.name == "dateline.api"
    ]
    assert (line["request_id"], line["status"], line["error"]) == ("req-9", 500, "RuntimeError")
    assert line["frames"][-1].endswith("fail")
    assert "secret" not in caplog.text


def test_an_unavailable_dependency_says_when_to_come_back() -> None:
    client = TestClient(failing_app(DependencyError("catalog at 10.0.0.7 does not answer")))
    response = client.get("/fail/hidden")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.json()["retryable"] is True
    assert "10.0.0.7" not in response.text


def test_an_error_of_the_caller_says_what_to_do() -> None:
    client = TestClient(failing_app(InputError("k is 0; ask for 1 to 100")))
    response = client.get("/fail/hidden")
    assert (response.status_code, response.json()["detail"]) == (422, "k is 0; ask for 1 to 100")


def assert_refused(response: Response) -> None:
    assert 400 <= response.status_code < 500
    body = response.json()
    if is_enveloped(response.request.url.path):
        assert response.headers["Content-Type"] == "application/json"
        assert list(body) == ["error"]
        assert set(body["error"]) == {"message", "type", "param", "code"}
        return
    assert response.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(body)
    assert body["status"] == response.status_code


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/documents"])
def test_a_caller_who_hangs_up_is_no_error_of_ours(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, content_type: str
) -> None:
    sent: list[Message] = []
    received = iter([{"type": "http.request", "body": b"--x", "more_body": True}])

    async def receive() -> Message:
        return next(received, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    scope["headers"] = [(b"content-type", content_type.encode()), (b"host", b"test")]

    async def hang_up() -> None:
        await client.app(scope, receive, send)

    asyncio.run(hang_up())
    assert sent[0]["status"] < 500
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
