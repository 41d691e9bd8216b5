"""How well whole answers do on real questions that nothing was tuned on, and how fast they are.

    python -m evals.answers --data ../shared/data [--questions N]

NewsQA, open over all its articles, no language model: F1 of the short answer, whether the right
article is cited, how many questions are answered, the risk at each coverage, and how often a
question is answered although its article was taken out of what was found. Then the latency of an
answer in an archive of 2,300 passages, stage by stage.
"""

import argparse
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from evals.metrics import Estimate, mean, percentile, risk_coverage, share, token_f1
from ingest.pipeline import Pipeline
from ingest.read import read
from ingest.split import Splitter
from rag.answer import Answerer
from rag.index import Index
from rag.settings import Settings
from rag.training.groups import read_squad
from rag.types import Answer, Article, Filters, Question
from rag.wiring import build_answerer, open_index

PASSAGES = 2_300
TIMED = 200
_SEED = 1


class Asked(NamedTuple):
    """One question with what it came to."""

    article_id: str
    golds: tuple[str, ...]
    answer: Answer

    @property
    def given(self) -> bool:
        """Whether it was answered."""
        return self.answer.answer_status != "no_answer"

    @property
    def f1(self) -> float:
        """F1 of the short answer, 0 without one."""
        short = self.answer.short_answer or ""
        return max(token_f1(short, gold) for gold in self.golds) if self.given else 0.0

    @property
    def cites_right(self) -> bool:
        """Whether the right article is cited."""
        return any(c.article_id == self.article_id for c in self.answer.citations)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="holds newsqa/ and squad/")
    parser.add_argument("--questions", type=int, default=None, help="of NewsQA; default: all")
    args = parser.parse_args(argv)
    with (args.data / "newsqa" / "questions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = random.Random(_SEED).sample(rows, min(args.questions or len(rows), len(rows)))  # noqa: S311
    with tempfile.TemporaryDirectory() as folder, open_index(Settings(data_dir=folder)) as index:
        pipeline = Pipeline(index, Splitter(200))
        pipeline.run(read([args.data / "newsqa" / "articles.jsonl"]))
        answerer = build_answerer(index)
        found = {"newsqa": newsqa(answerer, rows), "removed": removed(answerer, index, rows)}
        print(json.dumps(found, indent=1, default=_plain))
        _fill_up(index, pipeline, args.data / "squad" / "dev.jsonl")
        print(json.dumps(latency(build_answerer(index), index, rows[:TIMED]), indent=1))


def newsqa(answerer: Answerer, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the scores of the answers to `rows`, questions of NewsQA."""
    asked = [_ask(answerer, row) for row in rows]
    f1, f1_given, cited = defaultdict(list), defaultdict(list), defaultdict(list)
    for one in asked:
        f1[one.article_id].append(one.f1)
        if one.given:
            f1_given[one.article_id].append(one.f1)
            cited[one.article_id].append(float(one.cites_right))
    sure = _sure(answerer, rows)
    return {
        "questions": len(asked),
        "answered": share(one.given for one in asked),
        "conflicting": share(one.answer.answer_status == "conflicting" for one in asked),
        "f1_all": mean(f1),
        "f1_when_answered": mean(f1_given),
        "right_article_cited_when_answered": mean(cited),
        "citations": sum(len(one.answer.citations) for one in asked),
        "f1_answering_always": mean(sure.f1),
        "risk_coverage": risk_coverage(sure.scored),
    }


class _Sure(NamedTuple):
    """The answers when every question is answered: F1 by article, and confidence beside right."""

    f1: dict[str, list[float]]
    scored: list[tuple[float, bool]]


def _sure(answerer: Answerer, rows: Sequence[dict[str, Any]]) -> _Sure:
    asked = [_ask(answerer, row, min_confidence=0.0) for row in rows]
    f1 = defaultdict(list)
    for one in asked:
        f1[one.article_id].append(one.f1)
    return _Sure(f1, [(one.answer.confidence, one.f1 >= 0.5) for one in asked])


def removed(
    answerer: Answerer, index: Index, rows: Sequence[dict[str, Any]]
) -> dict[str, Estimate]:
    """Return how often a question is answered when every article but its own may answer."""
    every = index.catalog.matching(Filters())
    given = []
    for row in rows[::4]:
        others = tuple(a for a in every if a not in row["relevant_article_ids"])
        one = _ask(answerer, row, filters=Filters(article_ids=others))
        given.append(one.given)
    return {"answered": share(given)}


def latency(answerer: Answerer, index: Index, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return milliseconds of a whole answer and of its stages, warm, and how many passages."""
    stages: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        began = time.perf_counter()
        one = _ask(answerer, row, min_confidence=0.0)
        stages["answer"].append((time.perf_counter() - began) * 1_000)
        for stage, ms in one.answer.timings_ms.items():
            stages[stage].append(ms)
    return {
        "passages": index.catalog.counts().passages,
        "ms": {
            stage: {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95)}
            for stage, times in stages.items()
        },
    }


def _ask(answerer: Answerer, row: dict[str, Any], **fields: Any) -> Asked:
    answer = answerer.answer(Question(text=row["question"], **fields), now=datetime.now(UTC))
    golds = tuple(answer["text"] for answer in row["answers"])
    return Asked(row["relevant_article_ids"][0], golds, answer)


def _fill_up(index: Index, pipeline: Pipeline, squad: Path) -> None:
    """Add paragraphs of SQuAD as articles until the archive has 2,300 passages."""
    for text in dict.fromkeys(row.context for row in read_squad(squad)):
        if index.catalog.counts().passages >= PASSAGES:
            return
        pipeline.put(Article.create(title=text[:60], text=text))


def _plain(value: Estimate) -> dict[str, Any]:
    return value.model_dump()


if __name__ == "__main__":
    main()
