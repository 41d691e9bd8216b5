"""The HTTP API over one data directory.

>>> with TestClient(create_app(Settings(data_dir="/tmp/archive"))) as client:
...     client.get("/healthz").json()
{'status': 'ok'}
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from api import errors
from api.auth import Keys
from api.deps import open_services
from api.guards.access import Access, Policy
from api.guards.headers import SecurityHeaders
from api.guards.limits import BodyLimit
from api.guards.rates import RateLimit, Rates
from api.inprocess import inside
from api.routes import (
    chat,
    citations,
    documents,
    feedback,
    health,
    openai,
    reference,
    scrape,
    sessions,
    uploads,
    web,
)
from api.stores.sessions import Sessions
from api.watch import logs
from api.watch.metrics import Metrics
from api.watch.tracing import ServerSpans, Tracing, open_tracing
from rag.errors import ConfigurationError, DependencyError
from rag.settings import Settings

if TYPE_CHECKING:
    from api.mcp.http import Endpoint

_SWEEP_EVERY_S = 3_600.0
_HEADERS = ("Authorization", "Content-Type", "Last-Event-ID", "X-Request-ID")
# What clients of /mcp say besides.
_TOOL_HEADERS = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id")
logger = logging.getLogger("dateline.api")


def create_app(settings: Settings, tracing: Tracing | None = None) -> FastAPI:
    """Return the app. It opens the index when it starts and holds it until it stops.

    Starting raises what `open_services` raises, for instance IndexInUse; making it raises
    ConfigurationError when a limit cannot be read or an extra is missing. Without `tracing`
    traces go where the settings say.
    """

    metrics = Metrics()
    traces = tracing or open_tracing(settings)
    tools = _tools(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logs.configure()
        with open_services(settings, metrics, traces.tracer) as services:
            app.state.services = services
            app.state.keys = Keys(services.index.catalog.engine)
            app.state.inside = partial(inside, app, asyncio.get_running_loop())
            sweeping = asyncio.create_task(_sweep(services.sessions))
            try:
                async with (
                    tools.open() if tools else nullcontext(),
                    _slack_answers(app, settings),
                ):
                    yield
            finally:
                sweeping.cancel()
                await services.streams.close()
                await run_in_threadpool(traces.close)

    app = FastAPI(
        title="Dateline",
        version=version("dateline"),
        description="Cited answers over an archive of news articles.",
        lifespan=lifespan,
        # FastAPI's own pages load scripts from a CDN; `reference` serves both without.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    errors.install(app)
    _let_in(app)
    if settings.slack_signing_secret is not None:
        _let_slack_in(app, settings)
    if tools:
        app.routes.extend(tools.routes)
    _guard(app, settings, metrics, traces)
    return app


def _let_in(app: FastAPI) -> None:
    """Add the routes that are always there."""
    refusals = (401, 403, 421, 429)
    for router in (citations.router, documents.router, documents.outlets):
        app.include_router(router, responses=errors.responses(*refusals))
    for module in (chat, sessions, feedback, uploads):  # those that read a body
        app.include_router(module.router, responses=errors.responses(*refusals, 408))
    app.include_router(openai.router, responses=errors.enveloped_responses(*refusals))
    for module in (health, reference, scrape, web):
        app.include_router(module.router)


def _let_slack_in(app: FastAPI, settings: Settings) -> None:
    try:
        from api.routes import slack
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"DATELINE_SLACK_SIGNING_SECRET is set, but there is no {exc.name}: "
            "pip install 'dateline[slack]'"
        ) from exc
    for router in slack.routers(settings):
        app.include_router(router)


@asynccontextmanager
async def _slack_answers(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    if settings.slack_signing_secret is None:
        yield
        return
    from api.routes import slack

    async with slack.answering(app, settings):
        yield


def _tools(settings: Settings) -> "Endpoint | None":
    """Return what serves tools to other agents, where that is wanted; raises ConfigurationError."""
    if not settings.mcp:
        return None
    try:
        # Here, because the protocol's SDK takes a second to import.
        from api.mcp.http import Endpoint
    except ImportError as exc:
        raise ConfigurationError(
            "DATELINE_MCP is set, but the extra for it is not installed: "
            "pip install 'dateline[mcp]'"
        ) from exc
    return Endpoint(settings.max_body_bytes)


async def _sweep(sessions: Sessions) -> None:
    """Forget what is too old, now and every hour."""
    while True:
        try:
            await run_in_threadpool(sessions.sweep, datetime.now(UTC))
        except DependencyError as exc:
            logger.warning("old conversations are not swept: %s", exc)
        await asyncio.sleep(_SWEEP_EVERY_S)


def _guard(app: FastAPI, settings: Settings, metrics: Metrics, traces: Tracing) -> None:
    """Put what every request passes before `app`; the last one added is the first to see it."""
    policy = Policy(settings.auth, settings.allowed_hosts, settings.cors_origins)
    timeout_s = settings.body_timeout_s
    app.add_middleware(BodyLimit, limit_bytes=settings.max_body_bytes, timeout_s=timeout_s)
    app.add_middleware(RateLimit, rates=Rates.of(settings.rate_limit))
    app.add_middleware(Access, policy=policy)
    if settings.cors_origins:
        # Outside of Access, so that a page of theirs can read why it was refused.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(*_HEADERS, *(_TOOL_HEADERS if settings.mcp else ())),
            expose_headers=("X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After"),
        )
    app.add_middleware(logs.RequestLog, metrics=metrics)
    # Outside of the log, whose lines name the trace.
    app.add_middleware(ServerSpans, tracer=traces.tracer)
    app.add_middleware(SecurityHeaders)
