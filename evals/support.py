"""How well the shipped support judge tells what a passage supports.

    python -m evals.support --data ../shared/data [--seeds ../shared/seeds] [--card]

Planted edits on NewsQA, on whose articles nothing is trained: AUC of each kind of edit against
untouched and harmlessly rewritten sentences, the premise being their passage of about 150 words.
People's labels, each source left out of the fit, are in the card: they take a fit, not a run.
`--seeds` judges the sentence about Taji beside the project's first article. `--card` writes the
scores into the card of the model.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from ingest.read import Read, read
from rag.onnx import MODELS
from rag.support import SupportJudge, Verdict
from rag.training.pairs import Pair, edited
from rag.training.scores import Auc, with_interval

TAJI = (
    "The US blamed Iran-backed Kataib Hezbollah for the Taji attack, which killed 14 people and "
    "wounded 14 others."
)
_OF_A_KIND = 600
_TRUE = 3_000


def main(argv: Sequence[str] | None = None) -> None:
    """Judge, print, and with `--card` write down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="holds newsqa/articles.jsonl")
    parser.add_argument("--seeds", type=Path)
    parser.add_argument("--card", action="store_true")
    args = parser.parse_args(argv)
    judge = SupportJudge(threads=2)
    pairs = planted_pairs(args.data / "newsqa" / "articles.jsonl")
    verdicts = [judge.judge(pair.claim, pair.premise) for pair in pairs]
    scores = by_kind(pairs, verdicts)
    for name, score in scores.items():
        print(f"{name:22}{score.value:6.3f}  {score.low:.3f} to {score.high:.3f}  n {score.others}")
    print(json.dumps(labels(pairs, verdicts), indent=1))
    if args.seeds:
        print(taji(judge, args.seeds).model_dump_json(indent=1))
    if args.card:
        _write({"planted_edits_newsqa": scores, "labels_newsqa": labels(pairs, verdicts)})


def planted_pairs(articles: Path, seed: int = 0) -> list[Pair]:
    """Return up to 600 edits of each kind and 3,000 true sentences, of all the articles."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    with articles.open(encoding="utf-8") as lines:
        made = edited([json.loads(line)["text"] for line in lines], rng, "newsqa")
    rng.shuffle(made)
    chosen = [pair for pair in made if pair.label == "supported"][:_TRUE]
    for kind in sorted({pair.kind for pair in made if pair.label != "supported"}):
        chosen += [p for p in made if p.kind == kind and p.label != "supported"][:_OF_A_KIND]
    return chosen


def by_kind(pairs: Sequence[Pair], verdicts: Sequence[Verdict]) -> dict[str, Auc]:
    """Return the AUC of all edits, of each kind, and of edits against rewritten sentences."""
    scored = [
        (pair, verdict.probability)
        for pair, verdict in zip(pairs, verdicts, strict=True)
        if verdict.probability is not None
    ]
    false = sorted({pair.kind for pair, _ in scored if pair.label == "contradicted"})
    found = {"all edits": _auc(scored, false)}
    found |= {kind: _auc(scored, [kind]) for kind in [*false, "elsewhere"]}
    rewritten = [item for item in scored if item[0].kind != "untouched"]
    return found | {"against rewritten only": _auc(rewritten, false)}


def _auc(scored: Sequence[tuple[Pair, float]], kinds: Sequence[str]) -> Auc:
    kept = [(p, s) for p, s in scored if p.label == "supported" or p.kind in kinds]
    return with_interval([s for _, s in kept], [p.label == "supported" for p, _ in kept])


def labels(pairs: Sequence[Pair], verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    """Return what was true -> what the judge said -> how often."""
    table: dict[str, dict[str, int]] = {}
    for pair, verdict in zip(pairs, verdicts, strict=True):
        row = table.setdefault(pair.label, {})
        row[verdict.label] = row.get(verdict.label, 0) + 1
    return table


def taji(judge: SupportJudge, seeds: Path) -> Verdict:
    """Return the verdict on the sentence that the project began with."""
    [article] = [item.article for item in read([seeds]) if isinstance(item, Read)]
    return judge.judge(TAJI, article.text)


def _write(scores: dict[str, object]) -> None:
    path = MODELS / "support.json"
    card = json.loads(path.read_text(encoding="utf-8")) | scores
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
