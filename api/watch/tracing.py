"""One span for each HTTP request, and where all spans go.

>>> tracing = open_tracing(Settings(otlp_endpoint="http://127.0.0.1:4318"))
>>> app.add_middleware(ServerSpans, tracer=tracing.tracer)
>>> tracing.close()

The provider is the app's own, not the process's: two apps keep their traces apart, and a program
that has an OpenTelemetry of its own gets our spans as long as the settings name no collector.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import ConfigurationError
from rag.settings import Settings
from rag.stages import failed, program_tracer, within

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Tracing(NamedTuple):
    """What makes spans, and what sends those that are left before it stops."""

    tracer: Tracer
    close: Callable[[], None] = lambda: None


def open_tracing(settings: Settings) -> Tracing:
    """Return what sends spans to the collector that `settings` name.

    Raises: ConfigurationError when the extra `otel` is not installed.
    """
    if settings.otlp_endpoint is None:
        return Tracing(program_tracer())
    try:
        from api.watch.otlp import exporting
    except ImportError as exc:
        raise ConfigurationError(
            "DATELINE_OTLP_ENDPOINT is set, but the extra for it is not installed: "
            "pip install 'dateline[otel]'"
        ) from exc
    provider = exporting(settings.otlp_endpoint)
    return Tracing(provider.get_tracer("dateline", version("dateline")), provider.shutdown)


class ServerSpans:
    """Makes a span of each request, part of its caller's trace where it names one (W3C)."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        """Trace the requests of `app`."""
        self._app = app
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request inside of its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        parent = self._propagator.extract(Headers(scope=scope))
        span = self._tracer.start_span(method, context=parent, kind=SpanKind.SERVER)
        with within(span):
            try:
                await self._app(scope, receive, send_and_see)
            finally:
                _told(span, method, getattr(scope.get("route"), "path", None), status)


def _told(span: Span, method: str, route: str | None, status: int) -> None:
    """Put into `span` what is known behind a request; `route` is its template."""
    span.set_attribute("http.request.method", method)
    if route is not None:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    if status >= 500:
        failed(span, str(status))
