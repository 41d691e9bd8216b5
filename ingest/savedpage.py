'''A web page that somebody saved as plain text: headline, byline, date and body told apart.

>>> page = saved_page("""Bridge closes for repairs
...
... JANE DOE
... MAY 4, 2021 10:20
...
... The old bridge closed on Tuesday.
...
... Content retrieved from: https://ledger.example/bridge?fbclid=1""")
>>> (page.title, page.author, page.text)
('Bridge closes for repairs', 'Jane Doe', 'The old bridge closed on Tuesday.')

The rules look at whole lines near the top and at the very end, and keep what they do not know: a
line of noise in the text costs little, a lost sentence costs an answer.
'''

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from ingest.clean import clean_line, clean_text, is_boilerplate, is_caption, unwrap
from ingest.metadata import Draft, author_names, parse_date, tidy_url

_MAX_TITLE_CHARS = 200
_MIN_STANDFIRST_CHARS = 40
_MAX_HEAD_PARAGRAPHS = 14
# A headline and a standfirst of two paragraphs may stand above the byline; more is the body.
_MAX_PROSE_IN_HEAD = 3

_ORIGIN = re.compile(
    r"(?i)^(?:content retrieved from|retrieved from|original(?:ly published)?(?: article)?(?: at)?"
    r"|source|url|link)\s*:?\s*<?(https?://\S+?)>?$"
)
_TAIL = re.compile(r"(?i)^(?:about the authors?\W*|content retrieved from\b.*)$")
_PUBLISHED = re.compile(
    r"(?i)^(?:(?:first |originally )?(?:published|posted)|date)(?: on| at)?[:\s]\s*"
)
_UPDATED = re.compile(
    r"(?i)[\s|,(–—·•-]*\b(?:last )?(?:updated|modified)(?: on| at)?:?\s+(.*?)\)?$"
)
_READ_TIME = re.compile(r"(?i)\d+[ -]min(?:ute)?s?(?: read)?$|reading time\b.*$")
_BY = re.compile(r"(?i)(?:written )?by\b")
_FULL_STOP = re.compile(r"\.[\"'”’)\]]*$")


class _Furniture(NamedTuple):
    """A line above the body that is not prose: a byline, a date, a caption, a button."""

    author: str | None = None
    published_at: datetime | None = None


def saved_page(text: str, *, known_title: str | None = None) -> Draft:
    """Return the article in a page saved as text; `known_title` is what its metadata says.

    A standfirst that the body repeats is dropped, another stays as the first paragraph. A text with
    no such lines keeps every paragraph, but for a first one that can only be a headline.
    """
    paragraphs = unwrap(clean_text(text))
    url = _origin(paragraphs)
    paragraphs = _without_tail(paragraphs)
    head = _head(paragraphs)
    title = known_title or _headline(paragraphs, head)
    prose = [
        (i, paragraph)
        for i, paragraph in enumerate(paragraphs)
        if _is_prose(paragraph, head[i : i + 1]) and not _same(paragraph, title)
    ]
    near_top = _MAX_HEAD_PARAGRAPHS if head else 0
    body = [p for i, p in prose if i >= near_top or not _is_repeated(p, paragraphs[i + 1 :])]
    return Draft(
        # A page of one line is its own headline.
        text="\n\n".join(body) or (title or "" if not known_title else ""),
        title=title,
        author=next((line.author for line in head if line and line.author), None),
        url=url,
        published_at=next((line.published_at for line in head if line and line.published_at), None),
    )


def _origin(paragraphs: Sequence[str]) -> str | None:
    found = [match[1] for match in map(_ORIGIN.match, paragraphs) if match]
    return tidy_url(found[-1]) if found else None


def _without_tail(paragraphs: Sequence[str]) -> list[str]:
    end = len(paragraphs)
    for i, paragraph in enumerate(paragraphs):
        if _TAIL.match(paragraph):
            # A tail is short; where more follows than went before, the line is a heading.
            before, after = sum(map(len, paragraphs[:i])), sum(map(len, paragraphs[i + 1 :]))
            end = i if after <= before else end
            break
    return [paragraph for paragraph in paragraphs[:end] if not _ORIGIN.match(paragraph)]


def _head(paragraphs: Sequence[str]) -> list[_Furniture | None]:
    """Return what the lines down to the last byline or date are; None is prose."""
    top = paragraphs[:_MAX_HEAD_PARAGRAPHS]
    head = _without_timeline([_furniture(line) for line in top])
    title_at = head.index(None) if None in head else 0
    for i, line in enumerate(top):
        if head[i] is None and i > title_at and line in (*top[i - 1 : i], *top[i + 1 : i + 2]):
            head[i] = _Furniture()  # shown twice, next to each other: the picture and its caption
    for i in range(title_at + 1, len(top)):
        if head[i] is None and _is_beside_date(head, i, shouted=top[i].isupper()):
            author = author_names(top[i])
            head[i] = _Furniture(author=author) if author else None
    return head[: _head_end(head)]


def _without_timeline(head: list[_Furniture | None]) -> list[_Furniture | None]:
    # Dates with prose between them head the entries of a timeline; none says when it appeared.
    dated = [i for i, line in enumerate(head) if line and line.published_at]
    if not any(None in head[first:second] for first, second in pairwise(dated)):
        return head
    return [None if i in dated else line for i, line in enumerate(head)]


def _head_end(head: Sequence[_Furniture | None]) -> int:
    end = prose = 0
    for i, line in enumerate(head):
        prose += line is None
        if prose > _MAX_PROSE_IN_HEAD:
            break
        end = i + 1 if line and (line.author or line.published_at) else end
    # Captions under the date belong to the head, too.
    while end and end < len(head) and head[end] is not None:
        end += 1
    return end


def _furniture(line: str) -> _Furniture | None:
    if is_boilerplate(line) or is_caption(line):
        return _Furniture()
    line = _without_update(line)
    when = _date(line)
    if when or not line:
        return _Furniture(published_at=when)
    parts = [p for p in re.split(r"\s+[|·•–—-]\s+", line) if not _READ_TIME.match(p)]
    dates = [when for when in map(_date, parts) if when]
    names = [p for p in parts if not _date(p)]
    if len(names) > 1 or not (dates or (names and _BY.match(names[0]))):
        return None
    author = author_names(names[0]) if names else None
    return None if names and not author else _Furniture(author, dates[0] if dates else None)


def _without_update(line: str) -> str:
    update = _UPDATED.search(line) if len(line) <= _MAX_TITLE_CHARS else None
    is_time = update and (parse_date(update[1]) or update[1].endswith(" ago"))
    return line[: update.start()] if update and is_time else line


def _date(line: str) -> datetime | None:
    return parse_date(_PUBLISHED.sub("", line))


def _is_beside_date(head: Sequence[_Furniture | None], i: int, *, shouted: bool) -> bool:
    # A name alone may be a place or a heading: it counts above the date, in capitals also below.
    beside = (*head[i + 1 : i + 2], *(head[i - 1 : i] if shouted else ()))
    return any(line and line.published_at for line in beside)


def _headline(paragraphs: Sequence[str], head: Sequence[_Furniture | None]) -> str | None:
    at = next((i for i, p in enumerate(paragraphs) if _is_prose(p, head[i : i + 1])), None)
    if at is None or len(paragraphs[at]) > _MAX_TITLE_CHARS:
        return None
    # A line that stands above a byline is the headline even when it ends like a sentence.
    return None if at >= len(head) and _FULL_STOP.search(paragraphs[at]) else paragraphs[at]


def _is_prose(paragraph: str, furniture: Sequence[_Furniture | None]) -> bool:
    return not (any(furniture) or is_boilerplate(paragraph) or is_caption(paragraph))


def _same(paragraph: str, title: str | None) -> bool:
    return title is not None and paragraph.casefold() == clean_line(title).casefold()


def _is_repeated(standfirst: str, rest: Sequence[str]) -> bool:
    # A short one may be a heading whose words come back by chance.
    start = standfirst.rstrip(".… ")
    return len(start) >= _MIN_STANDFIRST_CHARS and any(start in paragraph for paragraph in rest)
