"""Measures of what was retrieved, by the code that TREC reports with.

>>> ranking(["a", "b"], {"b"})["mrr_at_10"]
0.5

Articles are ranked by their best passage; quotes by the first passage that holds them.
"""

from collections.abc import Collection, Iterable, Sequence

import ir_measures
from ir_measures import RR, R, Success, nDCG

_OF_ARTICLES = {
    "hit_at_1": Success @ 1,
    "hit_at_5": Success @ 5,
    "recall_at_5": R @ 5,
    "mrr_at_10": RR @ 10,
    "ndcg_at_10": nDCG @ 10,
}
_OF_QUOTES = {
    "quote_hit_at_5": Success @ 5,
    "quote_recall_at_5": R @ 5,
    "quote_mrr_at_10": RR @ 10,
    "quote_ndcg_at_10": nDCG @ 10,
}


def ranking(ranked: Sequence[str], relevant: Collection[str]) -> dict[str, float]:
    """Return the measures of article ids, best first; repeated ones count once.

    Empty when nothing is relevant. Source: trec_eval, by `ir_measures` (MacAvaney et al., ECIR
    2022).
    """
    return _measured(ranked, relevant, _OF_ARTICLES)


def quote_ranking(passages: Sequence[str], quotes: Collection[str]) -> dict[str, float]:
    """Return the measures of passages, best first, that should hold `quotes`.

    A quote that runs over the end of a passage counts as held by neither half.
    """
    texts = [_plain(text) for text in passages]
    ranked: list[str] = []
    for place, text in enumerate(texts):
        held = [f"quote {n}" for n, quote in enumerate(quotes) if _plain(quote) in text]
        ranked += held or [f"passage {place}"]
    return _measured(ranked, [f"quote {n}" for n in range(len(quotes))], _OF_QUOTES)


def _measured(
    ranked: Iterable[str], relevant: Collection[str], measures: dict[str, ir_measures.Measure]
) -> dict[str, float]:
    if not relevant:
        return {}
    distinct = list(dict.fromkeys(ranked))
    # A run without a document is skipped, not scored.
    run = {"q": {doc: float(-rank) for rank, doc in enumerate(distinct)} or {"": 0.0}}
    qrels = {"q": dict.fromkeys(relevant, 1)}
    found = ir_measures.calc_aggregate(list(measures.values()), qrels, run)
    return {name: round(found[measure], 4) for name, measure in measures.items()}


def _plain(text: str) -> str:
    return " ".join(text.split())
