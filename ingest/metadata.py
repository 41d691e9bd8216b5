"""Who wrote it, when and where: what can be read from one line, and nothing that must be guessed.

>>> parse_date("13 March 2020, 06:18 GMT")
datetime.datetime(2020, 3, 13, 6, 18, tzinfo=datetime.timezone.utc)
>>> parse_date("03/04/2020") is None  # the third of April or the fourth of March?
True
>>> author_names("By JANE O'NEIL and JOHN McKENZIE")
"Jane O'Neil, John McKenzie"

A date that is wrong is worse than none, because answers are filtered by it.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated
from urllib.parse import urlsplit

from dateutil import parser, tz
from pydantic import BeforeValidator

from ingest.clean import clean_line, clean_text
from rag.types import Value, canonical_url


def _line(value: str | None) -> str | None:
    return (clean_line(value) or None) if isinstance(value, str) else value


Line = Annotated[str | None, BeforeValidator(_line)]


class Draft(Value):
    """What a file says about its article; cleaned on creation, so `text` is final."""

    text: Annotated[str, BeforeValidator(clean_text)]
    title: Line = None
    source: Line = None
    author: Line = None
    url: str | None = None
    published_at: datetime | None = None
    article_id: Line = None


_MAX_DATE_CHARS = 80
# Two days that share no part: what both readings agree on stood in the text.
_DEFAULTS = (datetime(2000, 1, 1), datetime(1999, 2, 2))  # noqa: DTZ001 - dateutil wants it naive
_OFFSETS_H = {"UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "CET": 1, "WEST": 1, "CEST": 2, "EET": 2}
_OFFSETS_H |= {"SAST": 2, "EEST": 3, "MSK": 3, "PKT": 5, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9}
_OFFSETS_H |= {"AEST": 10, "AEDT": 11, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7}
_OFFSETS_H |= {"MDT": -6, "PST": -8, "PDT": -7}
_REGIONS = {"ET": "New_York", "CT": "Chicago", "MT": "Denver", "PT": "Los_Angeles"}

_AGENCIES = {"reuters", "staff", "agencies", "associated press", "the associated press"}
_AGENCIES |= {"afp", "ap", "upi", "dpa", "bbc", "cnn", "xinhua", "ians", "bloomberg"}
_PARTICLES = {"van", "von", "der", "den", "de", "del", "della", "di", "da", "la", "le", "el", "al"}
_PARTICLES |= {"bin", "ibn", "ben", "dos", "du", "y"}
# Words of section names and headings: a line with one of them names no person.
_NOT_NAMES = {"the", "a", "in", "on", "at", "to", "of", "for", "from", "with", "as", "is", "are"}
_NOT_NAMES |= {"new", "news", "world", "breaking", "exclusive", "analysis", "live", "opinion"}
_NOT_NAMES |= {"comment", "editorial", "politics", "business", "sport", "sports", "culture"}
_NOT_NAMES |= {"science", "health", "tech", "middle", "east", "west", "north", "south", "europe"}
_NOT_NAMES |= {"asia", "africa", "america", "york", "home", "local", "national", "international"}
_NOT_NAMES |= {"special", "report", "feature", "features", "interview", "update", "war", "crisis"}
_ROLE = re.compile(
    r"(?i)\b(?:staff|writers?|editors?|correspondents?|reporters?|bureau|columnist|contributors?)\b"
)
_NAME_TOKEN = re.compile(r"[^\W\d_](?:[^\W\d_]|[.'’-])*$")
_AND = re.compile(r"(?i)\s*(?:,|&|\band\b)\s*")


def parse_date(text: str) -> datetime | None:
    """Return the UTC time that all of `text` states, None unless day, month and year are certain.

    A time without a zone, or in a zone whose name we do not know, is read as UTC.
    """
    text = re.sub(r"[|–—·•]", " ", clean_line(text[: _MAX_DATE_CHARS + 1]))
    text = re.sub(r"(?i)\b([ap])\.\s?m\b\.?", r"\1m", text)
    # Newspapers mean three hours ahead by GMT+3; dateutil reads it as POSIX does, three behind.
    text = re.sub(r"(?i)\b(?:GMT|UTC)\s?(?=[+-]\d)", "", text)
    if not text or len(text) > _MAX_DATE_CHARS:
        return None
    try:
        moment = _iso(text) or _unambiguous(text)
    except (ValueError, OverflowError):
        return None
    return moment


def from_epoch(seconds: float) -> datetime | None:
    """Return the time that many seconds after 1970, None outside the years of newspapers."""
    try:
        return _plausible(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def tidy_url(url: str) -> str | None:
    """Return the web address as given, but for tracking parameters; None where it is none."""
    url = url.strip().rstrip(".,;:!'\"”’>]")
    url = url.rstrip(")") if "(" not in url else url
    try:
        parts = urlsplit(url)
        # canonical_url knows which parameters track: those that it leaves out.
        kept = [p for p in parts.query.split("&") if canonical_url(f"http://x/?{p}") != "http://x"]
        usable = parts.scheme.lower() in ("http", "https") and parts.hostname and canonical_url(url)
    except ValueError:
        return None
    if not usable or " " in url or not url.isprintable():
        return None
    return parts._replace(query="&".join(kept)).geturl()


def author_names(line: str) -> str | None:
    """Return the names in a byline, capitals undone, joined with ", "; None where it is none."""
    line = clean_line(line[:500])
    rest = re.sub(r"(?i)^(?:written )?by:?\s+", "", line)
    rest = re.sub(r"\s(?:in|for|at|of)\s.*$", "", rest.rstrip(" .,"))
    if len(line) > 150 or not rest:
        return None
    parts = [part for part in _AND.split(rest) if part]
    names = [part for part in parts if _is_name(part)]
    # After a name, "Political Editor" or "BBC News" is where she works; small letters are prose.
    if not names or parts[0] != names[0] or not all(map(_is_post_or_name, parts)):
        return None
    return ", ".join(_without_capitals(name) for name in names)


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _plausible(moment)


def _unambiguous(text: str) -> datetime | None:
    # dateutil reads 2020-03-04 as the third of April when told that days come first.
    orders = (False,) if re.match(r"\d{4}\D", text) else (False, True)
    readings = {
        parser.parse(text, default=default, dayfirst=order, tzinfos=_zone)
        for default in _DEFAULTS
        for order in orders
    }
    return _plausible(readings.pop()) if len(readings) == 1 else None


def _zone(name: str | None, offset_s: int | None) -> tzinfo | None:
    if name in _REGIONS:
        return tz.gettz(f"America/{_REGIONS[name]}")
    if name in _OFFSETS_H and not offset_s:
        return timezone(timedelta(hours=_OFFSETS_H[name]))
    return None if offset_s is None else timezone(timedelta(seconds=offset_s))


def _plausible(moment: datetime) -> datetime | None:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware if 1600 <= aware.year <= 2200 else None


def _is_name(name: str) -> bool:
    if name.lower() in _AGENCIES:
        return True
    tokens = name.split()
    if not 2 <= len(tokens) <= 5 or any(token.lower() in _NOT_NAMES for token in tokens):
        return False
    return not _ROLE.search(name) and _is_capitalised(tokens)


def _is_post_or_name(part: str) -> bool:
    tokens = part.split()
    return len(tokens) <= 5 and (bool(_ROLE.search(part)) or _is_capitalised(tokens))


def _is_capitalised(tokens: list[str]) -> bool:
    return all(
        _NAME_TOKEN.match(token) and (token[0].isupper() or token.lower() in _PARTICLES)
        for token in tokens
    )


def _without_capitals(name: str) -> str:
    shouted = re.sub(r"\b(?:Ma?c|and|van|von|de)(?=[A-Z ])", "", name).isupper()
    if not shouted or (name.lower() in _AGENCIES and len(name) <= 4):
        return name
    return " ".join(_word_case(word, first=i == 0) for i, word in enumerate(name.split()))


def _word_case(word: str, *, first: bool) -> str:
    if not first and word.lower() in _PARTICLES:
        return word.lower()
    if re.fullmatch(r"I{2,3}|IV", word):
        return word
    cased = re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)
    # O'NEIL and McKENZIE get their second capital back; MACDONALD may be Macdonald, so it stays.
    return re.sub(r"^Mc([a-z])", lambda part: "Mc" + part[1].upper(), cased)
