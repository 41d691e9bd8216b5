"""An answer with all that it was made of, as one JSON value, and what became of it since.

>>> old = bundle(evidence, answer, versions())
>>> new = bundle(*again, versions())
>>> compare(old, new, index.catalog.live_hashes(list(old.articles))).same_answer
True

A bundle holds the words of the passages, so it can be read and checked where the archive is not.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Literal

from pydantic import Field, computed_field

from rag.types import Answer, Citation, Evidence, Hit, Question, Reading, UtcTime, Value

# More would be the hundreds of sentences that were read and do not answer.
MOST_READINGS = 10


class Versions(Value):
    """What an answer was made with, besides the index."""

    dateline: str
    models: dict[str, str] = Field(description="name -> sha256, as the cards in rag/models say")


class BestReading(Value):
    """A `Reading` whose hit is named, not repeated; offsets are into that passage's text."""

    passage_id: str
    start: int
    end: int
    answer_start: int
    answer_end: int
    probability: float
    answer: str


class Bundle(Value):
    """Everything that asking again needs, and everything to compare with."""

    object: Literal["dateline.bundle"] = "dateline.bundle"
    format_version: Literal[1] = 1
    question: Question
    now: UtcTime
    standalone_question: str
    index_fingerprint: str
    versions: Versions
    hits: tuple[Hit, ...] = Field(description="the passages that were read, with their scores")
    readings: tuple[BestReading, ...] = Field(description="most probable first")
    articles: dict[str, str] = Field(description="article id -> content hash of what was read")
    answer: Answer


class Change(Value):
    """A value then and now; None where there was none."""

    old: str | None
    new: str | None


class Quote(Value):
    """A quotation and the article that it is from."""

    article_id: str
    cited_text: str


class Changes(Value):
    """What is different when a bundle's question is asked again.

    `same_answer` says that status, words and quotations are the same; confidence, other passages
    and other models alone do not make another answer.
    """

    question: str
    answer: dict[str, Change] = Field(description="what the answer says otherwise, by field")
    confidence_delta: float = Field(description="new minus old, -1 to 1")
    citations_gone: tuple[Quote, ...]
    citations_new: tuple[Quote, ...]
    citations_moved: tuple[Quote, ...] = Field(description="same words, elsewhere in the article")
    articles_changed: tuple[str, ...] = Field(description="ids: they have another version now")
    articles_gone: tuple[str, ...] = Field(description="ids: they are not in the archive any more")
    passages_lost: tuple[str, ...] = Field(description="ids: read then, not now")
    passages_found: tuple[str, ...] = Field(description="ids: read now, not then")
    made_with: dict[str, Change] = Field(description="index, program, models that are others")

    @computed_field  # type: ignore[prop-decorator] # pydantic's documented form
    @property
    def same_answer(self) -> bool:
        """Whether a reader is told the same."""
        return not (self.answer or self.citations_gone or self.citations_new)


@lru_cache(maxsize=1)
def versions() -> Versions:
    """Return what this installation answers with."""
    # Here, because who only reads bundles, as a client does, needs no models.
    from rag.onnx import MODELS

    return Versions(
        dateline=version("dateline"),
        models={path.stem: _sha256(path.stem) for path in sorted(MODELS.glob("*.json"))},
    )


def bundle(evidence: Evidence, answer: Answer, made_with: Versions) -> Bundle:
    """Return `answer` with the evidence that it was made of."""
    quoted = {citation.article_id: citation.content_hash for citation in answer.citations}
    return Bundle(
        question=evidence.question,
        now=answer.created_at,
        standalone_question=evidence.standalone_question,
        index_fingerprint=answer.index_fingerprint,
        versions=made_with,
        hits=evidence.hits,
        readings=tuple(_best(reading) for reading in evidence.readings[:MOST_READINGS]),
        articles=quoted | {h.article.article_id: h.article.content_hash for h in evidence.hits},
        answer=answer,
    )


def compare(old: Bundle, new: Bundle, live: Mapping[str, str]) -> Changes:
    """Return what changed from `old` to `new`, two bundles of one question.

    `live`: article id -> content hash of the live version, of all of `old.articles` that have one.
    """
    gone, added, moved = _citations(old.answer.citations, new.answer.citations)
    lost, found = _only_in_one(_passages(old), _passages(new))
    names = ("answer_status", "abstain_reason", "short_answer", "answer")
    return Changes(
        question=old.question.text,
        answer=_changes({n: (getattr(old.answer, n), getattr(new.answer, n)) for n in names}),
        confidence_delta=round(new.answer.confidence - old.answer.confidence, 6),
        citations_gone=gone,
        citations_new=added,
        citations_moved=moved,
        articles_changed=tuple(a for a, was in old.articles.items() if live.get(a, was) != was),
        articles_gone=tuple(a for a in old.articles if a not in live),
        passages_lost=lost,
        passages_found=found,
        made_with=_made_with(old, new),
    )


def _sha256(name: str) -> str:
    """Return the hash of the model that the card is of; weights without a card have their own."""
    from rag.onnx import MODELS, load_card

    path = MODELS / f"{name}.json"
    card = load_card(path)
    return str(card.get("sha256") or hashlib.sha256(path.read_bytes()).hexdigest())


def _best(reading: Reading) -> BestReading:
    places = reading.model_dump(exclude={"hit"})
    return BestReading(passage_id=reading.hit.passage.passage_id, answer=reading.answer, **places)


def _passages(one: Bundle) -> list[str]:
    return [hit.passage.passage_id for hit in one.hits]


def _only_in_one(old: Sequence[str], new: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(x for x in old if x not in new), tuple(x for x in new if x not in old)


def _citations(
    old: Iterable[Citation], new: Iterable[Citation]
) -> tuple[tuple[Quote, ...], tuple[Quote, ...], tuple[Quote, ...]]:
    """Return the quotations that are gone, new, and in both but at another place or version."""
    was, now = _places(old), _places(new)
    return (
        tuple(quote for quote in was if quote not in now),
        tuple(quote for quote in now if quote not in was),
        tuple(quote for quote in was if quote in now and was[quote] != now[quote]),
    )


def _places(citations: Iterable[Citation]) -> dict[Quote, str]:
    """Return quotation -> its id, which names the version and the offsets."""
    return {Quote(article_id=c.article_id, cited_text=c.cited_text): c.id for c in citations}


def _made_with(old: Bundle, new: Bundle) -> dict[str, Change]:
    was, now = old.versions.models, new.versions.models
    return _changes(
        {
            "standalone_question": (old.standalone_question, new.standalone_question),
            "written_by": (old.answer.model, new.answer.model),
            "index_fingerprint": (old.index_fingerprint, new.index_fingerprint),
            "dateline": (old.versions.dateline, new.versions.dateline),
            **{f"models.{name}": (was.get(name), now.get(name)) for name in sorted({*was, *now})},
        }
    )


def _changes(pairs: Mapping[str, tuple[str | None, str | None]]) -> dict[str, Change]:
    """Return the pairs whose two values differ."""
    return {name: Change(old=old, new=new) for name, (old, new) in pairs.items() if old != new}
