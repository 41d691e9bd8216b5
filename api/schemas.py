"""What the API takes and gives, where it differs from the values in `rag.types`.

>>> ChatRequest(message="Who was blamed?").question().text
'Who was blamed?'

Every string is constrained, because only then does pydantic refuse lone surrogates, which neither
a store nor a tokenizer can encode.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from api.stores.sessions import Rating, SessionInfo
from ingest.pipeline import Outcome
from ingest.read import Rejected
from rag.bundle import Bundle, bundle, versions
from rag.cite import Place
from rag.types import (
    Answer,
    Article,
    ArticleMeta,
    Evidence,
    Filters,
    Hit,
    Names,
    Passage,
    Question,
    RetrievalMode,
    Scores,
    Storable,
    Turn,
    Value,
    storable,
)

MAX_QUESTION_CHARS = 4_000
_TURNS = 10
_TURN_CHARS = 4_000
QuestionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS),
    AfterValidator(storable),
]
# It is a part of addresses, where `.` and `..` mean something else.
SessionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
TitleText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(storable),
]
Reason = Annotated[Storable, StringConstraints(min_length=1, max_length=100)]
Cursor = Annotated[str, StringConstraints(max_length=2_000)]
Line = Annotated[str, StringConstraints(max_length=2_000)]


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
    def of(cls, answer: Answer, evidence: Evidence, request: ChatRequest) -> Self:
        """Return `answer` as it is sent in reply to `request`."""
        wanted = request.include
        passages = [FoundPassage.of(hit, scores="scores" in wanted) for hit in evidence.hits]
        added = {
            "passages": tuple(passages) if "passages" in wanted else None,
            "bundle": bundle(evidence, answer, versions()) if "bundle" in wanted else None,
        }
        return cls(**(dict(answer) | added))


class ArticleIn(Value):
    """One article as JSON; its strings are cleaned as those of a file are."""

    id: Line | None = Field(default=None, description="default: derived from the URL")
    title: Line | None = Field(default=None, description="default: the first sentence")
    text: Annotated[str, StringConstraints(min_length=1)]
    source: Line | None = Field(default=None, description="outlet; default: the URL's host")
    author: Line | None = None
    url: Line | None = None
    published_at: Line | StrictInt | StrictFloat | None = Field(
        default=None, description="an unambiguous date, UTC unless it says so, or epoch seconds"
    )


class UploadReport(Value):
    """What became of a file that holds several articles."""

    results: tuple[Outcome, ...]
    errors: tuple[Rejected, ...]


class DocumentFilters(Filters):
    """Filters as query parameters; `source` and `article_id` may be repeated."""

    sources: Names | None = Field(default=None, alias="source", description="any of these")
    article_ids: Names | None = Field(default=None, alias="article_id", description="any of these")

    def filters(self) -> Filters:
        """Return the filters alone."""
        return Filters(**{name: getattr(self, name) for name in Filters.model_fields})


class DocumentQuery(DocumentFilters):
    """Which articles to list."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: Cursor | None = Field(default=None, description="next_cursor of the page before")


class DeleteQuery(DocumentFilters):
    """Which articles to delete."""

    dry_run: bool = Field(default=False, description="only say what would be deleted")


class DocumentList(Value):
    """A page of the catalog, in order of id."""

    documents: tuple[ArticleMeta, ...]
    next_cursor: str | None = Field(description="null: this was the last page")


class SourceInfo(Value):
    """An outlet of the archive."""

    source: str | None = Field(description="null: of articles that name none")
    articles: int
    newest: datetime | None = Field(description="when its last article was published")


class SourceList(Value):
    """The outlets that filters can name, those with most articles first."""

    sources: tuple[SourceInfo, ...]


class PassageList(Value):
    """An article's passages, in order."""

    article_id: str
    passages: tuple[Passage, ...]


class ResolvedCitation(ArticleMeta):
    """A quotation in the version of the article that it was cited from, and what is there now."""

    id: str
    cited_text: str
    start_char_index: int
    end_char_index: int
    article_state: Literal["current", "changed"] = Field(
        description="changed: the article has another version now"
    )
    current_content_hash: str
    current_start_char_index: int | None = Field(
        description="where the same characters stand in the current version; null: nowhere"
    )

    @classmethod
    def of(cls, cited_id: str, place: Place, cited: Article, live: Article) -> Self:
        """Return the characters of `cited` at `place`, looked for in `live`, too."""
        text = cited.text[place.start : place.end]
        same = cited.content_hash == live.content_hash
        found = place.start if same else live.text.find(text)
        return cls(
            **dict(cited.meta()),
            id=cited_id,
            cited_text=text,
            start_char_index=place.start,
            end_char_index=place.end,
            article_state="current" if same else "changed",
            current_content_hash=live.content_hash,
            current_start_char_index=found if found >= 0 else None,
        )


class Deleted(Value):
    """The ids of the articles that are gone, or would be."""

    deleted: tuple[str, ...]
    dry_run: bool


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


class Health(Value):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class QueueState(Value):
    """How busy the server is with questions."""

    waiting: int = Field(description="questions that wait for a turn")
    running: int = Field(description="questions being answered")


class Readiness(Value):
    """Whether questions can be answered, and what is the matter otherwise."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str] = Field(description="ok, or what is wrong and what to do")
    queue: QueueState
    articles: int | None
    passages: int | None


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
