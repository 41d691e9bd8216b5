"""`dateline feedback export`, beside the server that the opinions were given to."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from evals import cases
from rag.settings import Settings
from rag.types import Filters, Turn
from tests.commands import dateline
from tests.test_api_chat import BRIDGE, MUSEUM, QUESTION

COPPER = "What is the price of copper?"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An archive with four opinions on what was answered from it."""
    said: list[tuple[dict[str, Any], dict[str, Any]]] = [  # Any: JSON
        ({"message": QUESTION, "filters": {"sources": ["ledger.example"]}}, {"rating": "up"}),
        ({"message": COPPER, "retrieval": {"min_confidence": 1}}, {"rating": "up"}),
        ({"message": "Who closed the bridge?"}, {"rating": "down", "comment": "Nobody did."}),
        ({"message": COPPER}, {"rating": "down", "reasons": ["not_in_archive"]}),
    ]
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        for article in (BRIDGE, MUSEUM):
            assert client.post("/v1/documents", json=article).status_code == 201
        for body, rating in said:
            answer = client.post("/v1/chat", json=body).json()
            given = client.post("/v1/feedback", json={"message_id": answer["id"]} | rating)
            assert given.status_code == 201
        # The server still runs: it holds the lock of the archive.
        ran = dateline(
            "feedback", "export", tmp_path / "gold.jsonl", "--drafts", tmp_path / "drafts.jsonl",
            "--data-dir", tmp_path,
        )  # fmt: skip
        assert ran == (0, ran.out, "")
        assert ran.out.startswith("3 cases in ")
        assert "1 whose right answer nobody has said yet" in ran.out
    return tmp_path


def test_liked_answers_are_cases_that_can_be_run(data_dir: Path) -> None:
    liked, refused, not_held = cases.load(data_dir / "gold.jsonl")
    assert (liked.question, liked.answers) == (QUESTION, ("Mayor Ida Quell",))
    assert liked.filters == Filters(sources=("ledger.example",))
    assert liked.relevant_article_ids == ("bridge",)
    assert liked.quotes == ("Mayor Ida Quell blamed the water board for the delay.",)
    assert (refused.answerable, not_held.answerable) == (False, False)
    assert not_held.provenance.endswith("; not_in_archive")


def test_disliked_answers_are_drafts_that_say_what_is_wrong(data_dir: Path) -> None:
    found = cases.read(data_dir / "drafts.jsonl")
    [draft] = found.cases
    assert draft.provenance.endswith("; Nobody did.")
    assert len(found.problems) == 1


def test_a_follow_up_keeps_what_was_said_before(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        assert client.post("/v1/documents", json=MUSEUM).status_code == 201
        session_id = client.post("/v1/sessions", json={}).json()["id"]
        for question in ("Who did the Pemberton museum appoint?", "When does he start?"):
            body = {"message": question, "session_id": session_id}
            answer = client.post("/v1/chat", json=body).json()
        client.post("/v1/feedback", json={"message_id": answer["id"], "rating": "up"})
    assert dateline("feedback", "export", tmp_path / "g.jsonl", "--data-dir", tmp_path).code == 0
    [case] = cases.load(tmp_path / "g.jsonl")
    asked = "Who did the Pemberton museum appoint?"
    assert case.history == (Turn(question=asked, answer="Tobias Renn"),)


def test_a_folder_without_an_archive_is_refused(tmp_path: Path) -> None:
    ran = dateline("feedback", "export", tmp_path / "g.jsonl", "--data-dir", tmp_path / "no")
    assert ran.code == 2
    assert "there is no archive" in ran.err
