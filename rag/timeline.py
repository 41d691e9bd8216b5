"""What time a question asks about, what time a passage speaks of, and how well the two agree.

>>> asked = asked_time("Who spoke in March 2020?", now=datetime(2026, 11, 24, tzinfo=UTC))
>>> time_fit(asked, datetime(2020, 3, 13, tzinfo=UTC), "The ferry sank on Wednesday.")
1.0

The agreement is a soft prior on retrieval: nothing is thrown away, and a time that no candidate
knows changes nothing. Source of the prior on recency: Li and Croft, Time-based language models
(CIKM 2003); theirs is exponential in the age, ours levels off so that an old passage keeps most of
its score.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Literal, NamedTuple

from rag.timepattern import MONTHS
from rag.timex import Expression, expressions
from rag.types import UtcTime, Value

# News of a day appears on it or within the week after.
REPORTED_WITHIN = timedelta(days=7)
RECENCY_HALF_LIFE = timedelta(days=14)
# What the least fitting candidate keeps of its score. A time counted from now may be meant
# otherwise, so it weighs less than a date.
LEAST_EXPLICIT = 0.6
LEAST_RELATIVE = 0.75
LEAST_RECENT = 0.6

_UNTOLD = 0.5
_ELSEWHEN = 0.25
_BESIDE = 0.75
_DAY = timedelta(days=1)
_OPEN = re.compile(r"\b(since|before|after|until|till|by|prior to)\s+(?P<the>the\s+)?$", re.I)
# "After Thursday's attack", "after the 2015 attacks": the time is that of the attack.
_OF_SOMETHING = re.compile(r"[’']s?\b|\s+[a-z]")
_RECENT = re.compile(
    r"""(?<!\bat\sthe\s)(?<!\bvery\s)\blatest\b|\bmost\s+recent(?:ly)?\b|\bnewest\b|\brecently\b
    |(?<!ocean\s)(?<!electric\s)\bcurrent\b(?!\s+(?:account|affairs))(?=\s+[a-z])|\bcurrently\b
    |\bright\s+now\b|(?<!until\s)(?<!by\s)(?<!just\s)\bnow\b(?!-|\s+that\b)|\bso\s+far\b(?!\s+(?:as|away))
    |\bthese\s+days\b|(?<!\bnot\s)\bto\s+date\b(?=\s*(?:[?.,]|$))|\btoday[’']s\b""",
    re.VERBOSE | re.IGNORECASE,
)
_LAST = re.compile(
    r"""(?:\b(?:the|its|their|his|her|your|our)|[’']s)\s+(?P<the>last)\s+
    (?!(?:names?|minutes?|moment|word|resort|straw|rites|man|men|hours?|days?|years?|moments|stand|laugh|two|three|four|five|few)\b)
    [a-z]{3}
    |^\s*(?:when|where)\b.*?\b(?P<when>last)\s+(?!(?:week|month|year|night|summer|winter|christmas)\b)[a-z]{3}""",
    re.VERBOSE | re.IGNORECASE,
)


class AskedTime(Value):
    """What time a question asks about; `spans` shows the words that say so.

    None on one side means that the time is open there, on both that the question names no time.
    """

    since: UtcTime | None = None
    until: UtcTime | None = None
    window: Literal["none", "explicit", "relative"] = "none"
    recency: bool = False
    spans: tuple[tuple[int, int], ...] = ()


class Mention(NamedTuple):
    """A time that a text speaks of: whole days in UTC, `until` exclusive."""

    start: int
    end: int
    since: datetime
    until: datetime
    absolute: bool


class _Window(NamedTuple):
    since: date | None
    until: date | None


def asked_time(question: str, *, now: datetime) -> AskedTime:
    """Return the time that `question` asks about, counted from `now`.

    Of several times that overlap it is what they share, else all from the first to the last.
    """
    found = expressions(question, now.astimezone(UTC))
    windows, spans = [], []
    for one in found:
        window, start = _window(question, one)
        windows.append(window)
        spans.append((start, one.end))
    recent = _recent(question, spans)
    since, until = reduce(_both, windows) if windows else (None, None)
    named = since is not None or until is not None
    explicit = any(one.absolute for one in found)
    return AskedTime(
        since=since and _midnight(since),
        until=until and _midnight(until),
        window=("explicit" if explicit else "relative") if named else "none",
        recency=bool(recent),
        spans=tuple(sorted({*spans, *recent})),
    )


def mentions(text: str, *, published_at: datetime | None) -> list[Mention]:
    """Return the times that an article's `text` speaks of, counted from the article's date.

    A weekday or month is the one just past, unless the clause says that it will be. "Since May" and
    "before May" mention May. Without `published_at` only what names its year can be told.
    """
    at = published_at and published_at.astimezone(UTC)
    return [
        Mention(one.start, one.end, _midnight(since), _midnight(until), one.absolute)
        for one in expressions(text, at)
        for since, until in [one.days]
    ]


def dated(words: str, published_at: datetime | None) -> str | None:
    """Return what the one time expression in `words` means, as a calendar has it.

    None when it names its year already, or when what it means cannot be told.
    """
    found = mentions(words, published_at=published_at)
    return in_full(found[0]) if len(found) == 1 and not found[0].absolute else None


def in_full(mention: Mention) -> str:
    """Return the days of `mention` for a person: a year, a month, a day or a range of days."""
    first, last = mention.since.date(), (mention.until - _DAY).date()
    month, year = MONTHS[last.month - 1], last.year
    if first == last:
        return f"{last.day} {month} {year}"
    whole_months = first.day == 1 and mention.until.day == 1
    if first.year == year and whole_months and first.month == last.month:
        return f"{month} {year}"
    if first.year == year and whole_months and (first.month, last.month) == (1, 12):
        return f"{year}"
    if (first.year, first.month) == (year, last.month):
        return f"{first.day}–{last.day} {month} {year}"
    opening = f"{first.day} {MONTHS[first.month - 1]}"
    opening += "" if first.year == year else f" {first.year}"
    return f"{opening} – {last.day} {month} {year}"


def time_fit(asked: AskedTime, published_at: datetime | None, text: str) -> float:
    """Return how well a passage agrees with the asked time: 0 not at all, 1 fully, 0.5 untold.

    A time within the asked one decides. Next comes the article's date: news of a day appears on it
    or within the week after; what appeared before cannot report it, what appeared later may.
    """
    if asked.window == "none":
        return _UNTOLD
    found = mentions(text, published_at=published_at)
    best = max((_share_within(asked, one) for one in found), default=0.0)
    if best == 1.0:
        return 1.0
    fit = _published_fit(asked, published_at, elsewhen=bool(found))
    return max(fit, _UNTOLD + (1 - _UNTOLD) * best) if best else fit


def recency_weight(published_at: datetime | None, newest: datetime) -> float:
    """Return 1 for the newest article, half of it for each two weeks before; 0.5 when undated."""
    if published_at is None:
        return _UNTOLD
    return float(0.5 ** (max(newest - published_at, timedelta()) / RECENCY_HALF_LIFE))


def time_factors(
    asked: AskedTime, candidates: Sequence[tuple[datetime | None, str]]
) -> list[float]:
    """Return what to multiply the score of each (publication, passage) with, above 0, at most 1.

    All 1 when nothing is asked of time, or when no candidate has anything to do with the time.
    """
    factors = [1.0] * len(candidates)
    if asked.window != "none":
        fits = [time_fit(asked, published_at, text) for published_at, text in candidates]
        least = LEAST_EXPLICIT if asked.window == "explicit" else LEAST_RELATIVE
        if max(fits, default=0.0) > _UNTOLD:
            factors = [least + (1 - least) * fit for fit in fits]
    if asked.recency:
        dates = [published_at for published_at, _ in candidates]
        newest = max((moment for moment in dates if moment), default=None)
        if newest:
            weights = [recency_weight(moment, newest) for moment in dates]
            recent = [LEAST_RECENT + (1 - LEAST_RECENT) * weight for weight in weights]
            factors = [factor * other for factor, other in zip(factors, recent, strict=True)]
    return factors


def _window(question: str, one: Expression) -> tuple[_Window, int]:
    """Return the window of an expression, opened by "since" and the like, and where they begin."""
    since, until = one.days
    lead = _OPEN.search(question[: one.start])
    if lead is None:
        return _Window(since, until), one.start
    behind = _OF_SOMETHING.match(question, one.end)
    of_something = behind is not None and (lead["the"] or behind[0][0] in "’'")
    match lead[1].lower():
        case "since":
            return _Window(since, None), lead.start()
        case "after":
            return _Window(since if of_something else until, None), lead.start()
        case "until" | "till":
            return _Window(None, until), lead.start()
        case "by" if of_something:
            return _Window(since, until), one.start
        case "by":
            return _Window(None, until), lead.start()
        case _:
            return _Window(None, until if of_something else since), lead.start()


def _both(one: _Window, other: _Window) -> _Window:
    """Return what two windows share, else the window that holds both; None is no bound."""
    starts = [one.since or date.min, other.since or date.min]
    ends = [one.until or date.max, other.until or date.max]
    since, until = max(starts), min(ends)
    if since >= until:
        since, until = min(starts), max(ends)
    return _Window(None if since == date.min else since, None if until == date.max else until)


def _recent(question: str, times: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the words that ask for what is new; those of a time ("the last two days") do not."""
    # "Apocalypse Now": within a sentence a capital makes it a name.
    found = [m.span() for m in _RECENT.finditer(question) if m[0] != "Now" or not m.start()]
    found += [m.span("the" if m["the"] else "when") for m in _LAST.finditer(question)]
    return [
        (first, end)
        for first, end in found
        if question[first:end].lower().startswith("today")
        or not any(start <= first < stop for start, stop in times)
    ]


def _share_within(asked: AskedTime, mention: Mention) -> float:
    """Return how much of the mentioned time lies within the asked one."""
    since = max(mention.since, asked.since) if asked.since else mention.since
    until = min(mention.until, asked.until) if asked.until else mention.until
    return max(0.0, (until - since) / (mention.until - mention.since))


def _published_fit(asked: AskedTime, published_at: datetime | None, *, elsewhen: bool) -> float:
    if published_at is None:
        return _ELSEWHEN if elsewhen else _UNTOLD
    if asked.since and published_at < asked.since:
        return 0.0
    if asked.until and published_at - REPORTED_WITHIN >= asked.until:
        return _ELSEWHEN
    return _BESIDE if elsewhen else 1.0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
