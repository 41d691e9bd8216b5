"""The answer without a language model: the most probable sentence, and a rival when there is one.

>>> extract(evidence.readings, index.catalog.get).text
'Officials blamed Kataib Hezbollah for the attack. [1]'

When another article gives another answer that is half as probable or more, both are quoted: picking
one of two articles that disagree would hide the disagreement.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rag.cite import cite
from rag.types import AnswerSpan, Article, Citation, Reading
from rag.untrusted import quotable

MODEL = "extractive"
# Another answer from another article is quoted, too, from this share of the best one's probability.
RIVAL_SHARE = 0.5
MOST_SENTENCES = 2

Fetch = Callable[[str], Article | None]


class Written(NamedTuple):
    """An answer's text with its citations, and how many quotes were dropped as unverifiable.

    `short` holds the words of the first quote that answer.
    """

    text: str
    short: str
    citations: tuple[Citation, ...]
    dropped: int


def extract(readings: Sequence[Reading], fetch: Fetch) -> Written | None:
    """Return an answer from `readings` (best first) that verifies against `fetch(article_id)`.

    None when no quote verifies.
    """
    text = short = ""
    citations: list[Citation] = []
    dropped = 0
    for reading in readings:
        if citations and not _is_rival(reading, citations, short):
            continue
        sentence = _one_line(reading.text)
        start = len(text) + 1 if text else 0
        span = AnswerSpan(start_index=start, end_index=start + len(sentence))
        article = fetch(reading.hit.article.article_id)
        citation = cite(reading, article, index=len(citations) + 1, answer_spans=[span])
        if citation is None:
            dropped += 1
            continue
        citations.append(citation)
        short = short or _one_line(reading.answer)
        text = f"{text} {sentence} [{citation.index}]".lstrip()
    return Written(text, short, tuple(citations), dropped) if citations else None


def _is_rival(reading: Reading, citations: Sequence[Citation], short: str) -> bool:
    """Return whether `reading` answers otherwise than `short`, which `citations` prove."""
    if len(citations) == MOST_SENTENCES or reading.probability < RIVAL_SHARE * citations[0].score:
        return False
    quoted = {citation.article_id for citation in citations}
    one, other = short.lower(), _one_line(reading.answer).lower()
    return reading.hit.article.article_id not in quoted and one not in other and other not in one


def _one_line(text: str) -> str:
    """Return `text` as it may stand in an answer: on one line, with no marker but ours."""
    return quotable(text)
