"""The days that a time expression means, as ranges of whole days, the last one exclusive.

>>> weekday(3, "past", date(2020, 3, 13))
Days(since=datetime.date(2020, 3, 12), until=datetime.date(2020, 3, 13))

Weeks are ISO weeks, seasons those of the north: three whole months, the winter named for the year
in which it ends, as weather services have it.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal, NamedTuple

from dateutil.relativedelta import relativedelta

# past: begun by now; last: over by now, or before today; this: of this week or year;
# ahead: not over yet; next: not begun yet.
Which = Literal["past", "last", "this", "ahead", "next"]
Part = Literal["early", "mid", "late"]

_DAY = timedelta(days=1)
_SEASONS = {"winter": -1, "spring": 2, "summer": 5, "autumn": 8, "fall": 8}
# 29 February is at most eight years away, as from 1896 to 1904.
_YEARS_ROUND = 8


class Days(NamedTuple):
    """A range of whole days."""

    since: date
    until: date


def one_day(day: date) -> Days:
    """Return `day` as a range."""
    return Days(day, day + _DAY)


def day_of(year: int, month: int, first: int, last: int) -> Days:
    """Return the days from `first` to `last` of a month."""
    return Days(date(year, month, first), date(year, month, last) + _DAY)


def month_of(year: int, month: int, part: Part | None = None) -> Days:
    """Return a month, or about a third of it: until the 10th, the 20th, its end."""
    since = date(year, month, 1)
    until = since + relativedelta(months=1)
    return _third(since, until, part, relativedelta(days=10))


def year_of(year: int, part: Part | None = None) -> Days:
    """Return a year, or a third of it: four months."""
    return _third(date(year, 1, 1), date(year + 1, 1, 1), part, relativedelta(months=4))


def decade_of(year: int, part: Part | None = None) -> Days:
    """Return the decade of `year`, or about a third of it."""
    first = year // 10 * 10
    return _third(date(first, 1, 1), date(first + 10, 1, 1), part, relativedelta(years=3))


def months_of(year: int, *, nth: int, months: int) -> Days:
    """Return the `nth` quarter (three months) or half (six) of a year."""
    since = date(year, 1, 1) + relativedelta(months=(nth - 1) * months)
    return Days(since, since + relativedelta(months=months))


def season_of(year: int, season: str) -> Days:
    """Return the season of that year; the winter of 2020 begins in December 2019."""
    since = date(year, 1, 1) + relativedelta(months=_SEASONS[season])
    return Days(since, since + relativedelta(months=3))


def yearly(make: Callable[[int], Days], which: Which, today: date) -> Days | None:
    """Return that one of what comes once a year; `make` gives the one of a year, if there is one.

    "This" is the one that is going on, else the one of this calendar year.
    """
    found = []
    for year in range(today.year - _YEARS_ROUND, today.year + _YEARS_ROUND + 1):
        try:
            found.append(make(year))
        except (ValueError, OverflowError):
            continue
    match which:
        case "this":
            on = [days for days in found if days.since <= today < days.until]
            same = [days for days in found if (days.until - _DAY).year == today.year]
            return next(iter(on + same), None)
        case "past":
            return max((days for days in found if days.since <= today), default=None)
        case "last":
            return max((days for days in found if days.until <= today), default=None)
        case "ahead":
            return min((days for days in found if days.until > today), default=None)
        case "next":
            return min((days for days in found if days.since > today), default=None)


def monthly(day: int, which: Which, today: date) -> Days | None:
    """Return the most recent `day` of a month, or the first to come."""
    ahead = which in ("ahead", "next")
    for months in range(3):
        month = today + relativedelta(day=1, months=months if ahead else -months)
        try:
            found = month.replace(day=day)
        except ValueError:
            continue
        if found >= today if ahead else found <= today:
            return one_day(found)
    return None


def weekday(number: int, which: Which, today: date) -> Days:
    """Return that one of a weekday, 0 for Monday; today is "past" and "ahead" alike."""
    since_then = (today.weekday() - number) % 7
    until_then = (number - today.weekday()) % 7
    match which:
        case "past":
            day = today - timedelta(days=since_then)
        case "last":
            day = today - timedelta(days=since_then or 7)
        case "this":
            day = _monday(today) + timedelta(days=number)
        case "ahead":
            day = today + timedelta(days=until_then)
        case "next":
            day = today + timedelta(days=until_then or 7)
    return one_day(day)


def weekend(which: Which, today: date) -> Days:
    """Return Saturday and Sunday; "last" is never the one of this week."""
    saturday = _monday(today) + timedelta(days=5)
    weeks = {"past": -1 if today < saturday else 0, "last": -1, "next": 1}.get(which, 0)
    saturday += timedelta(weeks=weeks)
    return Days(saturday, saturday + timedelta(days=2))


def unit_of(unit: str, steps: int, today: date) -> Days:
    """Return the day, week, month, year or decade `steps` after (before: below 0) that of today."""
    match unit:
        case "day":
            return one_day(today + timedelta(days=steps))
        case "week":
            monday = _monday(today) + timedelta(weeks=steps)
            return Days(monday, monday + timedelta(weeks=1))
        case "month":
            month = today + relativedelta(day=1, months=steps)
            return month_of(month.year, month.month)
        case "year":
            return year_of(today.year + steps)
        case _:
            return decade_of(today.year + 10 * steps)


def _third(since: date, until: date, part: Part | None, step: relativedelta) -> Days:
    match part:
        case "early":
            return Days(since, since + step)
        case "mid":
            return Days(since + step, since + step + step)
        case "late":
            return Days(since + step + step, until)
        case None:
            return Days(since, until)


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())
