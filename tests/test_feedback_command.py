"""`dateline feedback export`, beside the server that the opinions were given to."""

import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

from api.app import create_app
from api.stores import feedback
from api.stores.feedback import Opinion
from evals import cases
from rag.bundle import Bundle
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
    asked_at = liked.filters.as_of
    assert liked.filters == Filters(sources=("ledger.example",), as_of=asked_at)
    # Another day "last week" would be another week.
    assert asked_at
    assert abs(datetime.now(UTC) - asked_at) < timedelta(minutes=10)
    assert refused.filters.as_of
    assert liked.relevant_article_ids == ("bridge",)
    assert liked.quotes == ("Mayor Ida Quell blamed the water board for the delay.",)
    assert (refused.answerable, not_held.answerable) == (False, False)
    assert not_held.provenance.endswith("; not_in_archive")


def test_disliked_answers_are_drafts_that_say_what_is_wrong(data_dir: Path) -> None:
    found = cases.read(data_dir / "drafts.jsonl")
    [draft] = found.cases
    assert draft.provenance.endswith("; Nobody did.")
    assert len(found.problems) == 1


def test_a_question_that_named_its_day_keeps_it(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        assert client.post("/v1/documents", json=BRIDGE).status_code == 201
        body = {"message": QUESTION, "filters": {"as_of": "2021-06-01"}}
        answer = client.post("/v1/chat", json=body).json()
        client.post("/v1/feedback", json={"message_id": answer["id"], "rating": "up"})
    assert dateline("feedback", "export", tmp_path / "g.jsonl", "--data-dir", tmp_path).code == 0
    [case] = cases.load(tmp_path / "g.jsonl")
    assert case.filters.as_of == datetime(2021, 6, 1, 23, 59, 59, tzinfo=UTC)


def test_opinions_are_written_one_after_the_other(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles: list[weakref.ref[Bundle]] = []
    held: list[int] = []
    whole = feedback.opinions

    def watched(engine: Engine) -> Iterator[Opinion]:
        for opinion in whole(engine):
            bundles.append(weakref.ref(opinion.bundle))
            held.append(sum(ref() is not None for ref in bundles))
            yield opinion

    monkeypatch.setattr(feedback, "opinions", watched)
    ran = dateline("feedback", "export", data_dir / "g.jsonl", "--data-dir", data_dir, "--json")
    assert ran.json == {"cases": 3, "drafts": 1}
    assert len(held) == 4
    # The one that was written last and the one that was just read.
    assert max(held) <= 2


def test_a_file_that_cannot_be_written_is_named(data_dir: Path) -> None:
    missing = data_dir / "no" / "g.jsonl"
    ran = dateline("feedback", "export", missing, "--data-dir", data_dir)
    assert ran.code == 2
    assert f"{missing} cannot be written: No such file or directory" in ran.err


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
