"""Thresholds, and whether a build may ship."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evals.cases import SAMPLE_SET, load
from evals.compare import compare
from evals.gate import EXIT_CODES, THRESHOLDS, Failure, decide, failures
from evals.results import CaseResult, Report
from rag.errors import InputError
from tests.runs_made import JUDGE, baseline, checks, claims, refused, report, result

REDTEAM = THRESHOLDS.parent / "redteam.toml"
ADVISORY = JUDGE.model_copy(update={"is_advisory": True})


Missed = Callable[[Report, str], list[Failure]]


@pytest.fixture
def missed(tmp_path: Path) -> Missed:
    """Return what misses the thresholds of a text."""

    def found(made: Report, text: str) -> list[Failure]:
        path = tmp_path / "limits.toml"
        path.write_text(text)
        return failures(made, path)

    return found


def failing(number: int) -> list[CaseResult]:
    """Return 20 cases of which so many failed."""
    broken = [result(f"x{n}", outcome="failed", right=None, error="timeout") for n in range(number)]
    return broken + [result(f"c{n}") for n in range(20 - number)]


HALF = report([result("a"), refused("b"), result("c", slice="when", right=False)])


def test_a_metric_on_the_wrong_side_is_named_with_its_value(missed: Missed) -> None:
    found = missed(
        HALF,
        "[min]\naccuracy = 0.5\nright_when_answered = 0.5\n[max]\nfalse_abstain_rate = 0.2\n",
    )
    assert found == [
        Failure(metric="accuracy", value=0.3333, threshold=0.5, at_least=True),
        Failure(metric="false_abstain_rate", value=0.3333, threshold=0.2, at_least=False),
    ]
    assert decide(HALF, found).outcome == "worse"


def test_a_slice_has_a_floor_of_its_own(missed: Missed) -> None:
    text = "[slice.when.min]\naccuracy = 0.1\n[slice.who.max]\nfalse_abstain_rate = 0.5\n"
    assert missed(HALF, text) == [
        Failure(metric="accuracy", slice="when", value=0.0, threshold=0.1, at_least=True)
    ]


def test_time_and_cost_have_a_most(missed: Missed) -> None:
    made = report([result("a", latency_ms=250.0, cost=0.5)])
    text = "[max]\nlatency_p50_ms = 200\nlatency_p95_ms = 300\ncost = 0.25\n"
    assert [(one.metric, one.value) for one in missed(made, text)] == [
        ("latency_p50_ms", 250.0),
        ("cost", 0.5),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[min]\nacuracy = 1.0\n", "no metric acuracy; did you mean accuracy?"),
        ("[min]\nbeauty = 1.0\n", "no metric beauty; there are hit_at_1, "),
        ("[mni]\naccuracy = 1.0\n", "no section mni; did you mean min?"),
        ("[slice.wen.min]\naccuracy = 1.0\n", "no slice wen; did you mean when?"),
        ("[slice.when.least]\naccuracy = 1.0\n", "no section least; there are min, max"),
        ("[slice.when]\naccuracy = 1.0\n", "no section accuracy"),
        ("[slice.when.max]\ncost = 1.0\n", "no metric cost"),
        ("min = 1\n", "a metric table is expected, not 1"),
        ("[min]\nfalse_answer_rate = 0.1\n", r"it belongs in \[max\]"),
        ("[max]\naccuracy = 0.1\n", r"it belongs in \[min\]"),
        ("[min]\nlatency_p50_ms = 1\n", r"it belongs in \[max\]"),
        ("[min]\naccuracy = 86\n", "accuracy = 86: a number from 0 to 1 is expected"),
        ("[min]\naccuracy = true\n", "accuracy = True: a number"),
        ("[min]\naccuracy = nan\n", "accuracy = nan: a number"),
        ('[min]\naccuracy = "1"\n', "accuracy = '1': a number"),
        ("[min\n", "cannot be read"),
    ],
)
def test_thresholds_that_mean_nothing_are_refused(missed: Missed, text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"thresholds .*{message}"):
        missed(HALF, text)


@pytest.mark.parametrize("path", [THRESHOLDS, REDTEAM])
def test_the_thresholds_of_the_project_can_be_read(path: Path) -> None:
    names = sorted({case.slice for case in load(SAMPLE_SET)})
    perfect = report([result(name, slice=name, citations=checks(True)) for name in names])
    assert {one.value for one in failures(perfect, path)} <= {None}


def test_a_threshold_without_a_value_is_no_measurement(missed: Missed) -> None:
    found = missed(HALF, "[min]\nfaithfulness = 0.9\n[max]\nfalse_answer_rate = 1.0\n")
    gate = decide(HALF, found)
    assert (gate.outcome, EXIT_CODES[gate.outcome]) == ("invalid", 2)
    assert gate.invalid == (
        "faithfulness has a threshold but no value",
        "false_answer_rate has a threshold but no value",
    )


def test_a_run_in_which_too_many_cases_failed_is_no_measurement() -> None:
    assert decide(report(failing(1)), []).outcome == "passed"
    gate = decide(report(failing(2)), [])
    assert gate.outcome == "invalid"
    assert gate.invalid == ("2 of 20 cases failed, at most 5% may",)
    assert decide(report(failing(2)), [], max_failed_share=0.1).outcome == "passed"


def test_a_run_of_nothing_is_no_measurement() -> None:
    assert decide(report([]), []).outcome == "invalid"


def test_what_an_unknown_judge_says_stops_nothing(missed: Missed) -> None:
    made = report([result("a", claims=claims("contradicted"))], judge=ADVISORY)
    found = missed(made, "[min]\nfaithfulness = 0.9\ncitation_precision = 0.9\n")
    assert [one.metric for one in found] == ["faithfulness", "citation_precision"]
    gate = decide(made, found)
    assert (gate.outcome, gate.invalid, gate.failures) == ("passed", (), ())
    assert gate.advisory == (
        "faithfulness",
        "contradicted_rate",
        "unsupported_rate",
        "citation_recall",
        "citation_precision",
    )
    known = made.model_copy(update={"judge": JUDGE})
    assert decide(known, found[:1]).outcome == "worse"


def test_what_got_worse_than_the_baseline_stops_a_build() -> None:
    good = [result(f"c{n}") for n in range(40)]
    bad = [result(f"c{n}", right=n >= 20) for n in range(40)]
    gate = decide(report(bad), [], compare(baseline(good), report(bad)))
    assert (gate.outcome, gate.worse) == ("worse", ("accuracy", "right_when_answered"))
    assert EXIT_CODES[gate.outcome] == 1
    same = decide(report(good), [], compare(baseline(good), report(good)))
    assert (same.outcome, EXIT_CODES[same.outcome]) == ("passed", 0)


def test_a_metric_that_is_gone_is_no_measurement() -> None:
    then = [result("a", status_right=True), result("b")]
    now = [result("a"), result("b")]
    gate = decide(report(now), [], compare(baseline(then), report(now)))
    assert gate.invalid == ("status_right had a value in the baseline and has none",)
