"""Whether the process is alive, and whether it can answer; what to do when it cannot.

GET /readyz
"""

from collections.abc import Callable

from fastapi import APIRouter, Response

from api.deps import Facts, Served
from api.schemas import Health, QueueState, Readiness
from rag.catalog import Counts
from rag.errors import ConfigurationError
from rag.index import Index

router = APIRouter(tags=["health"])

# Said instead of the error's message, which may name hosts: anybody may ask.
_REMEDIES = {
    "catalog": "does not answer; see that the database runs and that its disk has room",
    "vectors": "cannot be read; stop the server, run `dateline check --repair`",
    "bm25": "cannot be read; stop the server, run `dateline check --repair`",
    "models": "cannot be run; see that there is memory left, then install Dateline anew",
    "fingerprint": "cannot be read; see the catalog",
}


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process is alive, whatever the stores do."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready"}})
def readyz(services: Served, facts: Facts, response: Response) -> Readiness:
    """Ask every store and model for a sign of life; 503 when one gives none.

    A full queue is no reason: the turns that are taken come up again.
    """
    index = services.index
    catalog = _said("catalog", index.catalog.ping)
    # Once: in a large archive the counting takes longest.
    counts = index.catalog.counts() if catalog == "ok" else None
    checks = {
        "catalog": catalog,
        "vectors": _said("vectors", lambda: _missing(index, counts, index.vectors_stored)),
        "bm25": _said("bm25", lambda: _missing(index, counts, index.lexical.count)),
        "models": _said("models", lambda: _runs(index)),
        "fingerprint": _said("fingerprint", index.accept),
    }
    failed = [name for name, said in checks.items() if said != "ok"]
    if failed:
        response.status_code = 503
        facts.update(not_ready=failed)
    return Readiness(
        status="not_ready" if failed else "ready",
        checks=checks,
        queue=QueueState(waiting=services.questions.waiting, running=services.questions.running),
        articles=counts and counts.articles,
        passages=counts and counts.passages,
    )


def _said(name: str, check: Callable[[], str | None]) -> str:
    """Return "ok", or what is wrong with `name` and what to do."""
    try:
        return check() or "ok"
    except ConfigurationError as exc:
        return str(exc)
    except Exception as exc:  # a probe must report whatever is broken
        return f"{_REMEDIES[name]} ({type(exc).__name__})"


def _missing(index: Index, counts: Counts | None, stored: Callable[[], int]) -> str | None:
    """Return how many of the live passages a store lacks, if any."""
    if counts is None:
        return "unknown until the catalog answers"
    held = stored()
    if held >= counts.passages:
        return None
    # Some may have been deleted since they were counted.
    live = min(counts.passages, index.catalog.counts().passages)
    if held >= live:
        return None
    return f"holds {held:,} of {live:,} passages; stop the server, run `dateline check --repair`"


def _runs(index: Index) -> None:
    index.embedder.embed(["ready?"])
