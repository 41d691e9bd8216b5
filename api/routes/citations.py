"""A citation looked up later, by the id that every answer gives it.

GET /v1/citations/cit_bridge.0e3ff56d53bc.41-94
"""

from fastapi import APIRouter

from api.deps import CitationId, Served
from api.errors import responses
from api.schemas.documents import ResolvedCitation
from rag.cite import place_of
from rag.errors import InputError, NotFound

router = APIRouter(
    prefix="/v1/citations", tags=["questions"], responses=responses(404, 422, 500, 503)
)


@router.get("/{citation_id}")
def resolve(citation_id: CitationId, services: Served) -> ResolvedCitation:
    """Return the quoted characters and whether the article says them still.

    Nothing is stored for a citation: its id names the version and the characters. Of a deleted
    article no version is kept, so that its citations are not found.
    """
    place = place_of(citation_id)
    if place is None:
        raise InputError(f"{citation_id!r} is no citation id: cit_ARTICLE.VERSION.START-END")
    live = services.index.catalog.get(place.article_id)
    if live is None:
        raise NotFound(f"the archive has no article {place.article_id!r}, or has it no more")
    cited = services.index.catalog.version(place.article_id, place.hash_prefix)
    if cited is None or place.end > len(cited.text):
        raise NotFound(f"no version of article {place.article_id!r} has this quotation")
    return ResolvedCitation.of(citation_id, place, cited, live)
