"""The archive's articles: listed, read and deleted.

GET /v1/documents?source=ledger.example&limit=10
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.cursors import decoded, encoded
from api.deps import ArticleId, Facts, Served, Services, WriteTurn, without_body
from api.errors import responses
from api.schemas import (
    Deleted,
    DeleteQuery,
    DocumentList,
    DocumentQuery,
    PassageList,
    SourceInfo,
    SourceList,
)
from rag.errors import InputError, NotFound
from rag.index import Index
from rag.types import Article

router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=responses(422, 500, 503))
# Not below the documents: there it would hide an article of that id.
outlets = APIRouter(prefix="/v1/sources", tags=["documents"], responses=responses(500, 503))


@router.get("")
def list_documents(query: Annotated[DocumentQuery, Query()], services: Served) -> DocumentList:
    """List the articles that pass the filters, in order of id, without their texts."""
    after = None if query.cursor is None else decoded(query.cursor)
    # One more than asked for tells whether there is a next page.
    found = services.index.catalog.page(query.filters(), after=after, limit=query.limit + 1)
    documents = tuple(found[: query.limit])
    more = len(found) > query.limit
    cursor = encoded(documents[-1].article_id) if more else None
    return DocumentList(documents=documents, next_cursor=cursor)


@outlets.get("")
def sources(services: Served) -> SourceList:
    """List the outlets with their numbers of articles, most articles first."""
    found = services.index.catalog.sources()
    return SourceList(sources=tuple(SourceInfo(**one._asdict()) for one in found))


@router.get("/{article_id}", responses=responses(404))
def get(article_id: ArticleId, services: Served) -> Article:
    """Return the article with the text that all offsets refer to."""
    return _existing(services.index, article_id)


@router.get("/{article_id}/passages", responses=responses(404))
def passages(article_id: ArticleId, services: Served) -> PassageList:
    """Return the article's passages in order."""
    _existing(services.index, article_id)
    found = services.index.catalog.passages_of(article_id)
    return PassageList(article_id=article_id, passages=tuple(found))


@router.delete("/{article_id}", responses=responses(404), dependencies=[WriteTurn])
def delete(article_id: ArticleId, services: Served) -> Deleted:
    """Delete the article with its vectors and BM25 rows; it answers no more."""
    deleted = _deleted(services, [article_id])
    if not deleted:
        raise _no_such(article_id)
    return Deleted(deleted=tuple(deleted), dry_run=False)


@router.delete("", dependencies=[Depends(without_body), WriteTurn])
def delete_matching(
    query: Annotated[DeleteQuery, Query()], services: Served, facts: Facts
) -> Deleted:
    """Delete all articles that pass the filters, of which there must be one at least.

    The same parameters in GET list them first, and so does `dry_run`.
    """
    filters = query.filters()
    if filters.is_empty():
        raise InputError("no filter is given; this would delete every article")
    ids = services.index.catalog.matching(filters)
    if not query.dry_run:
        ids = _deleted(services, ids)
        facts.update(deleted=len(ids))
    return Deleted(deleted=tuple(sorted(ids)), dry_run=query.dry_run)


def _deleted(services: Services, ids: list[str]) -> list[str]:
    """Delete these articles, and their words in answers that were given; return those there were.

    Before, so that nothing is left if this is interrupted and asked for again; and behind, for what
    was answered meanwhile.
    """
    _forget(services, ids)
    deleted = services.index.delete(ids)
    _forget(services, ids)
    return deleted


def _forget(services: Services, ids: list[str]) -> None:
    services.sessions.forget_articles(ids)
    services.streams.forget_articles(ids)


def _existing(index: Index, article_id: str) -> Article:
    article = index.catalog.get(article_id)
    if article is None:
        raise _no_such(article_id)
    return article


def _no_such(article_id: str) -> NotFound:
    return NotFound(f"no article has the id {article_id!r}")
