"""Readings weighed anew where a question does not ask for a few words.

>>> fitted("Did RAF planes join the raids?", readings)[0].text
'A British government source said no Royal Air Force aircraft had taken part.'

The reader is a finder of names, numbers and dates. To yes or no, a reason or an account it gives
low probabilities even where a sentence answers. There a sentence counts by how much of what is
asked it holds. The probabilities are set by hand, not fitted: few questions are labelled so.
"""

from collections.abc import Sequence

from rag.phrasing import in_time_order
from rag.polarity import decide
from rag.question import holds, shape_of
from rag.relevance import Relevance, held_by, relevance, told_words
from rag.types import Reading

DECIDED = 0.6
HELD = 0.45
TOLD = 0.6
# An article is about what is asked when it holds so much of it; its first sentences tell it.
_ABOUT = 0.7
_FIRST = 4
_FALL = 0.95
_READ = 40
_LEAST = Relevance(here=0.4, around=0.7)
_NOTHING_ASKED: frozenset[str] = frozenset()


def fitted(question: str, readings: Sequence[Reading]) -> list[Reading]:
    """Return `readings`, most probable first, with probabilities that suit the question."""
    shape = shape_of(question)
    if shape == "yes_no":
        decision = decide(question, readings)
        chosen = {id(decision.reading): DECIDED} if decision else {}
    elif shape == "reason":
        chosen = _reasons(question, readings)
    elif shape == "account":
        chosen = _accounts(question, readings)
    else:
        return list(readings)
    raised = [
        reading.model_copy(
            update={"probability": max(reading.probability, chosen.get(id(reading), 0.0))}
        )
        for reading in readings
    ]
    return sorted(raised, key=lambda reading: -reading.probability)


def _reasons(question: str, readings: Sequence[Reading]) -> dict[int, float]:
    """Return for each sentence that gives a reason for what is asked how probable it is."""
    told = told_words(question)
    found: dict[int, float] = {}
    for reading in readings[:_READ]:
        match = relevance(told, reading)
        enough = match.here >= _LEAST.here and match.around >= _LEAST.around
        if enough and holds("why", reading.text, _NOTHING_ASKED):
            found[id(reading)] = HELD * match.both
    return found


def _accounts(question: str, readings: Sequence[Reading]) -> dict[int, float]:
    """Return for the first sentences of the article that is most about it how probable they are.

    News tells what happened first, in its opening sentences.
    """
    told = told_words(question)
    of_article: dict[str, list[Reading]] = {}
    for reading in readings:
        of_article.setdefault(reading.hit.article.article_id, []).append(reading)
    shares = {key: held_by(told, found) for key, found in of_article.items()}
    # max keeps the first, whose best sentence is the most probable.
    best = max(shares, key=lambda key: shares[key], default=None)
    if best is None or shares[best] < _ABOUT:
        return {}
    opening = in_time_order(of_article[best])[:_FIRST]
    return {id(r): TOLD * shares[best] * _FALL**place for place, r in enumerate(opening)}
