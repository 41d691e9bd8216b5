"""The Python client against servers that are busy, broken, cut off, or not ours."""

import asyncio
import json
import time

import pytest

from api.client import AsyncDateline, Dateline, Event, peer
from api.inprocess import opened
from api.schemas.answers import ChatAnswer
from api.schemas.events import Retrieved, Started, Written
from rag.errors import Busy, DependencyError, InputError, NotFound
from rag.settings import Settings
from rag.types import Filters
from tests.browsing import take_in_samples
from tests.replying import BUSY, SLOW_DOWN, SSE, Reply, replying, sse, streamed, whole

ASKED = "Who was blamed for the Taji attack?"


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> ChatAnswer:
    data = tmp_path_factory.mktemp("answer")
    take_in_samples(data)
    with opened(Settings(data_dir=data)) as dateline:
        return dateline.ask(ASKED)


@pytest.fixture(autouse=True)
def _brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_BACKOFF_S", 0.01)


def test_what_is_busy_is_asked_again_when_it_says(answer: ChatAnswer) -> None:
    with replying(BUSY, SLOW_DOWN, whole(answer)) as (url, seen), Dateline(url) as client:
        began = time.monotonic()
        assert client.ask(ASKED) == answer
        assert time.monotonic() - began >= 1
    assert len(seen) == 3


def test_what_stays_busy_is_said_to_be() -> None:
    with (
        replying(*[BUSY] * 3) as (url, seen),
        Dateline(url, retries=2) as client,
        pytest.raises(Busy, match="Too many requests"),
    ):
        client.ask(ASKED)
    assert len(seen) == 3


def test_who_is_busy_for_longer_than_we_wait_is_not_asked_again() -> None:
    slow: Reply = (429, {"Retry-After": "3600"}, b'{"detail": "Too often."}')
    with (
        replying(slow, slow) as (url, seen),
        Dateline(url) as client,
        pytest.raises(Busy, match="come back in 3,600 s"),
    ):
        client.outlets()
    assert len(seen) == 1


def test_a_question_of_a_conversation_is_not_sent_twice_when_its_reply_is_lost() -> None:
    lost = (200, {"Content-Length": "100"}, b"{")
    with replying(lost, lost) as (url, seen), Dateline(url) as client:
        with pytest.raises(DependencyError, match="does not answer"):
            client.ask(ASKED, session_id="taji")
        with pytest.raises(DependencyError, match="does not answer"):
            client.ask(ASKED)
    assert len(seen) == 2


def test_a_proxy_that_fails_is_tried_again_where_that_is_safe(answer: ChatAnswer) -> None:
    bad = (502, {"Retry-After": "0"}, b"<html>Bad gateway</html>")
    with replying(bad, whole(answer), bad) as (url, seen), Dateline(url) as client:
        assert client.ask(ASKED) == answer
        with pytest.raises(DependencyError, match="502"):
            client.ask(ASKED, session_id="taji")
    assert len(seen) == 3


def test_a_stream_that_breaks_is_taken_up_behind_its_last_event(answer: ChatAnswer) -> None:
    events = streamed(answer)
    half = (200, SSE, b"".join(events[:2]) + b"id: 3\nevent: message.de")
    rest = (200, SSE, b"".join(events[2:]))
    with replying(half, rest) as (url, seen), Dateline(url) as client:
        found = list(client.stream(ASKED))
    assert found[-1] == answer
    assert [type(event) for event in found] == [Started, Retrieved, Written, ChatAnswer]
    assert seen[1][:3] == ("GET", f"/v1/chat/{answer.id}/events", "2")


def test_a_stream_that_breaks_is_taken_up_in_a_program_with_an_event_loop(
    answer: ChatAnswer,
) -> None:
    events = streamed(answer)

    async def asked(url: str) -> list[Event]:
        async with AsyncDateline(url) as client:
            return [event async for event in client.stream(ASKED)]

    half, rest = (200, SSE, b"".join(events[:3])), (200, SSE, b"".join(events[3:]))
    with replying(half, rest) as (url, seen):
        assert asyncio.run(asked(url))[-1] == answer
    assert seen[1].last_event_id == "3"


def test_a_stream_that_breaks_for_good_is_an_error(answer: ChatAnswer) -> None:
    [start, *_] = streamed(answer)
    broken = (200, SSE, start)
    with (
        replying(*[broken] * 4) as (url, seen),
        Dateline(url, retries=2) as client,
        pytest.raises(DependencyError, match="ended too early"),
    ):
        list(client.stream(ASKED))
    assert len(seen) == 3


def test_a_stream_that_the_server_has_forgotten_is_no_missing_thing(answer: ChatAnswer) -> None:
    [start, *_] = streamed(answer)
    forgotten: Reply = (
        404,
        {},
        b'{"detail": "the stream of \'m\' cannot be taken up again; ask anew"}',
    )
    with (
        replying((200, SSE, start), forgotten) as (url, _),
        Dateline(url) as client,
        pytest.raises(DependencyError, match="ask anew"),
    ):
        list(client.stream(ASKED))


def test_a_conversation_that_is_missing_stays_missing_in_a_stream() -> None:
    missing: Reply = (404, {}, b'{"detail": "no session has the id \'taji\'"}')
    with (
        replying(missing) as (url, _),
        Dateline(url) as client,
        pytest.raises(NotFound, match="taji"),
    ):
        list(client.stream(ASKED, session_id="taji"))


def test_a_stream_that_breaks_behind_the_whole_answer_is_whole(answer: ChatAnswer) -> None:
    sent = (200, SSE, b"".join(streamed(answer)[:-1]))
    with replying(sent) as (url, seen), Dateline(url) as client:
        assert list(client.stream(ASKED))[-1] == answer
    assert len(seen) == 1


def test_a_letter_that_comes_in_two_pieces_is_one(answer: ChatAnswer) -> None:
    """And a comment between two events is none."""
    [start, _, _, end, done] = streamed(answer)
    piece = sse(3, "message.delta", '{"text": "Škvorecký", "replaces": false}')
    cut = piece.index("Š".encode()) + 1
    pieces = (start, b": keep-alive\n\n" + piece[:cut], piece[cut:] + end, done)
    with replying((200, SSE, pieces)) as (url, _), Dateline(url) as client:
        found = list(client.stream(ASKED))
    assert found[1:] == [Written(text="Škvorecký", replaces=False), answer]


def test_what_fails_in_a_stream_is_raised(answer: ChatAnswer) -> None:
    [start, *_] = streamed(answer)
    problem = {"status": 503, "code": "dependency_unavailable", "detail": "The database is away."}
    sent = (200, SSE, start + sse(2, "error", problem) + sse(3, "done", {}))
    with (
        replying(sent) as (url, _),
        Dateline(url) as client,
        pytest.raises(DependencyError, match="The database is away"),
    ):
        list(client.stream(ASKED))


def test_a_newer_server_may_say_more(answer: ChatAnswer) -> None:
    more = json.loads(answer.model_dump_json()) | {"mood": "good"}
    new: Reply = (200, {}, json.dumps(more).encode())
    stream = streamed(answer)
    stream.insert(2, sse(9, "message.mood", {"mood": "good"}))
    with replying(new, (200, SSE, b"".join(stream))) as (url, _), Dateline(url) as client:
        assert client.ask(ASKED) == answer
        assert list(client.stream(ASKED))[-1] == answer


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[1]"])
def test_another_server_than_ours_is_named(body: bytes) -> None:
    with replying((200, {}, body), (200, {}, body)) as (url, _), Dateline(url) as client:
        with pytest.raises(DependencyError, match="is it a Dateline server"):
            client.ask(ASKED)
        with pytest.raises(DependencyError):
            list(client.stream(ASKED))


@pytest.mark.parametrize("data", ["nonsense", "[]", '{"status": "bad"}'])
def test_nonsense_in_a_stream_is_an_error_of_ours(answer: ChatAnswer, data: str) -> None:
    sent = (200, SSE, streamed(answer)[0] + sse(2, "error", data))
    with (
        replying(sent) as (url, _),
        Dateline(url) as client,
        pytest.raises(DependencyError, match="is it a Dateline server"),
    ):
        list(client.stream(ASKED))


def test_a_reply_that_cannot_be_unpacked_is_an_error_of_ours() -> None:
    packed: Reply = (200, {"Content-Encoding": "gzip"}, b"nonsense")
    stream: Reply = (200, {**SSE, "Content-Encoding": "gzip"}, b"nonsense")

    async def asked(url: str) -> None:
        async with AsyncDateline(url) as client:
            await client.ask(ASKED)

    with replying(packed, stream, packed) as (url, _), Dateline(url) as client:
        with pytest.raises(DependencyError):
            client.ask(ASKED)
        with pytest.raises(DependencyError):
            list(client.stream(ASKED))
        with pytest.raises(DependencyError):
            asyncio.run(asked(url))


def test_a_server_that_is_not_ready_says_what_is_the_matter() -> None:
    checks = {"catalog": "ok", "vectors": "cannot be read", "models": "are missing"}
    sent: Reply = (503, {}, json.dumps({"status": "not_ready", "checks": checks}).encode())
    with (
        replying(sent) as (url, _),
        Dateline(url, retries=0) as client,
        pytest.raises(DependencyError, match=r"^vectors: cannot be read; models: are missing$"),
    ):
        client.ready()


def test_a_body_that_came_too_slowly_was_no_mistake_of_the_caller() -> None:
    slow: Reply = (408, {}, b'{"detail": "No more of the body came."}')
    with (
        replying(slow) as (url, _),
        Dateline(url) as client,
        pytest.raises(DependencyError, match="No more of the body came"),
    ):
        client.ask(ASKED)


def test_a_server_elsewhere_is_named_and_gets_no_key() -> None:
    for status in (301, 307):
        with replying() as (other, strangers):
            moved: Reply = (status, {"Location": f"{other}/v1/chat"}, b"")
            with (
                replying(moved) as (url, _),
                Dateline(url, api_key="dl_1") as client,
                pytest.raises(DependencyError, match=f"{url} sends its callers to {other}"),
            ):
                client.ask(ASKED)
        assert strangers == []


@pytest.mark.parametrize("status", [300, 302, 304])
def test_a_server_that_sends_its_callers_nowhere_is_not_ours(status: int) -> None:
    with (
        replying((status, {"Content-Length": "0"}, b"")) as (url, _),
        Dateline(url) as client,
        pytest.raises(DependencyError, match=f"the reply is {status}, not ours"),
    ):
        client.ask(ASKED)


@pytest.mark.parametrize("confidence", [None, float("nan")])
def test_what_cannot_be_sent_is_said_before_it_is(confidence: float | None) -> None:
    said = "x" if confidence else "\udcff"
    with replying() as (url, seen), Dateline(url) as client:
        for asked in (client.ask, client.stream):
            with pytest.raises(InputError, match="cannot be sent as JSON"):
                list(asked(said, min_confidence=confidence))
        with pytest.raises(InputError, match="too long"):
            list(client.articles(Filters(article_ids=tuple(f"{n:090}" for n in range(900)))))
    assert seen == []


def test_an_id_that_nothing_can_have_is_missing() -> None:
    missing: Reply = (404, {}, b'{"detail": "Nothing has this address."}')
    with (
        replying(missing) as (url, _),
        Dateline(url) as client,
        pytest.raises(NotFound),
    ):
        client.article("\udcff")
