"""What readers think of answers, kept with all that the answers were made of.

>>> feedback = Feedback(catalog.engine)
>>> feedback.give("msg_51c", Rating(rating="down", reasons=("wrong",)), caller, now=now)
>>> [opinion.rating.rating for opinion in feedback.all()]
['down']
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Engine

from api.auth import Caller
from api.sessions import Rating, existing_message, unpacked
from api.tables import FeedbackRow, MessageRow, make, micros, moment, transaction
from rag.bundle import Bundle
from rag.errors import InputError, NotFound
from rag.types import Answer

_BATCH = 100


class Opinion(NamedTuple):
    """What a reader thought of an answer, and the answer with its evidence."""

    message_id: str
    given_at: datetime
    rating: Rating
    bundle: Bundle


class Feedback:
    """Holds the database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """Keep what readers say beside the answers."""
        make(engine)
        self._engine = engine

    def give(self, message_id: str, rating: Rating, caller: Caller, *, now: datetime) -> None:
        """Keep what `caller` thinks of an answer, in place of what was said of it before.

        Raises: NotFound when no such answer is kept, InputError when it has no such citation.
        """
        with transaction(self._engine) as session:
            row = existing_message(session, message_id, caller)
            if row.answer is None:
                raise NotFound(f"answer {message_id!r} quoted an article that was deleted")
            if rating.citation_index is not None:
                _check_citation(Answer.model_validate_json(row.answer), rating.citation_index)
            session.merge(
                FeedbackRow(
                    message_id=message_id, created_us=micros(now), body=rating.model_dump_json()
                )
            )

    def all(self) -> Iterator[Opinion]:
        """Yield every opinion on an answer whose articles are still there, oldest first."""
        query = select(FeedbackRow, MessageRow.bundle).join(
            MessageRow, MessageRow.id == FeedbackRow.message_id
        )
        query = query.order_by(FeedbackRow.created_us, FeedbackRow.message_id)
        with transaction(self._engine) as session:
            for row, stored in session.execute(query.execution_options(yield_per=_BATCH)):
                if stored is None:
                    continue
                yield Opinion(
                    message_id=row.message_id,
                    given_at=moment(row.created_us),
                    rating=Rating.model_validate_json(row.body),
                    bundle=unpacked(stored),
                )


def _check_citation(answer: Answer, index: int) -> None:
    if index not in {citation.index for citation in answer.citations}:
        raise InputError(
            f"the answer has no citation {index}; it has {len(answer.citations)}, counted from 1"
        )
