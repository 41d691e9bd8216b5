"""The spans of a request, a question and its stages, and how a collector gets them."""

import logging
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.asking import Stopped
from api.auth import ANONYMOUS
from api.deps import Services
from api.watch import otlp
from api.watch.otlp import Patient
from api.watch.tracing import Tracing
from rag.answer import Answerer
from rag.errors import ConfigurationError
from rag.settings import Settings
from rag.types import Question
from tests.scripted import Reply, ScriptedLLM
from tests.test_generate import NOW

ARTICLE = {
    "id": "hallow-1",
    "title": "Hallow Bridge closes after flood",
    "text": "The Hallow Bridge was closed on Tuesday. Mayor Ida Quell blamed the water board.",
}
QUESTION = "Who blamed the water board?"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
STAGES = ["dateline.rewrite", "dateline.retrieve", "dateline.read", "dateline.write"]
Tree = list[Any]  # Any: a name, or a name with the tree of what happened inside


class Traced:
    """An app over one article whose spans stay in memory."""

    def __init__(self, client: TestClient, memory: InMemorySpanExporter) -> None:
        self.client = client
        self._memory = memory

    @property
    def services(self) -> Services:
        assert isinstance(self.client.app, FastAPI)
        found: Services = self.client.app.state.services
        return found

    def spans(self) -> list[ReadableSpan]:
        """Return the finished spans, first begun first."""
        return sorted(self._memory.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, name: str) -> ReadableSpan:
        [found] = [span for span in self.spans() if span.name == name]
        return found

    def tree(self) -> Tree:
        """Return the names, each with those of its children."""
        return _children(self.spans(), None)

    def clear(self) -> None:
        self._memory.clear()


def _children(spans: list[ReadableSpan], parent: int | None) -> Tree:
    tree: Tree = []
    for span in spans:
        if (span.parent.span_id if span.parent else None) == parent:
            assert span.context
            below = _children(spans, span.context.span_id)
            tree.append((span.name, below) if below else span.name)
    return tree


@contextmanager
def app_in_memory(settings: Settings) -> Iterator[Traced]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracing = Tracing(provider.get_tracer("dateline"), provider.shutdown)
    app = create_app(settings, tracing)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.post("/v1/documents", json=ARTICLE).status_code == 201
        memory.clear()
        yield Traced(client, memory)


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    with app_in_memory(Settings(data_dir=tmp_path)) as made:
        yield made


@pytest.fixture
def play() -> Iterator[ScriptedLLM]:
    made = ScriptedLLM()
    yield made
    made.close()


# -- what the spans tell -----------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_question_has_a_span_of_each_stage(traced: Traced, *, stream: bool) -> None:
    traced.client.post("/v1/chat", json={"message": QUESTION, "stream": stream})
    assert traced.tree() == [("POST /v1/chat", [("dateline.question", STAGES)])]


@pytest.mark.parametrize("stream", [False, True])
def test_a_question_of_openais_clients_has_them_too(traced: Traced, *, stream: bool) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    body = {"model": "dateline", "messages": messages, "stream": stream}
    assert traced.client.post("/v1/chat/completions", json=body).status_code == 200
    assert traced.tree() == [("POST /v1/chat/completions", [("dateline.question", STAGES)])]


def test_the_spans_tell_counts_and_statuses_and_no_words(traced: Traced) -> None:
    answer = traced.client.post("/v1/chat", json={"message": QUESTION}).json()
    assert {span.name: dict(span.attributes or {}) for span in traced.spans()} == {
        "POST /v1/chat": {
            "http.request.method": "POST",
            "http.route": "/v1/chat",
            "http.response.status_code": 200,
        },
        "dateline.question": {
            "dateline.mode": "hybrid",
            "dateline.top_k": 8,
            "dateline.turns": 0,
            "dateline.filtered": False,
            "dateline.message_id": answer["id"],
            "dateline.model": "extractive",
            "dateline.answer_status": "answered",
            "dateline.abstain_reason": "",
            "dateline.confidence": answer["confidence"],
            "dateline.passages": 1,
            "dateline.citations": 1,
            "dateline.index_fingerprint": answer["index_fingerprint"],
        },
        "dateline.rewrite": {},
        "dateline.retrieve": {"dateline.passages": 1},
        "dateline.read": {"dateline.readings": 2},
        "dateline.write": {},
    }
    assert [span.kind.name for span in traced.spans()] == ["SERVER"] + ["INTERNAL"] * 5
    assert all(span.status.is_unset and not span.events for span in traced.spans())


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_language_model_writes_is_judged_inside_of_its_writing(
    tmp_path: Path, play: ScriptedLLM, *, stream: bool
) -> None:
    play.replies = [Reply("Mayor Ida Quell blamed the water board [1]. The bridge was closed [1].")]
    chosen = Settings(data_dir=tmp_path, llm_url=play.url, llm_model="scripted")
    with app_in_memory(chosen) as traced:
        traced.client.post("/v1/chat", json={"message": QUESTION, "stream": stream})
        written = ("dateline.write", ["dateline.verify", "dateline.verify"])
        assert traced.tree() == [("POST /v1/chat", [("dateline.question", [*STAGES, written])])]
        *_, writing = [span for span in traced.spans() if span.name == "dateline.write"]
        assert dict(writing.attributes or {}) == {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "scripted",
            "gen_ai.usage.input_tokens": 40,
            "gen_ai.usage.output_tokens": 7,
        }


def test_a_language_model_that_fails_is_an_error_of_its_span_alone(
    tmp_path: Path, play: ScriptedLLM
) -> None:
    play.replies = [Reply(status=400)]
    chosen = Settings(data_dir=tmp_path, llm_url=play.url, llm_model="scripted")
    with app_in_memory(chosen) as traced:
        answer = traced.client.post("/v1/chat", json={"message": QUESTION}).json()
        assert answer["answer_status"] == "answered"
        failed = [span for span in traced.spans() if not span.status.is_unset]
        assert [span.name for span in failed] == ["dateline.write"]
        assert (failed[0].attributes or {})["error.type"] == "rejected"


def test_a_request_joins_the_trace_of_its_caller(traced: Traced) -> None:
    traced.client.get("/healthz", headers={"traceparent": TRACEPARENT})
    span = traced.named("GET /healthz")
    assert span.context
    assert span.parent
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "sent",
    ["", "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01", TRACEPARENT + "-x", "é" * 99],
)
def test_a_trace_that_is_none_is_not_joined(traced: Traced, sent: str) -> None:
    traced.client.get("/healthz", headers={b"traceparent": sent.encode("latin-1")})
    assert traced.named("GET /healthz").parent is None


def test_addresses_are_told_as_templates_and_odd_methods_as_one(traced: Traced) -> None:
    traced.client.get("/v1/documents/secret-1")
    traced.client.get("/secret-2")
    traced.client.request("BREW", "/healthz")
    told = [(span.name, dict(span.attributes or {})) for span in traced.spans()]
    assert told == [
        (
            "GET /v1/documents/{article_id}",
            {
                "http.request.method": "GET",
                "http.route": "/v1/documents/{article_id}",
                "http.response.status_code": 404,
            },
        ),
        ("GET", {"http.request.method": "GET", "http.response.status_code": 404}),
        (
            "_OTHER /healthz",
            {
                "http.request.method": "_OTHER",
                "http.route": "/healthz",
                "http.response.status_code": 405,
            },
        ),
    ]


def test_an_accident_is_told_by_its_class_alone(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret text")

    monkeypatch.setattr(Answerer, "prepare", fail)
    traced.client.post("/v1/chat", json={"message": QUESTION})
    assert traced.tree() == [("POST /v1/chat", ["dateline.question"])]
    told = [(span.attributes or {})["error.type"] for span in traced.spans()]
    assert told == ["500", "RuntimeError"]
    assert "secret" not in "".join(span.to_json() for span in traced.spans())


def test_an_answer_that_was_stopped_and_made_again_has_two_ended_spans(traced: Traced) -> None:
    desk, stop = traced.services.desk, threading.Event()
    asked = desk.prepare(Question(text=QUESTION), ANONYMOUS, now=NOW)
    stop.set()
    with pytest.raises(Stopped):
        desk.complete(asked, stop=stop)
    assert desk.complete(asked).answer_status == "answered"
    assert traced.tree() == [("dateline.question", STAGES), "dateline.question"]
    told = [(span.attributes or {}).get("dateline.answer_status") for span in traced.spans()]
    assert [told[0], told[-1]] == [None, "answered"]


def test_an_answer_that_nobody_reads_to_its_end_leaves_no_context_behind(
    traced: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    desk = traced.services.desk
    asked = desk.prepare(Question(text=QUESTION), ANONYMOUS, now=NOW)
    events = desk.stream(asked)
    next(events)
    assert trace.get_current_span() is trace.INVALID_SPAN
    elsewhere = threading.Thread(target=events.close)  # type: ignore[attr-defined]  # a generator
    elsewhere.start()
    elsewhere.join()
    assert traced.tree() == [("dateline.question", STAGES)]
    assert [r for r in caplog.records if r.name.startswith("opentelemetry")] == []


def test_two_apps_keep_their_traces_apart(traced: Traced, tmp_path: Path) -> None:
    with app_in_memory(Settings(data_dir=tmp_path / "other")) as other:
        other.client.get("/healthz")
        assert (traced.tree(), other.tree()) == ([], ["GET /healthz"])


# -- how a collector gets them -----------------------------------------------------------------


class Collector:
    """A collector on this machine that keeps what it is sent."""

    def __init__(self, *, is_silent: bool = False) -> None:
        collector = self
        self.asked, self.replies = threading.Event(), threading.Event()
        if not is_silent:
            self.replies.set()
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.asked.set()
                collector.replies.wait()
                collector.paths.add(self.path)
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.replies.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def received(self) -> list[tuple[str, str, int]]:
        """Return the service, the name and the kind of each span, sorted."""
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                told = {one.key: one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_spans:
                    found += [(told["service.name"], s.name, s.kind) for s in scope.spans]
        return sorted(found)


def ask_once(settings: Settings) -> None:
    """Ask one question and stop."""
    with TestClient(create_app(settings)) as client:
        assert client.post("/v1/documents", json=ARTICLE).status_code == 201
        assert client.post("/v1/chat", json={"message": QUESTION}).status_code == 200


def test_a_collector_has_every_span_when_the_server_has_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "_TIMEOUT_S", 60.0)
    before, collector = trace.get_tracer_provider(), Collector()
    ask_once(Settings(data_dir=tmp_path, otlp_endpoint=collector.url + "/"))
    collector.close()
    assert collector.paths == {"/v1/traces"}
    assert collector.received() == [
        ("dateline", "POST /v1/chat", 2),
        ("dateline", "POST /v1/documents", 2),
        ("dateline", "dateline.question", 1),
        ("dateline", "dateline.read", 1),
        ("dateline", "dateline.retrieve", 1),
        ("dateline", "dateline.rewrite", 1),
        ("dateline", "dateline.write", 1),
    ]
    for word in (b"Quell", b"water", b"hallow-1", b"127.0.0.1"):
        assert word not in b"".join(collector.bodies)
    assert trace.get_tracer_provider() is before


def test_no_answer_waits_for_a_collector_that_does_not_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "_TIMEOUT_S", 300.0)
    monkeypatch.setattr(otlp, "_EVERY_MS", 50)
    collector = Collector(is_silent=True)
    settings = Settings(data_dir=tmp_path, otlp_endpoint=collector.url)
    with TestClient(create_app(settings)) as client:
        assert client.post("/v1/documents", json=ARTICLE).status_code == 201
        assert collector.asked.wait(60)
        began = time.monotonic()
        assert client.post("/v1/chat", json={"message": QUESTION}).status_code == 200
        assert time.monotonic() - began < 60
        collector.replies.set()
    collector.close()


@pytest.mark.parametrize("is_there", [False, True], ids=["none there", "one that never replies"])
def test_a_dead_collector_is_not_waited_for_at_the_end_and_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_there: bool
) -> None:
    collector = Collector(is_silent=True)
    if not is_there:
        collector.close()
    caplog.set_level(logging.DEBUG)
    began = time.monotonic()
    ask_once(Settings(data_dir=tmp_path, otlp_endpoint=collector.url))
    assert time.monotonic() - began < 60
    if is_there:
        collector.close()
    told = [r for r in caplog.records if r.name.startswith(("opentelemetry", "dateline.tracing"))]
    assert [record.getMessage() for record in told] == [
        "the collector takes no spans; they are dropped until it does"
    ]


class Moody(SpanExporter):
    """Takes spans or not."""

    result = SpanExportResult.SUCCESS
    asked = 0

    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked += 1
        return self.result


def test_a_collector_that_comes_back_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    moody = Moody()
    patient = Patient(moody, retry_s=0)
    well, ill = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
    for moody.result in (well, ill, ill, ill, well, well):
        assert patient.export([]) is moody.result
    assert [record.getMessage() for record in caplog.records] == [
        "the collector takes no spans; they are dropped until it does",
        "the collector takes spans again",
    ]


def test_a_collector_that_is_lost_is_left_alone_for_a_while() -> None:
    moody = Moody()
    patient = Patient(moody, retry_s=600)
    moody.result = SpanExportResult.FAILURE
    assert [patient.export([]) for _ in range(9)] == [SpanExportResult.FAILURE] * 9
    assert moody.asked == 1


def test_a_collector_without_the_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "api.watch.otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'dateline\[otel\]'"):
        create_app(Settings(data_dir=tmp_path, otlp_endpoint="http://127.0.0.1:4318"))


def test_a_server_without_a_collector_starts_no_thread_for_one(tmp_path: Path) -> None:
    ask_once(Settings(data_dir=tmp_path))
    assert [t.name for t in threading.enumerate() if t.name.startswith("Otel")] == []


def test_a_collector_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="it must begin with http"):
        Settings(otlp_endpoint="127.0.0.1:4318")
