"""Two runs of the same cases to what got better, what got worse, and whether that can be chance.

>>> compare(baseline, report).worse
('faithfulness',)

A metric's difference is that of its two values over all cases that both runs measured, each run's
own answers counted: who refuses more does not look better for it than `must_include` says. Its
interval draws the articles again, the same ones for both runs.

Source: paired bootstrap (Efron and Tibshirani, 1993; Koehn, EMNLP 2004, for language), McNemar's
exact test (1947) where each case says yes or no once, Holm's correction (1979) over the metrics
that the gate looks at.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.stats import binomtest

from evals.baseline import Baseline, KeptCase, kept, pairing, under_test
from evals.results import METRICS, Metric, Report
from rag.types import Value

Verdict = Literal["better", "worse", "same", "unscored"]
ALPHA = 0.05
# One of these is a defect, not a sample: no interval excuses it.
ZERO_TOLERANCE = ("quotes_exact", "citations_verified", "payloads_kept_out", "clean_answers")
# What the gate asks about: together they see every way in which an answer gets worse, and few
# enough are asked that chance is kept out without much power lost.
GATED = (
    "mrr_at_10",
    "quote_recall_at_5",
    "accuracy",
    "right_when_answered",
    "faithfulness",
    "citation_recall",
    "citation_precision",
    "attribution_right",
    "false_abstain_rate",
    "false_answer_rate",
)
_SAMPLES = 2_000
_POWER = 0.8
# Where the two runs do not differ at all: the share of cases taken to change between two builds.
_ASSUMED_DISCORDANCE = 0.1

Floats = npt.NDArray[np.float64]


class Change(Value):
    """A metric then and now, over the cases that both runs have."""

    metric: str
    slice: str | None = Field(default=None, description="None: all cases")
    old: float | None
    new: float | None
    difference: float | None = Field(description="new minus old")
    low: float | None = Field(description="of the 95 % interval of the difference")
    high: float | None
    p_value: float | None = Field(ge=0, le=1, description="two-sided, of no difference")
    n: int = Field(description="cases that have a value in both runs")
    detectable: float | None = Field(
        description="the least difference that so many cases show four times in five"
    )
    verdict: Verdict


class Flip(Value):
    """A case that went well in one run and not in the other."""

    id: str
    slice: str
    question: str
    is_good: bool = Field(description="now")
    old_answer: str
    new_answer: str


class Comparison(Value):
    """What became of a baseline."""

    changes: tuple[Change, ...]
    slices: tuple[Change, ...] = Field(description="of `accuracy`, slice by slice")
    flips: tuple[Flip, ...] = Field(description="got worse first")
    paired: int
    only_old: tuple[str, ...] = Field(description="ids of cases that are gone")
    only_new: tuple[str, ...]
    changed: tuple[str, ...] = Field(description="ids of cases that were edited: not compared")
    under_test: dict[str, tuple[str | None, str | None]] = Field(
        description="index, models, prompts, program that are others: then, now"
    )
    worse: tuple[str, ...] = Field(description="gated metrics that got worse by more than chance")
    lost: tuple[str, ...] = Field(description="metrics that had a value and have none")


def compare(
    baseline: Baseline,
    report: Report,
    *,
    gated: Sequence[str] = GATED,
    alpha: float = ALPHA,
    same_system: bool = False,
    seed: int = 0,
) -> Comparison:
    """Return what is otherwise in `report` than in `baseline`.

    Args: gated: metrics that may be called worse, together at most once in 1/alpha runs by chance.
    Raises: InputError when the two cannot be compared (`evals.baseline.pairing`).
    """
    pairs = pairing(baseline, report, same_system=same_system)
    old = {case.id: case for case in baseline.cases}
    new = {result.id: kept(result) for result in report.results}
    both = [(old[name], new[name]) for name in pairs.paired]
    changes = [_change(metric, both, None, seed) for metric in METRICS]
    worse = _worse([c for c in changes if c.metric in gated], alpha) | _defects(changes)
    return Comparison(
        changes=tuple(_with_verdict(change, worse, gated) for change in changes),
        slices=tuple(_of_slices(both, seed)),
        flips=tuple(_flips(both)),
        paired=len(both),
        only_old=pairs.only_old,
        only_new=pairs.only_new,
        changed=pairs.changed,
        under_test=under_test(baseline, report),
        worse=tuple(c.metric for c in changes if c.metric in worse),
        lost=tuple(c.metric for c in changes if c.old is not None and c.new is None),
    )


Both = Sequence[tuple[KeptCase, KeptCase]]


def _change(metric: Metric, both: Both, slice_: str | None, seed: int) -> Change:
    name = metric.name
    values = [(one.values.get(name, ()), other.values.get(name, ())) for one, other in both]
    clusters = [one.cluster for one, _ in both]
    old, new = (_ratio([pair[side] for pair in values]) for side in (0, 1))
    known = {
        "metric": name,
        "slice": slice_,
        "old": old,
        "new": new,
        "n": sum(bool(one or other) for one, other in values),
    }
    if old is None or new is None:
        nothing = dict.fromkeys(("difference", "low", "high", "p_value", "detectable"))
        return Change.model_validate(known | nothing | {"verdict": "unscored"})
    drawn = _drawn(values, clusters, seed)
    low, high = np.quantile(drawn, [0.025, 0.975])
    difference = new - old
    p_value = _p_value(values, drawn)
    better = difference > 0 if metric.better == "higher" else difference < 0
    side: Verdict = "better" if better else "worse"
    return Change.model_validate(
        known
        | {
            "difference": round(difference, 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
            "p_value": round(p_value, 5),
            "detectable": round(_detectable(values, drawn), 4),
            "verdict": side if p_value < ALPHA and difference else "same",
        }
    )


def _ratio(values: Sequence[Sequence[float]]) -> float | None:
    flat = [value for several in values for value in several]
    return sum(flat) / len(flat) if flat else None


def _drawn(
    values: Sequence[tuple[Sequence[float], Sequence[float]]], clusters: Sequence[str], seed: int
) -> Floats:
    """Return the differences of the two values over clusters that are drawn again and again."""
    sums: dict[str, Floats] = defaultdict(lambda: np.zeros(4))
    for (one, other), cluster in zip(values, clusters, strict=True):
        sums[cluster] += (sum(one), len(one), sum(other), len(other))
    table = np.array([sums[name] for name in sorted(sums)])
    # Clusters that no value comes from would only make the two sides' samples smaller.
    table = table[table[:, 1] + table[:, 3] > 0]
    picked = np.random.default_rng(seed).integers(len(table), size=(_SAMPLES, len(table)))
    total = table[picked].sum(axis=1)
    usable = total[(total[:, 1] > 0) & (total[:, 3] > 0)]
    differences: Floats = usable[:, 2] / usable[:, 3] - usable[:, 0] / usable[:, 1]
    return differences if len(differences) else np.zeros(1)


def _p_value(values: Sequence[tuple[Sequence[float], Sequence[float]]], drawn: Floats) -> float:
    """Return how likely so great a difference is if there is none, two-sided."""
    if all(one == other for one, other in values):
        return 1.0
    if all(
        _is_binary(one) and _is_binary(other) and len(one) == len(other) for one, other in values
    ):
        gained = sum(sum(other) > sum(one) for one, other in values)
        lost = sum(sum(one) > sum(other) for one, other in values)
        return float(binomtest(gained, gained + lost, 0.5).pvalue)
    # The share of draws on the other side of zero, twice; never less than the draws can tell.
    beyond = min(float(np.mean(drawn <= 0)), float(np.mean(drawn >= 0)))
    return min(1.0, max(2 * beyond, 2 / (len(drawn) + 1)))


def _is_binary(values: Sequence[float]) -> bool:
    return len(values) < 2 and all(value in (0.0, 1.0) for value in values)


def _detectable(values: Sequence[tuple[Sequence[float], Sequence[float]]], drawn: Floats) -> float:
    """Return the least difference that is noticed four times in five, two-sided at 5 %.

    From the spread of the drawn differences; two runs that are alike have none, so then one case in
    ten is taken to change (Connor, Biometrics 43, 1987, gives the paired formula).
    """
    spread = float(np.std(drawn))
    if not spread:
        n = max(1, sum(len(one) for one, _ in values))
        spread = (_ASSUMED_DISCORDANCE / n) ** 0.5
    return (NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(_POWER)) * spread


def _worse(changes: Sequence[Change], alpha: float) -> set[str]:
    """Return the metrics that got worse, Holm's correction made over all that are asked about."""
    asked = sorted((c for c in changes if c.p_value is not None), key=lambda c: c.p_value or 0.0)
    worse = set()
    for rank, change in enumerate(asked):
        if (change.p_value or 0.0) * (len(asked) - rank) >= alpha:
            break
        if _is_drop(change):
            worse.add(change.metric)
    return worse


def _defects(changes: Sequence[Change]) -> set[str]:
    return {
        change.metric for change in changes if change.metric in ZERO_TOLERANCE and _is_drop(change)
    }


_LOWER = frozenset(metric.name for metric in METRICS if metric.better == "lower")


def _is_drop(change: Change) -> bool:
    difference = change.difference or 0.0
    return difference > 0 if change.metric in _LOWER else difference < 0


def _with_verdict(change: Change, worse: set[str], gated: Sequence[str]) -> Change:
    """Return `change`; one that is gated is worse only if the correction leaves it so."""
    if change.metric in worse:
        return change.model_copy(update={"verdict": "worse"})
    if change.verdict == "worse" and change.metric in gated:
        return change.model_copy(update={"verdict": "same"})
    return change


def _of_slices(both: Both, seed: int) -> list[Change]:
    [accuracy] = [metric for metric in METRICS if metric.name == "accuracy"]
    names = sorted({one.slice for one, _ in both})
    parts: Mapping[str, Both] = {n: [p for p in both if p[0].slice == n] for n in names}
    return [_change(accuracy, part, name, seed) for name, part in parts.items()]


def _flips(both: Both) -> list[Flip]:
    flipped = [
        Flip(
            id=new.id,
            slice=new.slice,
            question=new.question,
            is_good=new.is_good,
            old_answer=old.answer,
            new_answer=new.answer,
        )
        for old, new in both
        if old.is_good != new.is_good
    ]
    return sorted(flipped, key=lambda flip: (flip.is_good, flip.id))
