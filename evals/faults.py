"""Dateline broken on purpose: each fault names the metric that must fall.

>>> with faults(intact, settings, [SAMPLE_CORPUS]) as broken:
...     [fault.name for fault in broken][:2]
['retriever shuffled', 'half the index missing']

Two kinds of answers are broken: ours, which quote, so that a changed word is a misquotation; and
the same as plain sentences, as a language model would write, where only the judge can tell.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from evals.archive import library
from evals.mutations import (
    PLAIN_EDITS,
    Change,
    each_claim,
    in_plain_words,
    of_another_speaker,
    of_the_next_sentence,
    other_numbers,
    with_edit,
    with_wrong_offsets,
    without_denial,
    without_last_citation,
)
from evals.targets import Library, Reply, System, Target
from ingest.pipeline import Pipeline
from ingest.read import read
from ingest.split import Splitter
from rag.answer import Answerer
from rag.index import Index
from rag.retrieve import CANDIDATES, Retriever
from rag.settings import Settings
from rag.types import Article, Filters, Hit, Question
from rag.wiring import build_reader

_SEED = 5
Ask = Callable[[Question, bool], Reply]


class Broken:
    """A target that is `intact` in all but how it answers, and says that it is."""

    def __init__(self, intact: Target, ask: Ask) -> None:
        """Answer with `ask`; show the articles of `intact`."""
        self._intact = intact
        self._ask = ask

    def ask(self, question: Question, *, insist: bool) -> Reply:
        """Return the reply of what is broken."""
        return self._ask(question, insist)

    def article(self, article_id: str) -> Article | None:
        """Return the article as it is."""
        return self._intact.article(article_id)

    def system(self) -> System:
        """Return what answers, as if nothing were wrong with it."""
        return self._intact.system()


class Shuffled(Retriever):
    """Finds what the retriever finds, in any order."""

    def retrieve(
        self, question: Question, *, text: str | None = None, now: datetime | None = None
    ) -> list[Hit]:
        """Return as many hits as asked for, drawn from all candidates."""
        wide = question.model_copy(update={"top_k": CANDIDATES})
        hits = super().retrieve(wide, text=text, now=now)
        random.Random(question.text).shuffle(hits)  # noqa: S311 - not for secrets
        return hits[: question.top_k]


class Fault(NamedTuple):
    """What is broken, and the metric that must say so."""

    name: str
    metric: str
    target: Target
    plain: bool = False
    in_answers: bool = True


def remembering(target: Target) -> Target:
    """Return a target that asks each question once: to change an answer takes no second one."""
    replies: dict[tuple[Question, bool], Reply] = {}

    def ask(question: Question, insist: bool) -> Reply:
        key = (question, insist)
        if key not in replies:
            replies[key] = target.ask(question, insist=insist)
        return replies[key]

    return Broken(target, ask)


def edited(target: Target, change: Change) -> Target:
    """Return a target whose answers are changed before anybody sees them; refusals are not."""

    def ask(question: Question, insist: bool) -> Reply:
        reply = target.ask(question, insist=insist)
        if reply.answer.answer_status == "no_answer":
            return reply
        return reply.model_copy(update={"answer": change(reply.answer, target.article)})

    return Broken(target, ask)


def never_refusing(target: Target) -> Target:
    """Return a target without a threshold."""

    def ask(question: Question, insist: bool) -> Reply:
        sure = question.model_copy(update={"min_confidence": 0.0})
        return target.ask(sure, insist=insist)

    return Broken(target, ask)


@contextmanager
def faults(
    intact: Library, settings: Settings, corpus: Sequence[Path], *, known: Target | None = None
) -> Iterator[list[Fault]]:
    """Yield every fault of an archive of `corpus`; `intact` answers as it should.

    Args: known: `intact`, which was asked before and remembers.
    """
    known = known or remembering(intact)
    plain = edited(known, in_plain_words)
    with (
        library(read(corpus), settings=settings, now=intact.now) as halved,
        library(read(corpus), settings=settings, now=intact.now) as outdated,
    ):
        _halve(halved.index)
        _outdate(outdated.index, settings)
        yield [
            Fault("retriever shuffled", "mrr_at_8", _shuffled(intact, settings), in_answers=False),
            Fault("half the index missing", "hit_at_5", _asking(intact, halved), in_answers=False),
            Fault("abstention off", "false_answer_rate", never_refusing(intact), in_answers=False),
            Fault(
                "stale version answered",
                "citations_verified",
                _asking(intact, outdated),
                in_answers=False,
            ),
            Fault("offsets off by three", "citations_verified", edited(known, with_wrong_offsets)),
            Fault("citations moved", "citation_recall", edited(known, of_the_next_sentence)),
            Fault("last citation lost", "unsupported_rate", edited(known, without_last_citation)),
            Fault("speaker swapped", "attribution_right", edited(known, of_another_speaker)),
            Fault("numbers altered", "quotes_exact", edited(known, each_claim(other_numbers))),
            Fault("negation dropped", "quotes_exact", edited(known, each_claim(without_denial))),
            *(
                Fault(f"plain: {kind}", "faithfulness", edited(plain, with_edit(kind)), plain=True)
                for kind in PLAIN_EDITS
            ),
        ]


def _shuffled(intact: Library, settings: Settings) -> Library:
    reader = build_reader(intact.index, threads=settings.threads)
    answerer = Answerer(intact.index, Shuffled(intact.index), reader)
    return Library(answerer, intact.index, now=intact.now)


def _halve(index: Index) -> None:
    known = sorted(index.catalog.matching(Filters()))
    rng = random.Random(_SEED)  # noqa: S311 - not for secrets
    index.delete(rng.sample(known, len(known) // 2))


def _outdate(index: Index, settings: Settings) -> None:
    """Put in place of each article the version that had its figures wrong."""
    pipeline = Pipeline(index, Splitter(settings.passage_tokens))
    for batch in list(index.catalog.staged("live")):
        for staged in batch:
            known = staged.article
            fields = known.model_dump(exclude={"content_hash", "text"})
            pipeline.put(Article.create(text=other_numbers(known.text), **fields))


def _asking(intact: Target, answering: Target) -> Target:
    """Return a target that answers with one archive and shows the articles of the other."""

    def ask(question: Question, insist: bool) -> Reply:
        return answering.ask(question, insist=insist)

    return Broken(intact, ask)
