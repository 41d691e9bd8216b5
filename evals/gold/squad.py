"""SQuAD and MRQA, nested and flat: questions about paragraphs that the file brings along.

>>> paragraph = {"context": "It sank.", "qas": [{"id": "7", "question": "When?", "answers": []}]}
>>> [item.where for item in items({"data": [{"paragraphs": [paragraph]}]}) if is_record(item)]
['data[0].paragraphs[0].qas[0]']

What is read: `question`, `id`, the text of each answer and `is_impossible`; `plausible_answers` and
the offsets are not. Sources: SQuAD 1.1 and 2.0 (Rajpurkar et al., EMNLP 2016; ACL 2018), MRQA
(Fisch et al., 2019).
"""

from collections.abc import Iterator, Mapping
from typing import TypeGuard
from urllib.parse import unquote

from evals.gold.records import Item, Paragraph, Problem, Record, kind
from rag.types import make_article_id

_TITLE_CHARS = 80
# What rows of SQuAD hold beside the fields of a case.
_BESIDE = frozenset(("context", "title", "is_impossible", "plausible_answers"))


def is_record(item: Item) -> TypeGuard[Record]:
    """Return whether `item` is what a case was written as."""
    return isinstance(item, Record)


def items(parsed: object) -> Iterator[Item]:
    """Yield what a JSON value holds: nested SQuAD, a list of cases or flat rows, or one of them."""
    if isinstance(parsed, Mapping) and "data" in parsed:
        for where, entry in _each(parsed, "data", ""):
            yield from entry_items(where, entry)
    elif isinstance(parsed, list):
        for at, row in enumerate(parsed):
            yield from row_items(f"[{at}]", row)
    else:
        yield from row_items("line 1", parsed)


def entry_items(where: str, entry: object) -> Iterator[Item]:
    """Yield what an article of nested SQuAD holds."""
    title = entry.get("title") if isinstance(entry, Mapping) else None
    for at, paragraph in _each(entry, "paragraphs", where):
        context = paragraph.get("context") if isinstance(paragraph, Mapping) else None
        if not _is_text(context):
            yield Problem(where=at, message=f"context: expected a text, found {kind(context)}")
            continue
        # Annotation tools leave the title out: then the first paragraph is one.
        title = _title(title, context)
        yield Paragraph(title, context)
        for place, row in _each(paragraph, "qas", at):
            yield from _record(place, row, title)


def row_items(where: str, row: object) -> Iterator[Item]:
    """Yield what one case, or one flat row of SQuAD or MRQA with its paragraph, holds."""
    context = row.get("context") if isinstance(row, Mapping) else None
    if not isinstance(row, Mapping) or not _is_text(context):
        yield from _record(where, row, None)
        return
    title = _title(row.get("title"), context)
    yield Paragraph(title, context)
    yield from _record(where, row, title)


def _record(where: str, row: object, title: str | None) -> Iterator[Item]:
    """Yield a case; one about the article `title` is given its id, unless nothing answers."""
    if not isinstance(row, Mapping):
        yield Problem(where=where, message=f"expected an object, found {kind(row)}")
        return
    fields = dict(row)
    if title is not None:
        impossible = row.get("is_impossible")
        fields = {name: value for name, value in row.items() if name not in _BESIDE}
        if impossible is True:
            fields |= {"answers": [], "answerable": False}
    if "answers" in fields:
        fields["answers"] = _texts(fields["answers"])
    if isinstance(fields.get("id"), int) and not isinstance(fields["id"], bool):
        fields["id"] = str(fields["id"])
    if title is not None and fields.get("answers"):
        fields.setdefault("relevant_article_ids", [article_id(title)])
    yield Record(where, fields)


def _each(value: object, field: str, where: str) -> Iterator[tuple[str, object]]:
    """Yield the place and value of each element of a list; of what is no list, itself."""
    place = f"{where}.{field}".lstrip(".")
    found = value.get(field) if isinstance(value, Mapping) else None
    if isinstance(found, list):
        for at, element in enumerate(found):
            yield f"{place}[{at}]", element
    elif found is not None or not isinstance(value, Mapping):
        yield place, found


def _texts(answers: object) -> object:
    """Return the texts of answers, each once; what is none of the known forms as it is."""
    # Datasets of Hugging Face hold {"text": […], "answer_start": […]}.
    if isinstance(answers, Mapping) and isinstance(answers.get("text"), list):
        answers = answers["text"]
    if not isinstance(answers, list):
        return answers
    texts = [a["text"] if isinstance(a, Mapping) and "text" in a else a for a in answers]
    hashable = [text for text in texts if isinstance(text, str)]
    return list(dict.fromkeys(hashable)) if len(hashable) == len(texts) else texts


def article_id(title: str) -> str:
    """Return the id of the article that a set brings along under `title`."""
    return make_article_id(url=None, source=None, title=title, published_at=None)


def _title(given: object, context: str) -> str:
    """Return a title as a reader would write it: SQuAD's are ends of Wikipedia's addresses."""
    if _is_text(given):
        return " ".join(unquote(given).replace("_", " ").split())
    return " ".join(context.split())[:_TITLE_CHARS]


def _is_text(value: object) -> TypeGuard[str]:
    """Return whether `value` is a text that an article may hold."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    # JSON can spell half of a surrogate pair, which no database stores.
    return not any("\ud800" <= char <= "\udfff" for char in value)
