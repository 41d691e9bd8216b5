"""Whether the process is alive, and whether it can answer.

GET /readyz
"""

from collections.abc import Callable

from fastapi import APIRouter, Response

from api.deps import Served
from api.schemas import Health, Readiness
from rag.errors import DatelineError, DependencyError
from rag.index import Index

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process is alive, whatever the stores do."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready"}})
def readyz(services: Served, response: Response) -> Readiness:
    """Ask every store and model for a sign of life; 503 when one gives none."""
    index = services.index
    checks = {
        "catalog": _said(index.catalog.ping),
        "vectors": _said(lambda: _complete(index, index.vectors_stored)),
        "bm25": _said(lambda: _complete(index, index.lexical.count)),
        "models": _said(lambda: index.embedder.embed(["ready?"])),
        "fingerprint": _said(index.accept),
    }
    ready = all(said == "ok" for said in checks.values())
    response.status_code = 200 if ready else 503
    counts = index.catalog.counts() if checks["catalog"] == "ok" else None
    return Readiness(
        status="ready" if ready else "not_ready",
        checks=checks,
        articles=counts and counts.articles,
        passages=counts and counts.passages,
    )


def _said(check: Callable[[], object]) -> str:
    """Return "ok", or what `check` raised."""
    try:
        check()
    except DatelineError as exc:
        return str(exc)
    except Exception as exc:  # a probe must report whatever is broken, and only what kind it is
        return type(exc).__name__
    return "ok"


def _complete(index: Index, stored: Callable[[], int]) -> None:
    """Raise unless a store holds at least the live passages.

    They are counted before and after, because a write or a deletion may fall between the counts.
    """
    before = index.catalog.counts().passages
    held = stored()
    live = min(before, index.catalog.counts().passages)
    if held < live:
        raise DependencyError(
            f"holds {held:,} of {live:,} passages; stop the server, run `dateline check --repair`"
        )
