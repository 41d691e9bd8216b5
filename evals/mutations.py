"""An answer made wrong by rule, as a faulty build would give it.

>>> other_numbers("Six died and 14 were hurt.")
'Six died and 17 were hurt.'
"""

import random
import re
from collections.abc import Callable

from rag.sentences import sentence_spans
from rag.training.edits import EditKind, planted
from rag.types import Answer, AnswerSpan, Article, Citation

_SEED = 5
PLAIN_EDITS: tuple[EditKind, ...] = ("number", "negation", "attribution", "name")
# A number that stands in no marker of a citation.
_NUMBER = re.compile(r"(?<![\[\d])\d+(?![\d\]])")
_NUMBER_WORDS = {"two": "six", "six": "two", "three": "seven", "seven": "three", "four": "nine"}
_DENIAL = re.compile(r"\b(?:not|never) |n['’]t\b|\b[Nn]obody\b|\b[Nn]o (?=[a-z])")


Fetch = Callable[[str], Article | None]
Change = Callable[[Answer, Fetch], Answer]


def reworded(answer: Answer, change: Callable[[str], str]) -> Answer:
    """Return `answer` with `change` made to each span that a citation stands for."""
    covered = sorted(
        {(s.start_index, s.end_index) for c in answer.citations for s in c.answer_spans}
    )
    parts, moved, end = [], {}, 0
    size = 0
    for start, stop in covered:
        between, said = answer.answer[end:start], change(answer.answer[start:stop])
        size += len(between)
        moved[start, stop] = AnswerSpan(start_index=size, end_index=size + len(said))
        size += len(said)
        parts += [between, said]
        end = stop
    citations = tuple(
        citation.model_copy(
            update={
                "answer_spans": tuple(
                    moved[span.start_index, span.end_index] for span in citation.answer_spans
                )
            }
        )
        for citation in answer.citations
    )
    text = "".join([*parts, answer.answer[end:]])
    return answer.model_copy(update={"answer": text, "citations": citations})


def other_numbers(text: str) -> str:
    """Return `text` with every number another one, in digits or in words."""
    text = _NUMBER.sub(lambda match: str(int(match[0]) + 3), text)
    words = "|".join(_NUMBER_WORDS)
    return re.sub(rf"\b(?:{words})\b", lambda match: _NUMBER_WORDS[match[0]], text)


def without_denial(text: str) -> str:
    """Return `text` saying what it denies."""
    return _DENIAL.sub("", text)


def in_plain_words(answer: Answer, _: Fetch) -> Answer:
    """Return the cited sentences as the answer, without marks of quotation, as a model writes."""
    text, citations = "", []
    for citation in answer.citations:
        lead = " " if text else ""
        start = len(text) + len(lead)
        text += f"{lead}{citation.cited_text} [{citation.index}]"
        span = AnswerSpan(start_index=start, end_index=start + len(citation.cited_text))
        citations.append(citation.model_copy(update={"answer_spans": (span,)}))
    return answer.model_copy(update={"answer": text, "citations": tuple(citations)})


def with_edit(kind: EditKind) -> Change:
    """Return a change that plants one edit of `kind` in each sentence that has room for it."""

    def change(answer: Answer, _: Fetch) -> Answer:
        def edit(sentence: str) -> str:
            rng = random.Random(_SEED)  # noqa: S311 - not for secrets
            made = (e.text for e in planted(sentence, sentence, rng) if e.kind == kind)
            return next(made, sentence)

        return reworded(answer, edit)

    return change


def of_another_speaker(answer: Answer, _: Fetch) -> Answer:
    """Return `answer` with every quotation in another mouth."""
    swapped = []
    for citation in answer.citations:
        other = "Tehran" if citation.attributed_to != "Tehran" else "the Pentagon"
        swapped.append(citation.model_copy(update={"attributed_to": other}))
    return answer.model_copy(update={"citations": tuple(swapped)})


def of_the_next_sentence(answer: Answer, fetch: Fetch) -> Answer:
    """Return `answer` citing, each time, the sentence beside the one that proves it."""
    moved = [_moved(citation, fetch(citation.article_id)) for citation in answer.citations]
    return answer.model_copy(update={"citations": tuple(moved)})


def with_wrong_offsets(answer: Answer, _: Fetch) -> Answer:
    """Return `answer` with offsets that are three characters off."""
    moved = [
        citation.model_copy(
            update={
                "start_char_index": citation.start_char_index + 3,
                "end_char_index": citation.end_char_index + 3,
            }
        )
        for citation in answer.citations
    ]
    return answer.model_copy(update={"citations": tuple(moved)})


def without_last_citation(answer: Answer, _: Fetch) -> Answer:
    """Return `answer` without its last citation, whose sentence stays."""
    return answer.model_copy(update={"citations": answer.citations[:-1]})


def _moved(citation: Citation, article: Article | None) -> Citation:
    if article is None:
        return citation
    spans = sentence_spans(article.text)
    after = [span for span in spans if span[0] >= citation.end_char_index]
    before = [span for span in spans if span[1] <= citation.start_char_index]
    if not (after or before):
        return citation
    start, end = after[0] if after else before[-1]
    update = {
        "start_char_index": start,
        "end_char_index": end,
        "cited_text": article.text[start:end],
    }
    return citation.model_copy(update=update)


def each_claim(change: Callable[[str], str]) -> Change:
    """Return a change that makes `change` to every claim."""
    return lambda answer, _: reworded(answer, change)
