"""Runs of the harness that were never run: results, reports and baselines, written by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime

from evals.baseline import Baseline, baseline_of
from evals.results import CaseResult, CitationCheck, Claim, Fingerprints, JudgeReport, Report
from evals.summary import summary

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MADE_WITH = Fingerprints(
    cases="c1", corpus="a1", scorers="s1", index="i1", models="m1", prompts="p1", program="0.1.0",
    target="library",
)  # fmt: skip
JUDGE = JudgeReport(
    name="support", fingerprint="j1", is_advisory=False, balanced_accuracy={}, auc={}
)


def result(id_: str = "a", **fields: object) -> CaseResult:
    """Return an answerable question that was answered rightly."""
    known: dict[str, object] = {
        "id": id_, "slice": "who", "question": f"Who is {id_}?", "case_hash": f"h-{id_}",
        "article_id": None, "answerable": True, "outcome": "answered", "right": True,
    }  # fmt: skip
    return CaseResult.model_validate(known | fields)


def refused(id_: str = "a", **fields: object) -> CaseResult:
    """Return an answerable question that was refused."""
    return result(id_, **({"outcome": "refused", "right": None} | fields))


def claims(*support: str) -> tuple[Claim, ...]:
    """Return sentences of an answer, judged so."""
    return tuple(
        Claim.model_validate(
            {
                "start": 0, "end": 1, "text": "x", "cited": (1,), "support": said,
                "quoted_support": said,
            }
        )
        for said in support
    )  # fmt: skip


def checks(*verified: bool) -> tuple[CitationCheck, ...]:
    """Return citations, verified or not."""
    return tuple(
        CitationCheck(index=number, verified=one, attribution_right=None)
        for number, one in enumerate(verified, 1)
    )


def report(
    results: Iterable[CaseResult],
    *,
    made_with: Fingerprints = MADE_WITH,
    judge: JudgeReport | None = JUDGE,
) -> Report:
    """Return the report of a run."""
    return summary(list(results), made_with=made_with, judge=judge, elapsed_s=1.0)


def baseline(results: Iterable[CaseResult], *, made_with: Fingerprints = MADE_WITH) -> Baseline:
    """Return the baseline of a run."""
    return baseline_of(report(results, made_with=made_with), now=NOW)
