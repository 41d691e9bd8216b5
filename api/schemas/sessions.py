"""Conversations and opinions, as they are asked for and shown.

>>> SessionIn(id="taji").title is None
True
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from rag.types import Answer, Filters, Storable, Value, storable

# Of a longer conversation the end is shown.
MOST_MESSAGES = 200
# It is a part of addresses, where `.` and `..` mean something else.
SessionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
TitleText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(storable),
]
Reason = Annotated[Storable, StringConstraints(min_length=1, max_length=100)]
Cursor = Annotated[str, StringConstraints(max_length=2_000)]


class Rating(Value):
    """What a reader thought of an answer."""

    rating: Literal["up", "down"]
    reasons: tuple[str, ...] = ()
    comment: str | None = None
    citation_index: int | None = None


class SessionInfo(Value):
    """A conversation without what was said in it."""

    id: str
    object: Literal["session"] = "session"
    title: str | None = Field(description="by default the first question")
    created_at: datetime
    updated_at: datetime
    expires_at: datetime = Field(description="unless something is said before")


class SessionMessage(Value):
    """A question and what came of it."""

    id: str
    question: str
    filters: Filters
    created_at: datetime
    answer: Answer | None = Field(description="null: an article that it quoted was deleted")
    feedback: Rating | None


class Conversation(SessionInfo):
    """A conversation, oldest message first."""

    messages: tuple[SessionMessage, ...] = Field(description=f"the last {MOST_MESSAGES}")


class SessionTitle(Value):
    """What a conversation is called."""

    title: TitleText


class SessionIn(Value):
    """A new conversation."""

    id: SessionName | None = Field(default=None, description="default: one that nobody can guess")
    title: TitleText | None = Field(default=None, description="default: its first question")


class SessionQuery(Value):
    """Which conversations to list."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: Cursor | None = Field(default=None, description="next_cursor of the page before")


class SessionList(Value):
    """A page of conversations, last used first."""

    sessions: tuple[SessionInfo, ...]
    next_cursor: str | None = Field(description="null: this was the last page")


class FeedbackIn(Value):
    """What a reader thinks of an answer."""

    message_id: Annotated[Storable, StringConstraints(min_length=1, max_length=64)]
    rating: Literal["up", "down"]
    reasons: tuple[Reason, ...] = Field(
        default=(), max_length=10, description="such as wrong, not_cited, should_not_answer"
    )
    comment: Annotated[Storable, StringConstraints(max_length=4_000)] | None = None
    citation_index: int | None = Field(
        default=None, ge=1, description="the citation that is meant; null: the answer"
    )

    def given(self) -> Rating:
        """Return the opinion alone."""
        return Rating(**self.model_dump(exclude={"message_id"}))


class FeedbackKept(Value):
    """The opinion is kept."""

    message_id: str
    rating: Literal["up", "down"]
    created_at: datetime
