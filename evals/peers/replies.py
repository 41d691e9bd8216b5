"""How well whole answers do, whoever writes them: what they hold, cost and cite, and who refuses.

>>> holds("It was Kataib Hezbollah, officials said.", ["Kataib Hezbollah."])
True
"""

import re
import string
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import NamedTuple

from evals.metrics import token_f1
from evals.peers.rankings import Asked
from rag.answer import Answerer
from rag.types import Answer, Question

# How small models say that they do not know; nobody asks them to.
_REFUSAL = re.compile(
    r"^\s*$|^empty response|^(?:i'm sorry|sorry)|\bI (?:don't|do not|cannot|can't|am unable)\b"
    r"|\b(?:context|text|documents?|passages?|articles?)\b[^.]{0,40}\b(?:does not|doesn't|do not"
    r"|don't)\b|\bnot (?:explicitly )?(?:mentioned|specified|provided|stated) in the\b",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """One answer."""

    text: str
    refused: bool
    short: str | None = None
    citations: tuple[bool, ...] | None = None  # whether each is in its article; None: no such thing
    elapsed_s: float = 0.0


Say = Callable[[str], Said]


def refuses(text: str) -> bool:
    """Return whether an answer in free words says that it is none."""
    return _REFUSAL.search(text) is not None


def holds(text: str, golds: Iterable[str]) -> bool:
    """Return whether a gold answer, without the punctuation around it, stands in `text`."""
    said = " ".join(text.lower().split())
    bare = (" ".join(gold.lower().split()).strip(string.punctuation + " ") for gold in golds)
    return any(gold and gold in said for gold in bare)


def free(say: Callable[[str], str]) -> Say:
    """Return `say` with its words judged for whether they refuse."""

    def judged(question: str) -> Said:
        text = say(question)
        return Said(text, refuses(text))

    return judged


def ours(answerer: Answerer, texts: Mapping[str, str]) -> Say:
    """Return our answers; each quote is compared again with `texts`, the articles' by id."""

    def judged(question: str) -> Said:
        answer: Answer = answerer.answer(Question(text=question), now=datetime.now(UTC))
        given = answer.answer_status != "no_answer"
        cited = tuple(
            texts[c.article_id][c.start_char_index : c.end_char_index] == c.cited_text
            for c in answer.citations
        )
        return Said(answer.answer if given else "", not given, answer.short_answer, cited)

    return judged


def put(say: Say, asked: Iterable[Asked]) -> dict[str, Said]:
    """Return each question's answer with the seconds that it took."""
    said = {}
    for one in asked:
        began = time.perf_counter()
        answer = say(one.question)
        said[one.id] = answer._replace(elapsed_s=time.perf_counter() - began)
    return said


def held(said: Mapping[str, Said], asked: Sequence[Asked]) -> dict[str, float]:
    """Return by question 1 where an answer is given and holds a gold answer, else 0."""
    return {
        one.id: float(not said[one.id].refused and holds(said[one.id].text, one.golds))
        for one in asked
    }


def f1(said: Mapping[str, Said], asked: Sequence[Asked], *, short: bool) -> float | None:
    """Return the mean F1 of the texts, or of the short answers, with 0 for what is refused.

    None where no answer has a short form.
    """
    if short and all(answer.short is None for answer in said.values()):
        return None
    values = []
    for one in asked:
        answer = said[one.id]
        text = (answer.short or "") if short else answer.text
        scored = text and not answer.refused
        values.append(max(token_f1(text, gold) for gold in one.golds) if scored else 0.0)
    return fmean(values)


def cited(said: Iterable[Said]) -> str:
    """Return how many citations are verified of how many, in words."""
    every = [answer.citations for answer in said]
    if all(citations is None for citations in every):
        return "none given"
    found = [good for citations in every for good in citations or ()]
    return f"{sum(found)} of {len(found)}"
