"""The client that speaks to an app in its own process, without a port."""

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.auth import Caller
from api.client import Dateline
from api.inprocess import InProcess, inside, opened
from api.schemas.answers import ChatAnswer
from api.schemas.documents import ArticleIn
from api.schemas.events import Started
from rag.errors import (
    ConfigurationError,
    DependencyError,
    IndexInUse,
    NotFound,
)
from rag.settings import Settings
from tests.browsing import take_in_samples
from tests.waiting import wait_for

ASKED = "Who was blamed for the Taji attack?"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dateline]:
    data = tmp_path_factory.mktemp("inside")
    take_in_samples(data)
    with opened(Settings(data_dir=data)) as client:
        yield client


def test_an_archive_in_this_process_answers_and_streams(here: Dateline) -> None:
    answer = here.ask(ASKED)
    assert answer.short_answer == "Kataib Hezbollah"
    events = list(here.stream(ASKED))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], ChatAnswer)
    assert events[-1].citations == answer.citations
    with pytest.raises(NotFound, match="no-such"):
        here.session("no-such")


def test_many_threads_may_ask_inside(here: Dateline) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(here.ask(ASKED).answer)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_hanging_up_inside_stops_the_work(here: Dateline) -> None:
    events = here.stream(ASKED)
    started = next(events)
    assert isinstance(started, Started)
    events.close()
    # The answer can be taken up again, as after any connection that broke.
    wait_for(lambda: here.ready().queue.running == 0)


def test_the_folder_is_free_again_afterwards_and_taken_meanwhile(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with opened(settings) as client:
        assert client.ready().articles == 0
        with pytest.raises(IndexInUse, match="--url"), opened(settings):
            pass
    with opened(settings) as client:
        assert client.ready().status == "ready"


def test_a_running_app_asks_itself_as_the_caller_it_names(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, auth="off", rate_limit="1/hour"))
    with TestClient(app):
        one = app.state.inside(Caller("k1", frozenset(("read",))))
        other = app.state.inside(Caller("k2", frozenset(("read",))))
        one.begin_session("mine")
        assert one.session("mine").id == "mine"
        with pytest.raises(NotFound):
            other.session("mine")
        with pytest.raises(ConfigurationError, match="write"):
            other.add(ArticleIn(text="A fire broke out."))


def test_an_app_that_has_stopped_says_so_at_once() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with (
        inside(FastAPI(), loop, None) as late,
        pytest.raises(DependencyError, match="the app has stopped"),
    ):
        late.outlets()
    gc.collect()  # a warning of work that was never begun would be an error


@pytest.mark.parametrize("begun", [False, True])
def test_a_reply_that_is_stopped_on_its_way_is_never_taken_for_a_whole_one(
    begun: bool, loop: asyncio.AbstractEventLoop
) -> None:
    async def stopped(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            body = b'{"sources": []}'
            await send({"type": "http.response.body", "body": body, "more_body": True})
        raise asyncio.CancelledError

    transport = InProcess(stopped, loop, None)
    said = "the reply was cut" if begun else "the app gave no reply"
    with (
        Dateline("http://inside.localhost", transport=transport, retries=0) as client,
        pytest.raises(DependencyError, match=said),
    ):
        client.outlets()


def test_opening_an_archive_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    logger = logging.getLogger("dateline")
    before = list(logger.handlers)
    with opened(Settings(data_dir=tmp_path)):
        pass
    assert logger.handlers == before


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread."""
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()
    running.close()
