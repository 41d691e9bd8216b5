"""How often a caller may ask, and how slowly it may send."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.responses import StreamingResponse
from starlette.types import Message

from api import errors
from api.app import create_app
from api.guards import limits
from api.guards.limits import BodyLimit
from api.guards.rates import Rates, address
from api.watch import logs
from api.watch.metrics import Metrics
from rag.errors import ConfigurationError
from rag.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Serve = Callable[[str], TestClient]


class Clock:
    """The time, which passes where a test says so."""

    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Every request of a test comes at the same moment, however slow the machine."""
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    return made


@pytest.fixture
def serve(tmp_path: Path, clock: Clock) -> Iterator[Serve]:  # noqa: ARG001  # before the server
    """A server with this rate limit."""
    running: list[TestClient] = []

    def served(rate_limit: str) -> TestClient:
        app = create_app(Settings(data_dir=tmp_path, rate_limit=rate_limit))
        running.append(TestClient(app, client=("192.0.2.1", 1)).__enter__())
        return running[-1]

    yield served
    for client in running:
        client.__exit__(None, None, None)


def other(client: TestClient, host: str) -> TestClient:
    return TestClient(client.app, client=(host, 1))


def ask(client: TestClient, token: str = "") -> Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.get("/v1/documents", headers=headers)


# -- how often --------------------------------------------------------------------------------


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    client = serve("2/minute")
    assert [ask(client).status_code for _ in range(3)] == [200, 200, 429]
    response = ask(client)
    wait_s = int(response.headers["Retry-After"])
    assert wait_s == 60
    problem = response.json()
    assert (problem["code"], problem["retryable"]) == ("rate_limited", True)
    assert problem["detail"] == f"Too many requests; try again in {wait_s} s."


def test_an_answer_says_what_is_left(serve: Serve) -> None:
    client = serve("5/minute;100/hour")
    told = [ask(client).headers for _ in range(2)][-1]
    assert told["RateLimit-Policy"] == '"5 per 1 minute";q=5;w=60, "100 per 1 hour";q=100;w=3600'
    assert told["RateLimit"] == '"5 per 1 minute";r=3;t=60, "100 per 1 hour";r=98;t=3600'


def test_the_narrowest_limit_counts_and_a_refused_request_costs_nothing(serve: Serve) -> None:
    client = serve("100/hour;1/minute")
    assert [ask(client).status_code for _ in range(5)] == [200, 429, 429, 429, 429]
    assert '"100 per 1 hour";r=99' in ask(client).headers["RateLimit"]


def test_who_waits_may_ask_again(serve: Serve, clock: Clock) -> None:
    client = serve("1/second")
    assert ask(client).status_code == 200
    refused = ask(client)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    clock.now_s += 0.95
    assert ask(client).status_code == 429
    clock.now_s += 0.1
    assert ask(client).status_code == 200


def test_each_address_has_its_own_count_and_so_has_each_key(serve: Serve) -> None:
    client = serve("1/minute")
    assert ask(client).status_code == 200
    assert ask(client).status_code == 429
    neighbour = other(client, "192.0.2.2")
    assert ask(neighbour).status_code == 200
    assert isinstance(client.app, FastAPI)
    made = [client.app.state.keys.create(name, ("read",), now=NOW) for name in "ab"]
    assert [ask(client, one.token).status_code for one in made] == [200, 200]
    # The same key from elsewhere is the same caller.
    assert ask(neighbour, made[0].token).status_code == 429


def test_health_is_always_told(serve: Serve) -> None:
    client = serve("1/minute")
    assert [client.get("/healthz").status_code for _ in range(3)] == [200] * 3
    assert "RateLimit" not in client.get("/readyz").headers


def test_off_counts_nothing(serve: Serve) -> None:
    response = ask(serve("off"))
    assert response.status_code == 200
    assert "RateLimit" not in response.headers


@pytest.mark.parametrize(
    "said", ["", "many", "60", "60/fortnight", "0/minute", "60/minute;", "-1/s"]
)
def test_a_limit_that_cannot_be_read_is_refused_at_the_start(said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DATELINE_RATE_LIMIT"):
        create_app(Settings(data_dir=tmp_path, rate_limit=said))


def test_a_hundred_wrong_keys_are_slowed_down_and_a_right_one_is_let_in(serve: Serve) -> None:
    client = serve("off")
    assert isinstance(client.app, FastAPI)
    token = client.app.state.keys.create("a", ("read",), now=NOW).token
    wrong = [ask(client, f"dl_{i:012x}_{'0' * 64}") for i in range(100)]
    assert [response.status_code for response in wrong] == [401] * 30 + [429] * 70
    assert 1 <= int(wrong[-1].headers["Retry-After"]) <= 60
    assert ask(client, token).status_code == 200
    assert ask(other(client, "192.0.2.9"), "dl_wrong").status_code == 401


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("::ffff:192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:0:1::7", "address:2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::1", "address:2001:db8:0:1::/64"),
        ("evil\r\nnonsense", "address:unknown"),
        ("", "address:unknown"),
    ],
)
def test_an_address_is_counted_with_those_that_its_owner_has(host: str, counted: str) -> None:
    assert address({"client": (host, 1)}) == counted
    assert address({"client": None}) == "address:unknown"


def test_many_addresses_do_not_fill_the_memory() -> None:
    rates = Rates.of("5/minute;9/hour", max_callers=100)
    for number in range(1_000):
        rates.hit(f"address:{number}")
    kept = rates._storage
    assert (len(rates._callers), len(kept.events)) == (100, 200)
    assert len(kept.locks) <= 201  # one more while the storage's own thread looks at it
    assert len(kept.storage) == 0


def test_the_callers_that_ask_are_remembered_and_the_quiet_are_forgotten() -> None:
    rates = Rates.of("2/minute", max_callers=2)
    for caller in ("loud", "quiet", "loud", "new", "loud"):
        last = rates.hit(caller)
    assert last.refused
    assert '"2 per 1 minute";r=1' in rates.hit("quiet").headers["RateLimit"]


def test_forgetting_while_the_storage_expires_breaks_nothing() -> None:
    rates = Rates.of("3/second", max_callers=5)
    broken: list[BaseException | None] = []
    before, threading.excepthook = threading.excepthook, lambda args: broken.append(args.exc_value)
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            for number in range(20):
                rates.hit(f"address:{number}")
    finally:
        threading.excepthook = before
    assert broken == []


# -- how slowly -------------------------------------------------------------------------------


def slow_app(timeout_s: float) -> FastAPI:
    app = FastAPI()
    errors.install(app)
    app.add_middleware(BodyLimit, limit_bytes=1_000_000, timeout_s=timeout_s)
    app.add_middleware(logs.RequestLog, metrics=Metrics())

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.post("/early")
    async def early() -> StreamingResponse:
        async def never_ends() -> AsyncIterator[bytes]:
            while True:
                yield b"x"
                await asyncio.sleep(0.01)

        return StreamingResponse(never_ends())

    @app.post("/gone")
    async def gone(request: Request) -> bool:
        await request.body()
        return bool((await request.receive())["type"] == "http.disconnect")

    return app


class NoWait(asyncio.SelectorEventLoop):
    """An event loop that waits for no timer: it puts the clock forward to it."""

    _selector: Any  # of asyncio's own, which tells nobody of it

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        look = self._selector.select

        def select(timeout_s: float | None) -> Any:
            clock.now_s += timeout_s or 0
            return look(timeout_s and 0)

        self._selector.select = select

    def time(self) -> float:
        return self._clock.now_s


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of `send_slowly`, which goes by what is waited for and by nothing else."""
    made = Clock()
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=made))
    return made


def send_slowly(
    clock: Clock, app: FastAPI, path: str, pieces: list[tuple[float, Message]]
) -> list[Message]:
    """Return what the app answers to a body whose pieces come after these seconds."""
    sent: list[Message] = []
    waiting = iter(pieces)

    async def receive() -> Message:
        after_s, message = next(waiting, (60.0, {"type": "http.disconnect"}))
        await asyncio.sleep(after_s)
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    with asyncio.Runner(loop_factory=lambda: NoWait(clock)) as runner:
        runner.run(app(scope, receive, send))
    return sent


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_that_stops_in_the_middle_is_given_up(passing: Clock) -> None:
    began_s = passing.now_s
    sent = send_slowly(passing, slow_app(0.2), "/size", [(0, piece(b"x", more=True))])
    assert passing.now_s - began_s == pytest.approx(0.2)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b'"code":"request_timeout"' in sent[1]["body"]
    assert b'"retryable":true' in sent[1]["body"]


def test_a_body_that_comes_a_byte_at_a_time_is_given_up_though_it_never_stops(
    passing: Clock,
) -> None:
    began_s = passing.now_s
    pieces = [(0.1, piece(b"x", more=True))] * 100
    sent = send_slowly(passing, slow_app(0.5), "/size", pieces)
    assert sent[0]["status"] == 408
    assert passing.now_s - began_s < 1


def test_a_body_that_comes_in_good_pieces_may_take_longer_than_the_timeout(passing: Clock) -> None:
    pieces = [(0.1, piece(b"x" * 500, more=True))] * 6 + [(0.1, piece(b"", more=False))]
    assert send_slowly(passing, slow_app(0.3), "/size", pieces)[1]["body"] == b"3000"


def test_behind_a_whole_body_the_end_of_the_connection_may_take_its_time(passing: Clock) -> None:
    pieces = [(0, piece(b"x", more=False)), (0.6, {"type": "http.disconnect"})]
    assert send_slowly(passing, slow_app(0.2), "/gone", pieces)[1]["body"] == b"true"


def test_a_body_that_never_comes_ends_the_stream_that_did_not_wait_for_it(
    passing: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    began_s = passing.now_s
    sent = send_slowly(passing, slow_app(0.2), "/early", [])
    assert passing.now_s - began_s == pytest.approx(0.2)
    assert sent[0]["status"] == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
