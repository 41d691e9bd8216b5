"""The HTTP API over one data directory.

>>> with TestClient(create_app(Settings(data_dir="/tmp/archive"))) as client:
...     client.get("/healthz").json()
{'status': 'ok'}
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from api import errors, logs
from api.deps import open_services
from api.limits import BodyLimit
from api.metrics import Metrics
from api.routes import chat, citations, documents, health, reference, scrape, uploads
from rag.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the app. It opens the index when it starts and holds it until it stops.

    Starting raises what `open_services` raises, for instance IndexInUse.
    """

    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logs.configure()
        with open_services(settings, metrics) as services:
            app.state.services = services
            yield

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
    for module in (chat, citations, documents, uploads, health, reference, scrape):
        app.include_router(module.router)
    # The last one added is the first to see a request.
    app.add_middleware(BodyLimit, limit_bytes=settings.max_body_bytes)
    app.add_middleware(logs.RequestLog, metrics=metrics)
    return app
