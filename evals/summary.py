"""Results of single cases to one report.

>>> summary(results, made_with=fingerprints, judge=None, elapsed_s=41.0).metrics["accuracy"].n
285
"""

import hashlib
from collections.abc import Iterable, Sequence

from evals.cases import Case
from evals.metrics import Estimate, mean, percentile, reliability, risk_coverage, share
from evals.results import METRICS, CaseResult, Fingerprints, JudgeReport, Metric, Report
from evals.score import SCORERS_VERSION
from evals.targets import System


def summary(
    results: Sequence[CaseResult],
    *,
    made_with: Fingerprints,
    judge: JudgeReport | None,
    elapsed_s: float,
) -> Report:
    """Return the metrics over `results`, in all and slice by slice."""
    scored = [
        (result.confidence, result.right_if_answered)
        for result in results
        if result.right_if_answered is not None and result.confidence is not None
    ]
    answered = [r for r in results if r.outcome == "answered" and r.right is not None]
    times = [result.latency_ms for result in results if result.latency_ms is not None]
    costs = [result.cost for result in results if result.cost is not None]
    outcomes = [result.outcome for result in results]
    return Report(
        cases=len(results),
        answered=outcomes.count("answered"),
        refused=outcomes.count("refused"),
        failed=outcomes.count("failed"),
        metrics=measured(results),
        slices={
            name: measured([result for result in results if result.slice == name])
            for name in sorted({result.slice for result in results})
        },
        risk_coverage=risk_coverage(scored),
        reliability=reliability((r.confidence or 0.0, bool(r.right)) for r in answered),
        latency_p50_ms=percentile(times, 0.5),
        latency_p95_ms=percentile(times, 0.95),
        total_tokens=sum(result.total_tokens for result in results),
        cost=round(sum(costs), 6) if costs else None,
        elapsed_s=round(elapsed_s, 2),
        made_with=made_with,
        judge=judge,
        results=tuple(results),
    )


def measured(results: Sequence[CaseResult]) -> dict[str, Estimate]:
    """Return every metric over `results`."""
    return {metric.name: _estimate(metric, results) for metric in METRICS}


def fingerprints(cases: Iterable[Case], system: System, judge_fingerprint: str) -> Fingerprints:
    """Return what a run is made with."""
    hashes = "\n".join(sorted(case.content_hash() for case in cases))
    return Fingerprints(
        cases=hashlib.sha256(hashes.encode()).hexdigest()[:16],
        scorers=f"{SCORERS_VERSION}/{judge_fingerprint}",
        **system.model_dump(),
    )


def _estimate(metric: Metric, results: Sequence[CaseResult]) -> Estimate:
    """Return a share with Wilson's interval where each case says yes or no once, else a mean.

    Its interval draws whole articles again: what is asked of one article is not independent.
    """
    values = [(result, metric.of(result)) for result in results]
    flat = [value for _, several in values for value in several]
    if all(value in (0.0, 1.0) for value in flat) and all(len(v) < 2 for _, v in values):
        return share(bool(value) for value in flat)
    # Nothing but ones, or zeros, leaves a bootstrap nothing to draw.
    if len(set(flat)) == 1 and flat[0] in (0.0, 1.0):
        return share(bool(value) for value in flat)
    clusters: dict[str, list[float]] = {}
    for result, several in values:
        clusters.setdefault(result.article_id or result.id, []).extend(several)
    return mean(clusters)
