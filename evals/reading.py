"""How well the shipped reader reads what its weights have never seen.

    python -m evals.reading --data ../shared/data [--card]

SQuAD: titles held out of training, paragraph given: F1 on answerable questions, and how well the
margin tells them from SQuAD's own unanswerable ones. NewsQA, on which nothing is trained: with the
question's article given, and open over all articles, beside the ranking without the reader.
`--card` writes the scores into the card of the model.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evals.metrics import Estimate, mean, reciprocal_rank, token_f1
from ingest.pipeline import Pipeline
from ingest.read import read
from ingest.split import Splitter
from rag.index import Index
from rag.onnx import MODELS, load_card
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.spans import SpanModel
from rag.training.groups import SquadRow, read_squad, split
from rag.training.scores import auc
from rag.types import Hit, Reading, Scores
from rag.wiring import build_reader, open_index

# How many passages are read of those that were found; the default of a question.
READ = 8

Clustered = defaultdict[str, list[float]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print; with `--card` also write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="holds squad/ and newsqa/")
    parser.add_argument("--questions", type=int, default=None, help="of NewsQA; default: all")
    parser.add_argument("--card", action="store_true", help="write the scores into the card")
    args = parser.parse_args(argv)
    scores = {"squad_held_titles": squad(split(read_squad(args.data / "squad/dev.jsonl")).held)}
    with (args.data / "newsqa" / "questions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][: args.questions]
    with tempfile.TemporaryDirectory() as folder, open_index(Settings(data_dir=folder)) as index:
        Pipeline(index, Splitter(200)).run(read([args.data / "newsqa" / "articles.jsonl"]))
        scores["newsqa_given"] = given(index, rows)
        scores["newsqa_open"] = open_book(index, rows)
    print(json.dumps(scores, indent=1, default=Estimate.model_dump))
    if args.card:
        _into_card(scores)


def squad(rows: Sequence[SquadRow]) -> dict[str, Any]:
    """Return F1 on the answerable rows and the AUC of the margin against the unanswerable."""
    spans = SpanModel()
    f1: Clustered = defaultdict(list)
    margins: list[float] = []
    answerable: list[bool] = []
    for row in rows:
        [scored] = spans.score(row.question, [row.context])
        best = scored.best(0, len(row.context))
        if best is None:
            continue
        margins.append(best.margin)
        answerable.append(bool(row.answers))
        if row.answers:
            answer = row.context[best.start : best.end]
            golds = (row.context[a:b] for a, b in row.answers)
            f1[row.title].append(_best_f1(answer, golds))
    return {"f1_answerable": mean(f1), "auc_answerable": round(auc(margins, answerable), 4)}


def given(index: Index, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return F1 and exact match when the reader gets every passage of the question's article."""
    reader = build_reader(index)
    hits = {
        staged.article.article_id: [
            Hit(passage=passage, article=staged.article.meta(), scores=Scores(fused=0.0))
            for passage in staged.passages
        ]
        for batch in index.catalog.staged("live")
        for staged in batch
    }
    f1: Clustered = defaultdict(list)
    exact: Clustered = defaultdict(list)
    for row in rows:
        [article_id] = row["relevant_article_ids"]
        best = _answer(reader.read(row["question"], hits[article_id]))
        f1[article_id].append(_best_f1(best, _golds(row)))
        exact[article_id].append(float(f1[article_id][-1] == 1.0))
    return {"f1": mean(f1), "all_words_right": mean(exact)}


def open_book(index: Index, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return F1 of the short answer, and MRR@10 of articles before and after reading."""
    reader, retriever = build_reader(index), Retriever(index)
    f1: Clustered = defaultdict(list)
    before: Clustered = defaultdict(list)
    after: Clustered = defaultdict(list)
    for row in rows:
        [wanted] = row["relevant_article_ids"]
        found = retriever.search(row["question"], k=50, per_article=50)
        fused = [hit.article.article_id for hit in found]
        readings = reader.read(row["question"], retriever.search(row["question"], k=READ))
        ranked = [reading.hit.article.article_id for reading in readings] + fused
        before[wanted].append(reciprocal_rank(fused, [wanted]))
        after[wanted].append(reciprocal_rank(ranked, [wanted]))
        f1[wanted].append(_best_f1(_answer(readings), _golds(row)))
    fused_mrr, read_mrr = mean(before), mean(after)
    return {
        "short_answer_f1": mean(f1),
        "mrr_at_10_fused": fused_mrr,
        "mrr_at_10_read": read_mrr,
        "read_over_fused": round((read_mrr.value or 0.0) / fused_mrr.value, 4)
        if fused_mrr.value
        else None,
    }


def _answer(readings: Sequence[Reading]) -> str:
    return readings[0].answer if readings else ""


def _golds(row: dict[str, Any]) -> list[str]:
    return [answer["text"] for answer in row["answers"]]


def _best_f1(answer: str, golds: Iterable[str]) -> float:
    return max(token_f1(answer, gold) for gold in golds)


def _into_card(scores: dict[str, Any]) -> None:
    path = MODELS / "reader.onnx"
    card = load_card(path) | {"scores": scores}
    text = json.dumps(card, indent=1, ensure_ascii=False, default=Estimate.model_dump)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
