"""Measures of what was retrieved."""

import pytest

from evals.ranking import quote_ranking, ranking


def test_articles_are_ranked_by_their_first_passage() -> None:
    assert ranking(["a", "a", "b", "c"], {"b", "z"}) == {
        "hit_at_1": 0.0,
        "hit_at_5": 1.0,
        "recall_at_5": 0.5,
        "mrr_at_10": 0.5,
        # 1 / log2(3), of 1 + 1 / log2(3) at best.
        "ndcg_at_10": pytest.approx(0.3869),
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
        "quote_mrr_at_10": 0.5,
        "quote_ndcg_at_10": pytest.approx(0.3869, abs=1e-4),
    }
