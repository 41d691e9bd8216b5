"""Readings weighed anew where a question does not ask for a few words.

>>> fitted("Did RAF planes join the raids?", readings)[0].text
'A British government source said no Royal Air Force aircraft had taken part.'

The reader is a finder of names, numbers and dates. To yes or no, a reason or an account it gives
low probabilities even where a sentence answers. There a sentence counts by how much of what is
asked it holds. The two probabilities are set by hand, not fitted: few questions are labelled so.
"""

from collections.abc import Sequence

from rag.polarity import decide
from rag.question import holds, shape_of
from rag.relevance import Relevance, relevance, told_words
from rag.types import Reading

DECIDED = 0.6
HELD = 0.45
_READ = 40
_LEAST = Relevance(here=0.4, around=0.7)
_NOTHING_ASKED: frozenset[str] = frozenset()


def fitted(question: str, readings: Sequence[Reading]) -> list[Reading]:
    """Return `readings`, most probable first, with probabilities that suit the question."""
    shape = shape_of(question)
    if shape == "yes_no":
        decision = decide(question, readings)
        chosen = {id(decision.reading): DECIDED} if decision else {}
    elif shape in ("reason", "account"):
        chosen = _held(question, readings, reason=shape == "reason")
    else:
        return list(readings)
    raised = [
        reading.model_copy(
            update={"probability": max(reading.probability, chosen.get(id(reading), 0.0))}
        )
        for reading in readings
    ]
    return sorted(raised, key=lambda reading: -reading.probability)


def _held(question: str, readings: Sequence[Reading], *, reason: bool) -> dict[int, float]:
    """Return for each sentence that is about the question how probable it is to answer."""
    told = told_words(question)
    found: dict[int, float] = {}
    for reading in readings[:_READ]:
        match = relevance(told, reading)
        if match.here < _LEAST.here or match.around < _LEAST.around:
            continue
        if reason and not holds("why", reading.text, _NOTHING_ASKED):
            continue
        found[id(reading)] = HELD * match.both
    return found
