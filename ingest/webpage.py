"""A web page as its publisher wrote it: the article's words, and what its markup says about it.

>>> page = page_draft('''<html><head><title>Bridge closes | The Ledger</title></head><body>
... <p>The old bridge over the river closed on Tuesday.</p></body></html>''')
>>> page.title, page.text
('Bridge closes', 'The old bridge over the river closed on Tuesday.')

trafilatura finds the words. It cuts times to days, so JSON-LD and OpenGraph are read here first.
Nothing is fetched.
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from html import unescape
from typing import Any

from ingest.clean import clean_line
from ingest.formats import decode
from ingest.metadata import Draft, parse_date, tidy_url
from ingest.savedpage import saved_page
from rag.errors import IngestError

# Names of encodings that Python also knows for other things ("unicode_escape") do not pass.
_CHARSET = re.compile(
    rb"(?i)charset\s*=\s*[\"']?\s*"
    rb"(windows-\d{3,4}|iso-8859-\d{1,2}|koi8-[ru]|shift_jis|euc-(?:jp|kr)|gb2312|gbk|gb18030|big5)"
)
_DATE_KEYS = ("article:published_time", "og:article:published_time", "datepublished", "pubdate")


def html_draft(data: bytes) -> Draft:
    """Return the article in an HTML file."""
    match = _CHARSET.search(data[:4096])
    return page_draft(decode(data, declared=match[1].decode("ascii") if match else None))


def page_draft(html: str, *, url: str | None = None) -> Draft:
    """Return the article of a page; `url` is where it came from, for pages that do not say."""
    from trafilatura import bare_extraction, load_html
    from trafilatura.settings import DEFAULT_CONFIG

    config = deepcopy(DEFAULT_CONFIG)
    # Under this size trafilatura takes the whole page, menus included: short articles exist.
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "1")
    page = html if re.search(r"(?i)<body\b", html) else f"<html><body>{html}</body></html>"
    try:
        tree = load_html(page)
        found = bare_extraction(
            tree,
            include_comments=False,
            with_metadata=True,
            # The extensive search takes any date in the text for the day of publication.
            date_extraction_params={"original_date": True, "extensive_search": False},
            config=config,
        )
    # lxml, htmldate and trafilatura raise whatever a broken page provokes.
    except Exception as exc:
        raise IngestError(f"not a readable HTML page ({type(exc).__name__}: {exc})") from exc
    if tree is None or found is None:
        raise IngestError("no article text found in the page; save it as text instead")
    return _draft(found, tree, url)


# `found` is trafilatura's Document and `tree` an lxml element: neither has type information.
def _draft(found: Any, tree: Any, url: str | None) -> Draft:
    linked, meta = _linked_data(tree), _meta(tree)
    source = _name(linked.get("publisher")) or meta.get("og:site_name")
    title = _text(linked.get("headline")) or meta.get("og:title") or found.title
    title = _without_outlet(title, source) if title else None
    body = saved_page(_words(found.text or "", tree), known_title=title)
    author = _name(linked.get("author")) or meta.get("author") or found.author
    is_name = author and "://" not in author
    stated = (linked.get("datePublished"), *(meta.get(key) for key in _DATE_KEYS))
    return Draft(
        text=body.text,
        title=body.title,
        source=source,
        author=author.replace("; ", ", ") if is_name else body.author,
        url=_address(linked, meta) or tidy_url(url or ""),
        published_at=next((when for when in map(_when, stated) if when), None)
        or body.published_at
        or _day(found.date, tree),
    )


def _words(text: str, tree: Any) -> str:
    """Return the paragraphs without the headline on the page.

    JSON-LD often words another one for search engines, so comparing titles would not find it.
    """
    lines = [clean_line(line) for line in text.splitlines()]
    heading = next((clean_line("".join(tag.itertext())) for tag in tree.iter("h1")), None)
    return "\n\n".join(lines[1:] if len(lines) > 1 and lines[0] == heading else lines)


def _linked_data(tree: Any) -> Mapping[str, Any]:
    """Return the page's JSON-LD object that describes an article, {} when there is none."""
    for script in tree.iterfind('.//script[@type="application/ld+json"]'):
        try:
            data = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for item in _items(data):
            kinds = item.get("@type")
            kinds = kinds if isinstance(kinds, list) else [kinds]
            if any(str(kind).endswith(("Article", "Posting", "Report")) for kind in kinds):
                return item
    return {}


def _items(data: object) -> Iterator[Mapping[str, Any]]:
    for item in data if isinstance(data, list) else [data]:
        if isinstance(item, dict):
            yield item
            graph = item.get("@graph")
            yield from (node for node in graph or [] if isinstance(node, dict))


def _meta(tree: Any) -> dict[str, str]:
    """Return name -> content of the <meta> tags, the first of each name, and the canonical link."""
    meta: dict[str, str] = {}
    for tag in tree.iter("meta"):
        key = tag.get("property") or tag.get("name") or tag.get("itemprop") or ""
        if content := (tag.get("content") or "").strip():
            meta.setdefault(key.lower(), content)
    for link in tree.iterfind('.//link[@rel="canonical"]'):
        meta.setdefault("canonical", link.get("href") or "")
    return meta


def _text(value: object) -> str | None:
    return unescape(value) if isinstance(value, str) and value.strip() else None


def _name(value: object) -> str | None:
    """Return the names in a JSON-LD person, organisation, string or list of these."""
    if isinstance(value, list):
        return ", ".join(name for name in map(_name, value) if name) or None
    return _text(value.get("name") if isinstance(value, dict) else value)


def _address(linked: Mapping[str, Any], meta: Mapping[str, str]) -> str | None:
    stated = (meta.get("canonical"), meta.get("og:url"), linked.get("url"))
    return next((url for url in (tidy_url(s) for s in stated if isinstance(s, str)) if url), None)


def _when(value: object) -> datetime | None:
    return parse_date(value) if isinstance(value, str) else None


def _day(day: str | None, tree: Any) -> datetime | None:
    """Return trafilatura's day, with the hour of the <time> tag that it was read from."""
    times = [tag.get("datetime") or "" for tag in tree.iter("time")]
    exact = [parse_date(time) for time in times if day and time.startswith(day)]
    return next(filter(None, exact), None) or parse_date(day or "")


def _without_outlet(title: str, source: str | None) -> str:
    head, bar, tail = title.rpartition(" | ")
    if bar and len(tail) <= 40:
        return head
    pattern = rf"\s+[-–—:·]\s+{re.escape(source)}\s*$" if source else r"(?!)"
    return re.sub(pattern, "", title, flags=re.IGNORECASE)
