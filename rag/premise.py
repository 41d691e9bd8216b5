"""A passage, read: where its sentences lie and where each of its words stands.

>>> premise = read_premise("It rained. The attack killed three soldiers.")
>>> [place.sentence for place in premise.find(stem("died"))]
[1]
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rag.lexical import stem
from rag.question import families
from rag.sentences import sentence_spans
from rag.words import Word, read_words

# Of a word that a passage repeats more often, the rest is not looked at: no text may cost seconds.
_PLACES = 40


class Place(NamedTuple):
    """Where a word stands in the passage."""

    position: int
    sentence: int
    word: Word


class Premise(NamedTuple):
    """A passage, read."""

    text: str
    spans: tuple[tuple[int, int], ...]
    places: tuple[Place, ...]
    of_key: dict[str, tuple[Place, ...]]

    def find(self, key: str) -> tuple[Place, ...]:
        """Return where the word stands, or else a word that news uses for it."""
        found = self.of_key.get(key)
        if found:
            return found
        return tuple(p for other in sorted(related(key)) for p in self.of_key.get(other, ()))

    def slice(self, sentences: range) -> str:
        """Return the text from the first of these sentences to the last."""
        if not self.spans:
            return ""
        start, end = self.spans[sentences.start][0], self.spans[sentences.stop - 1][1]
        return self.text[start:end]

    def window(self, telling: Sequence[Word]) -> range:
        """Return which one or two neighbouring sentences hold most of the words.

        What stands in few sentences says more about which one is meant.
        """
        n = len(self.spans)
        scores = [0.0] * (n + 1)
        both = [0.0] * (n + 1)
        for key in dict.fromkeys(word.key for word in telling):
            sentences = {place.sentence for place in self.find(key)}
            weight = 1 / (1 + len(sentences))
            for s in sentences:
                scores[s] += weight
            for s in sentences | {s - 1 for s in sentences if s}:
                both[s] += weight
        if not n:
            return range(0)
        one = max(range(n), key=lambda s: scores[s])
        two = max(range(n), key=lambda s: both[s])
        # A second sentence must add something to be called evidence.
        return range(two, min(two + 2, n)) if both[two] > scores[one] else range(one, one + 1)


@lru_cache(maxsize=64)
def read_premise(text: str) -> Premise:
    """Return `text` with its sentences, and where each word stands."""
    spans: list[tuple[int, int]] = []
    places: list[Place] = []
    of_key: dict[str, list[Place]] = {}
    for line_start, line in _lines(text):
        for start, end in sentence_spans(line):
            for word in read_words(line[start:end]):
                places.append(Place(len(places), len(spans), word))
                of_key.setdefault(word.key, []).append(places[-1])
            spans.append((line_start + start, line_start + end))
    few = {key: tuple(found[:_PLACES]) for key, found in of_key.items()}
    return Premise(text, tuple(spans), tuple(places), few)


@lru_cache(maxsize=1)
def _families() -> dict[str, frozenset[str]]:
    return families(lambda text: [stem(word) for word in text.split()])


def related(key: str) -> frozenset[str]:
    """Return the stems that news uses in place of `key`."""
    return _families().get(key, frozenset())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line
        start += len(line)
