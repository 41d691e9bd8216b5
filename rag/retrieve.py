"""A question to the passages most likely to answer it, best first.

>>> Retriever(index).retrieve(Question(text="Who was blamed for the Taji attack?"))[0].article.title
'US blames Iran-backed militia for deadly rocket attack'

Source: reciprocal-rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009) of three legs:
passages by cosine, passages by BM25, and the BM25 rank of the whole article, which every passage of
it that another leg found inherits. The third leg is our addition: a question often names what the
article is about and asks for a detail that stands in another sentence. Where a question asks about
a time, the fused score of what disagrees with it is lowered (`rag.timeline`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rag.index import Index, Legs
from rag.timeline import asked_time, time_factors
from rag.types import ArticleMeta, Filters, Hit, Passage, Question, RetrievalMode, Scores

CANDIDATES = 50
# The paper has 60; 10 trusts the first ranks more. Chosen on half of the NewsQA articles at hand
# (MRR@10 .715 to .730), confirmed on the other half (.729 to .753), equal weights for all legs.
RRF_CONSTANT = 10
PER_ARTICLE = 3


class Retriever:
    """Searches one index."""

    def __init__(self, index: Index) -> None:
        """Search `index`."""
        self._index = index

    def retrieve(
        self, question: Question, *, text: str | None = None, now: datetime | None = None
    ) -> list[Hit]:
        """Return at most `question.top_k` hits, best first, at most 3 of one article.

        `text` is searched instead of the question's own text when a conversation completed it.
        Every hit is live and passes the question's filters. `now` as in `search`.
        """
        return self.search(
            text or question.text,
            k=question.top_k,
            filters=question.filters,
            mode=question.mode,
            now=now,
        )

    def search(
        self,
        text: str,
        *,
        k: int,
        filters: Filters = Filters(),  # noqa: B008 - frozen
        mode: RetrievalMode = "hybrid",
        per_article: int = PER_ARTICLE,
        now: datetime | None = None,
    ) -> list[Hit]:
        """Return at most `k` hits for `text`, best first, at most `per_article` of one article.

        With `now` (the filters' `as_of` if there is one), hits that agree with the time that `text`
        asks about go before others; without, time plays no part.
        """
        wanted = max(CANDIDATES, 2 * k)
        legs = self._index.search(text, k=wanted, filters=filters, mode=mode)
        found = dict(legs.dense) | dict(legs.passages)
        rows = self._index.catalog.live_passages(sorted(found), filters)
        article_of = {key: article.article_id for key, (_, article) in rows.items()}
        fused = fuse(legs, article_of)
        if now:
            fused = timed(fused, text, rows, now=filters.as_of or now)
        chosen = capped(sorted(fused, key=lambda key: (-fused[key], key)), article_of, per_article)
        dense, bm25 = dict(legs.dense), dict(legs.passages)
        return [
            Hit(
                passage=rows[key][0],
                article=rows[key][1],
                scores=Scores(dense=dense.get(key), bm25=bm25.get(key), fused=fused[key]),
            )
            for key in chosen[:k]
        ]


def fuse(legs: Legs, article_of: Mapping[str, str]) -> dict[str, float]:
    """Return each passage's fused score; only those in `article_of` may answer."""
    score: defaultdict[str, float] = defaultdict(float)
    for leg in (legs.dense, legs.passages):
        live = [key for key, _ in leg if key in article_of]
        for rank, key in enumerate(live):
            score[key] += 1 / (RRF_CONSTANT + rank)
    article_rank = {article_id: rank for rank, (article_id, _) in enumerate(legs.articles)}
    for key in score:
        place = article_rank.get(article_of[key])
        if place is not None:
            score[key] += 1 / (RRF_CONSTANT + place)
    return dict(score)


def timed(
    fused: Mapping[str, float],
    question: str,
    rows: Mapping[str, tuple[Passage, ArticleMeta]],
    *,
    now: datetime,
) -> dict[str, float]:
    """Return `fused` with the score of what disagrees with the asked time lowered."""
    candidates = [(rows[key][1].published_at, rows[key][0].text) for key in fused]
    factors = time_factors(asked_time(question, now=now), candidates)
    return {key: fused[key] * factor for key, factor in zip(fused, factors, strict=True)}


def capped(keys: Iterable[str], article_of: Mapping[str, str], per_article: int) -> Sequence[str]:
    """Return `keys` in order without those beyond `per_article` of one article."""
    taken: Counter[str] = Counter()
    kept = []
    for key in keys:
        taken[article_of[key]] += 1
        if taken[article_of[key]] <= per_article:
            kept.append(key)
    return kept
