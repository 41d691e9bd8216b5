"""The answer without a language model: the most probable sentence that can be verified.

>>> extract(evidence.readings, index.catalog.get).text
'Officials blamed Kataib Hezbollah for the attack. [1]'
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rag.cite import cite
from rag.types import AnswerSpan, Article, Citation, Reading

MODEL = "extractive"


class Written(NamedTuple):
    """An answer's text with its citations, and how many quotes were dropped as unverifiable."""

    text: str
    citations: tuple[Citation, ...]
    dropped: int


def extract(readings: Sequence[Reading], fetch: Callable[[str], Article | None]) -> Written | None:
    """Return the best of `readings` whose quote verifies against `fetch(article_id)`, or None."""
    for dropped, reading in enumerate(readings):
        # A sentence may run over a line; in an answer it is one line.
        sentence = " ".join(reading.text.split())
        span = AnswerSpan(start_index=0, end_index=len(sentence))
        article = fetch(reading.hit.article.article_id)
        citation = cite(reading, article, index=1, answer_spans=[span])
        if citation is not None:
            return Written(f"{sentence} [1]", (citation,), dropped)
    return None
