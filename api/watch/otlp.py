"""Spans to an OpenTelemetry collector, over HTTP; needs the extra `otel`.

>>> provider = exporting("http://127.0.0.1:4318")
>>> provider.get_tracer("dateline").start_span("dateline.question").end()
>>> provider.shutdown()

They are sent from a thread of their own, and dropped when the collector does not take them.
"""

import logging
import time
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

logger = logging.getLogger("dateline.tracing")

_TIMEOUT_S = 3.0
_EVERY_MS = 1_000
_RETRY_S = 5.0


def exporting(endpoint: str) -> TracerProvider:
    """Return a provider whose spans go to the collector at `endpoint`, its base URL."""
    # Its libraries would tell of every try that failed, some with a traceback.
    for name in ("opentelemetry.exporter", "opentelemetry.sdk", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    url = f"{endpoint.rstrip('/')}/v1/traces"
    exporter = Patient(OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S))
    resource = Resource.create({SERVICE_NAME: "dateline", SERVICE_VERSION: version("dateline")})
    # Whoever holds it shuts it down; at exit there is no thread left to send anything.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS))
    return provider


class Patient(SpanExporter):
    """Says once that the collector is lost, and once that it is back.

    While it is lost it is tried every `retry_s` alone, so that stopping does not wait for each
    batch that is left.
    """

    def __init__(self, exporter: SpanExporter, *, retry_s: float = _RETRY_S) -> None:
        """Send with `exporter`."""
        self._exporter = exporter
        self._retry_s = retry_s
        self._is_lost = False
        self._retry_at = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans, or drop them."""
        if self._is_lost and time.monotonic() < self._retry_at:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        self._retry_at = time.monotonic() + self._retry_s
        is_lost = result is not SpanExportResult.SUCCESS
        if is_lost and not self._is_lost:
            logger.warning("the collector takes no spans; they are dropped until it does")
        elif self._is_lost and not is_lost:
            logger.warning("the collector takes spans again")
        self._is_lost = is_lost
        return result

    def shutdown(self) -> None:
        """Send nothing any more."""
        self._exporter.shutdown()
