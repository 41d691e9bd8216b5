"""One function per format: the bytes of a file in, what it says about its article out.

>>> record_draft({"headline": "Bridge closes", "body": "It closed.", "date": "2021-05-04"}).title
'Bridge closes'

Each raises IngestError with a reason that says what to do. Web pages are read in `webpage.py`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from io import BytesIO
from typing import Any

import yaml

from ingest.clean import clean_line, clean_text, unwrap
from ingest.metadata import Draft, author_names, from_epoch, parse_date, tidy_url
from ingest.savedpage import saved_page
from rag.errors import IngestError

_FIELDS = {
    "text": ("text", "body", "content", "article"),
    "title": ("title", "headline"),
    "source": ("source", "outlet", "publisher"),
    "author": ("author", "byline"),
    "url": ("url", "link", "canonical_url"),
    "published_at": ("published_at", "date", "published", "datePublished"),
    "article_id": ("id", "article_id"),
}
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.{0,20000}?)^(?:---|\.\.\.)[ \t]*$\n?", re.DOTALL | re.M)
_PAGE_NUMBER = re.compile(r"(?i)^(?:page )?\d{1,4}(?: ?(?:of|/) ?\d{1,4})?$")
_FILE_NAME = re.compile(
    r"(?i)\.(?:docx?|pdf|indd|odt|rtf|html?|txt|qxp)$|^(?:microsoft word|untitled)"
)


def decode(data: bytes, *, declared: str | None = None) -> str:
    """Return the text: by its byte order mark, else as UTF-8, as `declared`, as Windows-1252."""
    marked = next((name for bom, name in _BOMS.items() if data.startswith(bom)), None)
    for encoding in (marked,) if marked else ("utf-8", declared, "cp1252"):
        try:
            if encoding:
                return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise IngestError("not text in UTF-8, UTF-16 or Windows-1252; save it as UTF-8")


def text_draft(data: bytes) -> Draft:
    """Return the article in a plain text file, which may be a saved web page."""
    return saved_page(_prose(data))


def markdown_draft(data: bytes) -> Draft:
    """Return the article in a Markdown file: its front matter, else its first h1, is the title."""
    text = _prose(data).replace("\r\n", "\n")
    front, body = _front_matter(text)
    blocks = _markdown_blocks(body)
    title = _string(front, "title") or next((text for tag, text in blocks if tag == "h1"), "")
    kept = [text for tag, text in blocks if tag != "h1" or clean_line(text) != clean_line(title)]
    # A space, because an empty text would send record_draft to a "content" in the front matter.
    return record_draft({**front, "title": title, "text": "\n\n".join(kept) or " "})


def pdf_draft(data: bytes) -> Draft:
    """Return the article in the text layer of a PDF; what the page says goes before its metadata.

    Only the title is the other way round, because a PDF's own title is right where it looks real.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        reader = PdfReader(BytesIO(data))
        info = reader.metadata
        known = _pdf_fields(info) if info else {}
        pages = [page.extract_text() for page in reader.pages]
    except (FileNotDecryptedError, DependencyError) as exc:
        raise IngestError("the PDF is encrypted; save it without a password") from exc
    # "Please note that broken PDF files might cause other Exceptions" (pypdf.errors).
    except Exception as exc:
        raise IngestError(f"the PDF is damaged ({type(exc).__name__}: {exc})") from exc
    text = clean_text("\n".join(map(_without_page_number, pages)))
    if not text:
        raise IngestError("no text layer; run OCR first")
    # Every PDF is set in lines; with short paragraphs most of them end a sentence all the same.
    paragraphs = unwrap(text, max_width_chars=250, min_open_share=0.15)
    page = saved_page("\n\n".join(paragraphs), known_title=known.get("title"))
    missing = {k: v for k, v in known.items() if getattr(page, k) is None}
    return page.model_copy(update=missing)


def record_draft(record: object) -> Draft:
    """Return the article in a JSON object or front matter; unknown fields are ignored."""
    if not isinstance(record, Mapping):
        raise IngestError(f"expected an object with a field 'text', found {_kind(record)}")
    return Draft(
        text=_string(record, "text") or "",
        title=_string(record, "title"),
        source=_string(record, "source"),
        author=_author(record),
        url=_url(record),
        published_at=_published_at(record),
        article_id=_article_id(record),
    )


def _prose(data: bytes) -> str:
    text = decode(data)
    if "\0" in text:
        raise IngestError("holds NUL bytes: binary, or UTF-16 without its mark; save it as UTF-8")
    return text


def _front_matter(text: str) -> tuple[Mapping[Any, Any], str]:
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        front = yaml.safe_load(match[1])
    # PyYAML lets ValueError, KeyError, AttributeError and more escape from odd scalars.
    except Exception as exc:
        reason = " ".join(str(exc).split())
        raise IngestError(f"the front matter is not YAML ({reason}); quote its values") from exc
    # Between two rules may also stand a plain paragraph.
    return (front, text[match.end() :]) if isinstance(front, Mapping) else ({}, text)


def _markdown_blocks(body: str) -> list[tuple[str, str]]:
    """Return (tag, text) of each block that holds words: "h1", "p", "code"."""
    from markdown_it import MarkdownIt

    blocks: list[tuple[str, str]] = []
    tokens = MarkdownIt("commonmark").parse(body)
    for i, token in enumerate(tokens):
        if token.type in ("fence", "code_block"):
            blocks.append(("code", token.content))
        elif token.type == "inline":
            blocks.append((tokens[i - 1].tag, _markdown_text(token.children or [])))
    return [(tag, text.strip()) for tag, text in blocks if text.strip()]


def _markdown_text(children: list[Any]) -> str:  # markdown_it.Token, imported lazily
    breaks = {"softbreak": " ", "hardbreak": "\n"}
    kept = ("text", "code_inline", "text_special")
    return "".join(t.content if t.type in kept else breaks.get(t.type, "") for t in children)


def _without_page_number(page: str) -> str:
    lines = page.strip().split("\n")
    while lines and _PAGE_NUMBER.match(lines[-1].strip()):
        lines.pop()
    return "\n".join(lines)


def _pdf_fields(info: Any) -> dict[str, Any]:  # pypdf.DocumentInformation, imported lazily
    title, author = str(info.title or "").strip(), str(info.author or "")
    try:
        created = info.creation_date
    except ValueError:
        created = None
    is_title = len(title.split()) > 1 and not _FILE_NAME.search(title)
    known = {
        "title": title if is_title else None,
        "author": author_names(author),
        "published_at": parse_date(created.isoformat()) if created else None,
    }
    return {field: value for field, value in known.items() if value}


def _value(record: Mapping[Any, Any], field: str) -> tuple[str, Any]:
    """Return the first alias of `field` that is filled in, and its value."""
    names = _FIELDS[field]
    filled = ((name, record[name]) for name in names if record.get(name) not in (None, "", []))
    return next(filled, (names[0], None))


def _string(record: Mapping[Any, Any], field: str) -> str | None:
    name, value = _value(record, field)
    if value is None or isinstance(value, str):
        return value
    raise IngestError(f"{name}: expected a string, found {_kind(value)}")


def _author(record: Mapping[Any, Any]) -> str | None:
    name, value = _value(record, "author")
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise IngestError(f"{name}: expected a string or a list of strings")
        return ", ".join(value)
    return _string(record, "author")


def _url(record: Mapping[Any, Any]) -> str | None:
    value = _string(record, "url")
    url = tidy_url(value) if value else None
    if value and not url:
        raise IngestError(f"{_value(record, 'url')[0]}: {value[:100]!r} is not an http(s) address")
    return url


def _published_at(record: Mapping[Any, Any]) -> datetime | None:
    name, value = _value(record, "published_at")
    when = None
    if isinstance(value, str):
        when = parse_date(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        when = from_epoch(value)
    elif isinstance(value, date):  # YAML reads dates itself
        whole_day = datetime.combine(value, time(), UTC)
        when = parse_date((value if isinstance(value, datetime) else whole_day).isoformat())
    if value is not None and when is None:
        hint = "write it as 2020-03-13T06:18:00Z or in epoch seconds"
        raise IngestError(f"{name}: {str(value)[:100]!r} is no unambiguous date; {hint}")
    return when


def _article_id(record: Mapping[Any, Any]) -> str | None:
    name, value = _value(record, "article_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _string(record, "article_id")
    if text and not (re.fullmatch(r"[^\s:/?#]{1,200}", text) and text == clean_line(text)):
        raise IngestError(f"{name}: {text[:100]!r} must be 1-200 characters without space or :/?#")
    return text


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    names |= {int: "a number", float: "a number", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)
