"""Differences of paired runs: how great, how sure, and what could have been seen."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.paired import Pair, detectable, difference, holm, means

shares = st.sampled_from([0.0, 0.1, 0.3333, 0.6667, 1.0])
pairs_of_values = st.lists(
    st.builds(
        Pair,
        st.lists(shares, max_size=3),
        st.lists(shares, max_size=3),
        st.sampled_from(["a", "b", "c", "d", "e"]),
    ),
    max_size=12,
)


def turned(lost: int, gained: int, same: int) -> list[Pair]:
    """Cases of articles of their own that were right and are wrong, the reverse, and right."""
    kinds: list[tuple[Sequence[float], Sequence[float]]] = [
        *[((1,), (0,))] * lost,
        *[((0,), (1,))] * gained,
        *[((1,), (1,))] * same,
    ]
    return [Pair(old, new, f"article {n}") for n, (old, new) in enumerate(kinds)]


def p_value(pairs: Sequence[Pair]) -> float:
    found = difference(pairs, seed=0)
    assert found is not None
    return found.p_value


def test_cases_of_their_own_articles_are_tested_as_mcnemar_did() -> None:
    # 2 * (1 + 10) / 2^10, and 2 / 2^6: the textbook values.
    assert p_value(turned(lost=9, gained=1, same=40)) == pytest.approx(0.021484375)
    assert p_value(turned(lost=6, gained=0, same=0)) == pytest.approx(0.03125)
    assert p_value(turned(lost=5, gained=5, same=10)) == 1.0


def test_ten_cases_of_one_article_are_no_proof_of_anything() -> None:
    lost = [Pair((1,), (0,), "the article") for _ in range(10)]
    assert p_value([*lost, *turned(lost=0, gained=0, same=40)]) == 1.0
    # Six articles that all got worse are: 2 / 2^6, however many cases they hold.
    six = [Pair((1,), (0,), f"of {n % 6}") for n in range(12)]
    assert p_value([*six, *turned(lost=0, gained=0, same=40)]) == pytest.approx(0.03125)


def test_few_articles_are_swapped_in_every_way_there_is() -> None:
    # Of the 8 ways to swap three drops, this and its mirror image are as far out.
    drops = [Pair((1.0, 0.5), (0.5,), "a"), Pair((0.9,), (0.2,), "b"), Pair((0.8,), (0.1,), "c")]
    assert p_value(drops) == pytest.approx(0.25)


def test_what_one_run_refused_counts_in_the_other() -> None:
    """Refusing what would be wrong makes the rest look better: the difference says so."""
    before = [Pair((1,), (1,), "a"), Pair((0,), (), "b")]
    found = difference(before, seed=0)
    assert found is not None
    assert (found.old, found.new, found.value) == (0.5, 1.0, 0.5)


def test_a_run_without_values_has_no_difference() -> None:
    assert difference([Pair((1,), (), "a")], seed=0) is None
    assert means([Pair((1,), (), "a")]) == (1.0, None)
    assert difference([], seed=0) is None


def test_holm_multiplies_by_how_many_are_left() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.5}) == {
        "a": 0.04,
        "c": 0.09,
        "b": 0.09,
        "d": 0.5,
    }
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_the_detectable_difference_is_that_of_the_textbook() -> None:
    # (1.960 + 0.842) * 0.02, and of runs that are alike (1.960 + 0.842)^2 / 285.
    assert detectable(0.02, 285, alpha=0.05) == pytest.approx(0.0560, abs=5e-5)
    assert detectable(0.0, 285, alpha=0.05) == pytest.approx(0.0275, abs=5e-5)
    assert detectable(0.0, 285, alpha=0.005) == pytest.approx(0.0467, abs=5e-5)


def test_from_a_handful_of_cases_nothing_can_be_seen() -> None:
    assert detectable(0.0, 7, alpha=0.05) is None
    assert detectable(0.0, 0, alpha=0.05) is None


@given(pairs_of_values)
def test_a_run_does_not_differ_from_itself(pairs: list[Pair]) -> None:
    found = difference([Pair(old, old, cluster) for old, _, cluster in pairs], seed=0)
    if found is not None:
        assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
        assert found.error == 0.0


@given(pairs_of_values, st.randoms(use_true_random=False))
def test_neither_order_nor_direction_changes_what_is_found(
    pairs: list[Pair], random: object
) -> None:
    found = difference(pairs, seed=0)
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis does not export the type
    assert difference(shuffled, seed=0) == found
    back = difference([Pair(new, old, cluster) for old, new, cluster in pairs], seed=0)
    if found is None:
        assert back is None
    else:
        assert back is not None
        assert back.error == pytest.approx(found.error)
        assert back == found._replace(
            old=found.new,
            new=found.old,
            value=-found.value,
            low=-found.high,
            high=-found.low,
            error=back.error,
        )


@given(pairs_of_values)
def test_the_interval_holds_what_it_is_of(pairs: list[Pair]) -> None:
    found = difference(pairs, seed=0)
    if found is not None:
        assert -1 <= found.low <= found.high <= 1
        assert 0 < found.p_value <= 1
