"""The Python client against a real server."""

import asyncio
import gc
import inspect
import tomllib
from collections.abc import Iterator
from contextlib import aclosing, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest

from api.client import AsyncDateline, Dateline, Event, calls
from api.schemas.answers import ChatAnswer
from api.schemas.documents import ArticleIn
from api.schemas.events import Retrieved, Started, Written
from rag.errors import (
    ConfigurationError,
    InputError,
    NotFound,
)
from rag.types import Citation, Filters, Turn
from tests.browsing import Server, take_in_samples

ROOT = Path(__file__).parents[1]
ASKED = "Who was blamed for the Taji attack?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("client")
    take_in_samples(data)
    return data


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with Server(folder) as running:
        yield running


@pytest.fixture(scope="module")
def dateline(server: Server) -> Iterator[Dateline]:
    with Dateline(server.url) as client:
        yield client


def text_of(events: list[Event]) -> str:
    text = ""
    for event in events:
        if isinstance(event, Written):
            text = event.text if event.replaces else text + event.text
    return text


def test_an_answer_is_typed_and_its_quotations_stand_in_their_articles(dateline: Dateline) -> None:
    answer = dateline.ask(ASKED, include=("passages", "scores", "bundle"))
    assert answer.answer_status == "conflicting"
    for citation in answer.citations:
        article = dateline.article(citation.article_id)
        quoted = article.text[citation.start_char_index : citation.end_char_index]
        assert quoted == citation.cited_text
        assert dateline.citation(citation.id).article_state == "current"
        ids = [passage.passage_id for passage in dateline.passages(citation.article_id)]
        assert citation.passage_id in ids
    assert answer.passages
    assert answer.passages[0].scores
    assert answer.bundle
    assert answer.bundle.answer.id == answer.id


def test_a_stream_yields_its_events_in_order_and_the_answer_last(dateline: Dateline) -> None:
    events = list(dateline.stream(ASKED))
    assert [type(event) for event in events[:2]] == [Started, Retrieved]
    last = events[-1]
    assert isinstance(last, ChatAnswer)
    assert text_of(events) == last.answer
    assert [event for event in events if isinstance(event, Citation)] == list(last.citations)


def test_a_conversation_is_begun_gone_on_with_renamed_rated_and_forgotten(
    dateline: Dateline,
) -> None:
    begun = dateline.begin_session("client.talk", title="Taji")
    assert dateline.begin_session("client.talk") == begun
    answer = dateline.ask(ASKED, session_id="client.talk")
    follow_up = dateline.ask("And when was it?", session_id="client.talk")
    assert "Taji" in follow_up.standalone_question
    dateline.rate(answer.id, "down", reasons=("wrong",), comment="not all of them")
    assert dateline.rename_session("client.talk", "Camp Taji").title == "Camp Taji"
    talk = dateline.session("client.talk")
    assert [said.question for said in talk.messages] == [ASKED, "And when was it?"]
    assert talk.messages[0].feedback
    assert talk.messages[0].feedback.reasons == ("wrong",)
    assert "client.talk" in [one.id for one in dateline.sessions()]
    dateline.delete_session("client.talk")
    with pytest.raises(NotFound):
        dateline.session("client.talk")


def test_turns_that_are_sent_along_complete_a_question(dateline: Dateline) -> None:
    turns = (Turn(question="What happened at Camp Taji?", answer="Rockets hit it."),)
    assert "Taji" in dateline.ask("Who was blamed for it?", history=turns).standalone_question


def test_filters_reach_searches_answers_and_lists(dateline: Dateline) -> None:
    [outlet, *_] = dateline.outlets()
    assert outlet.source
    chosen = Filters(sources=(outlet.source,))
    assert {hit.source for hit in dateline.search("rockets", filters=chosen)} <= {outlet.source}
    assert len(list(dateline.articles(chosen))) == outlet.articles
    nowhere = Filters(sources=("nobody.example",))
    assert dateline.ask(ASKED, filters=nowhere).abstain_reason == "filtered_out"


@pytest.mark.parametrize("none", [Filters(sources=()), Filters(article_ids=())])
def test_a_filter_that_lets_nothing_pass_does_so_in_lists_too(
    dateline: Dateline, none: Filters
) -> None:
    assert dateline.search("rockets", filters=none) == ()
    assert list(dateline.articles(none)) == []


def test_lists_longer_than_a_page_are_whole(dateline: Dateline) -> None:
    made = {dateline.begin_session().id for _ in range(3)}
    first = next(dateline.sessions())
    assert first.id in made
    assert made <= {one.id for one in dateline.sessions()}


def test_articles_are_listed_newest_first_where_that_is_asked_for(
    dateline: Dateline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_PAGE", 10)
    newest = list(dateline.articles(order="newest"))
    assert len(newest) > 10
    assert {one.article_id for one in newest} == {one.article_id for one in dateline.articles()}
    dated = [one.published_at for one in newest if one.published_at]
    assert dated == sorted(dated, reverse=True)
    assert [bool(one.published_at) for one in newest] == [
        n < len(dated) for n in range(len(newest))
    ]
    [outlet, *_] = dateline.outlets()
    chosen = Filters(sources=(outlet.source or "",))
    assert next(dateline.articles(chosen, order="newest")).published_at == outlet.newest


def test_an_article_is_added_once(dateline: Dateline) -> None:
    article = ArticleIn(id="client-1", title="Pier", text="The pier at Elm Bay closed on Monday.")
    assert dateline.add(article).status == "created"
    assert dateline.add(article).status == "unchanged"
    assert "Elm Bay" in dateline.article("client-1").text


@pytest.mark.parametrize(
    ("failing", "kind", "said"),
    [
        (lambda d: d.ask(" "), InputError, "at least 1 character"),
        (lambda d: d.ask("x" * 5_000), InputError, "4000"),
        (lambda d: d.ask(ASKED, session_id="no-such"), NotFound, "no-such"),
        (lambda d: d.article("../../etc"), NotFound, "address"),
        (lambda d: d.article("nothing"), NotFound, "nothing"),
        (lambda d: list(d.stream(ASKED, session_id="no-such")), NotFound, "no-such"),
        (lambda d: d.rate("msg_0", "up"), NotFound, "msg_0"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_words(
    dateline: Dateline, failing: Any, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        failing(dateline)


def test_a_key_that_is_missing_or_wrong_is_named_with_its_setting(tmp_path: Path) -> None:
    with Server(tmp_path) as guarded:
        key = guarded.app.state.keys.create("reader", ("read",), now=datetime.now(UTC)).token
        for wrong in (None, "dl_000000000000_" + "0" * 64):
            with (
                Dateline(guarded.url, api_key=wrong) as stranger,
                pytest.raises(ConfigurationError, match="DATELINE_API_KEY"),
            ):
                stranger.ask(ASKED)
        with Dateline(guarded.url, api_key=key) as reader:
            assert reader.ask(ASKED).abstain_reason == "empty_index"
            with pytest.raises(ConfigurationError, match="write"):
                reader.add(ArticleIn(text="A fire broke out."))


def test_programs_with_an_event_loop_get_the_same(server: Server, dateline: Dateline) -> None:
    async def asked() -> tuple[ChatAnswer, list[Event], list[str], int]:
        async with AsyncDateline(server.url) as client:
            one, other = await asyncio.gather(client.ask(ASKED), client.ask("How many died?"))
            assert other.id != one.id
            events = [event async for event in client.stream(ASKED)]
            articles = [meta.article_id async for meta in client.articles()]
            with pytest.raises(NotFound):
                await client.session("no-such")
            return one, events, articles, len(await client.search("rockets", k=3))

    answer, events, articles, found = asyncio.run(asked())
    assert answer.answer == dateline.ask(ASKED).answer
    assert isinstance(events[-1], ChatAnswer)
    assert text_of(events) == events[-1].answer
    assert articles == [meta.article_id for meta in dateline.articles()]
    assert found == 3


def test_both_clients_can_the_same() -> None:
    def public(kind: type) -> dict[str, str | None]:
        return {
            name: getattr(kind, name).__doc__
            for name in vars(kind)
            if not name.startswith("_") and name != "url"
        }

    assert public(Dateline) == public(AsyncDateline)
    assert all(public(Dateline).values())


@pytest.mark.parametrize("kind", [Dateline, AsyncDateline])
def test_help_and_editors_see_what_a_method_takes_and_gives(kind: type) -> None:
    shown = {name: inspect.signature(getattr(kind, name)) for name in ("ask", "article", "add")}
    assert list(shown["ask"].parameters) == [
        *("self", "question", "session_id", "history", "filters"),
        *("mode", "top_k", "min_confidence", "include"),
    ]
    assert str(shown["article"]) == "(self, /, article_id: str) -> rag.types.Article"
    assert shown["add"].return_annotation == "Outcome"
    assert list(inspect.signature(kind().outlets).parameters) == []
    assert next(iter(inspect.signature(kind().stream).parameters)) == "question"


def test_a_double_of_the_client_takes_what_the_client_takes() -> None:
    double = create_autospec(Dateline, instance=True)
    double.ask(ASKED, top_k=3)
    with pytest.raises(TypeError, match="nonsense"):
        double.ask(ASKED, nonsense=3)


def test_programs_that_use_the_client_are_checked_with_its_types() -> None:
    """By PEP 561 a checker reads the types of a package only where it says that it has some."""
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package in ("api", "ingest", "rag"):
        assert (ROOT / package / "py.typed").exists()
        assert "py.typed" in built["package-data"][package]


def test_a_stream_may_be_left_early(server: Server) -> None:
    """With an event loop and without one; nothing stays open that would warn of itself."""

    async def left() -> Event:
        async with AsyncDateline(server.url) as client, aclosing(client.stream(ASKED)) as events:
            return await anext(events)

    with Dateline(server.url) as client, closing(client.stream(ASKED)) as events:
        assert isinstance(next(events), Started)
    assert isinstance(asyncio.run(left()), Started)
    gc.collect()
