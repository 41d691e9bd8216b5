"""What a verdict ought not to hang on: how long the passage is, and what else stands beside it.

>>> moved_verdicts(judge, judged, 100, workers=1, seed=0).flipped_before
Estimate(value=0.03, n=100, low=0.01, high=0.085)
"""

import random
from collections.abc import Sequence
from itertools import pairwise

from pydantic import Field

from evals.judges.drawn import balanced_draws, estimate
from evals.judges.judge import Interval, Judged, KnownJudge, judge_all
from evals.judges.pairs import Pair
from evals.metrics import Estimate, share
from rag.sentences import sentence_spans
from rag.types import Value

FILLER_WORDS = 200
_DONORS = 8


class LengthThird(Value):
    """Agreement on a third of the pairs, by how many words the passage has."""

    shortest_words: int
    longest_words: int
    n: int
    balanced_accuracy: Interval


class Moved(Value):
    """How often a verdict flips when 200 words of another passage stand beside the passage."""

    flipped_before: Estimate = Field(description="with the words before it")
    flipped_behind: Estimate = Field(description="with the words behind it")


def by_length(judged: Sequence[Judged]) -> tuple[LengthThird, ...]:
    """Return the agreement on each third of the pairs, shortest passages first."""
    ordered = sorted(judged, key=_premise_words)
    cuts = [round(len(ordered) * third / 3) for third in range(4)]
    found = []
    for start, end in pairwise(cuts):
        part = [i for i in ordered[start:end] if i.verdict.label != "unscored"]
        if not part:
            continue
        right = balanced_draws(
            [i.says_supported for i in part if i.pair.supported],
            [not i.says_supported for i in part if not i.pair.supported],
            seed=0,
        )
        found.append(
            LengthThird(
                shortest_words=_premise_words(part[0]),
                longest_words=_premise_words(part[-1]),
                n=len(part),
                balanced_accuracy=estimate(right),
            )
        )
    return tuple(found)


def _premise_words(item: Judged) -> int:
    return len(item.pair.premise.split())


def moved_verdicts(
    judge: KnownJudge, judged: Sequence[Judged], limit: int, *, workers: int, seed: int
) -> Moved:
    """Judge up to `limit` scored pairs again, with words of another passage beside the passage."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    scored = [item for item in judged if item.verdict.label != "unscored"]
    drawn = rng.sample(scored, min(limit, len(scored)))
    both = [(item, _filler(item.pair, judged, rng)) for item in drawn]
    chosen = [item for item, filler in both if filler]
    before = [_on(item.pair, f"{filler}\n\n{item.pair.premise}") for item, filler in both if filler]
    behind = [_on(item.pair, f"{item.pair.premise}\n\n{filler}") for item, filler in both if filler]
    flipped = []
    for longer in (before, behind):
        again = judge_all(judge, longer, workers=workers)
        flipped.append(
            share(
                old.says_supported != new.says_supported
                for old, new in zip(chosen, again, strict=True)
                if new.verdict.label != "unscored"
            )
        )
    return Moved(flipped_before=flipped[0], flipped_behind=flipped[1])


def _on(pair: Pair, premise: str) -> Pair:
    return pair.model_copy(update={"premise": premise})


def _filler(pair: Pair, judged: Sequence[Judged], rng: random.Random) -> str:
    """Return some 200 words of whole sentences of the drawn passage least like the claim."""
    others = [i.pair.premise for i in judged if i.pair.premise != pair.premise]
    if not others:
        return ""
    wanted = set(pair.claim.lower().split())
    drawn = rng.choices(others, k=_DONORS)
    text = min(drawn, key=lambda other: len(wanted & set(other.lower().split())))
    kept: list[str] = []
    for start, end in sentence_spans(text):
        kept.append(text[start:end])
        if sum(len(sentence.split()) for sentence in kept) >= FILLER_WORDS:
            break
    return " ".join(kept)
