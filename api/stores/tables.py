"""What the service keeps beside the articles: conversations, answers, opinions of readers.

>>> make(catalog.engine)
>>> with transaction(catalog.engine) as session:
...     session.add(SessionRow(id="ses_1", …))

One database has them and the articles, but they are nobody's truth: what is deleted here is gone,
and what an answer quoted is gone with its article.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rag.catalog import answering

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Base(DeclarativeBase):
    pass


class SessionRow(_Base):
    """One conversation; `owner` is the key that began it, None where no keys are asked for."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str | None] = mapped_column(index=True)
    title: Mapped[str | None]
    created_us: Mapped[int] = mapped_column(BigInteger)
    updated_us: Mapped[int] = mapped_column(BigInteger, index=True)


class MessageRow(_Base):
    """A question with its answer, which is empty once an article that it quotes was deleted."""

    __tablename__ = "messages"
    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str | None] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    owner: Mapped[str | None]
    created_us: Mapped[int] = mapped_column(BigInteger, index=True)
    question: Mapped[str]
    filters: Mapped[str]
    answer: Mapped[str | None]
    # Compressed: the passages in a bundle are some 20 kB of text.
    bundle: Mapped[bytes | None]


class QuotedRow(_Base):
    """An article that a message holds words of."""

    __tablename__ = "message_articles"
    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    article_id: Mapped[str] = mapped_column(primary_key=True, index=True)


class FeedbackRow(_Base):
    """What a reader thought of an answer; said again, it replaces what was said before."""

    __tablename__ = "feedback"
    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    created_us: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str]


def make(engine: Engine) -> None:
    """Make the tables that are not there yet."""
    with answering("the tables of the service cannot be made"):
        _Base.metadata.create_all(engine)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Do all of it or nothing. Raises DependencyError when the database does not."""
    with answering("the database refuses"), Session(engine) as session, session.begin():
        yield session


def micros(moment: datetime) -> int:
    """Return whole microseconds since 1970, as times are stored: two answers may share a second."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """Return the time that was stored, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)
