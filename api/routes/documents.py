"""The archive's articles: listed, read and deleted.

GET /v1/documents?source=ledger.example&order=newest&limit=10
"""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.cursors import NO_CURSOR, decoded, encoded
from api.deps import ArticleId, Facts, Served, Services, WriteTurn, without_body
from api.errors import responses
from api.schemas.documents import (
    Deleted,
    DeleteQuery,
    DocumentList,
    DocumentQuery,
    Order,
    PassageList,
    SourceInfo,
    SourceList,
)
from rag.catalog import epoch_s
from rag.errors import InputError, NotFound
from rag.index import Index
from rag.types import Article, ArticleMeta

router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=responses(422, 500, 503))
# Not below the documents: there it would hide an article of that id.
outlets = APIRouter(prefix="/v1/sources", tags=["documents"], responses=responses(500, 503))


@router.get("")
def list_documents(query: Annotated[DocumentQuery, Query()], services: Served) -> DocumentList:
    """List the articles that pass the filters, in order of id or newest first, without texts."""
    catalog, filters = services.index.catalog, query.filters()
    # One more than asked for tells whether there is a next page.
    limit = query.limit + 1
    if query.order == "newest":
        found = catalog.newest(filters, after=_dated(query.cursor), limit=limit)
    else:
        found = catalog.page(filters, after=_undated(query.cursor), limit=limit)
    documents = tuple(found[: query.limit])
    more = len(found) > query.limit
    cursor = encoded(_place(documents[-1], query.order)) if more else None
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


def _place(article: ArticleMeta, order: Order) -> str:
    if order == "id":
        return article.article_id
    # No id has a space in it, so that a cursor of one order is none of the other.
    at = article.published_at
    return f"{'' if at is None else epoch_s(at)} {article.article_id}"


def _dated(cursor: str | None) -> tuple[int | None, str] | None:
    if cursor is None:
        return None
    at, _, article_id = decoded(cursor).partition(" ")
    if not article_id or not re.fullmatch("(-?[0-9]{1,18})?", at):
        raise InputError(NO_CURSOR)
    return int(at) if at else None, article_id


def _undated(cursor: str | None) -> str | None:
    article_id = None if cursor is None else decoded(cursor)
    if article_id and " " in article_id:
        raise InputError(NO_CURSOR)
    return article_id


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
