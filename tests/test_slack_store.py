"""The ledger: each message once, one of a thread at a time, and never two at work on the same."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from api.slack import store
from api.slack.events import Ask
from api.slack.store import Begun, Ledger, SlackEventRow, TakenOver
from api.stores.tables import micros
from rag.catalog import open_engine
from rag.errors import DependencyError
from rag.types import Filters
from tests.test_postgres import url as postgres  # noqa: F401

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LEASE_S = 6.0


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database, of either kind."""
    if request.param == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    else:
        made = open_engine(request.getfixturevalue("postgres"))
    yield made
    with made.begin() as connection:
        for table in ("slack_events", "slack_filters"):
            connection.execute(text(f"drop table if exists {table}"))
    made.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def asked(ts: str = "1.000100", *, thread_ts: str | None = None, team: str = "T0DESK") -> Ask:
    return Ask(
        team=team,
        channel="C0DESK",
        ts=ts,
        type="app_mention",
        kind="mention",
        thread_ts=thread_ts or ts,
        user="U0ANNA",
        user_team=team,
        text="who?",
    )


def row(ask: Ask, *, created_s: float, due_s: float) -> SlackEventRow:
    """Return what the ledger holds of a message that waits until it is due."""
    return SlackEventRow(
        **ask.model_dump(include={"team", "channel", "ts", "type"}),
        state="pending",
        ask=ask.model_dump_json(),
        created_us=micros(after(created_s)),
        due_us=micros(after(due_s)),
        attempts=1,
    )


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_message_is_new_once(ledger: Ledger) -> None:
    assert [ledger.keep(asked(), now=after(n)) for n in range(3)] == [True, False, False]
    # The same words as another kind of event, in another channel or workspace are another one.
    assert ledger.keep(asked().model_copy(update={"type": "message"}), now=NOW)
    assert ledger.keep(asked().model_copy(update={"channel": "C0OTHER"}), now=NOW)
    assert ledger.keep(asked(team="T0OTHER"), now=NOW)


def test_of_many_that_write_it_down_at_once_one_wins(ledger: Ledger) -> None:
    gate = threading.Barrier(8)

    def keep(_: int) -> bool:
        gate.wait()
        return ledger.keep(asked(), now=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(keep, range(8))) == [False] * 7 + [True]


def test_of_many_that_take_one_wins(ledger: Ledger) -> None:
    ledger.keep(asked(), now=NOW)
    gate = threading.Barrier(8)

    def take(number: int) -> bool:
        gate.wait()
        return ledger.take(f"process {number}", now=NOW, lease_s=LEASE_S) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(8))) == [False] * 7 + [True]


def test_the_oldest_comes_first_and_only_one_of_a_thread(ledger: Ledger) -> None:
    for number, ask in enumerate((asked("1.1"), asked("1.2", thread_ts="1.1"), asked("1.3"))):
        ledger.keep(ask, now=after(number))
    first = ledger.take("a", now=after(9), lease_s=LEASE_S)
    second = ledger.take("a", now=after(9), lease_s=LEASE_S)
    assert first is not None
    assert second is not None
    assert (first.ask.ts, second.ask.ts) == ("1.1", "1.3")
    assert ledger.take("a", now=after(9), lease_s=LEASE_S) is None
    ledger.done(first)
    third = ledger.take("a", now=after(9), lease_s=LEASE_S)
    assert third is not None
    assert third.ask.ts == "1.2"


@pytest.mark.parametrize("thread_ts", [None, "1.1000"], ids=["put back", "behind one put back"])
def test_a_new_message_is_taken_at_once_however_many_wait(
    ledger: Ledger, engine: Engine, thread_ts: str | None
) -> None:
    waiting = [asked(f"1.{number}", thread_ts=thread_ts) for number in range(1_000, 1_600)]
    with Session(engine) as session, session.begin():
        for number, ask in enumerate(waiting):
            due_s = 60 if number == 0 or thread_ts is None else 0
            session.add(row(ask, created_s=number / 1_000, due_s=due_s))
    ledger.keep(asked("2.1"), now=after(2))
    taken = ledger.take("a", now=after(2), lease_s=LEASE_S)
    assert taken is not None
    assert taken.ask.ts == "2.1"
    assert ledger.take("a", now=after(2), lease_s=LEASE_S) is None
    again = ledger.take("a", now=after(60), lease_s=LEASE_S)
    assert again is not None
    assert again.ask.ts == "1.1000"


def test_a_message_is_taken_while_others_are_written_down(
    ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(engine) as session, session.begin():
        for number in range(1_000, 1_300):
            session.add(row(asked(f"1.{number}"), created_s=number / 1_000, due_s=0))
    late, read = [asked("9.1")], store._read

    def meanwhile(stored: str | None) -> Ask | None:
        while late:
            assert ledger.keep(late.pop(), now=after(5))
        return read(stored)

    monkeypatch.setattr(store, "_read", meanwhile)
    taken = ledger.take("a", now=after(9), lease_s=LEASE_S)
    assert taken is not None
    assert (taken.ask.ts, late) == ("1.1000", [])


def test_a_message_that_another_version_wrote_down_holds_up_no_other(
    ledger: Ledger, engine: Engine
) -> None:
    ledger.keep(asked("1.1"), now=NOW)
    with engine.begin() as connection:
        connection.execute(text("""update slack_events set ask = '{"version": 2}'"""))
    ledger.keep(asked("1.2"), now=after(1))
    taken = ledger.take("a", now=after(2), lease_s=LEASE_S)
    assert taken is not None
    assert taken.ask.ts == "1.2"


def test_what_its_owner_forgot_is_taken_over_with_the_message_that_was_begun(
    ledger: Ledger,
) -> None:
    ledger.keep(asked(), now=NOW)
    first = ledger.take("a", now=NOW, lease_s=LEASE_S)
    assert first is not None
    ledger.note_begun(first, Begun("stream", "2.000100"))
    ledger.renew([first], now=after(4), lease_s=LEASE_S)
    assert ledger.take("b", now=after(9), lease_s=LEASE_S) is None
    second = ledger.take("b", now=after(11), lease_s=LEASE_S)
    assert second is not None
    assert (second.begun, second.attempts) == (Begun("stream", "2.000100"), 2)
    assert second.created_at == NOW
    # Whoever comes back from the dead changes nothing any more.
    with pytest.raises(TakenOver):
        ledger.done(first)
    with pytest.raises(TakenOver):
        ledger.note_begun(first, Begun("post", "3.1"))
    with pytest.raises(TakenOver):
        ledger.put_back(first, due=NOW)
    ledger.renew([first], now=after(60), lease_s=LEASE_S)
    assert ledger.take("c", now=after(30), lease_s=LEASE_S) is not None


def test_of_an_answer_in_several_messages_each_is_remembered(ledger: Ledger) -> None:
    ledger.keep(asked(), now=NOW)
    first = ledger.take("a", now=NOW, lease_s=LEASE_S)
    assert first is not None
    for begun in (Begun("stream", "2.1"), Begun("stream", "2.1", ("2.2", "2.3"))):
        ledger.note_begun(first, begun)
    ledger.put_back(first, due=NOW)
    second = ledger.take("b", now=NOW, lease_s=LEASE_S)
    assert second is not None
    assert second.begun == Begun("stream", "2.1", ("2.2", "2.3"))


def test_what_is_put_back_is_taken_when_it_is_due(ledger: Ledger) -> None:
    ledger.keep(asked(), now=NOW)
    first = ledger.take("a", now=NOW, lease_s=LEASE_S)
    assert first is not None
    ledger.put_back(first, due=after(30))
    assert ledger.take("a", now=after(29), lease_s=LEASE_S) is None
    again = ledger.take("a", now=after(30), lease_s=LEASE_S)
    assert again is not None
    assert again.attempts == 2
    ledger.put_back(again, due=after(31), counts=False)
    last = ledger.take("a", now=after(31), lease_s=LEASE_S)
    assert last is not None
    assert last.attempts == 2


def test_only_messages_of_the_workspace_that_is_asked_for_are_taken(ledger: Ledger) -> None:
    ledger.keep(asked(team="T0OTHER"), now=NOW)
    assert ledger.take("a", now=NOW, lease_s=LEASE_S, team="T0DESK") is None
    assert ledger.take("a", now=NOW, lease_s=LEASE_S, team="T0OTHER") is not None


def test_words_go_when_they_are_answered_and_the_rest_after_a_day(
    ledger: Ledger, engine: Engine
) -> None:
    def rows() -> list[tuple[str, str | None]]:
        with engine.connect() as connection:
            found = connection.execute(text("select state, ask from slack_events"))
            return [(row[0], row[1]) for row in found]

    ledger.keep(asked(), now=NOW)
    taken = ledger.take("a", now=NOW, lease_s=LEASE_S)
    assert taken is not None
    ledger.done(taken)
    assert rows() == [("done", None)]
    ledger.sweep(after(86_399))
    assert not ledger.keep(asked(), now=after(86_399))
    ledger.sweep(after(86_400))
    assert rows() == []


def test_a_workspace_that_is_given_up_leaves_no_words(ledger: Ledger) -> None:
    ledger.keep(asked(), now=NOW)
    ledger.keep(asked(team="T0OTHER"), now=NOW)
    ledger.give_up("T0DESK")
    left = ledger.take("a", now=NOW, lease_s=LEASE_S)
    assert left is not None
    assert left.ask.team == "T0OTHER"
    assert ledger.take("a", now=NOW, lease_s=LEASE_S) is None


def test_filters_belong_to_a_channel(ledger: Ledger) -> None:
    chosen = Filters(sources=("jpost.com",))
    ledger.set_filters("T0DESK", "C0DESK", chosen)
    assert ledger.filters("T0DESK", "C0DESK") == chosen
    assert ledger.filters("T0DESK", "C0OTHER") == Filters()
    ledger.set_filters("T0DESK", "C0DESK", Filters())
    assert ledger.filters("T0DESK", "C0DESK") == Filters()
    ledger.set_filters("T0DESK", "C0DESK", chosen)
    ledger.forget_filters("T0DESK")
    assert ledger.filters("T0DESK", "C0DESK") == Filters()


def test_a_database_that_is_gone_is_an_error_that_slack_hears_of(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'gone' / 'ledger.sqlite3'}")
    (tmp_path / "gone").mkdir()
    ledger = Ledger(engine)
    engine.dispose()
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(DependencyError, match="the message cannot be written down"):
        ledger.keep(asked(), now=NOW)
