"""Readings made by hand, for tests of what is done with them."""

from typing import Any, Protocol

from rag.types import Article, Hit, Passage, Reading, Scores


class MakeReading(Protocol):
    """Makes a reading of one sentence, which is the whole passage unless `before` is given."""

    def __call__(
        self,
        sentence: str,
        *,
        answer: str,
        article_id: str = "a",
        probability: float = 0.5,
        before: str = "",
        **article: Any,  # fields of Article.create
    ) -> Reading: ...


def make_reading(
    sentence: str,
    *,
    answer: str,
    article_id: str = "a",
    probability: float = 0.5,
    before: str = "",
    **article: Any,
) -> Reading:
    """Return what the reader would for `sentence`, its answer the first `answer` in it."""
    text = f"{before} {sentence}" if before else sentence
    made = Article.create(text=text, article_id=article_id, **{"title": "News", **article})
    start = len(text) - len(sentence)
    at = text.index(answer, start)
    return Reading(
        hit=Hit(
            passage=Passage.cut(made, 0, 0, len(text)),
            article=made.meta(),
            scores=Scores(fused=0.1),
        ),
        start=start,
        end=len(text),
        answer_start=at,
        answer_end=at + len(answer),
        probability=probability,
    )
