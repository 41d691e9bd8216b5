"""Articles on their way in and out, and quotations that are looked up again.

>>> ArticleIn(text="A fire broke out.", published_at="13 March 2020").title is None
True
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, StringConstraints

from api.schemas.sessions import Cursor
from ingest.pipeline import Outcome
from ingest.read import Rejected
from rag.cite import Place
from rag.types import Article, ArticleMeta, Filters, Names, Passage, Value

Order = Literal["id", "newest"]
Line = Annotated[str, StringConstraints(max_length=2_000)]


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
    order: Order = Field(
        default="id", description="newest: last published first, undated ones at the end"
    )


class DeleteQuery(DocumentFilters):
    """Which articles to delete."""

    dry_run: bool = Field(default=False, description="only say what would be deleted")


class DocumentList(Value):
    """A page of the catalog, in the order that was asked for."""

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
