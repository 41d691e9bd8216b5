"""The stages of an answer: each is timed, and is a span for whoever keeps traces.

>>> timings: dict[str, float] = {}
>>> with stage("retrieve", timings, program_tracer()):
...     hits = retriever.retrieve(question, now=now)
>>> timings
{'retrieve': 5.1}

Spans hold counts and our own words, never those of a question or an article.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode, Tracer


def program_tracer() -> Tracer:
    """Return what makes spans for the OpenTelemetry of the whole program; none without one."""
    return trace.get_tracer("dateline")


@contextmanager
def stage(name: str, timings: dict[str, float], tracer: Tracer) -> Iterator[Span]:
    """Be in a stage; afterwards `timings` hold its milliseconds."""
    began = time.perf_counter()
    with within(tracer.start_span(f"dateline.{name}")) as span:
        yield span
    timings[name] = round((time.perf_counter() - began) * 1_000, 3)


@contextmanager
def within(span: Span, *, last: bool = True) -> Iterator[Span]:
    """Be inside of `span`, which ends with its last part, or with an error.

    Of the error it tells the class alone, because a message may quote what was being read.
    """
    is_over = last
    with trace.use_span(span, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as exc:
            is_over = True
            if isinstance(exc, Exception):
                failed(span, type(exc).__name__)
            raise
        finally:
            if is_over:
                span.end()


def failed(span: Span, kind: str) -> None:
    """Say in `span` that this went wrong."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", kind)
