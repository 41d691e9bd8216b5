"""Whether the sentences of an archive say yes or no to a question.

>>> decide("Did RAF planes join the raids?", readings).word
'No'

The question is turned into what would be true if the reply were yes. A sentence says yes when it
holds nearly all of that and denies none of it, no when it holds much of it and denies it. The
support judge is no help here: of a sentence about something else it says “contradicted” as readily
as “open”.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.premise import related
from rag.relevance import Relevance, relevance, told_words
from rag.types import Reading
from rag.words import Word, denials, read_words

# How much of what is asked the sentence must hold, alone and with what stands around it.
_YES = Relevance(here=0.6, around=0.85)
_NO = Relevance(here=0.3, around=0.65)
_READ = 40
_YES_NO = re.compile(
    r"^\W*(?:(?:and|but|so|or|well),? )?(?:did|does|do|is|are|was|were|has|have|had|can|could|will|"
    r"would|should|shall|may|might|must)(?:n['’]t)?\b",
    re.IGNORECASE,
)
# Words that deny, beside those that `rag.words` knows.
_DENIES = re.compile(
    r"\b(?:nobody|no one|none|no|not|never|nor|neither|without|den(?:y|ies|ied)|first time|"
    r"rul(?:es?|ed) out|fail(?:s|ed)|refus(?:es?|ed))\b|n['’]t\b",
    re.IGNORECASE,
)


class Decision(NamedTuple):
    """The reply, the reading whose sentence gives it, and how much of what is asked it holds."""

    word: str
    reading: Reading
    relevance: Relevance


def assertion_of(question: str) -> str | None:
    """Return what is true if the reply to `question` is yes; None when it is no such question.

    Verbs keep the form that the question has: only stems are compared.
    """
    asked = " ".join(question.split()).rstrip("?!. ")
    found = _YES_NO.match(asked)
    if found is None or re.search(r"\bor\b", asked, re.IGNORECASE):
        return None
    return asked[found.end() :].strip() or None


def decide(question: str, readings: Sequence[Reading]) -> Decision | None:
    """Return yes or no with its proof; None when no sentence says either."""
    assertion = assertion_of(question)
    told = told_words(assertion) if assertion else []
    if not told:
        return None
    decisions = (_decision(told, reading) for reading in readings[:_READ])
    found = [decision for decision in decisions if decision]
    # max keeps the first, the most probable one, of those that hold as much.
    return max(found, key=lambda decision: decision.relevance.both, default=None)


def _decision(told: Sequence[Word], reading: Reading) -> Decision | None:
    found, denied = relevance(told, reading), _denies(read_words(reading.text), told)
    least = _NO if denied else _YES
    if found.here < least.here or found.around < least.around:
        return None
    return Decision("No" if denied else "Yes", reading, found)


def _denies(sentence: Sequence[Word], told: Sequence[Word]) -> bool:
    """Return whether a denial stands in the clause of one of the words that are told.

    Or in the one before: “did not say that it had fired”, “the first time that it was postponed”.
    """
    said = [word for word in told if word.kind == "content"] or told
    keys = {key for word in said for key in ({word.key} | related(word.key))}
    holding = {word.clause for word in sentence if word.key in keys}
    clauses = holding | {clause - 1 for clause in holding}
    near = [word for word in sentence if word.clause in clauses]
    return bool(denials(near) or _DENIES.search(" ".join(word.text for word in near)))
