"""Readings that give the same answer, and how many independent articles stand behind it.

>>> [group.answer for group in grouped(readings)]
['Kataib Hezbollah', 'Islamic State']

Two answers are one when their words mean the same (“14”, “fourteen people”) or one holds the other.
Articles that copy each other, as those of a news agency do, count once.

Source: noisy-or over witnesses, each after the first at half its weight: reports of one event are
never quite independent.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rag.types import Reading
from rag.words import read_words

WITNESS_WEIGHT = 0.5
# Of the runs of five words in the shorter of two passages, the share from which it is a copy.
COPY_SHARE = 0.5
_RUN = 5
# Below this share of the best, a reading is noise, of which there is always some.
_LEAST_SHARE = 0.1
_MOST = 40
# `rag.words` knows the short forms and reads one word at a time.
_SHORT = {"united states": "US", "united kingdom": "UK", "united nations": "UN"}
_STATES = re.compile("|".join(_SHORT), re.IGNORECASE)


class Group(NamedTuple):
    """One answer and the readings that give it, the most probable first, one an article.

    Of articles whose passages are copies of each other, the most probable one is there.
    """

    answer: str
    probability: float
    readings: tuple[Reading, ...]

    @property
    def best(self) -> Reading:
        """The reading that the answer is taken from."""
        return self.readings[0]


def grouped(readings: Sequence[Reading]) -> list[Group]:
    """Return the answers among `readings` (best first), most probable first."""
    if not readings:
        return []
    floor = _LEAST_SHARE * readings[0].probability
    groups: list[list[Reading]] = []
    for reading in [r for r in readings if r.probability >= floor][:_MOST]:
        same = next((g for g in groups if is_same(g[0].answer, reading.answer)), None)
        if same is None:
            groups.append([reading])
        else:
            same.append(reading)
    return sorted((_group(found) for found in groups), key=lambda group: -group.probability)


def confidence(readings: Sequence[Reading]) -> float:
    """Return how probable the best answer among `readings` (best first) is, 0 to 1."""
    return max((group.probability for group in grouped(readings)), default=0.0)


def is_same(one: str, other: str) -> bool:
    """Return whether two short answers mean the same, as far as their words tell."""
    a, b = _keys(one), _keys(other)
    if not a.all or not b.all:
        return " ".join(one.lower().split()) == " ".join(other.lower().split())
    if a.numbers or b.numbers:
        beside = a.all <= b.all or b.all <= a.all or a.names == b.names
        return a.numbers == b.numbers and beside
    return a.all <= b.all or b.all <= a.all


def is_copy(one: str, other: str) -> bool:
    """Return whether half or more of the shorter text's runs of five words stand in the other."""
    a, b = _runs(one), _runs(other)
    return bool(a and b) and len(a & b) >= COPY_SHARE * min(len(a), len(b))


class _Keys(NamedTuple):
    all: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]


@lru_cache(maxsize=1_024)
def _keys(answer: str) -> _Keys:
    # A sentence's first word has its capital from there; an answer's has it of its own.
    words = read_words("of " + _STATES.sub(lambda found: _SHORT[found.group().lower()], answer))
    telling = [word for word in words if word.matters]
    return _Keys(
        frozenset(word.key for word in telling),
        frozenset(word.key for word in telling if word.kind == "number"),
        frozenset(word.key for word in telling if word.kind in ("name", "date")),
    )


@lru_cache(maxsize=256)
def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = [word.key for word in read_words(text)]
    return frozenset(tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1))


def _group(found: Sequence[Reading]) -> Group:
    """Return the group of these readings (best first), of each article the best."""
    kept: list[Reading] = []
    articles: set[str] = set()
    for reading in found:
        article_id = reading.hit.article.article_id
        if article_id in articles:
            continue
        articles.add(article_id)
        if not any(is_copy(reading.hit.passage.text, r.hit.passage.text) for r in kept):
            kept.append(reading)
    doubt = 1 - kept[0].probability
    for witness in kept[1:]:
        doubt *= 1 - WITNESS_WEIGHT * witness.probability
    probability = 1 - doubt if len(kept) > 1 else kept[0].probability
    return Group(kept[0].answer, probability, tuple(kept))
