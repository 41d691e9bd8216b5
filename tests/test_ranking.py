"""Measures of what was retrieved."""

import pytest

from evals.ranking import quote_ranking, ranking


def test_articles_are_ranked_by_their_first_passage() -> None:
    assert ranking(["a", "a", "b", "c"], {"b", "z"}) == {
        "hit_at_1": 0.0,
        "hit_at_5": 1.0,
        "recall_at_5": 0.5,
        "mrr_at_8": 0.5,
        # 1 / log2(3), of 1 + 1 / log2(3) at best.
        "ndcg_at_8": pytest.approx(0.3869),
    }


def test_nothing_found_is_zero_and_nothing_to_find_is_nothing() -> None:
    assert set(ranking([], {"a"}).values()) == {0.0}
    assert ranking(["a"], set()) == {}
    assert quote_ranking(["text"], ()) == {}


def test_a_quote_is_found_in_the_first_passage_that_holds_it_whole() -> None:
    passages = ["It rained.", "Six died,\nhe said.", "Six died, he said. It rained."]
    found = quote_ranking(passages, ("Six died, he said.", "It snowed."))
    assert found == {
        "quote_hit_at_5": 1.0,
        "quote_recall_at_5": 0.5,
        "quote_mrr_at_8": 0.5,
        # 1 / log2(3) of one quote, nothing of the other.
        "quote_ndcg_at_8": pytest.approx(0.3155, abs=1e-4),
    }


def test_passages_are_counted_and_not_quotes() -> None:
    quotes = tuple(f"Quote {n}." for n in range(6))
    both = ["Quote 0. Quote 1. Quote 2.", "Quote 3. Quote 4. Quote 5."]
    assert quote_ranking(both, quotes)["quote_recall_at_5"] == 1.0
    late = ["Quote 0."] + ["Quote 0."] * 4 + ["Quote 1."]
    assert quote_ranking(late, ("Quote 0.", "Quote 1."))["quote_recall_at_5"] == 0.5
