"""Filters as people type them, in the terminal and in Slack, and the same words back.

>>> parse_filters('after:2020-03-01 source:"New York Times"').sources
('New York Times',)
>>> filters_text(parse_filters("source:jpost.com AFTER:2020-03-01"))
'after:2020-03-01 source:jpost.com'

`source` and `article` may be repeated: any of them will do. In straight quotes a value is written
as a JSON string, so that every name can be said; curly ones are what phones make of straight ones.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

from pydantic import ValidationError

from rag.errors import InputError
from rag.types import Filters

HOW = 'after:2020-03-01 before:2020-04-01 as_of:2020-03-13 source:"New York Times" article:ID'
_FIELDS = {
    "after": "published_after",
    "before": "published_before",
    "as_of": "as_of",
    "source": "sources",
    "article": "article_ids",
}
_REPEATED = ("source", "article")
_WORD = re.compile(
    r"""(?P<key>[^\W\d][\w-]*):
        (?: (?P<json>"(?:[^"\\]|\\.)*") | [“”„](?P<curly>[^“”„]*)[“”] | (?P<plain>[^\s"“”„]\S*) )
        (?=\s|$)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"""[^\s"“”„]\S*""")
# Of what does not belong there, so much is repeated.
_MOST_SHOWN = 40


def parse_filters(words: str) -> Filters:
    """Return the filters that `words` mean; none and `off` mean that every article may answer.

    Raises: InputError that says what to write instead.
    """
    if words.strip().casefold() in ("", "off"):
        return Filters()
    said: dict[str, Any] = {}
    for key, value in _pairs(words):
        if key in _REPEATED:
            said[_FIELDS[key]] = (*said.get(_FIELDS[key], ()), value)
        elif _FIELDS[key] in said:
            raise InputError(f"{key} was said twice; say it once")
        else:
            said[_FIELDS[key]] = value
    try:
        return Filters(**said)
    except ValidationError as exc:
        raise InputError(_wrong(exc)) from exc


def filters_text(filters: Filters) -> str:
    """Return the words that mean `filters`, in one line; "" when every article may answer."""
    words = [
        f"{key}:{_moment(value, last=key == 'as_of')}"
        for key in ("after", "before", "as_of")
        if (value := getattr(filters, _FIELDS[key])) is not None
    ]
    for key in _REPEATED:
        words += [f"{key}:{_name(value)}" for value in getattr(filters, _FIELDS[key]) or ()]
    return " ".join(words)


def _pairs(words: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(words.rstrip())
    while place < end:
        if words[place].isspace():
            place += 1
            continue
        found = _WORD.match(words, place)
        if found is None:
            shown = words[place : place + _MOST_SHOWN].split()[0]
            raise InputError(f"{shown!r} is no filter; write them as {HOW}, or off")
        yield _key(found["key"]), _value(found)
        place = found.end()


def _key(said: str) -> str:
    key = said.casefold().replace("-", "_")
    if key not in _FIELDS:
        known = ", ".join(_FIELDS)
        raise InputError(f"there is no filter {said[:_MOST_SHOWN]!r}, only {known}: {HOW}")
    return key


def _value(found: re.Match[str]) -> str:
    if found["json"] is None:
        return str(found["plain"] if found["curly"] is None else found["curly"])
    try:
        return str(json.loads(found["json"], strict=False))
    except ValueError as exc:
        raise InputError(
            f'{found["json"][:_MOST_SHOWN]}: write \\" for a quote in it and \\\\ for a backslash'
        ) from exc


def _wrong(exc: ValidationError) -> str:
    keys = {field: key for key, field in _FIELDS.items()}
    first = exc.errors()[0]
    told = str(first["msg"]).removeprefix("Value error, ")
    if not first["loc"]:
        for field, key in keys.items():
            told = re.sub(rf"\b{field}\b", key, told)
        return told
    return f"{keys[str(first['loc'][0])]}: {told}"


def _moment(value: datetime, *, last: bool) -> str:
    """Return a date where that means the same, else date and time."""
    if value.time() == (time(23, 59, 59) if last else time()):
        return value.date().isoformat()
    return value.isoformat().replace("+00:00", "Z")


def _name(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
