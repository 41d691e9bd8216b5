"""What a reader thinks of an answer.

POST /v1/feedback {"message_id": "msg_51c", "rating": "down", "reasons": ["wrong"]}
"""

from datetime import UTC, datetime

from fastapi import APIRouter

from api.deps import Asker, Facts, Served
from api.errors import responses
from api.schemas.sessions import FeedbackIn, FeedbackKept

router = APIRouter(
    prefix="/v1/feedback", tags=["questions"], responses=responses(400, 404, 413, 422, 500, 503)
)


@router.post("", status_code=201)
def give(feedback: FeedbackIn, services: Served, caller: Asker, facts: Facts) -> FeedbackKept:
    """Keep an opinion of an answer, with all that the answer was made of.

    Said again of the same answer it replaces what was said before. `dateline feedback export` makes
    gold questions of it.
    """
    now = datetime.now(UTC)
    services.feedback.give(feedback.message_id, feedback.given(), caller, now=now)
    facts.update(rating=feedback.rating)
    services.metrics.feedback(feedback.rating)
    return FeedbackKept(message_id=feedback.message_id, rating=feedback.rating, created_at=now)
