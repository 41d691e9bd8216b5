"""Whether questions can be answered, found out once for all who ask within two seconds.

>>> probe = Probe(index)
>>> (await probe.state()).checks["vectors"]
'ok'

Anybody may ask as often as they like, and finding out costs as much as a search.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from rag.catalog import Counts
from rag.errors import ConfigurationError, DependencyError
from rag.index import Index

KEPT_S = 2.0

logger = logging.getLogger("dateline.api")

# Said instead of the error's message, which may name hosts: anybody may ask.
_REMEDIES = {
    "catalog": "does not answer; see that the database runs and that its disk has room",
    "vectors": "cannot be read; stop the server, run `dateline check --repair`",
    "bm25": "cannot be read; stop the server, run `dateline check --repair`",
    "models": "cannot be run; see that there is memory left, then install Dateline anew",
    "fingerprint": "cannot be read; see the catalog",
}


class State(NamedTuple):
    """What each part said, "ok" or what is wrong, and how much the catalog holds if it answers."""

    checks: dict[str, str]
    counts: Counts | None


class Probe:
    """Asks every store and model for a sign of life; used from one event loop."""

    def __init__(self, index: Index) -> None:
        """Ask the parts of `index`."""
        self._index = index
        self._asking = asyncio.Lock()
        self._known: tuple[float, State] | None = None

    async def state(self) -> State:
        """Return how it is, or was at most two seconds ago."""
        # One at a time: whoever waits is given what was found meanwhile, and takes no thread.
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] >= KEPT_S:
                found = await run_in_threadpool(_found, self._index)
                self._known = (time.monotonic(), found)
            return self._known[1]


def _found(index: Index) -> State:
    catalog = _said("catalog", index.catalog.ping)
    counts: Counts | None = None
    if catalog == "ok":
        # Once: in a large archive the counting takes longest.
        try:
            counts = index.catalog.counts()
        except DependencyError as exc:
            catalog = _broken("catalog", exc)
    checks = {
        "catalog": catalog,
        "vectors": _said("vectors", lambda: _missing(index, counts, index.vectors_stored)),
        "bm25": _said("bm25", lambda: _missing(index, counts, index.lexical.count)),
        "models": _said("models", lambda: _runs(index)),
        "fingerprint": _said("fingerprint", lambda: _stamped(index)),
    }
    return State(checks, counts)


def _said(name: str, check: Callable[[], str | None]) -> str:
    """Return "ok", or what is wrong with `name` and what to do."""
    try:
        return check() or "ok"
    except ConfigurationError as exc:
        return str(exc)
    except Exception as exc:  # a probe must report whatever is broken
        return _broken(name, exc)


def _broken(name: str, exc: Exception) -> str:
    logger.error("not ready: %s: %s: %s", name, type(exc).__name__, exc)
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


def _stamped(index: Index) -> str | None:
    # Only read: a probe that stamped an index would hide that it was not stamped.
    return None if index.is_ours() else "is missing; restart the server"
