"""What Prometheus reads at GET /metrics: each app counts in a registry of its own.

>>> metrics = Metrics()
>>> metrics.feedback("up")
>>> metrics.registry.get_sample_value("dateline_feedback_total", {"rating": "up"})
1.0

Labels hold only words that we chose ourselves: never an address, a question or an article's id.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ingest.pipeline import Outcome
from rag.index import Index
from rag.types import Answer, Evidence

STAGES = ("rewrite", "retrieve", "read", "write", "verify")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TENTHS = tuple(tenths / 10 for tenths in range(1, 11))


class Metrics:
    """Counts what one app does; safe to call from several threads."""

    def __init__(self) -> None:
        """Count from zero, with no archive behind it until `watch`."""
        self.registry = CollectorRegistry()
        self._archive = _Archive()
        self.registry.register(self._archive)
        ProcessCollector(registry=self.registry)
        self._requests()
        self._answers()
        self._queue()
        self._writes()

    def watch(self, index: Index) -> None:
        """Tell the size of `index` at each scrape from now on."""
        self._archive.index = index

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in the format that `accept` asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    # -- requests ------------------------------------------------------------------------------

    def began(self) -> None:
        """Count a request that has come in; `request` takes it off again."""
        self._in_progress.inc()

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request that is over; `route` is its template, status 0 a lost connection."""
        labels = (method if method in _METHODS else "other", route or "unmatched")
        self._in_progress.dec()
        self._request_count.labels(*labels, str(status)).inc()
        self._request_seconds.labels(*labels).observe(seconds)

    # -- answers -------------------------------------------------------------------------------

    def answered(self, answer: Answer) -> None:
        """Count an answer that was given, and what its verification took out."""
        for stage in STAGES:
            if stage in answer.timings_ms:
                self._stage_seconds.labels(stage).observe(answer.timings_ms[stage] / 1_000)
        self._answer_count.labels(answer.answer_status).inc()
        self._confidence.observe(answer.confidence)
        if answer.abstain_reason:
            self._abstentions.labels(answer.abstain_reason).inc()
        for kind, count in _failures(answer).items():
            self._verification_failures.labels(kind).inc(count)
        if answer.note:
            self._llm_fallbacks.inc()
        self._llm_tokens.labels("prompt").inc(answer.usage.prompt_tokens)
        self._llm_tokens.labels("completion").inc(answer.usage.completion_tokens)

    def feedback(self, rating: str) -> None:
        """Count a reader's judgement of an answer, "up" or "down"."""
        self._feedback.labels(rating).inc()

    # -- queue ---------------------------------------------------------------------------------

    def queued(self, *, waiting: int, running: int) -> None:
        """Say how many requests wait for a turn and how many have one now."""
        self._queue_waiting.set(waiting)
        self._queue_running.set(running)

    def refused(self) -> None:
        """Count a request that found the queue full."""
        self._queue_refused.inc()

    # -- writes --------------------------------------------------------------------------------

    def ingested(self, outcomes: Iterable[Outcome], *, rejected: int = 0) -> None:
        """Count what became of articles, and the passages written for them."""
        for outcome in outcomes:
            self._ingested.labels(outcome.status).inc()
            if outcome.status in ("created", "updated"):
                self._ingested_passages.inc(outcome.passages)
        self._ingested.labels("rejected").inc(rejected)

    # -- private -------------------------------------------------------------------------------

    def _requests(self) -> None:
        self._request_count = Counter(
            "dateline_http_requests",
            "HTTP requests answered, also those refused.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "dateline_http_request_duration_seconds",
            "Time from a request's first line to its answer's last byte.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._in_progress = self._gauge("http_requests_in_progress", "HTTP requests being served.")

    def _answers(self) -> None:
        self._stage_seconds = Histogram(
            "dateline_stage_duration_seconds",
            "Time that each stage of an answer took.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._confidence = Histogram(
            "dateline_answer_confidence",
            "Confidence of the answers given.",
            buckets=_TENTHS,
            registry=self.registry,
        )
        self._answer_count = self._counter("answers", "Answers given.", "status")
        self._abstentions = self._counter("abstentions", "Questions left unanswered.", "reason")
        self._verification_failures = self._counter(
            "verification_failures", "What verification removed from answers or marked.", "kind"
        )
        self._llm_fallbacks = self._counter("llm_fallbacks", "Answers with a note on the LLM.")
        self._llm_tokens = self._counter("llm_tokens", "Tokens of the language model.", "kind")
        self._feedback = self._counter("feedback", "Readers' judgements of answers.", "rating")

    def _queue(self) -> None:
        self._queue_waiting = self._gauge("queue_waiting", "Requests that wait for a turn.")
        self._queue_running = self._gauge("queue_running", "Requests that have a turn.")
        self._queue_refused = self._counter("queue_refused", "Requests that found a full queue.")

    def _writes(self) -> None:
        self._ingested = self._counter("ingest_articles", "Articles taken in.", "outcome")
        self._ingested_passages = self._counter("ingest_passages", "Passages written.")

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"dateline_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str) -> Gauge:
        return Gauge(f"dateline_{name}", says, registry=self.registry)


class _Archive(Collector):
    """Asks the catalog for its size when it is scraped, and leaves it out when it is down."""

    index: Index | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the version, and the size if there is a catalog to tell it."""
        build = GaugeMetricFamily(
            "dateline_build_info", "Always 1.", labels=("version", "index_fingerprint")
        )
        fingerprint = self.index.fingerprint if self.index else ""
        build.add_metric((version("dateline"), fingerprint), 1)
        yield build
        if self.index is None:
            return
        try:
            counts = self.index.catalog.counts()
        except Exception:  # a scrape tells of all else whatever the catalog does
            return
        yield GaugeMetricFamily("dateline_archive_articles", "Live articles.", counts.articles)
        yield GaugeMetricFamily("dateline_archive_passages", "Live passages.", counts.passages)


def observed(
    answer: Answer, evidence: Evidence, facts: dict[str, object], metrics: Metrics
) -> None:
    """Put what an answer means into the log line's facts and into the metrics."""
    facts.update(
        answer_status=answer.answer_status,
        abstain_reason=answer.abstain_reason,
        confidence=answer.confidence,
        passages=len(evidence.hits),
        citations=len(answer.citations),
        session=answer.session_id is not None,
        timings_ms=answer.timings_ms,
        model=answer.model,
        index_fingerprint=answer.index_fingerprint,
    )
    metrics.answered(answer)


def _failures(answer: Answer) -> Mapping[str, int]:
    judged = answer.verification
    failures = {"answer_unverified": int(answer.abstain_reason == "unverified")}
    if judged is None:
        return failures
    return failures | {
        "citation_dropped": judged.quotes_dropped,
        "marker_invalid": judged.markers_invalid,
        "sentence_contradicted": judged.contradicted_removed,
        "sentence_unsupported": judged.unsupported,
    }
