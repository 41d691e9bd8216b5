"""Conversations: the same one from HTTP, the command line and a Slack thread.

>>> sessions = Sessions(catalog.engine, keep_days=30)
>>> session, is_new = sessions.create(ANONYMOUS, now=now)
>>> sessions.save(evidence, answer, ANONYMOUS)
>>> sessions.turns(session.id, ANONYMOUS, now=now)
(Turn(question='Who was blamed for the Taji attack?', answer='Kataib Hezbollah'),)

An answer is kept with its bundle, also without a conversation, so that feedback on it can be
examined. A caller sees what came with the same key; `admin` sees all.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, not_, select, true, tuple_, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from api.auth import Caller
from api.schemas.sessions import (
    MOST_MESSAGES,
    Conversation,
    Rating,
    SessionInfo,
    SessionMessage,
)
from api.stores.tables import (
    FeedbackRow,
    MessageRow,
    QuotedRow,
    SessionRow,
    make,
    micros,
    moment,
    transaction,
)
from rag.bundle import Bundle, bundle, versions
from rag.catalog import ArticleRow, answering
from rag.errors import InputError, NotFound
from rag.types import Answer, Evidence, Filters, Turn

_TITLE_CHARS = 80
# Follow-ups look no further back.
_TURNS = 10


class Sessions:
    """Holds the database; every method is one transaction."""

    def __init__(self, engine: Engine, *, keep_days: int) -> None:
        """Keep what is said for `keep_days` after the last word; 0: keep nothing."""
        make(engine)
        self.engine = engine
        self._keep = timedelta(days=keep_days)

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return bool(self._keep)

    def create(
        self,
        caller: Caller,
        *,
        now: datetime,
        title: str | None = None,
        asked_id: str | None = None,
    ) -> tuple[SessionInfo, bool]:
        """Return the new conversation and True, or the caller's own of that id and False."""
        if not self.keeps:
            raise InputError("this server keeps no conversations (DATELINE_KEEP_DAYS is 0)")
        session_id = asked_id or f"ses_{token_hex(12)}"
        made = SessionRow(
            id=session_id,
            owner=caller.key_id,
            title=title,
            created_us=micros(now),
            updated_us=micros(now),
        )
        expired = SessionRow.id == session_id, SessionRow.updated_us <= self._oldest(now)
        with answering("the session cannot be begun"):
            try:
                with Session(self.engine, expire_on_commit=False) as session, session.begin():
                    session.execute(delete(SessionRow).where(*expired))
                    session.add(made)
            except IntegrityError:
                return self._known(session_id, caller), False
        return self._info(made), True

    def _known(self, session_id: str, caller: Caller) -> SessionInfo:
        with transaction(self.engine) as session:
            row = session.get(SessionRow, session_id)
            if row is None or not _sees(caller, row.owner):
                raise InputError(f"session id {session_id!r} is taken; choose another")
            return self._info(row)

    def page(
        self, caller: Caller, *, now: datetime, limit: int, before: tuple[int, str] | None = None
    ) -> list[SessionInfo]:
        """Return the caller's conversations, last used first, those behind `before`."""
        key = tuple_(SessionRow.updated_us, SessionRow.id)
        query = select(SessionRow).where(SessionRow.updated_us > self._oldest(now))
        query = query.where(_visible(SessionRow.owner, caller))
        if before is not None:
            query = query.where(key < before)
        query = query.order_by(SessionRow.updated_us.desc(), SessionRow.id.desc()).limit(limit)
        with transaction(self.engine) as session:
            return [self._info(row) for row in session.scalars(query)]

    def place(self, info: SessionInfo) -> tuple[int, str]:
        """Return where `page` goes on behind this conversation."""
        return micros(info.updated_at), info.id

    def get(self, session_id: str, caller: Caller, *, now: datetime) -> Conversation:
        """Return the conversation, or raise NotFound."""
        query = select(MessageRow, FeedbackRow.body, is_emptied()).outerjoin(
            FeedbackRow, FeedbackRow.message_id == MessageRow.id
        )
        query = query.where(MessageRow.session_id == session_id).options(defer(MessageRow.bundle))
        query = query.order_by(MessageRow.created_us.desc(), MessageRow.id).limit(MOST_MESSAGES)
        with transaction(self.engine) as session:
            row = self._existing(session, session_id, caller, now)
            found = session.execute(query).all()
            messages = tuple(_message(*one) for one in reversed(found))
            return Conversation(**dict(self._info(row)), messages=messages)

    def rename(self, session_id: str, title: str, caller: Caller, *, now: datetime) -> SessionInfo:
        """Give the conversation another title, or raise NotFound."""
        with transaction(self.engine) as session:
            row = self._existing(session, session_id, caller, now)
            row.title = title
            return self._info(row)

    def delete(self, session_id: str, caller: Caller, *, now: datetime) -> None:
        """Forget the conversation with all that was said in it, or raise NotFound."""
        with transaction(self.engine) as session:
            session.delete(self._existing(session, session_id, caller, now))

    def turns(self, session_id: str, caller: Caller, *, now: datetime) -> tuple[Turn, ...]:
        """Return the last questions with their answers, oldest first, or raise NotFound."""
        query = select(MessageRow.question, MessageRow.answer, is_emptied())
        query = query.where(MessageRow.session_id == session_id)
        query = query.order_by(MessageRow.created_us.desc(), MessageRow.id).limit(_TURNS)
        with transaction(self.engine) as session:
            self._existing(session, session_id, caller, now)
            return tuple(_turn(*one) for one in reversed(session.execute(query).all()))

    def save(self, evidence: Evidence, answer: Answer, caller: Caller) -> None:
        """Keep the answer with its bundle, in its conversation if it has one.

        Of a conversation that was forgotten while it was written nothing is kept.
        """
        if not self.keeps:
            return
        whole = bundle(evidence, answer, versions())
        row = MessageRow(
            id=answer.id,
            session_id=answer.session_id,
            owner=caller.key_id,
            created_us=micros(answer.created_at),
            question=evidence.question.text,
            filters=evidence.question.filters.model_dump_json(exclude_none=True),
            answer=answer.model_dump_json(),
            bundle=zlib.compress(whole.model_dump_json().encode()),
        )
        with transaction(self.engine) as session:
            if not self._touched(session, answer, evidence.question.text):
                return
            quoted = {*whole.articles, *_quoted_before(session, answer.session_id)}
            session.execute(delete(MessageRow).where(MessageRow.id == answer.id))
            session.add(row)
            session.flush()
            session.add_all(QuotedRow(message_id=answer.id, article_id=one) for one in quoted)

    def sweep(self, now: datetime) -> None:
        """Forget what is too old; an answer that somebody gave an opinion on stays for its export.

        What is too old is shown to nobody before, either.
        """
        old = SessionRow.updated_us <= self._oldest(now)
        opinions = select(FeedbackRow.message_id)
        kept = and_(
            MessageRow.session_id.in_(select(SessionRow.id).where(old)), MessageRow.id.in_(opinions)
        )
        alone = MessageRow.session_id.is_(None), MessageRow.created_us <= self._oldest(now)
        with transaction(self.engine) as session:
            session.execute(update(MessageRow).where(kept).values(session_id=None))
            session.execute(delete(SessionRow).where(old))
            session.execute(delete(MessageRow).where(*alone, not_(MessageRow.id.in_(opinions))))

    def message(
        self, session: Session, message_id: str, caller: Caller, *, now: datetime
    ) -> MessageRow:
        """Return the row of an answer that `caller` may see, or raise NotFound."""
        row = session.get(MessageRow, message_id, options=[defer(MessageRow.bundle)])
        talk = session.get(SessionRow, row.session_id) if row and row.session_id else None
        if row is None or not (_sees(caller, row.owner) or (talk and _sees(caller, talk.owner))):
            raise NotFound(f"no answer has the id {message_id!r}, or it is no longer kept")
        if not (self._stands(talk, now) if talk else row.created_us > self._oldest(now)):
            raise NotFound(f"answer {message_id!r} is no longer kept")
        emptied = select(is_emptied()).where(MessageRow.id == message_id)
        if row.answer is None or session.scalar(emptied):
            raise NotFound(f"answer {message_id!r} quoted an article that was deleted")
        return row

    def forget_articles(self, article_ids: Sequence[str]) -> None:
        """Empty the answers that hold words of these articles; the questions stay."""
        for start in range(0, len(article_ids), 1_000):
            part = article_ids[start : start + 1_000]
            with transaction(self.engine) as session:
                holding = select(QuotedRow.message_id).where(QuotedRow.article_id.in_(part))
                emptied = update(MessageRow).where(MessageRow.id.in_(holding))
                session.execute(emptied.values(answer=None, bundle=None))

    # -- private -------------------------------------------------------------------------------

    def _touched(self, session: Session, answer: Answer, question: str) -> bool:
        """Note that something was said; return whether there is still a conversation for it."""
        if answer.session_id is None:
            return True
        row = session.get(SessionRow, answer.session_id)
        if row is None:
            return False
        row.updated_us = max(row.updated_us, micros(answer.created_at))
        row.title = row.title or _title(question)
        return True

    def _existing(
        self, session: Session, session_id: str, caller: Caller, now: datetime
    ) -> SessionRow:
        row = session.get(SessionRow, session_id)
        if row is None or not self._stands(row, now) or not _sees(caller, row.owner):
            raise NotFound(f"no session has the id {session_id!r}, or it has expired")
        return row

    def _stands(self, row: SessionRow, now: datetime) -> bool:
        return row.updated_us > self._oldest(now)

    def _oldest(self, now: datetime) -> int:
        return micros(now - self._keep)

    def _info(self, row: SessionRow) -> SessionInfo:
        return SessionInfo(
            id=row.id,
            title=row.title,
            created_at=moment(row.created_us),
            updated_at=moment(row.updated_us),
            expires_at=moment(row.updated_us) + self._keep,
        )


def is_emptied() -> ColumnElement[bool]:
    """Return whether an article that a message holds words of answers no more.

    Asked whenever a message is read, because articles go in many ways: deleted here, retired by
    `dateline ingest`, or deleted while the answer was being written.
    """
    live = exists().where(ArticleRow.article_id == QuotedRow.article_id, ArticleRow.state == "live")
    return exists().where(QuotedRow.message_id == MessageRow.id, ~live).correlate(MessageRow)


def unpacked(stored: bytes) -> Bundle:
    """Return a bundle as it was stored."""
    return Bundle.model_validate_json(zlib.decompress(stored))


def _quoted_before(session: Session, session_id: str | None) -> Iterable[str]:
    """Return the articles of the turns that a question is completed from: it may hold their words.

    A few more than those turns are of the conversation; too careful is right here.
    """
    turns = select(MessageRow.id).where(MessageRow.session_id == session_id)
    turns = turns.order_by(MessageRow.created_us.desc(), MessageRow.id).limit(_TURNS)
    articles = select(QuotedRow.article_id).where(QuotedRow.message_id.in_(turns))
    return session.scalars(articles.distinct()) if session_id else ()


def _message(row: MessageRow, rating: str | None, emptied: bool) -> SessionMessage:
    return SessionMessage(
        id=row.id,
        question=row.question,
        filters=Filters.model_validate_json(row.filters),
        created_at=moment(row.created_us),
        answer=None if emptied or not row.answer else Answer.model_validate_json(row.answer),
        feedback=Rating.model_validate_json(rating) if rating else None,
    )


def _turn(question: str, stored: str | None, emptied: bool) -> Turn:
    """Return a turn as follow-ups are completed from it: the short answer says what is meant."""
    answer = Answer.model_validate_json(stored) if stored and not emptied else None
    return Turn(question=question, answer=answer and (answer.short_answer or answer.answer))


def _title(question: str) -> str:
    words = " ".join(question.split())
    return words if len(words) <= _TITLE_CHARS else words[: _TITLE_CHARS - 1].rstrip() + "…"


def _sees(caller: Caller, owner: str | None) -> bool:
    return owner == caller.key_id or caller.may("admin")


def _visible(owner: Any, caller: Caller) -> ColumnElement[bool]:  # Any: a mapped column
    if caller.may("admin"):
        return true()
    mine: ColumnElement[bool] = owner == caller.key_id
    return mine
