"""Metrics: values with their intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import (
    Estimate,
    exact_match,
    mean,
    percentile,
    reciprocal_rank,
    reliability,
    risk_coverage,
    share,
    token_f1,
)


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


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_share_lies_inside_its_interval(values: list[bool]) -> None:
    found = share(values)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low - 1e-3 <= found.value <= found.high + 1e-3


def test_ranks_count_distinct_articles() -> None:
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


def test_an_exact_match_does_not_mind_case_punctuation_and_articles() -> None:
    assert exact_match("The Shia militia groups.", "shia militia groups")
    assert not exact_match("militia groups", "Shia militia groups")
