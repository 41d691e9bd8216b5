"""Measures of what was retrieved, by the code that TREC reports with.

>>> ranking(["a", "b"], {"b"})["mrr_at_8"]
0.5

Articles are ranked by their best passage; quotes by the first passage that holds them.
"""

from collections.abc import Collection, Iterable, Sequence
from statistics import fmean

import ir_measures
from ir_measures import RR, R, Success, nDCG

_OF_ARTICLES = {
    "hit_at_1": Success @ 1,
    "hit_at_5": Success @ 5,
    "recall_at_5": R @ 5,
    "mrr_at_8": RR @ 8,
    "ndcg_at_8": nDCG @ 8,
}
# Each quote is looked for by itself, in the first passage that holds it; then any of them.
_OF_QUOTE = {"quote_recall_at_5": R @ 5, "quote_ndcg_at_8": nDCG @ 8}
_OF_ANY_QUOTE = {"quote_hit_at_5": Success @ 5, "quote_mrr_at_8": RR @ 8}


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
    holding = [[n for n, text in enumerate(texts) if _plain(quote) in text] for quote in quotes]
    ranked = [str(place) for place in range(len(texts))]
    # What no passage holds is relevant and was not found.
    anywhere = {str(place) for places in holding for place in places} or {"none"}
    alone = [_measured(ranked, {str(min(places, default="none"))}, _OF_QUOTE) for places in holding]
    means = {name: round(fmean(found[name] for found in alone), 4) for name in _OF_QUOTE if alone}
    return (means | _measured(ranked, anywhere, _OF_ANY_QUOTE)) if quotes else {}


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
