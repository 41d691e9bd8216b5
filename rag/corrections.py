"""Which readings a correction, or a later version of the same story, has taken back.

>>> kept, taken_back = superseded(readings)

A correction speaks of one fact and leaves the rest of the old article standing. So a reading is
taken back only when the newer article gives another answer to the same question.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.agreement import is_copy, is_same
from rag.lexical import stem
from rag.question import content_words
from rag.types import ArticleMeta, Reading

# A correction that hardly answers says nothing about who is right.
_LEAST_SHARE = 0.25
_SHARED_HEADLINE = 0.6
_CORRECTS = re.compile(
    r"^\W*(?:correction|clarification|corrected|erratum|editor['’]s note|update|retraction)\b"
    r"|\b(?:an? (?:earlier|previous) (?:version|article|report)|(?:was|were|has been|have been) "
    r"corrected|regrets? the error|(?:gave|stated|reported|printed|published) the wrong|"
    r"(?:incorrectly|wrongly|mistakenly) (?:said|stated|reported|gave|put|named))\b",
    re.IGNORECASE,
)


# A correction repeats what it corrects.
_REPEATS = re.compile(
    r"\b(?:article|report|version|story|headline|we|it) (?:had )?(?:wrongly |incorrectly )?"
    r"(?:said|put|gave|stated|reported|named|wrote)\b|\brather than\b",
    re.IGNORECASE,
)


class TakenBack(NamedTuple):
    """A reading that no longer stands, and the article that says so."""

    reading: Reading
    by: ArticleMeta


def superseded(readings: Sequence[Reading]) -> tuple[list[Reading], list[TakenBack]]:
    """Return those of `readings` (best first) that stand, and those that were taken back."""
    gone: list[TakenBack] = []
    kept: list[Reading] = []
    newer = [r for r in readings if r.hit.article.published_at is not None]
    for reading in readings:
        if any(_repeats_error(reading, other) for other in readings):
            continue
        by = next((other for other in newer if _takes_back(other, reading)), None)
        if by is None:
            kept.append(reading)
        else:
            gone.append(TakenBack(reading, by.hit.article))
    return kept, gone


def is_correction(title: str, text: str) -> bool:
    """Return whether an article, or a passage of it, says that an earlier one was wrong."""
    return bool(_CORRECTS.search(title) or _CORRECTS.search(text))


def _repeats_error(reading: Reading, other: Reading) -> bool:
    """Return whether `reading` is the error that its own article corrects by `other`."""
    return (
        reading.hit.article.article_id == other.hit.article.article_id
        and other.probability >= _LEAST_SHARE * reading.probability
        and not is_same(reading.answer, other.answer)
        and _REPEATS.search(reading.text) is not None
        and _REPEATS.search(other.text) is None
        and is_correction(reading.hit.article.title, reading.hit.passage.text)
    )


def _takes_back(newer: Reading, older: Reading) -> bool:
    new, old = newer.hit.article, older.hit.article
    if new.article_id == old.article_id or new.source != old.source or new.source is None:
        return False
    if old.published_at is None or new.published_at is None or new.published_at <= old.published_at:
        return False
    if newer.probability < _LEAST_SHARE * older.probability or is_same(newer.answer, older.answer):
        return False
    if is_correction(new.title, newer.hit.passage.text):
        return _about_the_same(newer, older)
    return _headlines_shared(new.title, old.title) and is_copy(
        newer.hit.passage.text, older.hit.passage.text
    )


def _about_the_same(newer: Reading, older: Reading) -> bool:
    """Return whether the correction names something that the older headline names."""
    words = _stems(newer.hit.article.title) | _stems(newer.hit.passage.text)
    headline = _stems(older.hit.article.title)
    return len(words & headline) >= min(2, len(headline))


def _headlines_shared(one: str, other: str) -> bool:
    a, b = _stems(one), _stems(other)
    return bool(a | b) and len(a & b) / len(a | b) >= _SHARED_HEADLINE


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(text))
