"""Time expressions in English news and in questions about it, and the days that they mean.

>>> [found] = expressions("The ferry sank on Wednesday evening.", datetime(2020, 3, 13, tzinfo=UTC))
>>> found.days
Days(since=datetime.date(2020, 3, 11), until=datetime.date(2020, 3, 12))

Why rules of our own: `dateparser.search` (already installed through trafilatura) takes 0.5 s to
import and about 1 ms a sentence, gives a moment where "in January" and "last week" mean a range,
and of 30 plain sentences it read 9 wrong: "may march" as two months, "Sunday Times" and "Black
Friday" as days, "three days" as a date, "will rule on Monday" as last Monday. Taggers of the field
(HeidelTime, SUTime, timenorm) need a JVM or a neural network. dateutil does the arithmetic here;
its parser wants the date cut out first, and then takes 70 µs for what the pattern has taken apart.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, cast

from dateutil.relativedelta import relativedelta

from rag import days
from rag.days import Days, Part, Which
from rag.tense import ahead
from rag.timenames import (
    is_month,
    is_month_day,
    is_nth,
    is_season,
    is_today,
    is_weekday,
    is_year,
)
from rag.timepattern import COUNTS, EXPRESSION, MONTHS, PARTS, START, WEEKDAYS

_ORDINALS = "first second third fourth".split()
_STEPS = {"last": -1, "this": 0, "next": 1}
_JOINT = re.compile(r"\s*(and|to|until|till|through|-|–|—)\s*(?:(?:on|in)\s+)?(?:the\s+)?", re.I)
_BETWEEN = re.compile(r"\bbetween\s+(?:the\s+)?$", re.IGNORECASE)
_RANGE_LEAD = re.compile(r"\b(?:between|from)\s+(?:the\s+)?$", re.IGNORECASE)
# A range within one expression: "2 and 5 May".
_INSIDE = re.compile(r"\d(?:st|nd|rd|th)?(?:\s+(?:and|to)\s+|\s*[-–]\s*)\d", re.IGNORECASE)


class Expression(NamedTuple):
    """Where a time expression stands, and what it means.

    `absolute` when it names its year. `cycle` is how often it comes again when it names none.
    """

    start: int
    end: int
    days: Days
    absolute: bool
    cycle: Literal["week", "month", "year"] | None = None


def expressions(text: str, at: datetime | None) -> list[Expression]:
    """Return the time expressions of `text` in order, counted from `at`, in UTC.

    Without `at` only those that name their year. What only looks like a time is left out.
    """
    found = []
    lowered, place = _lowered(text), 0
    while start := START.search(lowered, place):
        match = EXPRESSION.match(text, start.start())
        # What is no time may begin with words of one.
        place = start.start() + 1
        if match is None:
            continue
        try:
            one = _meant(match, at)
        except (ValueError, OverflowError):
            # 31 February, or beyond the first or the last year of the calendar
            place = match.end()
            continue
        if one:
            found.append(one)
            place = match.end()
    return _joined(text, found)


def _lowered(text: str) -> str:
    """Return `text` in lower case, each character at its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def _meant(m: re.Match[str], at: datetime | None) -> Expression | None:
    cycle: Literal["week", "month", "year"] | None = None
    meaning = _with_year(m)
    absolute = meaning is not None
    if meaning is None and at is not None and _is_time(m):
        meaning, cycle = _counted(m, at)
    if meaning is None or meaning.since >= meaning.until:
        return None
    return Expression(m.start(), m.end(), meaning, absolute, cycle)


def _with_year(m: re.Match[str]) -> Days | None:
    """Return the days of what names its year, else None."""
    match m.lastgroup:
        case "iso":
            return days.one_day(date(int(m["iy"]), int(m["im"]), int(m["id"])))
        case "dayfirst" | "monthfirst" | "month" | "season":
            year = m[{"dayfirst": "dy", "monthfirst": "my", "month": "oy"}.get(m.lastgroup, "sy")]
            return _of_year(m)(int(year)) if year else None
        case "quarter":
            nth = int(m["qn"] or 0) or _ORDINALS.index(m["qo"].lower()) + 1
            months = 6 if (m["qk"] or "").lower() == "half" else 3
            return (
                days.months_of(int(m["qy"]), nth=nth, months=months) if nth * months <= 12 else None
            )
        case "decade":
            return days.decade_of(int(m["cy"]), _part(m["cp"]))
        case "year" if m["yp"] or m["y2"] or is_year(m.string, *m.span()):
            first, last = int(m["y1"]), int(m["y2"] or m["y1"])
            if first == last:
                return days.year_of(first, _part(m["yp"]))
            return Days(date(first, 1, 1), date(last + 1, 1, 1))
    return None


def _of_year(m: re.Match[str]) -> Callable[[int], Days]:
    """Return what makes the day, month or season of a year."""
    if m.lastgroup == "month":
        return lambda year: days.month_of(year, _month(m["om"]), _part(m["op"]))
    if m.lastgroup == "season":
        return lambda year: days.season_of(year, m["ss"].lower())
    month, first, last = ("dm", "d1", "d2") if m.lastgroup == "dayfirst" else ("mm", "m1", "m2")
    return lambda year: days.day_of(year, _month(m[month]), int(m[first]), int(m[last] or m[first]))


def _is_time(m: re.Match[str]) -> bool:
    """Return whether what names no year is a time by its neighbours."""
    text, start, end = m.string, *m.span()
    match m.lastgroup:
        case "dayfirst":
            return is_month_day(text, start, end, m["dm"], int(m["d1"])) or bool(m["dr"])
        case "monthfirst":
            return is_month_day(text, start, end, m["mm"], int(m["m1"])) or bool(m["mr"])
        case "month":
            led = bool(m["op"] or m["ow"])
            return bool(m["or"]) or is_month(text, start, end, m["om"], led=led)
        case "season":
            return is_season(text, start, end, led=bool(m["sw"]))
        case "weekday":
            return is_weekday(text, start, m.end("wd"))
        case "nth":
            return is_nth(text, start, end)
        case "today":
            return is_today(text, start, m["today"])
        case group:
            return group not in ("quarter", "year")


_Counted = tuple[Days | None, Literal["week", "month", "year"] | None]


def _counted(m: re.Match[str], at: datetime) -> _Counted:
    """Return the days of what is counted from `at`, and how often such a time comes again."""
    today = at.date()
    match m.lastgroup:
        case "dayfirst" | "monthfirst" | "month" | "season":
            return _once_a_year(m, today), "year"
        case "weekday":
            return _weekday(m, today), "week"
        case "nth":
            return days.monthly(int(m["nd"]), _which(m, None), today), "month"
        case "weekend":
            return days.weekend(_which(m, m["ew"]), today), None
        case "today":
            return _day(m["today"].lower(), today), None
        case "unit":
            return _unit(m, at), None
        case "ago":
            return _ago(m, at), None
        case _:
            return _back(at, m["pu"].lower(), _count(m["pn"]) or 1), None


def _once_a_year(m: re.Match[str], today: date) -> Days | None:
    kind = cast(str, m.lastgroup)
    year = (
        m[{"dayfirst": "dr", "monthfirst": "mr", "month": "or"}[kind]] if kind != "season" else None
    )
    if year:
        return _of_year(m)(today.year + _STEPS[year.lower()])
    word = m["ow"] if kind == "month" else m["sw"]
    return days.yearly(_of_year(m), _which(m, word), today)


def _weekday(m: re.Match[str], today: date) -> Days:
    number = WEEKDAYS.index(m["wd"].lower())
    if m["wr"]:
        monday = days.unit_of("week", _STEPS[m["wr"].lower()], today).since
        return days.one_day(monday + timedelta(days=number))
    return days.weekday(number, _which(m, m["ww"]), today)


def _which(m: re.Match[str], word: str | None) -> Which:
    """Return which one is meant: as `word` says, else as the tense of the clause does."""
    if word and word.lower() in _STEPS:
        return cast(Which, word.lower())
    return "ahead" if ahead(m.string, *m.span()) else "past"


def _day(words: str, today: date) -> Days:
    steps = {"yesterday": -1, "tomorrow": 1, "last": -1}.get(words.split()[0], 0)
    if words.startswith("day"):
        steps = -2 if words.endswith("yesterday") else 2
    return days.one_day(today + timedelta(days=steps))


def _unit(m: re.Match[str], at: datetime) -> Days:
    word, unit, edge = m["uw"].lower(), m["uu"].lower(), (m["ue"] or "").lower()
    # “The last year” is the one that ends today.
    if word == "past" or (word == "last" and re.search(r"\bthe\s+$", m.string[: m.start()])):
        return _back(at, unit, 1)
    whole = days.unit_of(unit, _STEPS[word], at.date())
    match edge, unit:
        case (("early" | "late"), "year"):
            return days.year_of(whole.since.year, cast(Part, edge))
        case (("early" | "late"), "month"):
            return days.month_of(whole.since.year, whole.since.month, cast(Part, edge))
        case "earlier", _:
            return Days(whole.since, min(whole.until, at.date() + timedelta(days=1)))
        case "later", _ if at.date() < whole.until:
            return Days(max(whole.since, at.date()), whole.until)
    return whole


def _ago(m: re.Match[str], at: datetime) -> Days | None:
    count, unit = _count(m["an"]), m["au"].lower()
    if count is None:
        return None
    if unit == "hour":
        return days.one_day((at - timedelta(hours=count)).date())
    if unit == "decade":
        return days.unit_of("year", -10 * count, at.date())
    return days.unit_of(unit, -count, at.date())


def _back(at: datetime, unit: str, count: int) -> Days:
    """Return the days from `count` units before `at` up to its own."""
    units, number = ("years", 10 * count) if unit == "decade" else (f"{unit}s", count)
    step = relativedelta(**{units: number})  # type: ignore[arg-type]  # the units are keywords
    return Days((at - step).date(), at.date() + timedelta(days=1))


def _count(word: str) -> int | None:
    return int(word) if word.isdecimal() else COUNTS.get(" ".join(word.lower().split()))


def _month(word: str) -> int:
    return [month[:3].lower() for month in MONTHS].index(word[:3].lower()) + 1


def _part(word: str | None) -> Part | None:
    first = word.lower().split()[0] if word else ""
    return cast(Part, PARTS.get(first, first)) if first else None


def _joined(text: str, found: Sequence[Expression]) -> list[Expression]:
    """Return `found` with "between A and B" and "from A to B" made one."""
    joined: list[Expression] = []
    for one in found:
        span = _range(text, joined[-1], one) if joined else None
        if span:
            joined[-1] = span
        else:
            joined.append(_led(text, one) if _INSIDE.search(text, one.start, one.end) else one)
    return joined


def _range(text: str, first: Expression, second: Expression) -> Expression | None:
    """Return all from `first` to `second` when the words between them say so."""
    joint = _JOINT.fullmatch(text, first.end, second.start)
    if not joint or (joint[1].lower() == "and" and not _BETWEEN.search(text[: first.start])):
        return None
    start = first.days.since
    if first.cycle == "year" and second.absolute:
        start += relativedelta(years=second.days.since.year - start.year)
    if first.cycle and start > second.days.since:
        back = {"week": relativedelta(weeks=1), "month": relativedelta(months=1)}
        start -= back.get(first.cycle, relativedelta(years=1))
    if start > second.days.since:
        return None
    whole = Expression(
        first.start, second.end, Days(start, second.days.until), first.absolute or second.absolute
    )
    return _led(text, whole)


def _led(text: str, one: Expression) -> Expression:
    """Return a range together with its "between" or "from"."""
    lead = _RANGE_LEAD.search(text[: one.start])
    return one._replace(start=lead.start()) if lead else one
