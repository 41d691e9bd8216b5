"""The words around a quotation: who says so, and when.

>>> led("five", reading, speaker="the Pentagon")
'five, according to the Pentagon (13 March 2020): '
"""

from collections.abc import Sequence
from datetime import datetime

from rag.timeline import in_full, mentions
from rag.types import ArticleMeta, Reading
from rag.untrusted import quotable

_ARTICLES = ("A", "An", "The", "Its", "His", "Her", "Their", "Two", "Three", "Several", "Some")


def led(short: str, reading: Reading, speaker: str | None) -> str:
    """Return what stands before the quotation that proves `short`."""
    meta = reading.hit.article
    if speaker:
        return f"{short}, according to {_within(speaker)}{_bracketed(day(meta.published_at))}: "
    if meta.source:
        return f"{short}, reports {quoted(meta.source)}{_bracketed(day(meta.published_at))}: "
    return f"{short}{_bracketed(day(meta.published_at))}: "


def introduced(reading: Reading, speaker: str | None) -> str:
    """Return what stands before a quotation that is an answer by itself."""
    meta = reading.hit.article
    who = speaker or quoted(meta.source or meta.title)
    return f"{who}{_bracketed(day(meta.published_at))}: "


def quoted(text: str) -> str:
    """Return `text` as it stands between quotation marks: harmless, its own marks single."""
    line = quotable(text)
    return line.replace("“", "‘").replace("”", "’").replace('"', "'")


def in_calendar(reading: Reading) -> str | None:
    """Return the day or month that the answer means, where it does not say the year itself.

    “Wednesday evening” of an article of 13 March 2020 is “11 March 2020”.
    """
    answer = range(reading.answer_start - reading.start, reading.answer_end - reading.start)
    for mention in mentions(reading.text, published_at=reading.hit.article.published_at):
        if mention.start < answer.stop and answer.start < mention.end:
            return None if mention.absolute else in_full(mention)
    return None


def in_time_order(readings: Sequence[Reading]) -> list[Reading]:
    """Return `readings`, those of older articles first, of one article as they stand in it."""
    return sorted(readings, key=_moment)


def repeated(others: Sequence[ArticleMeta]) -> list[str]:
    """Return, for articles that say the same, what stands before each one's number."""
    lead = "Also reported by"
    phrases = []
    for meta in others:
        name = quoted(meta.source) if meta.source else f"“{quoted(meta.title)}”"
        phrases.append(f"{lead} {name}{_bracketed(day(meta.published_at))}.")
        lead = "Also by"
    return phrases


def corrected(meta: ArticleMeta, by: ArticleMeta) -> str:
    """Return that `by` takes back what `meta` said."""
    when = f" of {day(meta.published_at)}" if meta.published_at else ""
    later = f" on {day(by.published_at)}" if by.published_at else ""
    source = quoted(meta.source or "an article")
    return f"This replaces what {source} reported{when}, corrected{later}."


def joined(names: Sequence[str]) -> str:
    """Return “A, B and C”."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def day(moment: datetime | None) -> str | None:
    """Return “13 March 2020”."""
    return f"{moment.day} {moment:%B %Y}" if moment else None


def _within(name: str) -> str:
    """Return a name or description as it stands within a sentence."""
    first, _, rest = name.partition(" ")
    return f"{first.lower()} {rest}" if first in _ARTICLES and rest else name


def _moment(reading: Reading) -> tuple[float, str, int]:
    meta, passage = reading.hit.article, reading.hit.passage
    when = meta.published_at.timestamp() if meta.published_at else float("-inf")
    return when, meta.article_id, passage.start_char_index + reading.start


def _bracketed(text: str | None) -> str:
    return f" ({text})" if text else ""
