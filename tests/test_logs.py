"""What is logged: one line of JSON for each request, and nothing that is no JSON."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import Keys
from api.watch.logs import JsonLines
from rag.settings import Settings
from tests.hostile import exchange, served

ARTICLE = {
    "id": "hallow-1",
    "title": "Hallow Bridge closes after flood",
    "text": "The Hallow Bridge was closed on Tuesday. Mayor Ida Quell blamed the water board.",
}
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as opened:
        assert opened.post("/v1/documents", json=ARTICLE).status_code == 201
        yield opened


def line_of(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:  # Any: JSON
    """Return the one line that was logged, as it is written."""
    [record] = [record for record in caplog.records if record.name.startswith("dateline")]
    written = JsonLines().format(record)
    assert "water board" not in written
    assert "Quell" not in written
    line: dict[str, Any] = json.loads(written)
    return line


def test_a_question_is_one_line_without_its_words(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    session = client.post("/v1/sessions", json={}).json()["id"]
    caplog.clear()
    caplog.set_level(logging.INFO, logger="dateline")
    answer = client.post(
        "/v1/chat",
        json={"message": "Who blamed the water board?", "session_id": session},
        headers={"X-Request-ID": "req-1", "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"},
    ).json()
    line = line_of(caplog)
    assert datetime.fromisoformat(line.pop("time")).tzinfo == UTC
    assert line.pop("ms") >= line["timings_ms"]["total"]
    assert list(line["timings_ms"]) == ["rewrite", "retrieve", "read", "write", "total"]
    assert line == {
        "level": "info",
        "request_id": "req-1",
        "trace_id": TRACE_ID,
        "method": "POST",
        "route": "/v1/chat",
        "status": 200,
        "key": None,
        "dateline": version("dateline"),
        "passages": 1,
        "answer_status": "answered",
        "abstain_reason": None,
        "confidence": answer["confidence"],
        "citations": 1,
        "session": True,
        "timings_ms": answer["timings_ms"],
        "model": "extractive",
        "index_fingerprint": answer["index_fingerprint"],
    }


def test_a_streamed_question_is_one_line_with_its_key_and_its_passages(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(client.app, FastAPI)
    keys: Keys = client.app.state.keys
    made = keys.create("desk", ("read",), now=datetime(2026, 3, 1, tzinfo=UTC))
    caplog.clear()
    caplog.set_level(logging.INFO, logger="dateline")
    client.post(
        "/v1/chat",
        json={"message": "Who blamed the water board?", "stream": True},
        headers={"Authorization": f"Bearer {made.token}"},
    )
    line = line_of(caplog)
    told = ("key", "trace_id", "session", "passages", "citations", "answer_status")
    assert [line[name] for name in told] == [made.key.id, None, False, 1, 1, "answered"]


def test_an_error_is_written_as_its_class_and_its_frames_alone() -> None:
    try:
        raise ValueError("the secret text")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "It failed\n", None, error)
    line = json.loads(JsonLines().format(record))
    assert [line[name] for name in ("level", "logger", "message", "error")] == [
        "error",
        "uvicorn.error",
        "It failed",
        "ValueError",
    ]
    assert "test_logs.py" in line["frames"][0]
    assert "secret" not in json.dumps(line)


def test_a_server_writes_nothing_but_json_from_its_start_to_its_end(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert exchange(server, server.head("GET /healthz", "Connection: close")) == [200]
        assert exchange(server, b"nonsense\r\n\r\n") == [400]
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    said = [re.sub(r"\d{3,}", "N", line["message"]) for line in lines if "message" in line]
    assert said == [
        "Started server process [N]",
        "Waiting for application startup.",
        "Application startup complete.",
        "Uvicorn running on http://N.0.0.1:N (Press CTRL+C to quit)",
        "Invalid HTTP request received.",
        "Shutting down",
        "Waiting for application shutdown.",
        "Application shutdown complete.",
        "Finished server process [N]",
    ]
    assert [line["route"] for line in lines if line.get("status")][-1] == "/healthz"
