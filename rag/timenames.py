"""Words that look like a time and are a name or a verb: Theresa May, the Sunday Times, to march.

>>> text = "Theresa May spoke."
>>> is_month(text, 8, 11, "May")
False

All take a text and where in it the month, year, season or day stands.
"""

import re

# "In May", "since May": after these even a word that may be a name is a month.
_SURELY = frozenset("in since during until till throughout early mid late within".split())
# "By June", "after August": a month, unless a name goes on behind it.
_MAYBE = frozenset("of by from before after through between for to and or around".split())
_VERBS = ("may", "march")
_PEOPLE = frozenset("april may june august".split())
_DETERMINERS = frozenset("the its his her their our this that whose".split())
_COUNTED = re.compile(
    r"\s+(?!(?:was|is|has|does|as|its|his|this|thus|says|across|perhaps)\b)"
    r"(?:[a-z]+s|people|men|women|children|feet|dead)\b"
)
_COUNTABLE = re.compile(
    r"\s+(?:people|men|women|children|troops|soldiers|dead|feet|met(?:re|er)s)\b"
)
_MONTH_BEFORE = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s+\d+)?\s+(?:to|and|or)\s+$",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(r"\b(?:1[5-9]|20)\d\d\s+(?:to|and|or|than)\s+$")
_DAY_NAMED_BEFORE = re.compile(
    r"\b(?:black|bloody|good|easter|palm|ash|super|cyber|giving|casual|shrove|maundy|holy|whit|fat"
    r"|mad|man|girl|joe|ruby|sheffield|pancake|big|blue|happy|manic|every|each|mail\s+on)\s+$",
    re.IGNORECASE,
)
_DAY_NAMED_BEHIND = re.compile(
    r"\s+(?:Times|Telegraph|Mirror|Mail|Express|Herald|Post|Independent|World|Mercury|Sport|People"
    r"|Age|Tribune|Night\s+(?:Football|Live|Fever)|Island|Addams|the\s+\d)"
)
_SEASON_BEFORE = re.compile(
    r"\b(?:in|during|since|over|until|before|after|by)(?:\s+the)?\s+$", re.IGNORECASE
)
_NTH_BEFORE = re.compile(r"\b(?:on|since|before|after|until|by)\s+the\s+$", re.IGNORECASE)
_ATTACKS = re.compile(r"\s+(?:attack|terror|hijack|memorial|commission|victim|bomb)", re.IGNORECASE)
_LAST_WORD = re.compile(r"([\w’']+)\W*$")
_SENTENCE_START = re.compile(r"(?:^|[.?!:\n]\s*|[“\"(]\s*)$")
_NEAR = 40


def is_month(text: str, start: int, end: int, word: str, *, led: bool = False) -> bool:
    """Return whether `word` without a year is a month; `led` by "last", "next" or "early"."""
    if _alone(text, start, end):
        return True
    before, behind = _before(text, start), text[end : end + _NEAR]
    lead, lowered = _last_word(before), word.lower().rstrip(".")
    verb = lowered in _VERBS and (word[0].islower() or led)
    if verb and (re.match(r"\s+(?:on|to|through|for|against)\b", behind) or lead in _DETERMINERS):
        return False
    if led or lead in _SURELY:
        return True
    if verb:
        return False
    if _MONTH_BEFORE.search(before):
        return True
    if lead in _DETERMINERS or lead.endswith(("'s", "’s")):
        # "The March for Our Lives" is no month, "the March floods" are of one.
        return (
            re.match(r"\s+(?!(?:on|for|of|to|through|against|in|from)\b)[a-z]", behind) is not None
        )
    named = re.match(r"\s+[A-Z]|[’']s\b", behind) is not None and lowered in _PEOPLE
    if lowered == "may" and lead in ("of", "to", "for", "and", "or", "from"):
        # A prime minister, unless another month follows.
        return lead == "from" and re.match(r"\s+(?:to|until|through)\s+[A-Z]", behind) is not None
    return (lead in _MAYBE and not named) or (not named and _possessive(behind, lowered))


def is_month_day(text: str, start: int, end: int, month: str, day: int) -> bool:
    """Return whether a day and its month without a year are a date at `start` to `end`."""
    if day == 11 and month[:3].lower() == "sep" and _ATTACKS.match(text, end):
        return False
    if month.lower() not in _VERBS or month[0].isupper() or _alone(text, start, end):
        return True
    lead = _last_word(_before(text, start))
    return lead in _SURELY | _MAYBE or lead == "on"


def is_year(text: str, start: int, end: int) -> bool:
    """Return whether four digits are a year, and not a count or the first word of a name."""
    if _alone(text, start, end):
        return True
    before, behind = _before(text, start), text[end : end + _NEAR]
    lead = _last_word(before)
    if lead in _SURELY or lead in ("before", "after", "through", "year"):
        return True
    if re.match(r"\s+[A-Z]", behind):
        return False
    if lead in _DETERMINERS or lead.endswith(("'s", "’s")):
        return re.match(r"\s+[a-z]", behind) is not None and not _COUNTABLE.match(behind)
    led = lead in ("of", "by", "from", "between") or _YEAR_BEFORE.search(before) is not None
    return led and not _COUNTED.match(behind)


def is_season(text: str, start: int, end: int, *, led: bool) -> bool:
    """Return whether a season without a year is one; `led` by "last", "this" or "next"."""
    if _alone(text, start, end):
        return True
    if re.match(r"\s+(?:of\b|[A-Z])", text[end : end + _NEAR]) or (
        re.match(r"\s+in\b", text[end : end + _NEAR]) and led
    ):
        return False
    before = _before(text, start)
    if text[start:end].lower().endswith("fall") and not led and _last_word(before) != "the":
        return False
    return led or _SEASON_BEFORE.search(before) is not None


def is_weekday(text: str, start: int, end: int) -> bool:
    """Return whether a weekday is a day, and not part of a name or of a habit."""
    if _DAY_NAMED_BEFORE.search(_before(text, start)):
        return False
    return _DAY_NAMED_BEHIND.match(text, end) is None


def is_nth(text: str, start: int, end: int) -> bool:
    """Return whether "5th" is a day of the month."""
    return _alone(text, start, end) or _NTH_BEFORE.search(_before(text, start)) is not None


def is_today(text: str, start: int, word: str) -> bool:
    """Return whether "today" is no name: USA Today, the Today programme."""
    return word[0].islower() or _SENTENCE_START.search(_before(text, start)) is not None


def _possessive(behind: str, month: str) -> bool:
    return month not in _PEOPLE and re.match(r"[’']s\b", behind) is not None


def _alone(text: str, start: int, end: int) -> bool:
    return not text[:start].strip() and not text[end : end + _NEAR].strip(" .,?")


def _before(text: str, start: int) -> str:
    return text[max(0, start - _NEAR) : start]


def _last_word(before: str) -> str:
    found = _LAST_WORD.search(before)
    return found[1].lower() if found else ""
