"""What the bot must not forget: which messages came, which are still to be answered, and filters.

>>> ledger = Ledger(engine)
>>> ledger.keep(ask, now=now)  # True the first time, False for every duplicate
True
>>> taken = ledger.take("this process", now=now, lease_s=6)
>>> ledger.done(taken)

A message is written down before Slack hears that it came, and taken by one process for some seconds
that are renewed while it works. So what a process had begun when it died is taken up by the next.
Once it is answered its words are deleted; that it came is remembered for a day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import ValidationError
from sqlalchemy import BigInteger, ColumnElement, Select, and_, delete, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from api.slack.events import Ask
from api.stores.tables import micros, moment, transaction
from rag.catalog import answering
from rag.types import Filters

# Slack sends an event again for up to an hour, and after an outage of its own still later.
_REMEMBERED = timedelta(days=1)
# Of those that wait for one before them there may be many: never all of them at once.
_PAGE = 100

Way = Literal["stream", "post"]


class _Base(DeclarativeBase):
    pass


class SlackEventRow(_Base):
    """A message that came; `ask` is there until it is answered, and nobody may take it till `due`.

    The key holds no event id: Slack may send the same message with another one.
    """

    __tablename__ = "slack_events"
    team: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    ask: Mapped[str | None]
    created_us: Mapped[int] = mapped_column(BigInteger, index=True)
    due_us: Mapped[int] = mapped_column(BigInteger)
    owner: Mapped[str | None]
    attempts: Mapped[int]
    reply_way: Mapped[str | None]
    reply_ts: Mapped[str | None]


class SlackFiltersRow(_Base):
    """Which articles may answer in a channel."""

    __tablename__ = "slack_filters"
    team: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    filters: Mapped[str]


_PENDING = SlackEventRow.state == "pending"


class Begun(NamedTuple):
    """The message in Slack that an answer is being written into, and those that continue it."""

    way: Way
    ts: str
    more: tuple[str, ...] = ()


class Taken(NamedTuple):
    """A message that this process is to answer, and what an earlier attempt left in Slack."""

    ask: Ask
    owner: str
    created_at: datetime
    attempts: int
    begun: Begun | None


class TakenOver(Exception):
    """Another process answers it: this one was too slow to say that it still does."""

    def __init__(self, parts: Sequence[str] = ()) -> None:
        """Tell into which messages the other one writes."""
        super().__init__()
        self.parts = parts


class Ledger:
    """Holds the tables; every method is one transaction and raises DependencyError."""

    def __init__(self, engine: Engine) -> None:
        """Open them, making them when they are new."""
        self._engine = engine
        with answering("the tables of the Slack bot cannot be made"):
            _Base.metadata.create_all(engine)

    def keep(self, ask: Ask, *, now: datetime) -> bool:
        """Write down what is to be answered; return whether it came for the first time."""
        row = SlackEventRow(
            **ask.model_dump(include={"team", "channel", "ts", "type"}),
            state="pending",
            ask=ask.model_dump_json(),
            created_us=micros(now),
            due_us=micros(now),
            attempts=0,
        )
        with answering("the message cannot be written down"):
            try:
                with Session(self._engine) as session, session.begin():
                    session.add(row)
            except IntegrityError:
                return False
        return True

    def take(
        self, owner: str, *, now: datetime, lease_s: float, team: str | None = None
    ) -> Taken | None:
        """Return the oldest message that nobody works on, which is `owner`'s for `lease_s`.

        One of a thread at a time, so that a follow-up knows the answer before it.
        """
        due = select(SlackEventRow).where(_PENDING, SlackEventRow.due_us <= micros(now))
        if team is not None:
            due = due.where(SlackEventRow.team == team)
        due = due.order_by(SlackEventRow.created_us, SlackEventRow.ts)
        while True:
            with transaction(self._engine) as session:
                found = _first_free(session, due, now)
                if found is None:
                    return None
                row, ask = found
                mine = {"owner": owner, "attempts": row.attempts + 1}
                mine["due_us"] = micros(now + timedelta(seconds=lease_s))
                same = SlackEventRow.due_us == row.due_us, SlackEventRow.state == "pending"
                claim = update(SlackEventRow).where(_is(ask), *same).values(**mine)
                options = {"synchronize_session": False}
                if session.execute(claim, execution_options=options).rowcount:  # type: ignore[attr-defined]
                    return _taken(row, ask, owner)
            # Somebody else was faster: what is free is another one now.

    def renew(self, active: Sequence[Taken], *, now: datetime, lease_s: float) -> None:
        """Say that these are still being worked on."""
        due = micros(now + timedelta(seconds=lease_s))
        if not active:
            return
        with transaction(self._engine) as session:
            for taken in active:
                session.execute(update(SlackEventRow).where(_held(taken)).values(due_us=due))

    def note_begun(self, taken: Taken, begun: Begun) -> None:
        """Remember into which messages the answer is being written. Raises TakenOver."""
        self._change(taken, reply_way=begun.way, reply_ts=" ".join((begun.ts, *begun.more)))

    def replies(self, channel: str) -> set[str]:
        """Return in which messages of a channel the answers of the last day are, done or begun.

        Of all workspaces: in those of an organisation it may be the same channel, and the same bot.
        """
        here = SlackEventRow.channel == channel
        begun = select(SlackEventRow.reply_ts).where(here, SlackEventRow.reply_ts.is_not(None))
        with transaction(self._engine) as session:
            return {ts for row in session.scalars(begun) for ts in (row or "").split()}

    def done(self, taken: Taken) -> None:
        """Forget the words: nothing is left to do. Raises TakenOver."""
        self._change(taken, state="done", ask=None, owner=None)

    def put_back(self, taken: Taken, *, due: datetime, counts: bool = True) -> None:
        """Leave it to whoever comes by after `due`. Raises TakenOver."""
        attempts = taken.attempts if counts else taken.attempts - 1
        self._change(taken, owner=None, due_us=micros(due), attempts=attempts)

    def sweep(self, now: datetime) -> None:
        """Forget what came long ago."""
        old = SlackEventRow.created_us <= micros(now - _REMEMBERED)
        with transaction(self._engine) as session:
            session.execute(delete(SlackEventRow).where(old))

    def filters(self, team: str, channel: str) -> Filters:
        """Return which articles may answer in a channel."""
        with transaction(self._engine) as session:
            row = session.get(SlackFiltersRow, (team, channel))
            return Filters.model_validate_json(row.filters) if row else Filters()

    def set_filters(self, team: str, channel: str, filters: Filters) -> None:
        """Let only these articles answer in a channel."""
        row = SlackFiltersRow(team=team, channel=channel, filters=filters.model_dump_json())
        with transaction(self._engine) as session:
            session.merge(row)

    def give_up(self, team: str) -> None:
        """Forget the words of a workspace whose token is not valid any more."""
        words = SlackEventRow.team == team, SlackEventRow.state == "pending"
        with transaction(self._engine) as session:
            gone = {"state": "done", "ask": None, "owner": None}
            session.execute(update(SlackEventRow).where(*words).values(**gone))

    def forget_filters(self, team: str) -> None:
        """Forget the filters of a workspace that the bot was taken out of."""
        with transaction(self._engine) as session:
            session.execute(delete(SlackFiltersRow).where(SlackFiltersRow.team == team))

    def _change(self, taken: Taken, **values: str | int | None) -> None:
        statement = update(SlackEventRow).where(_held(taken)).values(**values)
        with transaction(self._engine) as session:
            if not session.execute(statement).rowcount:  # type: ignore[attr-defined]
                theirs = select(SlackEventRow.reply_ts).where(_is(taken.ask))
                raise TakenOver((session.scalar(theirs) or "").split())


def _first_free(
    session: Session, due: Select[SlackEventRow], now: datetime
) -> tuple[SlackEventRow, Ask] | None:
    """Return the first in a thread in which nothing is being answered or put back.

    It is let go of before anything is written: SQLite refuses at once whoever writes while it still
    reads what others have changed since.
    """
    held: dict[tuple[str, str], set[str]] = {}
    with session.scalars(due, execution_options={"yield_per": _PAGE}) as rows:
        for row in rows:
            ask = _read(row.ask)
            if ask is None:
                continue
            place = ask.team, ask.channel
            if place not in held:
                held[place] = _held_threads(session, *place, now)
            if ask.thread_ts not in held[place]:
                return row, ask
    return None


def _held_threads(session: Session, team: str, channel: str, now: datetime) -> set[str]:
    here = SlackEventRow.team == team, SlackEventRow.channel == channel
    later = select(SlackEventRow.ask).where(_PENDING, *here, SlackEventRow.due_us > micros(now))
    return {ask.thread_ts for ask in map(_read, session.scalars(later)) if ask is not None}


def _read(stored: str | None) -> Ask | None:
    try:
        return Ask.model_validate_json(stored or "")
    except ValidationError:
        # Written by another version; the rest need not wait until it is forgotten.
        return None


def _is(ask: Ask) -> ColumnElement[bool]:
    return and_(
        SlackEventRow.team == ask.team,
        SlackEventRow.channel == ask.channel,
        SlackEventRow.ts == ask.ts,
        SlackEventRow.type == ask.type,
    )


def _held(taken: Taken) -> ColumnElement[bool]:
    """Return whether a row is this message, and still its owner's."""
    mine = and_(SlackEventRow.owner == taken.owner, SlackEventRow.state == "pending")
    return and_(_is(taken.ask), mine)


def _taken(row: SlackEventRow, ask: Ask, owner: str) -> Taken:
    parts = (row.reply_ts or "").split()
    way: Way = "stream" if row.reply_way == "stream" else "post"
    return Taken(
        ask=ask,
        owner=owner,
        created_at=moment(row.created_us),
        attempts=row.attempts + 1,
        begun=Begun(way, parts[0], tuple(parts[1:])) if parts else None,
    )
