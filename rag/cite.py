"""Quotes to verified citations. Pure: the stored article is an argument.

>>> citation = cite(reading, article, index=1, answer_spans=())
>>> article.text[citation.start_char_index : citation.end_char_index] == citation.cited_text
True
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rag.attribution import attributed_to
from rag.types import Account, Answer, AnswerSpan, Article, Citation, Hit, Reading, Source

_CITATION_ID = re.compile(
    r"cit_(?P<article>[^\s:/?#]{1,200})\.(?P<hash>[0-9a-f]{12})\."
    r"(?P<start>0|[1-9][0-9]{0,8})-(?P<end>[1-9][0-9]{0,8})"
)


class Quote(NamedTuple):
    """Characters of a hit's passage, and the probability that they answer; offsets are into it.

    `answer` says which of them answer: that claim's source is named.
    """

    hit: Hit
    start: int
    end: int
    probability: float
    answer: tuple[int, int] | None = None

    @classmethod
    def of(cls, reading: Reading) -> "Quote":
        """Return the sentence of `reading`."""
        answer = (reading.answer_start, reading.answer_end)
        return cls(reading.hit, reading.start, reading.end, reading.probability, answer)


class Place(NamedTuple):
    """Where a quotation stands: characters of one version of an article."""

    article_id: str
    hash_prefix: str
    start: int
    end: int


def cite(
    reading: Reading,
    article: Article | None,
    *,
    index: int,
    answer_spans: Sequence[AnswerSpan],
) -> Citation | None:
    """Return the citation of `reading`'s sentence, or None when it does not verify."""
    return cite_quote(Quote.of(reading), article, index=index, answer_spans=answer_spans)


def cite_quote(
    quote: Quote, article: Article | None, *, index: int, answer_spans: Sequence[AnswerSpan]
) -> Citation | None:
    """Return the citation of `quote`, or None when it is not, letter for letter, in `article`.

    `article` is the live version, None when there is none any more. A passage of another version
    is not verified even when the same characters stand in both.
    """
    if article is None or not verifies(quote, article):
        return None
    passage, meta = quote.hit.passage, quote.hit.article
    start = passage.start_char_index + quote.start
    end = passage.start_char_index + quote.end
    return Citation(
        id=citation_id(article, start, end),
        index=index,
        passage_id=passage.passage_id,
        cited_text=article.text[start:end],
        start_char_index=start,
        end_char_index=end,
        attributed_to=speaker(quote, article),
        answer_spans=tuple(answer_spans),
        score=quote.probability,
        # The answer's sentence is the quoted one itself, or was judged to be supported by it.
        support="supported",
        verified=True,
        **meta.model_dump(),
    )


def verifies(quote: Quote, article: Article) -> bool:
    """Return whether the quoted characters stand, letter for letter, in this very version."""
    passage = quote.hit.passage
    text = passage.text[quote.start : quote.end]
    start = passage.start_char_index + quote.start
    same = article.text[start : start + len(text)] == text
    return bool(text) and same and article.content_hash == passage.content_hash


def speaker(quote: Quote, article: Article) -> str | None:
    """Return whom the article names as the source of what is quoted; None: its own voice."""
    offset = quote.hit.passage.start_char_index
    answer = [offset + at for at in quote.answer or ()]
    return attributed_to(article.text, offset + quote.start, offset + quote.end, *answer)


def citation_id(article: Article, start: int, end: int) -> str:
    """Return an id that names the quote wherever it is shown, without anything being stored."""
    short_hash = article.content_hash.removeprefix("sha256:")[:12]
    return f"cit_{article.article_id}.{short_hash}.{start}-{end}"


def place_of(cited_id: str) -> Place | None:
    """Return what `citation_id` was made of, None when it never made `cited_id`."""
    # An article's id may hold dots and underscores, too.
    found = _CITATION_ID.fullmatch(cited_id)
    if found is None or int(found["start"]) >= int(found["end"]):
        return None
    return Place(found["article"], found["hash"], int(found["start"]), int(found["end"]))


def recited(answer: Answer, citations: Sequence[Citation]) -> tuple[Account, ...]:
    """Return the sides of `answer` by those of `citations` that quote the same characters of it.

    They are the citations of another text about it. Empty where a side is not quoted there.
    """
    quoted = {one.index: one for one in answer.citations}
    sides = []
    for account in answer.accounts:
        own = [quoted[index] for index in account.citations]
        found = tuple(one.index for one in citations if any(_overlap(one, c) for c in own))
        sides.append(Account(claim=account.claim, citations=found))
    return tuple(sides) if all(side.citations for side in sides) else ()


def sources(citations: Iterable[Citation]) -> tuple[Source, ...]:
    """Return each cited article once, in order of first citation."""
    found: dict[str, Source] = {}
    for citation in citations:
        known = found.get(citation.article_id)
        found[citation.article_id] = Source(
            article_id=citation.article_id,
            passages=known.passages + 1 if known else 1,
            title=citation.title,
            url=citation.url,
            published_at=citation.published_at,
        )
    return tuple(found.values())


def _overlap(one: Citation, other: Citation) -> bool:
    return (
        one.article_id == other.article_id
        and one.start_char_index < other.end_char_index
        and other.start_char_index < one.end_char_index
    )
