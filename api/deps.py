"""What a route may ask for: the services behind the API, and the facts of its request.

>>> def search(body: SearchRequest, services: Served) -> SearchResponse: ...
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request
from opentelemetry.trace import Tracer

from api.asking import Desk
from api.auth import ANONYMOUS, Caller
from api.guards.admission import Admission
from api.stores.feedback import Feedback
from api.stores.sessions import Sessions
from api.streams import Streams
from api.watch.metrics import Metrics
from api.watch.readiness import Probe
from ingest.pipeline import Pipeline
from ingest.split import Splitter
from rag.errors import InputError
from rag.index import Index
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.wiring import build_answerer, open_index

_WRITES = 2


@dataclass(frozen=True)
class Services:
    """Everything that outlives a request."""

    index: Index
    retriever: Retriever
    desk: Desk
    pipeline: Pipeline
    sessions: Sessions
    feedback: Feedback
    streams: Streams
    questions: Admission
    searches: Admission
    writes: Admission
    metrics: Metrics
    probe: Probe


@contextmanager
def open_services(
    settings: Settings, metrics: Metrics, tracer: Tracer | None = None
) -> Iterator[Services]:
    """Hold the data directory and yield what serves it, interrupted writes finished.

    Raises: IndexInUse, FingerprintMismatch, ConfigurationError, DependencyError.
    """
    with open_index(settings) as index:
        index.recover()
        sessions = Sessions(index.catalog.engine, keep_days=settings.keep_days)
        answerer = build_answerer(index, threads=settings.threads, settings=settings, tracer=tracer)
        metrics.watch(index)
        # The first text takes longer than all others: no probe and no reader shall wait for it.
        index.embedder.embed(["ready?"])
        yield Services(
            index=index,
            retriever=Retriever(index),
            desk=Desk(answerer, sessions, tracer=tracer),
            pipeline=Pipeline(index, Splitter(settings.passage_tokens)),
            sessions=sessions,
            feedback=Feedback(sessions),
            streams=Streams(),
            questions=_admission(settings.concurrency, settings, metrics),
            # In the same queue a search of 10 ms would wait for answers of 200 ms and more.
            searches=_admission(settings.concurrency, settings, metrics),
            # More would wait for each other: one at a time writes to the index.
            writes=_admission(_WRITES, settings, metrics),
            metrics=metrics,
            probe=Probe(index),
        )


def _admission(running: int, settings: Settings, metrics: Metrics) -> Admission:
    return Admission(
        running=running,
        waiting=settings.queue,
        wait_s=settings.queue_wait_s,
        on_refused=metrics.refused,
    )


# Coroutines, because FastAPI sends a plain function to the thread pool, even for a look-up.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


async def _facts(request: Request) -> dict[str, object]:
    facts: dict[str, object] = request.state.facts
    return facts


async def search_turn(request: Request) -> AsyncIterator[None]:
    """Hold one of the turns in which passages are looked for. Raises Busy."""
    services: Services = request.app.state.services
    async with services.searches.turn():
        yield


async def write_turn(request: Request) -> AsyncIterator[None]:
    """Hold one of the turns in which articles are written. Raises Busy."""
    services: Services = request.app.state.services
    async with services.writes.turn():
        yield


async def _caller(request: Request) -> Caller:
    caller: Caller = getattr(request.state, "caller", ANONYMOUS)
    return caller


async def without_body(request: Request) -> None:
    """Refuse a body, where a filter that was put there in vain would delete too much."""
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise InputError("this request takes query parameters and no body; put the filters there")


# Given back before the reply is sent: a slow reader holds up nobody.
SearchTurn = Depends(search_turn, scope="function")
WriteTurn = Depends(write_turn, scope="function")
Served = Annotated[Services, Depends(_services)]
RequestId = Annotated[str, Depends(_request_id)]
Asker = Annotated[Caller, Depends(_caller)]
Facts = Annotated[dict[str, object], Depends(_facts)]
# Constrained so that pydantic refuses what no store can encode.
ArticleId = Annotated[str, Path(max_length=200, pattern=r"^[^\s:/?#\x00]+$")]
MessageId = Annotated[str, Path(max_length=64, pattern=r"^msg_[A-Za-z0-9]+$")]
SessionId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
CitationId = Annotated[str, Path(max_length=300, pattern=r"^cit_[^\s:/?#\x00]+$")]
