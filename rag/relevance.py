"""How much of what a question names a sentence holds, alone and with what stands around it.

>>> relevance(told_words("Was anyone hurt at Basmaya?"), reading)
Relevance(here=0.5, around=1.0)

It is what is left to go by where no few words answer: yes or no, a reason, an account.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rag.premise import related
from rag.question import content_words
from rag.sentences import sentence_spans
from rag.types import Reading
from rag.words import Word, read_words

_SENTENCES_BEFORE = 2
_INDEFINITE = frozenset(
    "someone somebody something anyone anybody anything ever any summarise summarize "
    "summary overview timeline story latest reason reasons explain describe tell give".split()
)


class Relevance(NamedTuple):
    """Shares of the words that a question names, 0 to 1."""

    here: float
    around: float

    @property
    def both(self) -> float:
        """One number to rank by."""
        return (self.here + self.around) / 2


def told_words(text: str) -> list[Word]:
    """Return the words of a question or an assertion that say what it is about."""
    kept = {word.lower() for word in content_words(text)}
    # A first word has its capital from where it stands; “so” takes that place.
    words = [word for word in read_words(f"so {text}") if word.matters]
    words = [word for word in words if word.text.lower() not in _INDEFINITE]
    return [w for w in words if w.kind != "content" or kept & set(w.text.lower().split())] or words


def relevance(told: Sequence[Word], reading: Reading) -> Relevance:
    """Return how much of `told` the sentence of `reading` holds.

    What is said (a verb, a thing) must stand in the sentence to count as `here`; who and when may
    stand in the headline or the two sentences before.
    """
    here = {word.key for word in read_words(reading.text)}
    around = here | {word.key for word in read_words(_around(reading))}
    said = [word for word in told if word.kind == "content"] or list(told)
    return Relevance(here=_share(said, here), around=_share(told, around))


def held_by(told: Sequence[Word], readings: Sequence[Reading]) -> float:
    """Return how much of `told` stands in the headlines and passages of `readings`, 0 to 1."""
    texts = {text for r in readings for text in (r.hit.article.title, r.hit.passage.text)}
    return _share(told, {word.key for text in texts for word in read_words(text)})


def _share(words: Sequence[Word], keys: set[str]) -> float:
    """Return which share of `words` stands among `keys`, themselves or as a kindred word."""
    if not words:
        return 0.0
    return sum(bool(({word.key} | related(word.key)) & keys) for word in words) / len(words)


def _around(reading: Reading) -> str:
    """Return the headline and the sentences before, which say who is meant."""
    text = reading.hit.passage.text
    before = [start for start, _ in sentence_spans(text) if start < reading.start]
    start = before[-_SENTENCES_BEFORE:][0] if before else reading.start
    return f"{reading.hit.article.title}. {text[start : reading.start]}"
