"""How well a ranking of passages serves questions whose gold answers are known.

>>> measured({"q1": ["b", "a"]}, {"q1": ["a"]})["MRR@10"]
{'q1': 0.5}

A ranking is judged three times: whether the right article is found; whether a passage is found that
covers the place where the gold answer stands; and, since long passages cover more, whether that
place is met within the first 3,000 characters of what was found.
"""

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ir_measures
from ir_measures import RR, Success, nDCG

from evals.metrics import mean
from evals.peers.programs import Found, Rank
from rag.types import Article

# Spaces are not counted: about 800 tokens, what fits a small model beside its prompt and answer.
READ_CHARS = 3_000
_RANKED = 10
_GOLD = "gold"
_SEED = 1
_MEASURES = {
    "hit@1": Success @ 1,
    "hit@4": Success @ 4,
    "hit@10": Success @ 10,
    "MRR@10": RR,
    "nDCG@10": nDCG @ 10,
}


class Spot(NamedTuple):
    """Where a gold answer stands in an article, counted without white space."""

    article_id: str
    start: int
    end: int


class Asked(NamedTuple):
    """A question with its gold answers, the articles that hold one and where."""

    id: str
    question: str
    relevant: tuple[str, ...]
    spots: tuple[Spot, ...]
    golds: tuple[str, ...]


class Judged(NamedTuple):
    """What was found for one question, best first, ready for the measures."""

    articles: tuple[str, ...]
    passages: tuple[str, ...]  # "gold" is the first that covers a spot, others have their number
    read_chars: int | None  # up to the end of the gold answer; None where nothing covers it


class Difference(NamedTuple):
    """A mean difference over the same questions, with its 95 % interval by article."""

    value: float
    low: float
    high: float


class Ranked(NamedTuple):
    """One system's retrieval: measure by question, for articles and for passages."""

    name: str
    articles: dict[str, dict[str, float]]
    passages: dict[str, dict[str, float]]
    ms: float


def squeezed(text: str) -> str:
    """Return `text` without white space: programs keep it differently."""
    return "".join(text.split())


def spot(article: Article, start: int, text: str) -> Spot:
    """Return where `text`, at `start` of the article's text, stands."""
    before = len(squeezed(article.text[:start]))
    return Spot(article.article_id, before, before + len(squeezed(text)))


def read_articles(path: Path) -> list[Article]:
    """Return the articles of a JSONL file, their texts as they stand there."""
    return [
        Article.create(article_id=row["id"], title=row["title"], text=row["text"])
        for row in _rows(path)
    ]


def read_questions(path: Path, articles: Iterable[Article], count: int | None) -> list[Asked]:
    """Return the first `count` questions of a JSONL file, or all, shuffled always the same way."""
    by_id = {article.article_id: article for article in articles}
    rows = _rows(path)
    random.Random(_SEED).shuffle(rows)  # noqa: S311 - not for secrets
    return [_asked(row, by_id) for row in rows[:count]]


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _asked(row: dict[str, Any], by_id: Mapping[str, Article]) -> Asked:
    [article_id] = row["relevant_article_ids"]
    answers = row["answers"]
    return Asked(
        id=row["id"],
        question=row["question"],
        relevant=(article_id,),
        spots=tuple(spot(by_id[article_id], a["start"], a["text"]) for a in answers),
        golds=tuple(a["text"] for a in answers),
    )


def judge(found: Iterable[Found], asked: Asked, texts: Mapping[str, str]) -> Judged:
    """Return what `found` is worth; `texts` are the squeezed texts of the articles by id."""
    found = list(found)
    passages: list[str] = []
    read, read_chars = 0, None
    for number, piece in enumerate(found):
        text = squeezed(piece.text)
        reaches = _reaches(piece.article_id, text, asked.spots, texts)
        if reaches is None:
            passages.append(str(number))
        elif read_chars is None:
            passages.append(_GOLD)
            read_chars = read + reaches
        read += len(text)
    articles = tuple(dict.fromkeys(piece.article_id for piece in found))
    return Judged(articles, tuple(passages), read_chars)


def _reaches(
    article_id: str, text: str, spots: Iterable[Spot], texts: Mapping[str, str]
) -> int | None:
    """Return how far into `text` the nearest spot that it covers ends; None: it covers none."""
    here = [one for one in spots if one.article_id == article_id]
    start = texts[article_id].find(text) if here else -1
    covered = [
        one.end - start for one in here if 0 <= start <= one.start and one.end <= start + len(text)
    ]
    return min(covered, default=None)


def measured(
    ranked: Mapping[str, Sequence[str]], relevant: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, float]]:
    """Return each measure of each question: 0 to 1, higher is better, 0 where nothing was found.

    Source: trec_eval's definitions through ir_measures (MacAvaney et al., ECIR 2022).
    """
    qrels = {question: dict.fromkeys(ids, 1) for question, ids in relevant.items()}
    run = {
        question: {item: -float(rank) for rank, item in enumerate(items[:_RANKED])}
        for question, items in ranked.items()
    }
    names = {measure: name for name, measure in _MEASURES.items()}
    found: dict[str, dict[str, float]] = {name: dict.fromkeys(relevant, 0.0) for name in _MEASURES}
    for one in ir_measures.iter_calc(list(names), qrels, run):
        found[names[one.measure]][one.query_id] = one.value
    return found


def ranked(name: str, rank: Rank, asked: Sequence[Asked], texts: Mapping[str, str]) -> Ranked:
    """Ask every question and return the measures."""
    began = time.perf_counter()
    found = [rank(one.question) for one in asked]
    ms = (time.perf_counter() - began) * 1_000 / len(asked)
    judged = {one.id: judge(f, one, texts) for one, f in zip(asked, found, strict=True)}
    passages = measured(
        {key: one.passages for key, one in judged.items()},
        {one.id: [_GOLD] for one in asked},
    )
    passages["read"] = {
        key: float(one.read_chars is not None and one.read_chars <= READ_CHARS)
        for key, one in judged.items()
    }
    articles = measured(
        {key: one.articles for key, one in judged.items()},
        {one.id: one.relevant for one in asked},
    )
    return Ranked(name, articles, passages, ms)


def difference(
    one: Mapping[str, float], other: Mapping[str, float], asked: Sequence[Asked]
) -> Difference:
    """Return the mean of `one` minus `other`, both by question; whole articles are drawn again."""
    by_article = defaultdict(list)
    for question in asked:
        by_article[question.relevant[0]].append(one[question.id] - other[question.id])
    found = mean(by_article)
    if found.value is None or found.low is None or found.high is None:
        raise ValueError("no question was asked")
    return Difference(found.value, found.low, found.high)
