"""The harness tried on builds that are broken, and on one that is not.

    python -m evals.proof [--every N] [--reruns N]

takes the sample questions on an intact archive as the baseline, breaks one thing at a time
(`evals.faults`), and prints what became of the metric that must fall, and whether the gate stopped
the build: by the baseline, by the thresholds, or not at all. A fault of an answer is planted in all
answers, in a third, and in a tenth of them. Then the intact archive is asked again and again, which
the gate must pass each time.
"""

import argparse
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evals.archive import library
from evals.baseline import Baseline, baseline_of
from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, Case, load
from evals.compare import compare
from evals.faults import Broken, Fault, edited, faults, remembering
from evals.gate import THRESHOLDS, decide, failures
from evals.mutations import in_plain_words
from evals.results import JudgeReport, Report
from evals.run import run
from evals.summary import fingerprints, summary
from evals.targets import Reply, Target
from ingest.read import read
from rag.settings import Settings
from rag.support import SupportJudge
from rag.types import Question
from rag.verify import Judge

SHARES = (1.0, 0.3, 0.1)


class Noticed(NamedTuple):
    """What became of a fault."""

    name: str
    share: float
    metric: str
    before: float | None
    after: float | None
    by_baseline: tuple[str, ...]
    by_thresholds: tuple[str, ...]
    verdict: str


class Bench(NamedTuple):
    """What every run of a proof has in common."""

    cases: Sequence[Case]
    judge: Judge
    thresholds: Path

    def report(self, target: Target) -> Report:
        """Return the report of one run, its judge taken for one that is known."""
        began = time.monotonic()
        results = run(self.cases, target, self.judge)
        known = JudgeReport(
            name="support", fingerprint="", is_advisory=False, balanced_accuracy={}, auc={}
        )
        return summary(
            results,
            made_with=fingerprints(self.cases, target.system(), "support"),
            judge=known,
            elapsed_s=time.monotonic() - began,
        )


def noticed(bench: Bench, fault: Fault, intact: Target, baseline: Report, share: float) -> Noticed:
    """Return what the gate says of a build with `fault` in a share of its answers."""
    report = bench.report(fault.target if share == 1 else partly(fault.target, intact, share))
    kept = baseline_of(baseline, now=datetime.now(UTC))
    comparison = compare(kept, report)
    failed = failures(report, bench.thresholds)
    return Noticed(
        name=fault.name,
        share=share,
        metric=fault.metric,
        before=baseline.metrics[fault.metric].value,
        after=report.metrics[fault.metric].value,
        by_baseline=comparison.worse,
        by_thresholds=tuple(failure.metric for failure in failed),
        verdict=decide(report, failed, comparison).outcome,
    )


def partly(broken: Target, intact: Target, share: float) -> Target:
    """Return a target that is broken for a share of the questions, the same ones each time."""

    def ask(question: Question, insist: bool) -> Reply:
        drawn = zlib.crc32(question.text.encode()) / 2**32
        return (broken if drawn < share else intact).ask(question, insist=insist)

    return Broken(intact, ask)


def identical(bench: Bench, target: Target, baseline: Baseline, times: int) -> list[str]:
    """Return the verdicts of so many reruns of an intact build."""
    verdicts: list[str] = []
    for _ in range(times):
        report = bench.report(target)
        failed = failures(report, bench.thresholds)
        verdicts.append(decide(report, failed, compare(baseline, report)).outcome)
    return verdicts


def proof(
    bench: Bench, settings: Settings, *, reruns: int, tell: Callable[[Noticed], None]
) -> list[str]:
    """Tell of each fault what became of it, and return the verdicts of the reruns."""
    with library(read([SAMPLE_CORPUS]), settings=settings) as intact:
        known = remembering(intact)
        before = bench.report(known)
        before_plain = bench.report(edited(known, in_plain_words))
        with faults(intact, settings, [SAMPLE_CORPUS], known=known) as broken:
            for fault in broken:
                base = edited(known, in_plain_words) if fault.plain else known
                report = before_plain if fault.plain else before
                for share in SHARES if fault.in_answers else SHARES[:1]:
                    tell(noticed(bench, fault, base, report, share))
        return identical(bench, intact, baseline_of(before, now=datetime.now(UTC)), reruns)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1, help="of the cases, every Nth")
    parser.add_argument("--reruns", type=int, default=20)
    args = parser.parse_args(argv)
    bench = Bench(load(SAMPLE_SET)[:: args.every], SupportJudge(threads=1), THRESHOLDS)
    print(f"{len(bench.cases)} cases")
    print("| fault | in | metric | before | after | against the baseline | thresholds | gate |")
    print("|---|---|---|---|---|---|---|---|")
    verdicts = proof(bench, Settings(threads=1), reruns=args.reruns, tell=_print)
    print(f"\nintact, {len(verdicts)} reruns: {', '.join(sorted(set(verdicts))) or 'none'}")


def _print(one: Noticed) -> None:
    cells = (
        one.name,
        f"{one.share:.0%}",
        one.metric,
        one.before,
        one.after,
        ", ".join(one.by_baseline) or "–",
        ", ".join(one.by_thresholds) or "–",
        one.verdict,
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
