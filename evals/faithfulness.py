"""An answer to its claims, each judged beside what it cites.

>>> [claim.support for claim in claims(answer, read, judge)]
['supported', 'uncited']

A claim is what a citation says it stands for, or else a sentence. Three things are told apart:
whether the passages that it cites support it (faithfulness), whether the quoted characters do so by
themselves (citation recall), and whether each citation is needed for that (citation precision).

Source: recall and precision are those of ALCE (Gao et al., EMNLP 2023), with our judge in place of
its model and over claims that have a label; sentences as in FActScore's spirit, not atomic facts.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from evals.results import Claim, Supported
from rag.phrasing import day
from rag.prompts import ACCOUNTS_DIFFER, OTHERWISE, UNSUPPORTED_MARK
from rag.sentences import sentence_spans
from rag.timeline import in_full, mentions
from rag.types import Answer, Article, Citation, Hit
from rag.verify import Judge

# Of an article around a quote, where the passage is not told.
_AROUND_CHARS = 600
# Of the claim before it, which the sentence then seems to begin with.
_MARKERS = re.compile(r"^(?:\[\d+\]\s*)+")
_QUOTED = re.compile(r"[“\"]([^”\"]+)[”\"]")
_LEAST_QUOTED_WORDS = 3
# Words that only join a claim to its outlet.
_LEADING = frozenset("also and by or reported".split())
_TRAILING = frozenset("according by reported reports to".split())
# The answer to a question that is not part of the claim; “no survivors” is none.
_YES_OR_NO = re.compile(r"^(?:yes|no)\b(?=\s*[,.:;]|\s*$)[,.:;\s]*", re.IGNORECASE)
_MARKS = str.maketrans('“”‘’"', "'''''")
_FRAMES = (ACCOUNTS_DIFFER, OTHERWISE.strip())


class Cited(NamedTuple):
    """A citation, the passage around it and who published it when."""

    citation: Citation
    passage: str

    @property
    def quote(self) -> str:
        """The quoted characters."""
        return self.citation.cited_text


def read_cited(
    answer: Answer, hits: Sequence[Hit], fetch: Callable[[str], Article | None]
) -> dict[int, Cited]:
    """Return the citations of `answer` by number, each with the passage that it is from."""
    passages = {hit.passage.passage_id: hit.passage.text for hit in hits}
    found = {}
    for citation in answer.citations:
        passage = passages.get(citation.passage_id)
        if passage is None:
            article = fetch(citation.article_id)
            start = max(0, citation.start_char_index - _AROUND_CHARS)
            end = citation.end_char_index + _AROUND_CHARS
            passage = article.text[start:end] if article else citation.cited_text
        found[citation.index] = Cited(citation, passage)
    return found


def claims(answer: Answer, cited: dict[int, Cited], judge: Judge) -> tuple[Claim, ...]:
    """Return the claims of `answer` in order, judged; a refusal makes none."""
    if answer.answer_status == "no_answer":
        return ()
    made: list[Claim] = []
    said = ""
    for (start, end), numbers in sorted(_spans(answer).items()):
        proofs = [cited[number] for number in numbers]
        made.append(_judged(answer.answer, start, end, proofs, _Asking(judge, said)))
        # Who says it is told of the first that says it.
        said = _said(answer.answer[start:end], proofs).partition(", according to ")[0] or said
    return tuple(made)


class _Asking(NamedTuple):
    """The judge, and what a claim says: “Also reported by …” says again what the one before did."""

    judge: Judge
    said: str


def _spans(answer: Answer) -> dict[tuple[int, int], list[int]]:
    """Return where the claims stand, with the numbers of what they cite."""
    spans: dict[tuple[int, int], list[int]] = {}
    for citation in answer.citations:
        for span in citation.answer_spans:
            spans.setdefault((span.start_index, span.end_index), []).append(citation.index)
    covered = sorted(spans)
    gaps = zip([0, *(end for _, end in covered)], [*(s for s, _ in covered), None], strict=True)
    for gap_start, gap_end in gaps:
        for start, end in sentence_spans(answer.answer[gap_start:gap_end]):
            text = answer.answer[gap_start + start : gap_start + end]
            bare = _MARKERS.sub("", text)
            if _says_something(bare):
                spans[gap_start + end - len(bare), gap_start + end] = []
    return spans


def _says_something(text: str) -> bool:
    bare = text.replace(UNSUPPORTED_MARK, "").strip(" \n-.:;,")
    return bool(bare) and bare not in {frame.strip(" .:") for frame in _FRAMES}


def _judged(answer: str, start: int, end: int, cited: Sequence[Cited], asking: _Asking) -> Claim:
    text = answer[start:end]
    claim = Claim(
        start=start,
        end=end,
        text=text,
        cited=tuple(one.citation.index for one in cited),
        support="uncited",
        quoted_support="uncited",
    )
    if not cited:
        return claim
    quoted = _support(text, cited, [one.quote for one in cited], asking)
    # What the quotation proves, the passage around it does not take back.
    proven = quoted[0] in ("supported", "unscored")
    whole = quoted if proven else _support(text, cited, [one.passage for one in cited], asking)
    support, probability, reasons = whole
    return claim.model_copy(
        update={
            "support": support,
            "probability": probability,
            "reasons": reasons,
            "quoted_support": quoted[0],
            "quotes_exact": _exact(text, [one.quote for one in cited]),
            "needed": _needed(text, cited, quoted[0], asking),
        }
    )


def _needed(
    text: str, cited: Sequence[Cited], together: Supported, asking: _Asking
) -> tuple[bool, ...]:
    """Return, of each citation, whether it proves the claim, or the others do not without it.

    Args: together: what all the quotations prove, which is known already.
    """
    proven = together == "supported"
    if len(cited) == 1:
        return (proven,)
    return tuple(
        _proves(text, [one], asking)
        or (proven and not _proves(text, [o for o in cited if o is not one], asking))
        for one in cited
    )


def _proves(text: str, cited: Sequence[Cited], asking: _Asking) -> bool:
    return _support(text, cited, [one.quote for one in cited], asking)[0] == "supported"


def _support(
    text: str, cited: Sequence[Cited], premises: Sequence[str], asking: _Asking
) -> tuple[Supported, float | None, tuple[str, ...]]:
    """Return what `premises` say about the claim, once what can be compared is compared.

    A quotation must stand in a premise letter for letter, and a date or an outlet may be the cited
    article's own: both are facts, of which no judge is needed.
    """
    premise = " ".join(premises)
    quotes = _quotes(text)
    if misquoted := _misquoted(quotes, premise):
        label = asking.judge.judge(text, premise).label
        reasons = tuple(f"no quotation of what is cited: “{quote}”" for quote in misquoted)
        return ("contradicted" if label == "contradicted" else "unsupported"), None, reasons
    rest = _said(text, cited) or ("" if quotes else asking.said)
    if not rest:
        return ("supported" if quotes else "unscored"), None, ()
    verdict = asking.judge.judge(rest, premise)
    return verdict.label, verdict.probability, verdict.reasons


def _exact(text: str, quoted: Sequence[str]) -> bool | None:
    quotes = _quotes(text)
    return not _misquoted(quotes, " ".join(quoted)) if quotes else None


def _misquoted(quotes: Sequence[str], premise: str) -> list[str]:
    return [quote for quote in quotes if _plain(quote) not in _plain(premise)]


def _quotes(text: str) -> list[str]:
    return [q for q in _QUOTED.findall(text) if len(q.split()) >= _LEAST_QUOTED_WORDS]


def _said(text: str, cited: Sequence[Cited]) -> str:
    """Return what is left to judge: without quotations, facts of the citation, yes and no."""
    for quote in _quotes(text):
        text = text.replace(f"“{quote}”", "").replace(f'"{quote}"', "")
    told = text
    for fact in (fact for one in cited for fact in _facts(one.citation)):
        told = told.replace(fact, "")
    words = re.sub(r"\(\s*\)", "", told).split()
    # Without an outlet or a day there is nothing that such words could join.
    if told != text:
        while words and _is_one_of(words[-1], _TRAILING):
            words.pop()
        while words and _is_one_of(words[0], _LEADING):
            words.pop(0)
    return _YES_OR_NO.sub("", " ".join(words)).strip(",:; ")


def _is_one_of(word: str, linking: frozenset[str]) -> bool:
    bare = word.strip(",:;.()").lower()
    return not bare or bare in linking


def _facts(citation: Citation) -> Iterator[str]:
    """Yield the outlet, the day of publication and the days that the quotation means."""
    if citation.source:
        yield citation.source
    if published := day(citation.published_at):
        yield published
    for mention in mentions(citation.cited_text, published_at=citation.published_at):
        if (meant := in_full(mention)) and not mention.absolute:
            yield f"({meant})"


def _plain(text: str) -> str:
    return " ".join(text.translate(_MARKS).split())
