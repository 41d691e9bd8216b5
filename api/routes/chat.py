"""Questions in, cited answers or passages out.

POST /v1/chat {"message": "Who was blamed for the Taji attack?"}
"""

from datetime import UTC, datetime

from fastapi import APIRouter

from api.deps import Facts, RequestId, Served
from api.errors import responses
from api.metrics import observed
from api.schemas import ChatAnswer, ChatRequest, FoundPassage, SearchRequest, SearchResponse
from rag.errors import InputError

router = APIRouter(prefix="/v1", tags=["questions"], responses=responses(400, 413, 422, 500, 503))


@router.post("/chat")
def chat(request: ChatRequest, services: Served, request_id: RequestId, facts: Facts) -> ChatAnswer:
    """Answer a question from the archive, every citation verified; say so when it cannot."""
    if request.stream:
        raise InputError('streaming is not available yet; send "stream": false')
    now = datetime.now(UTC)
    evidence = services.answerer.prepare(request.question(), now=now)
    answer = services.answerer.complete(evidence, now=now, request_id=request_id)
    observed(answer, facts, services.metrics)
    return ChatAnswer.of(answer, evidence, request)


@router.post("/search")
def search(request: SearchRequest, services: Served, facts: Facts) -> SearchResponse:
    """Return the passages nearest to the query, best first, at most three of one article."""
    hits = services.retriever.search(
        request.query,
        k=request.k,
        filters=request.filters,
        mode=request.mode,
        now=datetime.now(UTC),
    )
    facts.update(hits=len(hits))
    return SearchResponse(hits=tuple(FoundPassage.of(hit, scores=True) for hit in hits))
