"""What stands under an answer, in words: how far it goes, and what to do when there is none.

>>> remarks(answer)
('This answers a part of the question only: the archive does not hold the rest.',)
"""

from collections.abc import Iterator
from datetime import datetime

from rag.types import AbstainReason, Answer, Citation

ADVICE: dict[AbstainReason, str] = {
    "empty_index": "`dateline ingest PATH…` takes articles in.",
    "no_match": "Try other words: names, places and dates as a newspaper would print them.",
    "low_confidence": "Ask for one fact at a time, or name the people, places or dates you mean.",
    "filtered_out": "Loosen the filters, or ask without them.",
    "unverified": "Ask more narrowly.",
}
# Why an answer is bad, by the word that is stored; the page in the browser has the same.
REASONS = {
    "wrong": "It is wrong",
    "not_cited": "The quote does not say that",
    "incomplete": "Something is missing",
    "outdated": "It is out of date",
    "should_not_answer": "It should not have answered",
}
_CONFLICT = "The articles contradict each other. Each account stands with who gives it."
_PARTIAL = "This answers a part of the question only: the archive does not hold the rest."


def remarks(answer: Answer) -> tuple[str, ...]:
    """Return what a reader has to know beside the text of the answer, most important first."""
    said = []
    if answer.answer_status == "no_answer" and answer.abstain_reason:
        said.append(ADVICE[answer.abstain_reason])
    if answer.answer_status == "conflicting":
        said.append(_CONFLICT)
    said += unproved(answer)
    return (*said, answer.note) if answer.note else tuple(said)


def unproved(answer: Answer) -> Iterator[str]:
    """Yield what of the answer nothing proves, or was taken out of it."""
    checked = answer.verification
    if checked and (loose := checked.unsupported + checked.unscored):
        yield f"Of {checked.sentences} sentences, {loose} could not be tied to a passage."
    elif answer.answer_status == "partial":
        yield _PARTIAL
    if checked and (removed := checked.contradicted_removed):
        them = "sentence was" if removed == 1 else "sentences were"
        yield f"{removed} {them} removed, because a passage says otherwise."


def origin(citation: Citation, *, author: bool = True) -> str:
    """Return outlet, author and day of a quotation, as far as they are known."""
    return byline(citation.source, citation.author if author else None, citation.published_at)


def byline(source: str | None, author: str | None, published_at: datetime | None) -> str:
    """Return what is known of where something was printed, in one line."""
    parts = [source, author, day(published_at)]
    return " · ".join(part for part in parts if part) or "no source, author or date"


def day(moment: datetime | None) -> str | None:
    """Return the day as it is written out."""
    return f"{moment.day} {moment:%B %Y}" if moment else None


def counted(number: int, what: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
