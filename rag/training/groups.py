"""Questions with the passages they are trained on: SQuAD, QAMR, and passages that nearly answer.

>>> rows = split(read_squad(Path("../shared/data/squad/dev.jsonl"))).train
>>> squad(rows, Nearest([row.context for row in rows], folder))(random.Random(0)).label
Labelled(passage=1, start=29, end=41)

A group is one question with one or more passages of which at most one answers. Passages that do not
are what our own BM25 leg finds for the question. Nothing of these texts is kept in the project.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from rag.lexical import Bm25, Entry
from rag.types import Article, Filters

T = TypeVar("T")

HELD_TITLES = 7
CALIBRATION_TITLES = 6
_NEAREST = 12
_MAX_ANSWER_TOKENS = 10
# Penn Treebank's way to write brackets and quotation marks.
_PTB = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
_PTB |= {"``": '"', "''": '"'}
_CLOSING = frozenset(".,;:?!)]}%")


class Labelled(NamedTuple):
    """Where the answer stands: which passage, and its characters there."""

    passage: int
    start: int
    end: int


class Group(NamedTuple):
    """One question and its passages; no label: none of them answers."""

    question: str
    passages: tuple[str, ...]
    label: Labelled | None


class SquadRow(NamedTuple):
    """One question of SQuAD; no answers: the paragraph does not answer it."""

    title: str
    context: str
    question: str
    answers: tuple[tuple[int, int], ...]


class Split(NamedTuple):
    """SQuAD's rows by title: to train on, to calibrate on, and never seen before measuring."""

    train: list[SquadRow]
    calibration: list[SquadRow]
    held: list[SquadRow]


class QamrRow(NamedTuple):
    """One question of QAMR on one sentence, the answer as characters of it."""

    sentence: str
    question: str
    start: int
    end: int


Maker = Callable[[random.Random], Group]


def read_squad(path: Path) -> list[SquadRow]:
    """Return every question of `path` (JSON lines) in the order of the file."""
    rows = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            spans = tuple((a["start"], a["start"] + len(a["text"])) for a in row["answers"])
            title = row["title"].replace("_", " ")
            rows.append(SquadRow(title, row["context"], row["question"], spans))
    return rows


def split(rows: Sequence[SquadRow]) -> Split:
    """Return the rows by title: the 7 held titles are those the prototype held out as well."""
    titles = sorted({row.title.replace(" ", "_") for row in rows})
    random.Random(3).shuffle(titles)  # noqa: S311 - not for secrets
    names = [title.replace("_", " ") for title in titles]
    held = set(names[:HELD_TITLES])
    calibration = set(names[HELD_TITLES : HELD_TITLES + CALIBRATION_TITLES])
    rest = held | calibration
    return Split(
        [row for row in rows if row.title not in rest],
        [row for row in rows if row.title in calibration],
        [row for row in rows if row.title in held],
    )


def read_qamr(folder: Path) -> list[QamrRow]:
    """Return the questions of `folder` whose answer is one run of words."""
    sentences = {}
    for line in (folder / "wiki-sentences.tsv").read_text(encoding="utf-8").splitlines():
        key, tokens = line.split("\t")
        sentences[key] = detokenised(tokens.split(" "))
    rows = []
    for name in ("filtered-dev.tsv", "filtered-test.tsv"):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            fields = line.split("\t")
            answer = [int(i) for i in fields[6].split()]
            if fields[0] not in sentences or not answer:
                continue
            first, last = min(answer), max(answer)
            if last - first <= min(_MAX_ANSWER_TOKENS - 1, len(answer)):
                text, spans = sentences[fields[0]]
                rows.append(QamrRow(text, fields[5], spans[first][0], spans[last][1]))
    return rows


def detokenised(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return plain text for Penn Treebank tokens, and each word's characters in it."""
    text, spans, quoted, glued = "", [], False, True
    for raw in tokens:
        word = _PTB.get(raw, raw)
        opening = word == '"' and not quoted
        closing = word in _CLOSING or word == "n't" or _is_clitic(word)
        closing = closing or (word == '"' and quoted)
        if text and not glued and not closing:
            text += " "
        if word == '"':
            quoted = not quoted
        glued = word in {"(", "[", "{", "$"} or opening
        spans.append((len(text), len(text) + len(word)))
        text += word
    return text, spans


def _is_clitic(word: str) -> bool:
    return word.startswith("'") and 1 < len(word) <= 3


class Nearest:
    """Finds the texts nearest to a question among those a recipe trains on."""

    def __init__(self, texts: Sequence[str], folder: Path) -> None:
        """Index `texts` with the BM25 leg of our own retriever, on disk in `folder`."""
        self._texts = texts
        self._bm25 = Bm25(folder)
        article = Article.create(title="", text="").meta()
        self._bm25.replace(Entry(str(i), article, text) for i, text in enumerate(texts))
        self._found: dict[str, list[str]] = {}

    def to(self, question: str, *, without: str) -> list[str]:
        """Return up to 12 texts nearest to `question`, best first, except `without`."""
        if question not in self._found:
            hits = self._bm25.search(question, _NEAREST, Filters())
            self._found[question] = [self._texts[int(i)] for i, _ in hits]
        return [text for text in self._found[question] if text != without]


def squad(rows: Sequence[SquadRow], near: Nearest) -> Maker:
    """Return a maker of groups from SQuAD: each row once, shuffled, then again."""
    titles = {row.context: row.title for row in rows}
    entities = _Entities(rows)
    turn = _cycle(rows)

    def make(rng: random.Random) -> Group:
        row = next(turn(rng))
        question, spans = row.question, row.answers
        if spans and rng.random() < 0.08:
            swapped = entities.swapped(row, rng)
            if swapped:
                question, spans = swapped, ()
        span = rng.choice(spans) if spans else None
        passages = [_Marked(row.context, span)]
        if rng.random() < 0.45:
            others = [
                text
                for text in near.to(row.question, without=row.context)
                if not span or row.context[span[0] : span[1]].lower() not in text.lower()
            ]
            passages += [_Marked(text, None) for text in others[: rng.randint(1, 3)]]
            if spans and rng.random() < 0.15:
                passages = passages[1:] or passages
        if rng.random() < 0.5:
            passages = [p.titled(titles.get(p.text, "")) for p in passages]
        return _group(question, passages, rng)

    return make


def qamr(rows: Sequence[QamrRow], near: Nearest) -> Maker:
    """Return a maker of groups from QAMR: the sentence among others that resemble it."""
    turn = _cycle(rows)

    def make(rng: random.Random) -> Group:
        row = next(turn(rng))
        absent = rng.random() < 0.3
        pool = near.to(row.sentence, without=row.sentence)
        if rng.random() < 0.7:
            pool = pool + near.to(row.question, without=row.sentence)
        others = rng.sample(pool, min(len(pool), rng.choice((1, 2, 3, 4) if absent else range(5))))
        others = list(dict.fromkeys(others))
        span = None
        if not absent:
            at = rng.randint(0, len(others))
            offset = sum(len(text) + 1 for text in others[:at])
            others.insert(at, row.sentence)
            span = (offset + row.start, offset + row.end)
        return _group(row.question, [_Marked(" ".join(others), span)], rng)

    return make


def mixed(makers: Sequence[tuple[Maker, float]]) -> Maker:
    """Return a maker that draws from `makers` in proportion to their weights."""
    weights = [weight for _, weight in makers]

    def make(rng: random.Random) -> Group:
        return rng.choices([maker for maker, _ in makers], weights)[0](rng)

    return make


class _Marked(NamedTuple):
    text: str
    span: tuple[int, int] | None

    def titled(self, title: str) -> "_Marked":
        """Return the passage under its headline."""
        lead = f"{title}. " if title else ""
        span = (self.span[0] + len(lead), self.span[1] + len(lead)) if self.span else None
        return _Marked(lead + self.text, span)


def _group(question: str, passages: list[_Marked], rng: random.Random) -> Group:
    rng.shuffle(passages)
    marked = ((i, p.span) for i, p in enumerate(passages))
    label = next((Labelled(i, *span) for i, span in marked if span), None)
    return Group(question, tuple(p.text for p in passages), label)


class _Entities:
    """Names and numbers of each title, to turn a question into one that nothing answers."""

    def __init__(self, rows: Sequence[SquadRow]) -> None:
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row.title, set()).update(_entities(row.question[1:]))
        self._of = {title: sorted(names) for title, names in found.items()}

    def swapped(self, row: SquadRow, rng: random.Random) -> str | None:
        """Return the question with one name or number for another that the paragraph lacks."""
        inside = _entities(row.question[1:])
        if not inside:
            return None
        old = rng.choice(inside)
        new = [
            name
            for name in self._of[row.title]
            if name[0].isdigit() == old[0].isdigit() and name not in row.context
        ]
        return row.question.replace(old, rng.choice(new)) if new else None


def _entities(text: str) -> list[str]:
    return re.findall(r"\b(?:[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*|\d[\d,.]*\d|\d)\b", text)


def _cycle(rows: Sequence[T]) -> Callable[[random.Random], Iterator[T]]:
    """Return an endless iterator over `rows`, shuffled anew each time round."""
    state: list[Iterator[T]] = []

    def turn(rng: random.Random) -> Iterator[T]:
        def endless() -> Iterator[T]:
            while True:
                yield from rng.sample(rows, len(rows))

        if not state:
            state.append(endless())
        return state[0]

    return turn
