"""Fits the weights of `rag.reader.SentenceReader` on SQuAD and writes them with their card.

    python -m rag.training.sentence_reader --data ../shared/data --out sentence_reader.json

Paragraphs of two thirds of the titles are indexed, each as an article. Questions of those titles
are answerable; questions of the other titles are not, whatever the index returns. Titles are split
again into those that the weights are fitted on and those that the scores and the threshold come
from.
Needs the extra `train`. Takes about eight minutes on two cores.
"""

import argparse
import json
import random
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from rag.catalog import Staged
from rag.index import Index
from rag.reader import FEATURES, SentenceFeatures
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.types import Article, Passage
from rag.wiring import open_index

# Share of questions without an answer that may be answered all the same, at the default threshold.
FALSE_ANSWER_TARGET = 0.05


class Labelled(NamedTuple):
    """One question: a row of features a candidate, and which candidates hold its answer."""

    features: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]
    answerable: bool


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds squad/dev.jsonl"
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--questions", type=int, default=600, help="to fit on")
    parser.add_argument("--held", type=int, default=1_800, help="to measure on")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    rows = [json.loads(line) for line in (args.data / "squad" / "dev.jsonl").open(encoding="utf-8")]
    rng = random.Random(args.seed)  # noqa: S311 - not for secrets
    titles = sorted({row["title"] for row in rows})
    rng.shuffle(titles)
    third = len(titles) // 3
    indexed, foreign = set(titles[third:]), titles[:third]
    fit_titles = set(titles[third::2]) | set(foreign[::2])
    with tempfile.TemporaryDirectory() as folder, open_index(Settings(data_dir=folder)) as index:
        ids = _fill(index, [row for row in rows if row["title"] in indexed])
        rng.shuffle(rows)
        fit = [row for row in rows if row["title"] in fit_titles]
        held = [row for row in rows if row["title"] not in fit_titles]
        fitted = _fitted(list(_labelled(index, ids, fit[: args.questions])))
        card = _measured(fitted, list(_labelled(index, ids, held[: args.held])))
    args.out.write_text(json.dumps(fitted | card | _provenance(args), indent=1) + "\n")
    print(json.dumps(card, indent=1))


def _fill(index: Index, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Index each paragraph as an article of one passage; return paragraph -> article id."""
    articles = {}
    for row in rows:
        title = row["title"].replace("_", " ")
        articles[row["context"]] = Article.create(title=title, text=row["context"], source=None)
    unique = [
        Article.create(title=a.title, text=a.text, article_id=f"squad-{n}")
        for n, a in enumerate(articles.values())
    ]
    staged = [Staged(a, [Passage.cut(a, 0, 0, len(a.text))]) for a in unique]
    for start in range(0, len(staged), 64):
        index.put(staged[start : start + 64])
    return {a.text: a.article_id for a in unique}


def _labelled(
    index: Index, ids: dict[str, str], rows: Sequence[dict[str, Any]]
) -> Iterator[Labelled]:
    counts = SentenceFeatures(index.lexical, index.embedder)
    retriever = Retriever(index)
    for row in rows:
        article_id = ids.get(row["context"])
        foreign = article_id is None
        if not foreign and not row["answers"]:
            continue  # SQuAD's own trick questions: no sentence model tells them apart
        hits = retriever.search(row["question"], k=8)
        candidates, features = counts.of(row["question"], hits)
        starts = [] if foreign else [answer["start"] for answer in row["answers"]]
        correct = [
            c.hit.article.article_id == article_id and any(c.start <= s < c.end for s in starts)
            for c in candidates
        ]
        yield Labelled(features, np.array(correct, dtype=bool), not foreign)


def _fitted(questions: Sequence[Labelled]) -> dict[str, Any]:
    features = np.concatenate([question.features for question in questions])
    correct = np.concatenate([question.correct for question in questions])
    model = LogisticRegression(C=10.0, max_iter=2_000).fit(features, correct)
    weights = dict(zip(FEATURES, (round(float(w), 4) for w in model.coef_[0]), strict=True))
    return {"bias": round(float(model.intercept_[0]), 4), "weights": weights}


def _measured(fitted: dict[str, Any], questions: Sequence[Labelled]) -> dict[str, Any]:
    """Return the threshold and what it does on questions that the weights were not fitted on."""
    weights = np.array([fitted["weights"][name] for name in FEATURES])
    right, top, answerable = [], [], []
    for question in (q for q in questions if len(q.correct)):
        logits = fitted["bias"] + question.features @ weights
        best = int(np.argmax(logits))
        top.append(1 / (1 + np.exp(-logits[best])))
        right.append(bool(question.correct[best]))
        answerable.append(question.answerable)
    p, ok, can = np.array(top), np.array(right), np.array(answerable)
    threshold = float(np.quantile(p[~can], 1 - FALSE_ANSWER_TARGET))
    bins = np.clip((p * 5).astype(int), 0, 4)
    return {
        "threshold": round(threshold, 3),
        "held_out": {
            "answerable": int(can.sum()),
            "unanswerable": int((~can).sum()),
            "best_sentence_right": round(float(ok[can].mean()), 3),
            "false_answer_rate": round(float((p[~can] >= threshold).mean()), 3),
            "answered_share_of_answerable": round(float((p[can] >= threshold).mean()), 3),
            "right_when_answered": round(float(ok[can & (p >= threshold)].mean()), 3),
            "reliability": [
                {
                    "probability": round(float(p[bins == b].mean()), 3),
                    "right": round(float(ok[bins == b].mean()), 3),
                    "n": int((bins == b).sum()),
                }
                for b in range(5)
                if (bins == b).any()
            ],
        },
    }


def _provenance(args: argparse.Namespace) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the developer's own git
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "card": {
            "what": "logistic regression over the features of rag/reader.py",
            "data": "SQuAD 2.0 dev and 1.1 articles, CC BY-SA 4.0 (weights only, no text)",
            "recipe": "python -m rag.training.sentence_reader",
            "seed": args.seed,
            "questions": args.questions,
            "held": args.held,
            "commit": commit,
            "known_failures": "cannot tell a sentence that almost answers from one that does",
        }
    }


if __name__ == "__main__":
    main()
