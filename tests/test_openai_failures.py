"""Every failure is the class that OpenAI's client has for it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from api.auth import Keys, Scope
from api.openai.envelope import Envelope
from rag.errors import Busy, ConfigurationError, DependencyError
from rag.settings import Settings
from tests.openai_served import ASKED, connected, serve_archive
from tests.test_api_chat import QUESTION
from tests.test_streams import Served, serve
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve_archive(tmp_path_factory.mktemp("data"))


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with connected(served.url) as opened:
        yield opened


# -- failures ---------------------------------------------------------------------------------


def failed(call: Callable[[], object], kind: type[openai.APIStatusError]) -> openai.APIStatusError:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert caught.value.response.headers["content-type"] == "application/json"
    body = caught.value.response.json()
    assert Envelope.model_validate(body).model_dump() == body
    return caught.value


def ask(client: openai.OpenAI, **options: Any) -> Callable[[], object]:
    return lambda: client.chat.completions.create(model="dateline", messages=ASKED, **options)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for keys, and takes little at once."""
    folder = tmp_path_factory.mktemp("guarded")
    yield from serve(Settings(data_dir=folder, auth="on", max_body_bytes=2_000, threads=1))


def key(served: Served, scope: Scope) -> str:
    keys: Keys = served.app.state.keys
    return keys.create(scope, (scope,), now=datetime.now(UTC)).token


def test_a_key_that_is_none_is_an_authentication_error(guarded: Served) -> None:
    with connected(guarded.url) as client:
        for call in (ask(client), client.models.list):
            error = failed(call, openai.AuthenticationError)
            assert (error.code, error.type) == ("invalid_api_key", "invalid_request_error")


def test_a_key_goes_in_as_the_clients_api_key(guarded: Served) -> None:
    with connected(guarded.url, api_key=key(guarded, "read")) as client:
        assert client.chat.completions.create(model="dateline", messages=ASKED).choices


def test_a_key_for_something_else_is_denied_permission(guarded: Served) -> None:
    with connected(guarded.url, api_key=key(guarded, "write")) as client:
        assert failed(ask(client), openai.PermissionDeniedError).code == "forbidden"


def test_a_body_that_is_too_large_is_told_so(guarded: Served) -> None:
    with connected(guarded.url, api_key=key(guarded, "read")) as client:
        error = failed(ask(client, user="a" * 2_000), openai.APIStatusError)
    assert (error.status_code, error.code) == (413, "body_too_large")


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    for one in serve(Settings(data_dir=tmp_path, rate_limit="1/hour", threads=1)):
        with connected(one.url) as client:
            client.models.list()
            error = failed(ask(client), openai.RateLimitError)
    assert (error.code, error.type) == ("rate_limit_exceeded", "requests")
    assert 3_000 <= int(error.response.headers["retry-after"]) <= 3_600


def test_a_body_that_is_no_json_is_a_bad_request(served: Served) -> None:
    response = httpx.post(
        f"{served.url}/v1/chat/completions",
        content=b"{",
        headers={"Content-Type": "application/json"},
        timeout=PATIENCE_S,
    )
    assert response.status_code == 400
    assert response.json() == {
        "error": {
            "message": "The body is not JSON: Expecting property name enclosed in double quotes "
            "at character 1.",
            "type": "invalid_request_error",
            "param": None,
            "code": "malformed_request",
        }
    }


def test_a_wrong_method_names_the_right_one(served: Served) -> None:
    response = httpx.get(f"{served.url}/v1/chat/completions", timeout=PATIENCE_S)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_other_routes_of_openai_are_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="dateline", input=QUESTION)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("the secret text"), 500, "internal_error"),
        (ConfigurationError("the secret text"), 500, "configuration_error"),
        (DependencyError("the secret text"), 503, "dependency_unavailable"),
        (Busy("the secret text"), 503, "busy"),
    ],
)
def test_what_is_not_the_callers_fault_is_an_internal_server_error(
    client: openai.OpenAI,
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(served.app.state.services.desk, "prepare", fail)
    for stream in (False, True):
        told = failed(ask(client, stream=stream), openai.InternalServerError)
        assert (told.status_code, told.code, told.type) == (status, code, "server_error")
        assert "secret" not in told.response.text
        assert told.response.headers.get("retry-after") == ("5" if status == 503 else None)
