"""What a tool gives back as values: a part of the answer object, passages, a part of an article.

>>> ArticlePart.of(article, start=0, max_chars=6_000).next_start is None
True

Their size is bounded: an agent pays for each character that it reads.
"""

from typing import Self

from pydantic import Field

from rag.types import (
    AbstainReason,
    Account,
    Answer,
    AnswerStatus,
    Article,
    ArticleMeta,
    Citation,
    Value,
)


class Answered(Value):
    """The answer object without what an agent has no use for; fields mean the same everywhere."""

    id: str
    session_id: str | None
    answer: str = Field(description="cites its quotations as [1], [2]")
    short_answer: str | None
    answer_status: AnswerStatus = Field(
        description="no_answer: the archive does not hold it; conflicting: the articles disagree; "
        "partial: not all of it could be verified"
    )
    abstain_reason: AbstainReason | None
    confidence: float = Field(ge=0, le=1)
    standalone_question: str = Field(description="the question as it was understood")
    citations: tuple[Citation, ...] = Field(
        description="cited_text stands, letter by letter, in the article between the two indexes"
    )
    accounts: tuple[Account, ...] = Field(description="the sides, where the articles disagree")
    note: str | None

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Return what an agent needs of `answer`."""
        return cls(**{name: getattr(answer, name) for name in cls.model_fields})


class ArticlePart(ArticleMeta):
    """An article, and so much of its text as was asked for."""

    text: str = Field(description="the article's text from start_char_index to end_char_index")
    start_char_index: int
    end_char_index: int
    total_chars: int
    next_start: int | None = Field(description="where to read on; null: the article ends here")

    @classmethod
    def of(cls, article: Article, *, start: int, max_chars: int) -> Self:
        """Return at most `max_chars` of the article from `start`, which may lie behind its end."""
        total = len(article.text)
        start = min(start, total)
        end = min(start + max_chars, total)
        return cls(
            **dict(article.meta()),
            text=article.text[start:end],
            start_char_index=start,
            end_char_index=end,
            total_chars=total,
            next_start=end if end < total else None,
        )
