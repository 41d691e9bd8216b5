"""The files that gold questions come in, as plain records: each with its place in the file.

>>> list(read_bytes("gold.csv", b"question,answer\\nWho won?,Eastmere\\n"))
[Record(where='line 2', fields={'question': 'Who won?', 'answers': ['Eastmere']})]

JSON Lines of cases or of flat SQuAD and MRQA rows, a JSON list of cases, nested SQuAD, CSV and TSV.
What a record must hold is said in `cases.py`; here only what cannot be read at all is a problem.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from evals.gold import squad
from evals.gold.records import Item, Paragraph, Problem, Record
from evals.hints import nearest
from rag.errors import InputError
from rag.types import Article, make_article_id

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_LINES = (".jsonl", ".ndjson")
_DELIMITERS = (",", ";", "\t")


def _one(cell: str) -> object:
    return cell


def _list(cell: str) -> object:
    return [cell]


def _parted(cell: str) -> object:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _by_url(cell: str) -> object:
    urls = [part.strip() for part in cell.split("|") if part.strip()]
    return [make_article_id(url=url, source=None, title="", published_at=None) for url in urls]


# Column -> field of a case, and what a cell is worth.
_COLUMNS: dict[str, tuple[str, Callable[[str], object]]] = {
    "id": ("id", _one),
    "question": ("question", _one),
    "answer": ("answers", _parted),
    "answers": ("answers", _parted),
    "answerable": ("answerable", _one),
    "slice": ("slice", _one),
    "provenance": ("provenance", _one),
    "must_include": ("must_include", _list),
    "must_not_include": ("must_not_include", _list),
    "quote": ("quotes", _list),
    "article_id": ("relevant_article_ids", _parted),
    "relevant_article_ids": ("relevant_article_ids", _parted),
    "url": ("relevant_article_ids", _by_url),
}


def read(path: Path) -> Iterator[Item]:
    """Yield what the file at `path` holds. Raises InputError when it cannot be opened."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise InputError(f"gold set {path} cannot be read: {exc.strerror}") from exc
    yield from read_bytes(path.name, data)


def articles(path: Path) -> list[Article]:
    """Return the articles that a set brings along, as SQuAD does; none for a set of questions only.

    One article a title, its paragraphs parted by blank lines; cases refer to it by its id.
    """
    texts: dict[str, dict[str, None]] = {}
    for item in read(path):
        if isinstance(item, Paragraph):
            texts.setdefault(item.title, {})[item.text] = None
    return [Article.create(title=title, text="\n\n".join(text)) for title, text in texts.items()]


def read_bytes(name: str, data: bytes) -> Iterator[Item]:
    """Yield what a file that is already in memory holds; name and content say the format."""
    encoding = next((known for bom, known in _BOMS.items() if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        message = f"byte {exc.start} of the file is no UTF-8; save it as UTF-8"
        yield Problem(where=f"line {line}", message=message)
        return
    suffix = PurePath(name).suffix.lower()
    if suffix in (".csv", ".tsv") or (suffix not in _LINES and _delimiter(text)):
        yield from _table(text)
        return
    if suffix not in _LINES:
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError) as exc:
            yield from _no_json(exc, text)
        else:
            yield from squad.items(parsed)
        return
    yield from _lines(text)


def _no_json(exc: Exception, text: str) -> Iterator[Item]:
    # To JSON, one object a line is extra data behind the first.
    if isinstance(exc, json.JSONDecodeError) and exc.msg == "Extra data":
        yield from _lines(text)
        return
    line = exc.lineno if isinstance(exc, json.JSONDecodeError) else 1
    hint = "; a table begins with a row that names a column question"
    yield Problem(where=f"line {line}", message=f"not JSON: {exc}{hint * (text[:1] not in '{[')}")


def _lines(text: str) -> Iterator[Item]:
    # Not splitlines: JSON may hold U+2028 and the like within a string.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            parsed = json.loads(line)
        except (ValueError, RecursionError) as exc:
            yield Problem(where=where, message=f"not JSON: {exc}")
        else:
            yield from squad.row_items(where, parsed)


def _table(text: str) -> Iterator[Item]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_delimiter(text) or ",", strict=True
    )
    columns: list[str] = []
    for row in _rows(reader):
        if isinstance(row, Problem):
            yield row
        elif columns:
            yield from _record(*row, columns)
        else:
            where, cells = row
            columns = [cell.strip().lower() for cell in cells]
            wrong = list(_bad_header(where, columns))
            yield from wrong
            # Under a wrong header every row is wrong: one problem says it better than a thousand.
            if wrong:
                return


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[str, list[str]] | Problem]:
    """Yield the place and the cells of each row that holds something."""
    line = 0
    while True:
        where = f"line {line + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            hint = "a quotation mark within a quoted cell is written twice"
            yield Problem(where=where, message=f"not CSV: {exc}; {hint}")
            return
        line = reader.line_num  # type: ignore[attr-defined] # of csv.reader, whose type is private
        if any(cell.strip() for cell in cells):
            yield where, cells


def _bad_header(where: str, columns: list[str]) -> Iterator[Problem]:
    # A column without a name is what spreadsheets and data frames leave behind.
    for name in filter(None, columns):
        if name not in _COLUMNS:
            hint = nearest(name, list(_COLUMNS))
            yield Problem(where=where, message=f"unknown column {name!r}{hint}")
    named = [_COLUMNS[name][0] for name in columns if name in _COLUMNS]
    for field in sorted({name for name in named if named.count(name) > 1}):
        yield Problem(where=where, message=f"more than one column gives {field}")
    if "question" not in columns:
        message = "the first row must name the columns: question,answer and, if need be, others"
        yield Problem(where=where, message=message)


def _record(where: str, cells: list[str], columns: list[str]) -> Iterator[Item]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        message = f"{len(cells)} cells under {len(columns)} columns; put quotes around a cell that"
        yield Problem(where=where, message=f"{message} holds the mark between the columns")
        return
    filled = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}
    # An empty cell says nothing; only `answerable` may say that a question has no answer.
    yield Record(
        where, {_COLUMNS[name][0]: _COLUMNS[name][1](cell) for name, cell in filled.items() if cell}
    )


def _delimiter(text: str) -> str | None:
    """Return what parts the columns of a table whose first row names a column `question`."""
    start = text.lstrip()
    if start.startswith(("{", "[")):
        return None
    first = start[: (start + "\n").index("\n")]
    for delimiter in _DELIMITERS:
        names = [name.strip(' "\r').lower() for name in first.split(delimiter)]
        if len(names) > 1 and "question" in names:
            return delimiter
    return None
