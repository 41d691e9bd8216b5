"""Files, folders and patterns in, articles out: one at a time, in a fixed order.

>>> [item] = read_bytes("bridge.txt", b"Bridge closes\\n\\nIt closed on Tuesday.")
>>> (item.article.title, item.article.text, item.alone)
('Bridge closes', 'It closed on Tuesday.', True)

A bad file or line becomes a `Rejected` in its place and the rest goes on. No file is opened before
its turn, and JSONL is read line by line, so an archive may be larger than the memory.
"""

import glob
import json
import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePath
from typing import BinaryIO

from pydantic import ValidationError

from ingest import formats, webpage
from ingest.clean import first_sentence
from ingest.metadata import Draft
from rag.errors import IngestError
from rag.types import Article, Value

MAX_FILE_BYTES = 50_000_000
_LINE_SUFFIXES = (".jsonl", ".ndjson")
_ONE_ARTICLE = {
    ".txt": formats.text_draft,
    ".text": formats.text_draft,
    ".md": formats.markdown_draft,
    ".markdown": formats.markdown_draft,
    ".pdf": formats.pdf_draft,
    ".html": webpage.html_draft,
    ".htm": webpage.html_draft,
}
SUFFIXES = (*_ONE_ARTICLE, ".json", *_LINE_SUFFIXES)


class Read(Value):
    """An article and where it stood; `alone` when its file holds no other."""

    article: Article
    origin: str
    alone: bool


class Rejected(Value):
    """A file, or a line of one, that could not be taken in, and what to do about it."""

    file: str
    line: int | None = None
    reason: str


def read(paths: Sequence[Path | str]) -> Iterator[Read | Rejected]:
    """Yield the articles of files, of folders with all below them, and of glob patterns.

    Paths keep their order, what is below one is sorted by name; a file that is reached twice is
    read once. Hidden and unsupported files are passed over unless they are named themselves.
    """
    seen: set[Path] = set()
    for path in paths:
        for found in _files(Path(path), seen):
            if isinstance(found, Rejected):
                yield found
            else:
                yield from _read_file(found)


def read_bytes(name: str, data: bytes) -> Iterator[Read | Rejected]:
    """Yield the articles of one file that is already in memory; its name says the format."""
    yield from _read_stream(name, BytesIO(data))


def _files(path: Path, seen: set[Path]) -> Iterator[Path | Rejected]:
    try:
        if path.is_dir():
            yield from _walk(path, seen)
        elif path.exists():
            yield from _unseen(path, seen)
        elif glob.has_magic(str(path)):
            yield from _matches(path, seen)
        else:
            yield Rejected(file=_origin(path), reason="no such file or folder; check the path")
    except OSError as exc:
        yield Rejected(file=_origin(path), reason=f"cannot be opened: {exc.strerror}")


def _unseen(path: Path, seen: set[Path]) -> Iterator[Path]:
    resolved = path.resolve()
    if resolved not in seen:
        seen.add(resolved)
        yield path


def _matches(pattern: Path, seen: set[Path]) -> Iterator[Path | Rejected]:
    matches = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207 - absolute ones, too
    if not matches:
        yield Rejected(
            file=_printable(str(pattern)), reason="the pattern matches no file; check it"
        )
    for match in map(Path, matches):
        if match.is_dir() or match.suffix.lower() in SUFFIXES:
            yield from _files(match, seen)


def _walk(folder: Path, seen: set[Path]) -> Iterator[Path | Rejected]:
    # A folder that was entered before is a loop of links, or the same path given twice.
    for entered in _unseen(folder, seen):
        for entry in sorted(entered.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir() or entry.suffix.lower() in SUFFIXES:
                yield from _files(entry, seen)


def _read_file(path: Path) -> Iterator[Read | Rejected]:
    origin = _origin(path)
    if not path.is_file():
        yield Rejected(file=origin, reason="not a regular file")
        return
    try:
        with path.open("rb") as stream:
            yield from _read_stream(origin, stream)
    except OSError as exc:
        yield Rejected(file=origin, reason=f"cannot be read: {exc.strerror}")


def _origin(path: Path) -> str:
    # Path.resolve raises on a link to itself.
    return _printable(os.path.realpath(path))


def _printable(path: str) -> str:
    # A file name may hold bytes that are no UTF-8; such a string could be neither stored nor sent.
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _read_stream(origin: str, stream: BinaryIO) -> Iterator[Read | Rejected]:
    suffix = PurePath(origin).suffix.lower()
    try:
        if suffix in _LINE_SUFFIXES:
            yield from _read_lines(origin, stream)
        elif suffix == ".json":
            yield from _read_json(origin, _limited(stream))
        elif suffix in _ONE_ARTICLE:
            draft = _ONE_ARTICLE[suffix](_limited(stream))
            yield Read(article=_article(draft, origin), origin=origin, alone=True)
        else:
            known = " ".join(SUFFIXES)
            raise IngestError(
                f"files of type {suffix or 'no extension'!r} are not read; {known} are"
            )
    except IngestError as exc:
        yield Rejected(file=origin, reason=str(exc))


def _limited(stream: BinaryIO) -> bytes:
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise IngestError(f"larger than {MAX_FILE_BYTES:,} bytes; split it, or use JSONL")
    return data


def _read_lines(origin: str, stream: BinaryIO) -> Iterator[Read | Rejected]:
    for number, line in enumerate(iter(lambda: stream.readline(MAX_FILE_BYTES + 1), b""), 1):
        if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise IngestError("JSON Lines in UTF-16; save the file as UTF-8")
        try:
            if len(line) > MAX_FILE_BYTES:
                _skip_line(stream)
                raise IngestError(f"a line of more than {MAX_FILE_BYTES:,} bytes; shorten it")
            if line.strip():
                draft = formats.record_draft(_parsed(formats.decode(line)))
                yield Read(article=_article(draft, origin), origin=origin, alone=False)
        except IngestError as exc:
            yield Rejected(file=origin, line=number, reason=str(exc))


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(1_000_000)) and not rest.endswith(b"\n"):
        pass


def _read_json(origin: str, data: bytes) -> Iterator[Read | Rejected]:
    parsed = _parsed(formats.decode(data))
    if not isinstance(parsed, list):
        draft = formats.record_draft(parsed)
        yield Read(article=_article(draft, origin), origin=origin, alone=True)
        return
    for number, record in enumerate(parsed, 1):
        try:
            draft = formats.record_draft(record)
            yield Read(article=_article(draft, origin), origin=origin, alone=False)
        except IngestError as exc:
            yield Rejected(file=origin, reason=f"item {number}: {exc}")


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as exc:
        hint = "; for one object a line, name it .jsonl" if exc.msg == "Extra data" else ""
        raise IngestError(f"not JSON: {exc}{hint}") from exc
    except (ValueError, RecursionError) as exc:
        raise IngestError(f"not JSON that can be read: {exc}") from exc
    return value


def _article(draft: Draft, origin: str) -> Article:
    if not any(map(str.isalnum, draft.text)):
        raise IngestError("no article text found; a file or record needs the article's words")
    title = draft.title or first_sentence(draft.text)
    if not any(map(str.isalnum, title)):
        title = PurePath(origin).stem
    fields = draft.model_dump(exclude={"title"})
    try:
        return Article.create(title=title, **fields)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise IngestError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from exc
