"""Two runs of the same cases to what got better, what got worse, and whether that can be chance.

>>> compare(baseline, report).worse
('faithfulness',)

A metric is worse when a test of the paired runs says so after Holm's correction over all that the
gate looks at (`evals.paired`): a build in which nothing changed but chance is stopped at most once
in twenty times. Cases that failed in a run are in neither: a failure is no answer to compare.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from pydantic import Field

from evals.baseline import Baseline, KeptCase, kept, pairing, under_test
from evals.hints import nearest
from evals.paired import Difference, Pair, detectable, difference, holm, means
from evals.results import METRICS, Metric, Report, advisory
from rag.errors import InputError
from rag.types import Value

Verdict = Literal["better", "worse", "same", "unscored"]
ALPHA = 0.05
# With fewer articles than this, swapping whole ones can tell nothing apart from chance.
LEAST_CLUSTERS = 12
# One of these is a defect, not a sample: no interval excuses it.
ZERO_TOLERANCE = ("quotes_exact", "citations_verified", "payloads_kept_out", "clean_answers")
# What the gate asks about: together they see every way in which an answer gets worse, and few
# enough are asked that chance is kept out without much power lost.
GATED = (
    "mrr_at_8",
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
    adjusted: float | None = Field(
        default=None, description="p_value among all that the gate asks about; None: not asked"
    )
    n: int = Field(description="cases that have a value in either run")
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
    failed: tuple[str, ...] = Field(
        default=(), description="ids of cases that failed in either run: not compared"
    )
    under_test: dict[str, tuple[str | None, str | None]] = Field(
        description="index, models, prompts, program that are others: then, now"
    )
    worse: tuple[str, ...] = Field(description="gated metrics that got worse by more than chance")
    lost: tuple[str, ...] = Field(description="metrics that had a value and have none")
    advisory: tuple[str, ...] = Field(
        default=(), description="gated metrics that decide nothing: their judge is not known"
    )


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

    Args: gated: metrics that may be called worse, together at most once in 1/alpha runs by chance;
          those of ZERO_TOLERANCE always may.
    Raises: InputError when the two cannot be compared (`evals.baseline.pairing`).
    """
    _check_names(gated)
    pairs = pairing(baseline, report, same_system=same_system)
    old = {case.id: case for case in baseline.cases}
    new = {result.id: kept(result) for result in report.results}
    both = [(old[name], new[name]) for name in pairs.paired]
    unproven = advisory(report)
    asked = [name for name in gated if name not in (*unproven, *ZERO_TOLERANCE)]
    found = {metric.name: _found(metric, both, seed) for metric in METRICS}
    adjusted = holm({n: one.p_value for n in asked if (one := found[n].difference) is not None})
    changes = [_change(metric, found[metric.name], adjusted, alpha) for metric in METRICS]
    worse = [change.metric for change in changes if change.verdict == "worse"]
    fresh = [new[name] for name in pairs.only_new]
    worse += [name for name in ZERO_TOLERANCE if _is_broken(name, both, fresh)]
    lost = [c.metric for c in changes if c.old is not None and c.new is None]
    return Comparison(
        changes=tuple(changes),
        slices=tuple(_of_slices(both, seed, alpha)),
        flips=tuple(_flips(both)),
        paired=len(both),
        only_old=pairs.only_old,
        only_new=pairs.only_new,
        changed=pairs.changed,
        failed=pairs.failed,
        under_test=under_test(baseline, report),
        worse=tuple(
            name for name in dict.fromkeys(worse) if name in adjusted or name in ZERO_TOLERANCE
        ),
        lost=tuple(name for name in lost if name not in unproven),
        advisory=tuple(name for name in gated if name in unproven),
    )


Both = Sequence[tuple[KeptCase, KeptCase]]


class _Found(NamedTuple):
    old: float | None
    new: float | None
    n: int
    clusters: int
    difference: Difference | None


def _is_broken(name: str, both: Both, fresh: Sequence[KeptCase]) -> bool:
    """Return whether a case lost some of a metric of which nothing may be lost."""
    lost = any(
        fmean(n.values[name]) < (fmean(o.values[name]) if name in o.values else 1)
        for o, n in both
        if name in n.values
    )
    return lost or any(fmean(case.values[name]) < 1 for case in fresh if name in case.values)


def _check_names(gated: Sequence[str]) -> None:
    known = [metric.name for metric in METRICS]
    for name in gated:
        if name not in known:
            raise InputError(f"no metric {name} to gate on{nearest(name, known)}")


def _found(metric: Metric, both: Both, seed: int) -> _Found:
    name = metric.name
    told = [(o, n) for o, n in both if o.values.get(name) or n.values.get(name)]
    clusters = {o.cluster for o, _ in told}
    # Of few articles no swap is rare enough: then questions are taken for independent.
    few = len(clusters) < LEAST_CLUSTERS
    pairs = [
        Pair(o.values.get(name, ()), n.values.get(name, ()), o.id if few else o.cluster)
        for o, n in told
    ]
    size = len(told) if few else len(clusters)
    return _Found(*means(pairs), len(told), size, difference(pairs, seed=seed))


def _change(
    metric: Metric,
    found: _Found,
    adjusted: Mapping[str, float],
    alpha: float,
    slice_: str | None = None,
) -> Change:
    one = found.difference
    # What the gate asks about has to be as clear as the strictest of Holm's steps.
    level = alpha / len(adjusted) if metric.name in adjusted else alpha
    least = None if one is None else detectable(one.error, found.clusters, alpha=level)
    p_value = adjusted.get(metric.name)
    return Change(
        metric=metric.name,
        slice=slice_,
        old=_rounded(found.old),
        new=_rounded(found.new),
        difference=_rounded(one and one.value),
        low=_rounded(one and one.low),
        high=_rounded(one and one.high),
        p_value=_rounded(one and one.p_value),
        adjusted=_rounded(p_value),
        n=found.n,
        detectable=_rounded(least),
        verdict=_verdict(metric, one, p_value, alpha),
    )


def _verdict(
    metric: Metric, one: Difference | None, adjusted: float | None, alpha: float
) -> Verdict:
    if one is None:
        return "unscored"
    p_value = one.p_value if adjusted is None else adjusted
    # Two means of the same values may differ in the last bit.
    if abs(one.value) < 1e-12 or (p_value >= alpha and metric.name not in ZERO_TOLERANCE):
        return "same"
    return "better" if (one.value > 0) == (metric.better == "higher") else "worse"


def _rounded(value: float | None) -> float | None:
    # Adding zero makes -0.0 a zero that looks like one.
    return None if value is None else round(value, 5) + 0.0


def _of_slices(both: Both, seed: int, alpha: float) -> list[Change]:
    [accuracy] = [metric for metric in METRICS if metric.name == "accuracy"]
    parts: dict[str, list[tuple[KeptCase, KeptCase]]] = {}
    for pair in both:
        parts.setdefault(pair[1].slice, []).append(pair)
    return [
        _change(accuracy, _found(accuracy, part, seed), {}, alpha, slice_=name)
        for name, part in sorted(parts.items())
    ]


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
