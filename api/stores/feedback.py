"""What readers think of answers, kept with all that the answers were made of.

>>> Feedback(sessions).give("msg_51c", Rating(rating="down"), caller, now=now)
>>> [opinion.rating.rating for opinion in opinions(catalog.engine)]
['down']
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Engine

from api.auth import Caller
from api.schemas.sessions import Rating
from api.stores.sessions import Sessions, is_emptied, unpacked
from api.stores.tables import FeedbackRow, MessageRow, make, micros, moment, transaction
from rag.bundle import Bundle
from rag.errors import InputError
from rag.types import Answer

_BATCH = 100


class Opinion(NamedTuple):
    """What a reader thought of an answer, and the answer with its evidence."""

    message_id: str
    given_at: datetime
    rating: Rating
    bundle: Bundle


class Feedback:
    """Keeps what readers say beside the answers that a `Sessions` keeps."""

    def __init__(self, sessions: Sessions) -> None:
        """Take opinions on the answers in `sessions`."""
        self._sessions = sessions

    def give(self, message_id: str, rating: Rating, caller: Caller, *, now: datetime) -> None:
        """Keep what `caller` thinks of an answer, in place of what was said of it before.

        Raises: NotFound when no such answer is kept, InputError when it has no such citation.
        """
        with transaction(self._sessions.engine) as session:
            row = self._sessions.message(session, message_id, caller, now=now)
            if rating.citation_index is not None and row.answer is not None:
                _check_citation(Answer.model_validate_json(row.answer), rating.citation_index)
            given = FeedbackRow(
                message_id=message_id, created_us=micros(now), body=rating.model_dump_json()
            )
            session.merge(given)


def opinions(engine: Engine) -> Iterator[Opinion]:
    """Yield every opinion on an answer whose articles are still there, oldest first."""
    make(engine)
    query = select(FeedbackRow, MessageRow.bundle).join(
        MessageRow, MessageRow.id == FeedbackRow.message_id
    )
    query = query.where(MessageRow.bundle.is_not(None), ~is_emptied())
    query = query.order_by(FeedbackRow.created_us, FeedbackRow.message_id)
    with transaction(engine) as session:
        for row, stored in session.execute(query.execution_options(yield_per=_BATCH)):
            yield Opinion(
                message_id=row.message_id,
                given_at=moment(row.created_us),
                rating=Rating.model_validate_json(row.body),
                bundle=unpacked(stored or b""),
            )


def _check_citation(answer: Answer, index: int) -> None:
    if index not in {citation.index for citation in answer.citations}:
        raise InputError(
            f"the answer has no citation {index}; it has {len(answer.citations)}, counted from 1"
        )
