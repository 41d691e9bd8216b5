"""What a route may ask for: the services behind the API, and the facts of its request.

>>> def search(body: SearchRequest, services: Served) -> SearchResponse: ...
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from api.auth import ANONYMOUS, Caller
from api.metrics import Metrics
from ingest.pipeline import Pipeline
from ingest.split import Splitter
from rag.answer import Answerer
from rag.errors import InputError
from rag.index import Index
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.wiring import build_answerer, open_index


@dataclass(frozen=True)
class Services:
    """Everything that outlives a request."""

    index: Index
    retriever: Retriever
    answerer: Answerer
    pipeline: Pipeline
    metrics: Metrics


@contextmanager
def open_services(settings: Settings, metrics: Metrics) -> Iterator[Services]:
    """Hold the data directory and yield what serves it, interrupted writes finished.

    Raises: IndexInUse, FingerprintMismatch, ConfigurationError, DependencyError.
    """
    with open_index(settings) as index:
        index.recover()
        metrics.watch(index)
        yield Services(
            index=index,
            retriever=Retriever(index),
            answerer=build_answerer(index, threads=settings.threads, settings=settings),
            pipeline=Pipeline(index, Splitter(settings.passage_tokens)),
            metrics=metrics,
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


async def _caller(request: Request) -> Caller:
    caller: Caller = getattr(request.state, "caller", ANONYMOUS)
    return caller


async def without_body(request: Request) -> None:
    """Refuse a body, where a filter that was put there in vain would delete too much."""
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise InputError("this request takes query parameters and no body; put the filters there")


Served = Annotated[Services, Depends(_services)]
RequestId = Annotated[str, Depends(_request_id)]
Asker = Annotated[Caller, Depends(_caller)]
Facts = Annotated[dict[str, object], Depends(_facts)]
# Constrained so that pydantic refuses what no store can encode.
ArticleId = Annotated[str, Path(max_length=200, pattern=r"^[^\s:/?#\x00]+$")]
CitationId = Annotated[str, Path(max_length=300, pattern=r"^cit_[^\s:/?#\x00]+$")]
