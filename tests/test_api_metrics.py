"""What GET /metrics tells of requests, answers and the archive."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.deps import Services
from api.watch.metrics import Metrics
from ingest.pipeline import Outcome
from rag.errors import DependencyError
from rag.settings import Settings
from rag.types import Answer, Usage, Verification

ARTICLE = {"id": "a", "title": "Ferry", "text": "The ferry to Lusk sank. Nobody drowned."}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as opened:
        yield opened


def services(client: TestClient) -> Services:
    assert isinstance(client.app, FastAPI)
    found: Services = client.app.state.services
    return found


def samples(metrics: Metrics, *prefixes: str) -> dict[str, float]:
    """Return the samples that are not 0, as Prometheus writes them, but for times."""
    text = metrics.exposition("")[0].decode()
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith(prefixes))
    left_out = ("_created", "_bucket", "_sum")
    return {
        name: float(value)
        for name, value in rows
        if float(value) and not name.partition("{")[0].endswith(left_out)
    }


def requests(route: str, status: int, method: str = "GET") -> str:
    labels = f'method="{method}",route="{route}",status="{status}"'
    return f"dateline_http_requests_total{{{labels}}}"


def test_every_request_is_counted_by_template_also_those_refused(client: TestClient) -> None:
    client.get("/healthz")
    client.get("/v1/documents/one")
    client.get("/v1/documents/two")
    client.get("/nowhere/three")
    client.post("/v1/chat", json={"message": ""})
    client.request("BREW", "/healthz")
    assert samples(services(client).metrics, "dateline_http_requests") == {
        requests("/healthz", 200): 1,
        requests("/v1/documents/{article_id}", 404): 2,
        requests("unmatched", 404): 1,
        requests("/v1/chat", 422, "POST"): 1,
        requests("/healthz", 405, "other"): 1,
    }


def test_a_scrape_comes_as_text_or_as_openmetrics(client: TestClient) -> None:
    plain = client.get("/metrics")
    asked = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=")
    assert asked.text.endswith("# EOF\n")
    # The scrape itself is the one request in progress.
    assert "dateline_http_requests_in_progress 1.0\n" in plain.text


def test_a_scrape_tells_the_archive_and_survives_its_catalog(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/documents", json=ARTICLE)
    metrics, index = services(client).metrics, services(client).index
    sizes = {"dateline_archive_articles": 1.0, "dateline_archive_passages": 1.0}
    assert samples(metrics, "dateline_archive") == sizes

    def down() -> None:
        raise DependencyError("the catalog is down")

    monkeypatch.setattr(index.catalog, "counts", down)
    assert client.get("/metrics").status_code == 200
    assert samples(metrics, "dateline_archive") == {}


def test_two_apps_in_one_process_count_apart(client: TestClient, tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path / "other"))) as other:
        other.get("/healthz")
        assert samples(services(client).metrics, "dateline_http_requests") == {}


def test_a_question_is_counted_by_its_answer(client: TestClient) -> None:
    client.post("/v1/chat", json={"message": "Who sank the ferry?"})
    assert samples(services(client).metrics, "dateline_answer", "dateline_abst") == {
        'dateline_answers_total{status="no_answer"}': 1,
        "dateline_answer_confidence_count": 1,
        'dateline_abstentions_total{reason="empty_index"}': 1,
    }


def test_what_verification_took_out_and_the_model_spent_is_counted() -> None:
    metrics = Metrics()
    metrics.answered(
        Answer(
            id="msg_1",
            created_at=datetime(2020, 3, 13, tzinfo=UTC),
            model="m",
            answer="It sank. [1]",
            standalone_question="What sank?",
            citations=(),
            sources=(),
            index_fingerprint="f",
            request_id="req_1",
            answer_status="partial",
            abstain_reason=None,
            confidence=0.75,
            timings_ms={"retrieve": 5.0, "write": 900.0, "total": 905.0},
            usage=Usage(prompt_tokens=70, completion_tokens=9, total_tokens=79),
            note="the model was slow",
            verification=Verification(
                sentences=7,
                supported=2,
                unsupported=1,
                contradicted_removed=4,
                unscored=0,
                unsafe_removed=0,
                markers_invalid=3,
                quotes_dropped=5,
                unsupported_spans=(),
            ),
        )
    )
    assert samples(metrics, "dateline_stage", "dateline_verif", "dateline_llm") == {
        'dateline_stage_duration_seconds_count{stage="retrieve"}': 1,
        'dateline_stage_duration_seconds_count{stage="write"}': 1,
        'dateline_verification_failures_total{kind="citation_dropped"}': 5,
        'dateline_verification_failures_total{kind="marker_invalid"}': 3,
        'dateline_verification_failures_total{kind="sentence_contradicted"}': 4,
        'dateline_verification_failures_total{kind="sentence_unsupported"}': 1,
        "dateline_llm_fallbacks_total": 1,
        'dateline_llm_tokens_total{kind="prompt"}': 70,
        'dateline_llm_tokens_total{kind="completion"}': 9,
    }


def test_articles_feedback_and_the_queue_are_counted() -> None:
    metrics = Metrics()
    made = Outcome(article_id="a", status="created", passages=3, content_hash="x")
    metrics.ingested([made, made.model_copy(update={"status": "unchanged"})], rejected=2)
    metrics.feedback("down")
    metrics.queued(waiting=4, running=2)
    metrics.refused()
    assert samples(metrics, "dateline_ingest", "dateline_feed", "dateline_queue") == {
        'dateline_ingest_articles_total{outcome="created"}': 1,
        'dateline_ingest_articles_total{outcome="unchanged"}': 1,
        'dateline_ingest_articles_total{outcome="rejected"}': 2,
        "dateline_ingest_passages_total": 3,
        'dateline_feedback_total{rating="down"}': 1,
        "dateline_queue_waiting": 4,
        "dateline_queue_running": 2,
        "dateline_queue_refused_total": 1,
    }


def test_an_upload_counts_its_articles_and_what_it_refused(client: TestClient) -> None:
    lines = [json.dumps(ARTICLE), json.dumps(ARTICLE | {"text": "Another text."})]
    client.post(
        "/v1/documents",
        files={"file": ("two.jsonl", "\n".join(lines).encode(), "application/jsonl")},
    )
    client.put("/v1/documents/a", json=ARTICLE)
    client.put("/v1/documents/a", json=ARTICLE | {"text": "It was raised in May."})
    client.put("/v1/documents/b", json=ARTICLE | {"id": "b", "text": " "})
    assert samples(services(client).metrics, "dateline_ingest") == {
        'dateline_ingest_articles_total{outcome="created"}': 1,
        'dateline_ingest_articles_total{outcome="unchanged"}': 1,
        'dateline_ingest_articles_total{outcome="updated"}': 1,
        'dateline_ingest_articles_total{outcome="rejected"}': 1,
        "dateline_ingest_passages_total": 2,
    }
