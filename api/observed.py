"""What is noted of an answer: the facts of its log line.

>>> observed(answer, request)
>>> request.state.facts["answer_status"]
'answered'
"""

from fastapi import Request

from rag.types import Answer


def observed(answer: Answer, request: Request) -> None:
    """Note `answer`, which is sent in reply to `request`."""
    facts: dict[str, object] = request.state.facts
    facts.update(
        answer_status=answer.answer_status,
        abstain_reason=answer.abstain_reason,
        confidence=answer.confidence,
        citations=len(answer.citations),
        session=answer.session_id is not None,
        timings_ms=answer.timings_ms,
        model=answer.model,
        index_fingerprint=answer.index_fingerprint,
    )
