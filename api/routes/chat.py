"""Questions in, cited answers or passages out.

POST /v1/chat {"message": "Who was blamed for the Taji attack?", "stream": true}
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api import errors
from api.asking import Asked, Stopped
from api.auth import Caller
from api.deps import Asker, Facts, MessageId, RequestId, SearchTurn, Served, Services
from api.errors import responses
from api.schemas.answers import ChatAnswer, FoundPassage, SearchResponse
from api.schemas.events import EVENT, MEDIA_TYPE
from api.schemas.questions import ChatRequest, SearchRequest
from api.streams import HEADERS, Run
from api.watch.metrics import Metrics, observed
from rag.errors import NotFound
from rag.types import Answer, Evidence

router = APIRouter(prefix="/v1", tags=["questions"], responses=responses(422, 500, 503))

_LOOKS_UP_S = 0.5
# Any: FastAPI's own type.
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the answer, or its making as server-sent events",
        "content": {MEDIA_TYPE: {"schema": EVENT}},
    }
}


class Reply:
    """How an answer is sent in reply to a request, and what is noted of it."""

    def __init__(self, request: ChatRequest, connection: Request, metrics: Metrics) -> None:
        """Reply to `request`, which came over `connection`."""
        self._request = request
        # Without the body that the other one holds: this may be kept for minutes.
        self._connection = Request(connection.scope)
        self._metrics = metrics

    def ended(self, answer: Answer, evidence: Evidence) -> ChatAnswer:
        """Return the answer as it is sent, and note that it was given."""
        observed(answer, evidence, self._connection.state.facts, self._metrics)
        return ChatAnswer.of(answer, evidence, self._request)

    def failed(self, exc: Exception) -> BaseModel:
        """Return the problem as it is sent, and note what happened."""
        return errors.noted(self._connection, exc)


@router.post("/chat", response_model=ChatAnswer, responses=_STREAM | responses(400, 404, 413))
async def chat(
    request: ChatRequest,
    services: Served,
    caller: Asker,
    request_id: RequestId,
    connection: Request,
) -> ChatAnswer | StreamingResponse:
    """Answer a question from the archive, every citation verified; say so when it cannot.

    With `stream` the events `message.start`, `retrieval`, `citation`, `message.delta` come as the
    answer is made, then `message.end` with the answer object (or `error`) and `done`.
    """
    reply = Reply(request, connection, services.metrics)
    async with AsyncExitStack() as turn:
        async with watched(connection) as stop:
            await turn.enter_async_context(asking_turn(services, connection))
            asked = await prepared(services, request, caller, request_id, stop)
            if not request.stream:
                answer = await run_in_threadpool(services.desk.complete, asked, stop=stop)
                return reply.ended(answer, asked.evidence)
        # From here on the run itself sees whether somebody reads.
        run = Run(services.desk, asked, reply)
        run.start(turn.pop_all())
    services.streams.add(run)
    return _streamed(run, after=0)


@router.get(
    "/chat/{message_id}/events",
    response_class=StreamingResponse,
    responses=_STREAM | responses(404),
)
async def resume(
    message_id: MessageId,
    services: Served,
    caller: Asker,
    last_event_id: Annotated[int, Header(ge=0, le=1_000_000)] = 0,
) -> StreamingResponse:
    """Send the events of an answer behind number `Last-Event-ID`, and make the rest of it.

    What was being written when the connection broke is written anew: the first piece then says that
    all before it is void. The last answers that were streamed can be taken up, also finished ones.
    """
    run = services.streams.get(message_id)
    if run is None or not (run.caller.key_id == caller.key_id or caller.may("admin")):
        raise _cannot_take_up(message_id)
    live = await run_in_threadpool(services.index.catalog.live_hashes, list(run.article_ids))
    # An article may have gone between the finding of its words and this.
    if live.keys() < run.article_ids:
        raise _cannot_take_up(message_id)
    await run.take_up(services.questions)
    return _streamed(run, after=last_event_id)


@router.post("/search", dependencies=[SearchTurn], responses=responses(400, 413))
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


async def prepared(
    services: Services,
    request: ChatRequest,
    caller: Caller,
    request_id: str,
    stop: threading.Event,
) -> Asked:
    """Return what the answer to `request` is made of. Raises NotFound, or Stopped."""
    return await run_in_threadpool(
        services.desk.prepare,
        request.question(),
        caller,
        now=datetime.now(UTC),
        session_id=request.session_id,
        request_id=request_id,
        stop=stop,
    )


@asynccontextmanager
async def asking_turn(services: Services, connection: Request) -> AsyncIterator[None]:
    """Hold a turn to ask. Raises Busy, or Stopped when the caller hung up while waiting for it."""
    async with services.questions.turn():
        if await connection.is_disconnected():
            raise Stopped
        yield


@asynccontextmanager
async def watched(connection: Request) -> AsyncIterator[threading.Event]:
    """Yield what is set when the caller hangs up."""
    stop = threading.Event()

    async def watch() -> None:
        while not await connection.is_disconnected():
            await asyncio.sleep(_LOOKS_UP_S)
        stop.set()

    watching = asyncio.create_task(watch())
    try:
        yield stop
    finally:
        watching.cancel()


def _cannot_take_up(message_id: str) -> NotFound:
    return NotFound(f"the stream of {message_id!r} cannot be taken up again; ask anew")


def _streamed(run: Run, *, after: int) -> StreamingResponse:
    return StreamingResponse(run.follow(after=after), media_type=MEDIA_TYPE, headers=HEADERS)
