"""A run as JUnit XML, which build servers show question by question.

>>> to_junit(report, gate).count("<testcase")
310

A question that went wrong is a failure and one that could not be asked an error; of every metric
there is a test that its thresholds hold and, with a baseline, one that it got no worse.
"""

import io
from collections.abc import Iterator

import junitparser

from evals.gate import Gate
from evals.reports.figures import (
    decline,
    expected,
    interval,
    legible,
    milliseconds,
    miss,
    number,
    one_line,
    outcome,
    said,
)
from evals.results import CaseResult, Report, is_good


def to_junit(report: Report, gate: Gate) -> str:
    """Return the XML; what XML forbids in a text is shown as its code point."""
    whole = junitparser.JUnitXml("dateline eval")
    whole.add_testsuite(_suite("gate", list(_gate(report, gate))))
    for name in dict.fromkeys(result.slice for result in report.results):
        cases = [_case(r, gate) for r in report.results if r.slice == name]
        whole.add_testsuite(_suite(one_line(name), cases))
    whole.update_statistics()
    written = io.BytesIO()
    whole.write(written)
    return written.getvalue().decode() + "\n"


def _suite(name: str, cases: list[junitparser.TestCase]) -> junitparser.TestSuite:
    suite = junitparser.TestSuite(name)
    suite.add_testcases(cases)
    return suite


def _gate(report: Report, gate: Gate) -> Iterator[junitparser.TestCase]:
    missed = {(failure.metric, failure.slice): failure for failure in gate.failures}
    for key in dict.fromkeys([*((known.metric, known.slice) for known in gate.limits), *missed]):
        name, where = key
        suffix = "" if where is None else f" in slice {one_line(where)}"
        test = _test(f"threshold of {name}{suffix}", "gate")
        if key in missed:
            test.result = [junitparser.Failure(miss(missed[key]), "threshold")]
        elif share := report.metrics.get(name):
            test.system_out = f"{number(share.value)} ({interval(share.low, share.high)})"
        yield test
    for change in gate.comparison.changes if gate.comparison else ():
        test = _test(f"no worse: {change.metric}", "gate")
        if change.metric in gate.worse:
            test.result = [junitparser.Failure(decline(change), "worse")]
        else:
            test.system_out = f"{change.verdict}: {decline(change)}"
        yield test


def _case(result: CaseResult, gate: Gate) -> junitparser.TestCase:
    """Return the case; what is wrong in a build that passes turns no server red."""
    seconds = None if result.latency_ms is None else result.latency_ms / 1_000
    test = _test(one_line(result.id), one_line(result.slice), seconds)
    if result.outcome == "failed":
        error = junitparser.Error(one_line(said(result)), "failed")
        error.text = _details(result)
        test.result = [error]
    elif not is_good(result):
        reason = f"{outcome(result)}: should say {expected(result)}"
        kind = junitparser.Skipped if gate.outcome == "passed" else junitparser.Failure
        failure = kind(one_line(reason), outcome(result))
        failure.text = _details(result)
        test.result = [failure]
    return test


def _test(name: str, group: str, seconds: float | None = None) -> junitparser.TestCase:
    return junitparser.TestCase(name, f"dateline.{group}", seconds)


def _details(result: CaseResult) -> str:
    """Return what was asked, said and quoted."""
    quoted = result.answer.citations if result.answer else ()
    lines = [
        f"question: {result.question}",
        f"should say: {expected(result)}",
        f"said: {said(result)}",
        *(f"[{c.index}] {c.source or c.article_id}: {c.cited_text}" for c in quoted),
        f"confidence {number(result.confidence)}, {milliseconds(result.latency_ms)}",
    ]
    return "\n".join(map(legible, lines))
