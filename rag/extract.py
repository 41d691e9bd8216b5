"""The answer without a language model: what the readings say, who says it, and the proof.

>>> extract(question, evidence.readings, index.catalog.get).text
'Kataib Hezbollah, according to American officials (12 March 2020): “American officials …” [1]'

One thing asked for is answered with the answer that the most probable readings share, and with a
second one when another article answers otherwise; a list with all of them; a reason or an account
with the sentences that hold it, in order of time; yes or no only where a sentence says so.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rag.agreement import Group, grouped, is_copy, is_same
from rag.cite import Quote, cite, speaker, verifies
from rag.corrections import TakenBack, superseded
from rag.phrasing import (
    corrected,
    in_calendar,
    in_time_order,
    introduced,
    joined,
    led,
    quoted,
    repeated,
)
from rag.polarity import decide
from rag.prompts import ACCOUNTS_DIFFER, OTHERWISE
from rag.question import kind_of, shape_of
from rag.relevance import relevance, told_words
from rag.types import Account, AnswerSpan, AnswerStatus, Article, Citation, Reading

MODEL = "extractive"
# Another answer is quoted, too, from this share of the best one's probability.
RIVAL_SHARE = 0.25
# From this share on, articles that answer differently are said to disagree.
CONFLICT_SHARE = 0.6
MOST_REPEATED = 2
MOST_LISTED = 6
MOST_SENTENCES = 5
# Of what is asked, what the sentence of a rival must hold, as a share of what the best one's does.
_ABOUT_SHARE = 0.8
_LIST_SHARE = 0.35
_SENTENCE_SHARE = 0.35

# Two places or times of one thing may both be right; two culprits or counts hardly.
_CONTRADICTABLE = ("who", "blame", "how_many")

Fetch = Callable[[str], Article | None]


class Written(NamedTuple):
    """An answer's text with its citations, and how many quotes were dropped as unverifiable.

    `short` holds the words that answer, None when only the sentences together do.
    """

    text: str
    short: str | None
    citations: tuple[Citation, ...]
    dropped: int
    status: AnswerStatus = "answered"
    accounts: tuple[Account, ...] = ()


def extract(question: str, readings: Sequence[Reading], fetch: Fetch) -> Written | None:
    """Return an answer from `readings` (best first) that verifies against `fetch(article_id)`.

    None when no quote verifies.
    """
    verified = [reading for reading in readings if _verifies(reading, fetch)]
    standing, taken_back = superseded(verified)
    if not standing:
        return None
    draft = _Draft(fetch, dropped=_dropped(readings, verified))
    shape = shape_of(question)
    if shape == "yes_no":
        _yes_or_no(draft, question, standing)
    elif shape == "list":
        _list(draft, question, standing)
    elif shape in ("reason", "account"):
        _sentences(draft, standing)
    else:
        _one(draft, question, standing)
    draft.note_corrections(taken_back)
    return draft.written()


class _Draft:
    """An answer while it is being written."""

    def __init__(self, fetch: Fetch, *, dropped: int) -> None:
        self._fetch = fetch
        self._dropped = dropped
        self._parts: list[str] = []
        self.citations: list[Citation] = []
        self.accounts: tuple[Account, ...] = ()
        self.short: str | None = None
        self.status: AnswerStatus = "partial" if dropped else "answered"

    def say(self, text: str) -> None:
        """Add words of our own."""
        self._parts.append(text)

    def state(self, statement: str, reading: Reading) -> None:
        """Add `statement` with the reading's sentence as its proof."""
        start = sum(len(part) + 1 for part in self._parts)
        article = self._fetch(reading.hit.article.article_id)
        span = AnswerSpan(start_index=start, end_index=start + len(statement))
        number = len(self.citations) + 1
        citation = cite(reading, article, index=number, answer_spans=[span])
        # Deleted in the milliseconds since it was verified.
        if citation is None:
            self.status, self._dropped = "partial", self._dropped + 1
            return
        self.citations.append(citation)
        self._parts.append(f"{statement} [{number}]")

    def answer(self, short: str, reading: Reading, *, before: str = "") -> None:
        """Add `short`, who says so and when, and the reading's sentence."""
        who = self._speaker(reading)
        # “Iran, according to Iran”: whoever speaks of himself is named already.
        who = None if who and is_same(short, who) else who
        self.state(f"{before}{led(short, reading, who)}“{quoted(reading.text)}”", reading)

    def quote(self, reading: Reading) -> None:
        """Add the reading's sentence behind who says so and when."""
        lead = introduced(reading, self._speaker(reading))
        self.state(f"{lead}“{quoted(reading.text)}”", reading)

    def note_corrections(self, taken_back: Sequence[TakenBack]) -> None:
        """Say that another answer was taken back, where the article that did so is quoted."""
        cited = {citation.article_id for citation in self.citations}
        notes = [
            corrected(t.reading.hit.article, t.by) for t in taken_back if t.by.article_id in cited
        ]
        self._parts += notes[:1]

    def _speaker(self, reading: Reading) -> str | None:
        article = self._fetch(reading.hit.article.article_id)
        found = speaker(Quote.of(reading), article) if article else None
        return quoted(found) if found else None

    def written(self) -> Written | None:
        """Return what was written; None when nothing in it is cited."""
        if not self.citations:
            return None
        text = " ".join(self._parts)
        return Written(
            text,
            self.short,
            tuple(self.citations),
            self._dropped,
            self.status,
            self.accounts,
        )


def _one(draft: _Draft, question: str, readings: Sequence[Reading]) -> None:
    """Write the answer that most speaks for, and a rival when there is one."""
    best, *others = grouped(readings)
    rival = next((g for g in others if g.probability >= RIVAL_SHARE * best.probability), None)
    draft.short = quoted(best.answer)
    conflicting = rival is not None and _disagree(question, best, rival)
    if conflicting:
        draft.status = "conflicting"
        draft.say(ACCOUNTS_DIFFER)
    dated = kind_of(question) == "when"
    sides = [_state_group(draft, best, dated=dated)]
    if rival is not None:
        before = "" if conflicting else OTHERWISE
        sides.append(_state_group(draft, rival, before=before, dated=dated))
    if conflicting and all(side.citations for side in sides):
        draft.accounts = tuple(sides)


def _disagree(question: str, best: Group, rival: Group) -> bool:
    """Return whether two articles give different answers, each as sure as the other."""
    if (
        kind_of(question) not in _CONTRADICTABLE
        or rival.probability < CONFLICT_SHARE * best.probability
    ):
        return False
    # Two answers of one sentence's article are about two things, more often than not.
    if rival.best.hit.article.article_id == best.best.hit.article.article_id:
        return False
    told = told_words(question)
    about = relevance(told, best.best).both
    return relevance(told, rival.best).both >= _ABOUT_SHARE * about > 0


def _state_group(draft: _Draft, group: Group, *, before: str = "", dated: bool = False) -> Account:
    """Write and return an answer with its proof, and which independent articles report it, too.

    `dated`: with the day that it means, which “Wednesday” alone does not tell.
    """
    day = in_calendar(group.best) if dated else None
    shown = quoted(group.answer) + (f" ({day})" if day else "")
    known = len(draft.citations)
    draft.answer(shown, group.best, before=before)
    others = group.readings[1 : 1 + MOST_REPEATED]
    phrases = repeated([reading.hit.article for reading in others])
    for phrase, reading in zip(phrases, others, strict=True):
        draft.state(phrase, reading)
    return Account(claim=shown, citations=tuple(c.index for c in draft.citations[known:]))


def _list(draft: _Draft, question: str, readings: Sequence[Reading]) -> None:
    """Write every answer that is nearly as probable as the best one, then the sentences."""
    groups = grouped(readings)
    floor = _LIST_SHARE * groups[0].probability
    chosen = [group for group in groups if group.probability >= floor][:MOST_LISTED]
    if len(chosen) == 1:
        _one(draft, question, readings)
        return
    names = [quoted(group.answer) for group in chosen]
    draft.short = joined(names)
    draft.say(f"{draft.short}.")
    shown: list[Reading] = []
    for group in chosen:
        if not any(_same_sentence(group.best, reading) for reading in shown):
            shown.append(group.best)
            draft.quote(group.best)


def _sentences(draft: _Draft, readings: Sequence[Reading]) -> None:
    """Write the sentences that hold a reason or an account, each fact once, in order of time."""
    floor = _SENTENCE_SHARE * readings[0].probability
    chosen: list[Reading] = []
    for reading in readings:
        if len(chosen) == MOST_SENTENCES or reading.probability < floor:
            break
        if not any(_same_sentence(reading, other) for other in chosen):
            chosen.append(reading)
    draft.short = quoted(readings[0].answer)
    for reading in in_time_order(chosen):
        draft.quote(reading)


def _yes_or_no(draft: _Draft, question: str, readings: Sequence[Reading]) -> None:
    """Write yes or no where a sentence says so, else the sentences that come nearest."""
    decision = decide(question, readings)
    if decision is None:
        _sentences(draft, readings[:2])
        draft.short = None
        return
    draft.short = decision.word
    draft.answer(decision.word, decision.reading)


def _same_sentence(one: Reading, other: Reading) -> bool:
    return one.text == other.text or is_copy(one.text, other.text)


def _verifies(reading: Reading, fetch: Fetch) -> bool:
    article = fetch(reading.hit.article.article_id)
    return article is not None and verifies(Quote.of(reading), article)


def _dropped(readings: Sequence[Reading], verified: Sequence[Reading]) -> int:
    """Return how many readings that could have been quoted did not verify."""
    floor = RIVAL_SHARE * readings[0].probability if readings else 0.0
    kept = {id(reading) for reading in verified}
    return sum(r.probability >= floor and id(r) not in kept for r in readings)
