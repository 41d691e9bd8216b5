"""One line of JSON for each request, and never a word of an article or a question in it.

>>> logging.getLogger("dateline.api")  # writes, for example:
{"time": "…", "request_id": "req_5c1d…", "route": "/v1/chat", "status": 200, "ms": 61.2, …}

A handler adds what is worth knowing to `request.state.facts`. An error that nobody foresaw is
logged by its class and its frames, because its message may quote what was being read.
"""

import json
import logging
import re
import secrets
import time
from datetime import UTC, datetime
from importlib.metadata import version

from fastapi import Request
from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import unexpected
from api.watch.frames import frames
from api.watch.metrics import Metrics

logger = logging.getLogger("dateline.api")

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# The SDK behind /mcp tells of every connection.
_WRITTEN = {"dateline": logging.INFO, "uvicorn": logging.INFO, "mcp": logging.WARNING}
# They warn about every odd page or font, some of them with a piece of the text.
_TALKATIVE = ("chromadb", "pypdf", "trafilatura", "htmldate", "courlan")


def configure() -> None:
    """Send our lines and uvicorn's to standard error, unless the program has its own handlers."""
    logging.getLogger("dateline").setLevel(logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name, level in _WRITTEN.items():
        written = logging.getLogger(name)
        if not written.hasHandlers():
            written.addHandler(handler)
            written.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)


class JsonLines(logging.Formatter):
    """Writes each record as one line of JSON; of an error it tells the class and the frames."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": at, "level": record.levelname.lower()}
        if hasattr(record, "facts"):
            line |= record.facts
        else:
            line |= {"logger": record.name, "message": record.getMessage().strip()}
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            line |= {"error": type(error).__name__, "frames": frames(error)}
        return json.dumps(line)


class AnswerCut(Exception):
    """An answer that had begun cannot be finished."""


class RequestLog:
    """Gives each request its id, answers 500 to what escapes, and writes the line."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Log the requests of `app`, and count them in `metrics`."""
        self._app = app
        self._metrics = metrics
        self._version = version("dateline")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        facts: dict[str, object] = {}
        request_id = _request_id(Headers(scope=scope).get("x-request-id", ""))
        scope.setdefault("state", {}).update(request_id=request_id, facts=facts)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        self._metrics.began()
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as exc:  # the last resort: whatever it is, its caller gets a problem
            facts.update(error=type(exc).__name__, frames=frames(exc))
            if status:
                # Cuts the connection; the server would log the error itself with its message.
                raise AnswerCut(type(exc).__name__) from None
            await unexpected(Request(scope))(scope, receive, send_with_id)
        finally:
            took = time.perf_counter() - began
            self._metrics.request(scope["method"], _route(scope), status, took)
            _write(scope, status, round(took * 1_000, 1), {"dateline": self._version, **facts})


def _request_id(asked: str) -> str:
    return asked if _REQUEST_ID.fullmatch(asked) else f"req_{secrets.token_hex(8)}"


def _route(scope: Scope) -> str | None:
    """Return the template of the address, because addresses hold ids."""
    return getattr(scope.get("route"), "path", None)


def _write(scope: Scope, status: int, elapsed_ms: float, facts: dict[str, object]) -> None:
    line = {
        "request_id": scope["state"]["request_id"],
        "trace_id": _trace_id(),
        "method": scope["method"],
        "route": _route(scope),
        "status": status,
        "ms": elapsed_ms,
        "key": None,
        **facts,
    }
    level = logging.ERROR if status >= 500 or not status else logging.INFO
    logger.log(level, "%s", json.dumps(line), extra={"facts": line})


def _trace_id() -> str | None:
    """Return the id of the trace that the request belongs to, if any."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
