"""What comes back: passages, and the answer object as it is sent.

>>> SearchResponse(hits=()).model_dump()
{'hits': ()}

Apart from `questions`, because a client reads these and checks none of those.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import Field

from rag.bundle import Bundle, bundle, versions
from rag.types import Answer, Evidence, Hit, Scores, Value

if TYPE_CHECKING:
    from api.schemas.questions import ChatRequest


class FoundPassage(Value):
    """A passage that was found; `article.text[start_char_index:end_char_index] == text`."""

    article_id: str
    passage_id: str
    title: str
    url: str | None
    source: str | None
    published_at: datetime | None
    text: str
    start_char_index: int
    end_char_index: int
    score: float = Field(description="scores.fused: decides the order, 0 and up")
    scores: Scores | None

    @classmethod
    def of(cls, hit: Hit, *, scores: bool) -> Self:
        """Return `hit` flat, with or without where its rank comes from."""
        return cls(
            **hit.article.model_dump(include={"title", "url", "source", "published_at"}),
            **hit.passage.model_dump(exclude={"content_hash", "position"}),
            score=hit.scores.fused,
            scores=hit.scores if scores else None,
        )


class SearchResponse(Value):
    """Best first."""

    hits: tuple[FoundPassage, ...]


class ChatAnswer(Answer):
    """The answer object; `passages` are those that were read, when they were asked for."""

    # The API has one shape of a found passage, the answer inside has whole hits.
    passages: tuple[FoundPassage, ...] | None = None  # type: ignore[assignment]
    bundle: Bundle | None = Field(
        default=None, description="what `dateline replay` reads, when it was asked for"
    )

    @classmethod
    def of(cls, answer: Answer, evidence: Evidence, request: "ChatRequest") -> Self:
        """Return `answer` as it is sent in reply to `request`."""
        wanted = request.include
        passages = [FoundPassage.of(hit, scores="scores" in wanted) for hit in evidence.hits]
        added = {
            "passages": tuple(passages) if "passages" in wanted else None,
            "bundle": bundle(evidence, answer, versions()) if "bundle" in wanted else None,
        }
        return cls(**(dict(answer) | added))
