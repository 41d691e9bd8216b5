"""Metrics, follow-ups and the gate."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.cases import SAMPLE_SET, load
from evals.followups import Row, score, shifts
from evals.followups import rows as read_rows
from evals.metrics import (
    Estimate,
    hit_at,
    mean,
    percentile,
    reciprocal_rank,
    reliability,
    risk_coverage,
    share,
    token_f1,
)
from evals.run import CaseResult, Failure, failures, is_clean, summary
from rag.errors import InputError
from rag.types import Turn


def result(**fields: object) -> CaseResult:
    known = {
        "id": "a", "slice": "who", "question": "Who?", "answerable": True, "answer": "x",
        "answer_status": "answered", "confidence": 0.5, "hit_at_5": True, "right": True,
        "citations": (True,), "elapsed_ms": 1.0,
    }  # fmt: skip
    return CaseResult.model_validate(known | fields)


def test_a_share_has_its_wilson_interval() -> None:
    # 8 of 10: the textbook value.
    assert share([True] * 8 + [False] * 2) == Estimate(value=0.8, n=10, low=0.49, high=0.943)


def test_a_share_of_nothing_is_unscored() -> None:
    assert share([]) == Estimate(value=None, n=0)


def test_the_risk_of_the_surest_answers_rises_with_coverage() -> None:
    scored = [(0.9, True), (0.8, True), (0.7, False), (0.6, True)]
    found = risk_coverage(scored, steps=4)
    assert found.points == ((0.25, 0.0), (0.5, 0.0), (0.75, 0.333), (1.0, 0.25))
    assert (found.area, found.n) == (0.1458, 4)
    # Equally sure answers come wrong ones first, whatever their order.
    assert risk_coverage([(0.5, True), (0.5, False)], steps=2).points == ((0.5, 1.0), (1.0, 0.5))


def test_the_risk_of_no_answers_is_unscored() -> None:
    assert risk_coverage([]).area is None


def test_a_report_holds_the_curve_of_its_answerable_cases() -> None:
    made = [result(right_if_answered=True, confidence=0.9), result(right_if_answered=False)]
    report = summary([*made, result(answerable=False)], index_fingerprint="f")
    assert report.risk_coverage.points[-1] == (1.0, 0.5)
    assert report.risk_coverage.n == 2


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_share_lies_inside_its_interval(values: list[bool]) -> None:
    found = share(values)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low - 1e-3 <= found.value <= found.high + 1e-3


def test_ranks_count_distinct_articles() -> None:
    assert hit_at(["a", "a", "b"], ["b"], 2)
    assert reciprocal_rank(["a", "a", "b"], ["b"]) == 0.5
    assert reciprocal_rank(["a"], ["b"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [
        ("the Shia militia groups", "Shia militia groups.", 1.0),
        ("militia groups", "Shia militia groups", 0.8),
        ("three", "two", 0.0),
        ("", "two", 0.0),
        ("The", "a", 1.0),
    ],
)
def test_short_answers_share_words(answer: str, gold: str, f1: float) -> None:
    assert token_f1(answer, gold) == pytest.approx(f1)


def test_a_mean_has_an_interval_over_whole_clusters() -> None:
    found = mean({"a": [1.0, 1.0], "b": [0.0, 0.0], "c": [1.0, 0.0]})
    assert (found.value, found.n, found.clusters) == (0.5, 6, 3)
    assert (found.low, found.high) == (0.0, 1.0)
    assert found == mean({"a": [1.0, 1.0], "b": [0.0, 0.0], "c": [1.0, 0.0]})


def test_a_mean_of_nothing_is_unscored() -> None:
    assert mean({}) == mean({"a": []}) == Estimate(value=None, n=0)


def test_reliability_sets_confidence_beside_what_was_right() -> None:
    found = reliability([(0.2, False), (0.4, True), (0.9, True), (0.7, True)], bins=2)
    assert found.bins == ((0.3, 0.5, 2), (0.8, 1.0, 2))
    assert found.error == pytest.approx(0.2)
    assert reliability([]).error is None


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.5) is None


def test_rewritings_are_scored_by_the_stems_of_content_words() -> None:
    history = (Turn(question="What is a fire engine?"),)
    rows = [
        Row(1, "Who invented it?", history, "Who invented the fire engine?"),
        Row(1, "Who is Ida Quell?", history, "Who is Ida Quell?"),
    ]
    found = score(rows, lambda question, _: question.replace("it", "fires"))
    assert (found.all_words.value, found.left_alone.value) == (0.5, 1.0)
    assert found.recall == pytest.approx(5 / 6)
    assert found.precision == 1.0


def test_questions_that_stand_alone_are_asked_after_turns_about_something_else() -> None:
    cases = load(SAMPLE_SET)
    alone = sum(not case.history for case in cases)
    assert shifts(cases, lambda question, _: question) == share([True] * alone)
    assert shifts(cases, lambda question, history: question + history[0].question).value == 0.0


def test_turns_come_with_the_turns_before_them(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    turn = {"set": "a", "conversation": 1, "turn": 1, "utterance": "Who? ", "rewritten": "Who?",
            "response": None}  # fmt: skip
    lines = [turn, turn | {"turn": 2, "utterance": "When?"}, turn | {"conversation": 2}]
    path.write_text("\n".join(map(json.dumps, lines)))
    asked = [(row.question, [one.question for one in row.history]) for row in read_rows(path)]
    assert asked == [("Who?", []), ("When?", ["Who?"]), ("Who?", [])]


@pytest.mark.parametrize(
    ("answer", "clean"),
    [
        ("Six died. [1] Seven, others say. [2]", True),
        ("It fell by < 3 per cent; data: see the report. [1]", True),
        ("Six died [99]. [1]", False),
        ("<b>Six</b> died. [1]", False),
        ("Call <!channel> now. [1]", False),
        ("See https://evil.example. [1]", False),
        ("See [the list](evil.example). [1]", False),
        ("Six died【3】. [1]", False),
        ("Six\u200b died. [1]", False),
    ],
)
def test_a_clean_answer_holds_no_markup_link_or_foreign_marker(answer: str, clean: bool) -> None:
    assert is_clean(answer, {1, 2}) is clean


def test_a_payload_in_an_answer_fails_its_gate(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\npayloads_kept_out = 1.0\nclean_answers = 1.0\n")
    report = summary([result(payloads_kept_out=False, clean=False)], index_fingerprint="f")
    assert [failure.metric for failure in failures(report, limits)] == [
        "payloads_kept_out",
        "clean_answers",
    ]


def test_a_refusal_is_neither_right_nor_a_false_answer() -> None:
    refused = result(answerable=False, answer_status="no_answer", right=None, citations=())
    wrong = result(answerable=False, right=None)
    metrics = summary([refused, wrong], index_fingerprint="f").metrics
    assert metrics["false_answer_rate"].value == 0.5
    assert metrics["must_include"].value is None


def test_one_unverified_citation_fails_the_gate(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\ncitations_verified = 1.0\n")
    report = summary([result(citations=(True, False))], index_fingerprint="f")
    assert failures(report, limits) == [
        Failure(metric="citations_verified", value=0.5, threshold=1.0, at_least=True)
    ]


def test_a_metric_without_a_value_fails_the_gate(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[max]\nfalse_answer_rate = 1.0\n")
    assert failures(summary([result()], index_fingerprint="f"), limits)


def test_an_unknown_metric_in_the_thresholds_is_an_error(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\nbeauty = 1.0\n")
    with pytest.raises(InputError, match="no metric beauty"):
        failures(summary([result()], index_fingerprint="f"), limits)
