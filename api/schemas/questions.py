"""What is asked: questions, with how to look for passages; what comes back is in `answers`.

>>> ChatRequest(message="Who was blamed?").question().text
'Who was blamed?'

Every string is constrained, because only then does pydantic refuse lone surrogates, which neither
a store nor a tokenizer can encode.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.schemas.sessions import SessionName
from rag.types import Filters, Question, RetrievalMode, Storable, Turn, Value, storable

MAX_QUESTION_CHARS = 4_000
_TURNS = 10
_TURN_CHARS = 4_000
QuestionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS),
    AfterValidator(storable),
]


class Message(Value):
    """One message of a conversation."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[Storable, StringConstraints(max_length=100_000)]


class Retrieval(Value):
    """How to look for passages, and from which confidence on to answer."""

    mode: RetrievalMode = "hybrid"
    top_k: int = Field(default=8, ge=1, le=50, description="passages to read")
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, description="null: the calibrated default; 0: always answer"
    )


class ChatRequest(Value):
    """A question as `message`, or a conversation as `messages` whose last user message it is."""

    message: QuestionText | None = None
    messages: tuple[Message, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="system messages, and whatever follows the last user message, are not used",
    )
    session_id: SessionName | None = Field(
        default=None, description="of POST /v1/sessions; its questions complete this one"
    )
    stream: bool = False
    filters: Filters = Filters()
    retrieval: Retrieval = Retrieval()
    include: tuple[Literal["passages", "scores", "bundle"], ...] = Field(
        default=(),
        max_length=3,
        description="passages: those read; scores: with their scores; bundle: all, to ask again",
    )

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.message is None) == (self.messages is None):
            raise ValueError("send either message or messages")
        asked = self._asked().strip()
        if not 1 <= len(asked) <= MAX_QUESTION_CHARS:
            raise ValueError(
                f"the last user message must have 1 to {MAX_QUESTION_CHARS:,} characters, "
                f"found {len(asked):,}"
            )
        return self

    def question(self) -> Question:
        """Return the question with the turns before it."""
        return Question(
            text=self._asked().strip(),
            history=_turns(self.messages or ()),
            filters=self.filters,
            mode=self.retrieval.mode,
            top_k=self.retrieval.top_k,
            min_confidence=self.retrieval.min_confidence,
        )

    def _asked(self) -> str:
        if self.message is not None:
            return self.message
        said = [m.content for m in self.messages or () if m.role == "user"]
        return said[-1] if said else ""


class SearchRequest(Value):
    """Passages wanted, without an answer."""

    query: QuestionText
    k: int = Field(default=8, ge=1, le=100, description="passages at most")
    filters: Filters = Filters()
    mode: RetrievalMode = "hybrid"


def _turns(messages: Sequence[Message]) -> tuple[Turn, ...]:
    """Return the questions before the last one, each with the answer that followed it.

    Only as many and as much of each as a follow-up is completed from: all is kept.
    """
    turns: list[Turn] = []
    for message in messages:
        said = message.content[:_TURN_CHARS]
        if message.role == "user":
            turns.append(Turn(question=said))
        elif message.role == "assistant" and turns and turns[-1].answer is None:
            turns[-1] = Turn(question=turns[-1].question, answer=said)
    return tuple(turns[:-1][-_TURNS:])
