"""A gold set against the articles it asks about: what is wrong, what is doubtful, what is there.

>>> report = validate(read(SAMPLE_SET), read_articles([SAMPLE_CORPUS]))
>>> (report.cases, report.problems)
(285, ())

A problem makes the set invalid, a warning wants a look: an answer need not stand in the article in
the words of the case.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from evals.cases import Case, GoldSet, plain
from evals.gold.records import Problem
from rag.types import Article, Value

_PLAIN_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-"})
# A right answer may have to begin with them, whatever the article says.
_VERDICT = re.compile(r"(?:yes|no)\b", re.IGNORECASE)


class SliceCount(Value):
    """How many cases of a slice have an answer, and how many have none."""

    answerable: int = 0
    unanswerable: int = 0


class Validation(Value):
    """What is known of a set; `articles` is None when it was compared with none."""

    cases: int
    answerable: int
    unanswerable: int
    unreviewed: int
    slices: dict[str, SliceCount]
    articles: int | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether the set may be run."""
        return not self.problems


class _Text(NamedTuple):
    """An article's text as it is, in lower case with single spaces, and as SQuAD compares it."""

    exact: str
    lower: str
    plain: str


class _Corpus(NamedTuple):
    """How many articles there are, and the texts of those that cases name."""

    articles: int
    texts: Mapping[str, _Text]


def validate(gold: GoldSet, articles: Iterable[Article] | None = None) -> Validation:
    """Return what `gold` holds and what is wrong with it, alone and against `articles`."""
    problems, warnings = list(gold.problems), []
    corpus = _read(gold.cases, articles) if articles is not None else None
    for place, case in zip(gold.places, gold.cases, strict=True):
        if case.answerable and not case.comparable:
            short = f"{case.answers[0]!r} is nothing without marks and articles"
            warnings.append(_at(place, f"{case.id}: no answer can be right, {short}"))
        if corpus is not None:
            problems += [_at(place, message) for message in _wrong(case, corpus)]
            warnings += [_at(place, message) for message in _doubtful(case, corpus)]
    answerable = sum(case.answerable for case in gold.cases)
    return Validation(
        cases=len(gold.cases),
        answerable=answerable,
        unanswerable=len(gold.cases) - answerable,
        unreviewed=sum(not case.reviewed for case in gold.cases),
        slices=_slices(gold.cases),
        articles=corpus and corpus.articles,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _read(cases: Iterable[Case], articles: Iterable[Article]) -> _Corpus:
    """Read all of `articles`, which may be more than the memory, and keep what is asked about."""
    named = {article_id for case in cases for article_id in case.relevant_article_ids}
    count, texts = 0, dict[str, _Text]()
    for article in articles:
        count += 1
        # Of two articles with one id the first is ingested.
        if article.article_id in named and article.article_id not in texts:
            lower = " ".join(article.text.lower().split())
            texts[article.article_id] = _Text(article.text, lower, plain(article.text))
    return _Corpus(count, texts)


def _slices(cases: Iterable[Case]) -> dict[str, SliceCount]:
    counts: dict[str, list[int]] = {}
    for case in cases:
        counts.setdefault(case.slice, [0, 0])[not case.answerable] += 1
    return {
        name: SliceCount(answerable=yes, unanswerable=no)
        for name, (yes, no) in sorted(counts.items())
    }


def _wrong(case: Case, corpus: _Corpus) -> Iterator[str]:
    texts = _texts(case, corpus)
    for article_id in case.relevant_article_ids:
        if article_id not in corpus.texts:
            yield f"{case.id}: the corpus has no article {article_id!r}"
    for quote in case.quotes if texts else ():
        if not any(quote in text.exact for text in texts):
            alike = any(_loose(quote) in _loose(text.exact) for text in texts)
            hint = "; only white space or the kind of quotation marks differ" if alike else ""
            yield f"{case.id}: stands in none of its articles: {_short(quote)!r}{hint}"


def _doubtful(case: Case, corpus: _Corpus) -> Iterator[str]:
    texts = _texts(case, corpus)
    if case.quotes and not case.relevant_article_ids:
        yield f"{case.id}: quotes were not looked for, there are no relevant_article_ids"
    if not texts:
        return
    for group in case.must_include:
        parts = [part.strip().lower() for part in group.split("|")]
        if not _VERDICT.match(group) and not any(p in t.lower for p in parts for t in texts):
            yield f"{case.id}: must_include {group!r} stands in none of its articles"
    shorts = [short for short in map(plain, case.answers) if short]
    if shorts and not any(short in text.plain for short in shorts for text in texts):
        yield f"{case.id}: no answer stands in one of its articles: {_short(case.answers[0])!r}"


def _texts(case: Case, corpus: _Corpus) -> list[_Text]:
    return [corpus.texts[known] for known in case.relevant_article_ids if known in corpus.texts]


def _loose(text: str) -> str:
    return " ".join(text.translate(_PLAIN_MARKS).split())


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def _at(place: str, message: str) -> Problem:
    return Problem(where=place, message=message)
