"""The values that travel between the parts: frozen, validated, without I/O.

>>> article = Article.create(title="Fire", text="A fire broke out.", source="ledger.example")
>>> article.article_id
'0e3ff56d53bca38a'

All offsets are 0-based, end exclusive, in Unicode code points of `Article.text`.
"""

import hashlib
import json
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

AnswerStatus = Literal["answered", "partial", "no_answer", "conflicting"]
AbstainReason = Literal["empty_index", "no_match", "low_confidence", "filtered_out", "unverified"]
RetrievalMode = Literal["hybrid", "dense", "bm25"]
Support = Literal["supported", "contradicted", "unsupported", "unscored"]

# Parameters that say how a reader came to a page, never which page it is.
_TRACKING = ("utm_", "fbclid", "gclid", "mc_", "cmpid", "igshid", "ref_src")


class Value(BaseModel):
    """A frozen model that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _aware(value: Any) -> Any:
    """Read an ISO date or time, UTC unless it says otherwise; other types are left to pydantic."""
    # pydantic would read 2020 and "2020" as seconds after 1970: a filter that is silently wrong.
    if isinstance(value, str | int | float):
        value = _iso(value)
    if isinstance(value, datetime):
        try:
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except OverflowError as exc:
            raise ValueError("lies outside the years 1 to 9999 in UTC") from exc
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return value


def _iso(value: str | int | float) -> datetime:
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as exc:
        raise ValueError("write it as 2020-03-13 or 2020-03-13T06:18:00Z") from exc


def _end_of_day(value: Any) -> Any:
    """As `_aware`, but a date without a time means the last second of that day."""
    bare_date = (isinstance(value, str) and len(value) == len("2020-03-13")) or (
        isinstance(value, date) and not isinstance(value, datetime)
    )
    moment = _aware(value)
    if bare_date and isinstance(moment, datetime):
        return moment.replace(hour=23, minute=59, second=59)
    return moment


UtcTime = Annotated[datetime, BeforeValidator(_aware)]
UtcTimeInclusive = Annotated[datetime, BeforeValidator(_end_of_day)]


def storable(value: str) -> str:
    """Refuse what no database stores or no tokenizer reads; JSON can hold both."""
    if "\0" in value:
        raise ValueError("holds a NUL character, which no database stores; remove it")
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise ValueError(f"is no Unicode text at character {exc.start}; remove it") from exc
    return value


Storable = Annotated[str, AfterValidator(storable)]
# Every name is a bound value in a statement, of which SQLite and Chroma take some thousands.
# The pattern also makes pydantic refuse lone surrogates, which no store can encode.
Names = Annotated[
    tuple[Annotated[str, Field(max_length=300, pattern=r"^[^\x00]+$")], ...],
    Field(max_length=1_000),
]


def canonical_url(url: str) -> str:
    """Return `url` without fragment, tracking, default port, `www.` and trailing slash."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").removeprefix("www.")
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    query = [
        (k, v)
        for k, v in parse_qsl(parts.query, keep_blank_values=True)
        if not k.lower().startswith(_TRACKING)
    ]
    path = parts.path.rstrip("/")
    return urlunsplit((parts.scheme.lower(), host + port, path, urlencode(sorted(query)), ""))


def make_article_id(
    *, url: str | None, source: str | None, title: str, published_at: datetime | None
) -> str:
    """Return the id that the same story always gets: 16 hex digits of SHA-256.

    The canonical URL decides when there is one, else outlet, headline and publication time.
    """
    when = published_at.isoformat() if published_at else ""
    basis = canonical_url(url) if url else "\n".join((source or "", title, when))
    return hashlib.sha256(basis.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class ArticleMeta(Value):
    """What a citation says about an article; everything but its text."""

    article_id: str = Field(min_length=1, max_length=200, pattern=r"^[^\s:/?#]+$")
    title: Storable
    source: Storable | None = Field(default=None, description="outlet, by default the URL's host")
    author: Storable | None = None
    url: Storable | None = None
    published_at: UtcTime | None = None
    content_hash: str = Field(description="sha256: of text and every field above")


class Article(ArticleMeta):
    """One version of one article; `text` is what all offsets refer to."""

    text: Storable

    @classmethod
    def create(
        cls,
        *,
        title: str,
        text: str,
        source: str | None = None,
        author: str | None = None,
        url: str | None = None,
        published_at: datetime | None = None,
        article_id: str | None = None,
    ) -> Self:
        """Return the article with its derived id and hash; `source` defaults to the URL's host."""
        if source is None and url:
            source = (urlsplit(url).hostname or "").removeprefix("www.") or None
        fields: dict[str, Any] = {
            "title": title,
            "source": source,
            "author": author,
            "url": url,
            "published_at": published_at and _aware(published_at).replace(microsecond=0),
        }
        identity = {k: fields[k] for k in ("url", "source", "title", "published_at")}
        return cls(
            article_id=article_id or make_article_id(**identity),
            text=text,
            content_hash=_content_hash(text=text, **fields),
            **fields,
        )

    def computed_hash(self) -> str:
        """Return the hash that the fields have now; equal to `content_hash` unless damaged."""
        names = ("title", "text", "source", "author", "url", "published_at")
        return _content_hash(**{name: getattr(self, name) for name in names})

    def meta(self) -> ArticleMeta:
        """Return the article without its text."""
        return ArticleMeta(**self.model_dump(exclude={"text"}))


def _content_hash(**fields: Any) -> str:
    canonical = json.dumps(fields, sort_keys=True, ensure_ascii=False, default=datetime.isoformat)
    return "sha256:" + hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


class Passage(Value):
    """A run of whole sentences: `article.text[start_char_index:end_char_index] == text`."""

    passage_id: str
    article_id: str
    content_hash: str
    position: int = Field(ge=0)
    start_char_index: int = Field(ge=0)
    end_char_index: int = Field(ge=0)
    text: str

    @classmethod
    def cut(cls, article: Article, position: int, start: int, end: int) -> Self:
        """Return the passage of `article` between two offsets, with its derived id."""
        short_hash = article.content_hash.removeprefix("sha256:")[:12]
        return cls(
            passage_id=f"{article.article_id}:{short_hash}:{position}",
            article_id=article.article_id,
            content_hash=article.content_hash,
            position=position,
            start_char_index=start,
            end_char_index=end,
            text=article.text[start:end],
        )


class Filters(Value):
    """Which articles may answer. An article without a date never passes a filter on dates."""

    published_after: UtcTime | None = Field(default=None, description="inclusive")
    published_before: UtcTime | None = Field(default=None, description="exclusive")
    sources: Names | None = Field(default=None, description="any of these outlets")
    article_ids: Names | None = Field(default=None, description="any of these articles")
    as_of: UtcTimeInclusive | None = Field(
        default=None, description="nothing published later; a date means its last second"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        after, before = self.published_after, self.published_before
        if after and before and after >= before:
            raise ValueError(
                f"published_after {after} is not earlier than published_before {before}"
            )
        return self

    def is_empty(self) -> bool:
        """Return whether every article passes."""
        return self == Filters()


class Scores(Value):
    """Where a hit's rank comes from; None when that leg did not find it."""

    dense: float | None = Field(default=None, description="cosine, -1 to 1, higher is closer")
    bm25: float | None = Field(default=None, description="BM25, 0 and up, higher is better")
    fused: float = Field(description="reciprocal-rank fusion, 0 and up, higher is better")
    reader: float | None = Field(default=None, description="probability that it answers, 0 to 1")


class Hit(Value):
    """A passage that was found, with its article and its scores."""

    passage: Passage
    article: ArticleMeta
    scores: Scores


class Reading(Value):
    """A sentence of a hit's passage, and the words in it that may answer the question.

    All offsets are into `hit.passage.text`; `probability`, 0 to 1, that these words answer.
    """

    hit: Hit
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    answer_start: int = Field(ge=0)
    answer_end: int = Field(ge=0)
    probability: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.start <= self.answer_start <= self.answer_end <= self.end:
            raise ValueError(f"the answer lies outside its sentence {self.start}-{self.end}")
        return self

    @property
    def text(self) -> str:
        """The sentence."""
        return self.hit.passage.text[self.start : self.end]

    @property
    def answer(self) -> str:
        """The words that answer."""
        return self.hit.passage.text[self.answer_start : self.answer_end]


class Turn(Value):
    """One earlier question of a conversation with the answer it got."""

    question: Storable
    answer: Storable | None = None


class Question(Value):
    """Everything a caller may say when asking."""

    text: str = Field(min_length=1, max_length=4_000)
    history: tuple[Turn, ...] = ()
    filters: Filters = Filters()
    mode: RetrievalMode = "hybrid"
    top_k: int = Field(default=8, ge=1, le=50, description="passages to read")
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, description="None: the calibrated default; 0: always answer"
    )


class Evidence(Value):
    """What `prepare` found out before anything is written."""

    question: Question
    standalone_question: str
    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...] = Field(description="most probable first")
    abstain_reason: AbstainReason | None
    timings_ms: dict[str, float]


class AnswerSpan(Value):
    """Which characters of `Answer.answer` a citation stands for."""

    start_index: int
    end_index: int


class Citation(Value):
    """A quote that was compared, character by character, with the stored article."""

    id: str
    index: int = Field(ge=1, description="the number shown in the answer")
    article_id: str
    passage_id: str
    title: str
    url: str | None
    source: str | None
    author: str | None
    published_at: datetime | None
    cited_text: str
    start_char_index: int
    end_char_index: int
    attributed_to: str | None = None
    answer_spans: tuple[AnswerSpan, ...]
    score: float = Field(ge=0, le=1, description="probability that the quote answers")
    support: Support
    verified: Literal[True]
    content_hash: str


class Account(Value):
    """One side of a conflict: the answer that it gives, and which citations say so."""

    claim: str = Field(description="such as “Kataib Hezbollah”")
    citations: tuple[int, ...] = Field(
        description="indexes of citations; the first is quoted for the claim"
    )


class Source(Value):
    """An article that a citation of the answer comes from."""

    article_id: str
    passages: int
    title: str
    url: str | None
    published_at: datetime | None


class Usage(Value):
    """Tokens spent on a language model; zero when none was asked."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class Verification(Value):
    """What became of each sentence that a language model wrote.

    `sentences` is the sum of the four fields after it, unscored and unsafe ones.
    """

    sentences: int = Field(ge=0)
    supported: int = Field(ge=0, description="shown, with a verified citation")
    unsupported: int = Field(ge=0, description="shown, marked as unsupported")
    contradicted_removed: int = Field(ge=0, description="removed: a passage says otherwise")
    unscored: int = Field(ge=0, description="shown, marked: nothing in it could be checked")
    unsafe_removed: int = Field(ge=0, description="removed: links, markup or repetition")
    markers_invalid: int = Field(ge=0, description="named no passage, or one that does not say it")
    quotes_dropped: int = Field(ge=0, description="not, letter for letter, in a live article")
    unsupported_spans: tuple[AnswerSpan, ...] = Field(description="marked sentences in `answer`")


class Delta(Value):
    """A piece of an answer that is being written; every sentence in it has been judged."""

    text: str
    citations: tuple[Citation, ...] = Field(
        default=(), description="those that it is first to show"
    )
    replaces: bool = Field(default=False, description="all pieces before this one are void")


class Answer(Value):
    """The answer object: the same in JSON, in a stream's last event and in `--json`."""

    id: str
    object: Literal["chat.answer"] = "chat.answer"
    session_id: str | None = None
    created_at: datetime
    model: str
    answer: str
    short_answer: str | None = None
    answer_status: AnswerStatus
    abstain_reason: AbstainReason | None = None
    confidence: float = Field(ge=0, le=1)
    standalone_question: str
    citations: tuple[Citation, ...]
    sources: tuple[Source, ...]
    accounts: tuple[Account, ...] = Field(
        default=(), description="of a conflicting answer: its sides, where they can be told apart"
    )
    passages: tuple[Hit, ...] | None = None
    usage: Usage = Usage()
    note: str | None = Field(
        default=None, description="why the language model that was asked did not write this"
    )
    verification: Verification | None = Field(
        default=None, description="of what a language model wrote; null when none was asked"
    )
    timings_ms: dict[str, float]
    index_fingerprint: str
    request_id: str
