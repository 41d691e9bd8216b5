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
from rag.words import Word, denials, read_words

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
    # A name is kin to nothing: “Islamic State” states nothing. All of a headline may look like one.
    kin = {word.key for word in read_words(reading.text) if word.kind == "content"}
    said = [word for word in told if word.kind == "content"] or list(told)
    keys = _keys(reading.text)
    around = keys | _keys(_around(reading))
    return Relevance(here=_share(said, keys, kin), around=_share(told, around, around))


def missing(told: Sequence[Word], reading: Reading) -> list[Word]:
    """Return which of `told` stand neither in the sentence of `reading` nor around it.

    A kindred word counts in the sentence alone: around it, it is of something else too often.
    """
    own = _keys(reading.text)
    return [word for word in told if not _holds(own | _keys(_around(reading)), own, word)]


def held_by(told: Sequence[Word], readings: Sequence[Reading]) -> float:
    """Return how much of `told` stands in the headlines and passages of `readings`, 0 to 1."""
    texts = {text for r in readings for text in (r.hit.article.title, r.hit.passage.text)}
    keys = {key for text in texts for key in _keys(text)}
    return _share(told, keys, keys)


def _keys(text: str) -> set[str]:
    """Return the keys of what says something, or denies it: “who” and “us” are no WHO and no US."""
    return {word.key for word in read_words(text) if word.matters or denials([word])}


def _share(words: Sequence[Word], keys: set[str], kin: set[str]) -> float:
    """Return which share of `words` stands among `keys`, or a kindred word among `kin`."""
    return sum(_holds(keys, kin, word) for word in words) / len(words) if words else 0.0


def _holds(keys: set[str], kin: set[str], word: Word) -> bool:
    return word.key in keys or not related(word.key).isdisjoint(kin)


def _around(reading: Reading) -> str:
    """Return the headline and the sentences before, which say who is meant."""
    text = reading.hit.passage.text
    before = [start for start, _ in sentence_spans(text) if start < reading.start]
    start = before[-_SENTENCES_BEFORE:][0] if before else reading.start
    return f"{reading.hit.article.title}. {text[start : reading.start]}"
