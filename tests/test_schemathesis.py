"""The API attacked with requests made from its own OpenAPI document.

The requests are the same in every run (the profile in conftest.py derandomizes them). What they may
bring about is in the document: no failure of ours, and no status, media type, header or body that
it does not declare.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import requests
import schemathesis
from hypothesis import assume, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from api.app import create_app
from api.routes.reference import document
from rag.settings import Settings
from tests.test_api_chat import BRIDGE, MUSEUM, QUESTION
from tests.test_streams import serve
from tests.waiting import PATIENCE_S

# schemathesis makes cases by a schema that is only known when the tests run: Any below.
SCHEMA: Any = schemathesis.openapi.from_dict(document(create_app(Settings())))
EXAMPLES = 10
# A head of 64 kB is refused before it is a request, in uvicorn's own words.
MOST_CHARS = 60_000
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


class Attacked(NamedTuple):
    """A server, and the ids of what is there."""

    url: str
    ids: dict[str, str]
    session: requests.Session


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), rate_limit="off", threads=1)
    for one in serve(settings):
        with httpx.Client(base_url=one.url, timeout=PATIENCE_S) as client:
            for article in (BRIDGE, MUSEUM):
                client.post("/v1/documents", json=article).raise_for_status()
            client.post("/v1/sessions", json={"id": "known"}).raise_for_status()
            asked = {"message": QUESTION, "session_id": "known"}
            answer = client.post("/v1/chat", json=asked).json()
            streamed = client.post("/v1/chat", json={"message": QUESTION, "stream": True})
        ids = {
            "article_id": "bridge",
            "citation_id": answer["citations"][0]["id"],
            "message_id": streamed.text.partition('"id":"')[2].partition('"')[0],
            "session_id": "known",
            "model": "dateline",
        }
        with requests.Session() as session:
            yield Attacked(one.url, ids, session)


def operations() -> list[Any]:
    found = [result.ok() for result in SCHEMA.get_all_operations()]
    # What is there should be found before it is gone.
    return sorted(found, key=lambda one: one.method == "delete")


def refusing() -> list[Any]:
    """Return the operations that can be asked wrongly, by values that can be made up."""
    # Of a model's name only length and NUL can be wrong, which schemathesis does not think of.
    never = ("GET /v1/models/{model}",)
    wrong = ("400", "422")
    return [
        one
        for one in operations()
        if one.label not in never
        and any(status in one.definition.raw["responses"] for status in wrong)
    ]


def address_chars(case: Any) -> int:
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
    return len(requests.Request("GET", sent["url"], params=sent.get("params")).prepare().url or "")


def replied(attacked: Attacked, case: Any) -> Any:
    """Send a request, and return its reply, which is one that the document declares."""
    return case.call_and_validate(
        base_url=attacked.url, session=attacked.session, checks=CHECKS, timeout=PATIENCE_S
    )


def attack(attacked: Attacked, operation: Any, mode: GenerationMode, **known: Any) -> set[int]:
    """Send made-up requests, with `known` parts, and return the statuses that came back."""
    statuses: set[int] = set()

    @settings(max_examples=EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode, **known))
    def one_case(case: Any) -> None:
        assume(address_chars(case) < MOST_CHARS)
        statuses.add(replied(attacked, case).status_code)

    one_case()
    return statuses


@pytest.mark.parametrize(
    "operation", [one for one in operations() if "{" in one.path], ids=lambda one: one.label
)
def test_of_what_is_there_everything_is_as_declared(attacked: Attacked, operation: Any) -> None:
    names = [one["name"] for one in operation.definition.raw["parameters"] if one["in"] == "path"]
    known = {name: attacked.ids[name] for name in names}
    statuses = attack(attacked, operation, GenerationMode.POSITIVE, path_parameters=known)
    assert statuses & {200, 201, 204}


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
def test_what_the_document_allows_has_a_reply_that_it_declares(
    attacked: Attacked, operation: Any
) -> None:
    attack(attacked, operation, GenerationMode.POSITIVE)


@pytest.mark.parametrize("operation", refusing(), ids=lambda one: one.label)
def test_what_the_document_does_not_allow_is_refused_as_it_declares(
    attacked: Attacked, operation: Any
) -> None:
    statuses = attack(attacked, operation, GenerationMode.NEGATIVE)
    assert statuses & {400, 422}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat", {"message": QUESTION}),
        (
            "/v1/chat/completions",
            {"model": "dateline", "messages": [{"role": "user", "content": QUESTION}]},
        ),
    ],
)
def test_an_answer_and_its_stream_are_both_declared(
    attacked: Attacked, path: str, body: dict[str, object], stream: bool
) -> None:
    case = SCHEMA[path]["POST"].Case(body=body | {"stream": stream}, media_type="application/json")
    reply = replied(attacked, case)
    media_type = "text/event-stream; charset=utf-8" if stream else "application/json"
    assert (reply.status_code, reply.headers["content-type"]) == (200, [media_type])


def test_every_operation_is_attacked() -> None:
    assert len(operations()) == sum(map(len, document(create_app(Settings()))["paths"].values()))
