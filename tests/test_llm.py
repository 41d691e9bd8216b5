"""A language model is asked within limits, and whatever its server does is a reason, no exception.

The server is scripted, for these failures cannot be had from a real one at will.
"""

import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from rag import llm
from rag.errors import ConfigurationError
from rag.llm import MAX_CHARS, BoundedLLM, Ended, Piece
from rag.prompts import Prompt
from rag.settings import Settings
from rag.types import Usage
from rag.wiring import build_llm, build_writer
from tests.scripted import Reply, ScriptedLLM

ASKED = Prompt("Be brief.", "Who was blamed?", ())
USAGE = Usage(prompt_tokens=40, completion_tokens=7, total_tokens=47)
KEY = "sk-very-secret"


def model(play: ScriptedLLM, **fields: Any) -> BoundedLLM:  # Any: of several types
    return build_llm(Settings(llm_url=play.url, llm_model="scripted", **fields))


def heard(asked: BoundedLLM) -> tuple[str, Ended]:
    *pieces, ended = asked.stream(ASKED)
    assert isinstance(ended, Ended)
    return "".join(piece.text for piece in pieces if isinstance(piece, Piece)), ended


def test_what_the_model_writes_comes_in_pieces_and_its_tokens_are_counted(
    scripted_llm: ScriptedLLM,
) -> None:
    scripted_llm.replies = [Reply("Kataib.", piece_chars=4)]
    assert list(model(scripted_llm).stream(ASKED)) == [
        Piece("Kata"),
        Piece("ib."),
        Ended(None, USAGE),
    ]
    [request] = scripted_llm.requests
    assert request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who was blamed?"},
    ]
    assert (request["model"], request["max_tokens"], request["temperature"]) == ("scripted", 300, 0)
    assert request["stream_options"] == {"include_usage": True}


def test_a_server_that_asks_to_wait_is_asked_again_then(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=429, headers=(("retry-after", "1"),)), Reply("Yes.")]
    assert heard(model(scripted_llm)) == ("Yes.", Ended(None, USAGE))
    first, second = scripted_llm.times
    assert second - first >= 1


@pytest.mark.parametrize(
    ("status", "reason", "requests"),
    [
        (429, "rate_limited", 2),
        (500, "unavailable", 2),
        (503, "unavailable", 2),
        (400, "rejected", 1),
        (401, "rejected", 1),
        (404, "rejected", 1),
    ],
)
def test_errors_that_may_pass_are_retried_and_the_others_not(
    scripted_llm: ScriptedLLM, status: int, reason: str, requests: int
) -> None:
    scripted_llm.replies = [Reply(status=status, headers=(("retry-after-ms", "1"),), body=b"{}")]
    text, ended = heard(model(scripted_llm, llm_retries=1))
    assert (text, ended.reason) == ("", reason)
    assert len(scripted_llm.requests) == requests


@pytest.mark.parametrize(
    ("reply", "text", "reason"),
    [
        (Reply("It was cu", is_cut=True), "It was cu", "cut"),
        (Reply("It was cu", finish=None, is_cut=True), "It was cu", "cut"),
        (Reply("It was cu", finish=None), "It was cu", "cut"),
        (Reply(body=b"data: {not json\n\n"), "", "garbage"),
        (Reply(body=b"<html>Welcome</html>"), "", "empty"),
        (Reply(body=b"\xff\xfe\n\n"), "", "garbage"),
        (Reply(""), "", "empty"),
        (Reply("I will", finish="content_filter"), "I will", "refused"),
        (Reply(body=b'data: {"error": {"message": "no slot"}}\n\n'), "", "unavailable"),
    ],
)
def test_what_goes_wrong_in_a_stream_is_a_reason(
    scripted_llm: ScriptedLLM, reply: Reply, text: str, reason: str
) -> None:
    scripted_llm.replies = [reply]
    found = heard(model(scripted_llm))
    assert (found[0], found[1].reason) == (text, reason)


@pytest.mark.parametrize("piece_chars", [1, 5, 100])
@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<think>\nHm [1].\n</think>\n\nYes.", "\n\nYes."),
        ("\n <think>Hm.</think>Yes.", "Yes."),
        ("<thin air>", "<thin air>"),
        ("Yes. <think>Hm.</think>", "Yes. <think>Hm.</think>"),
        ("<think>Hm", ""),
    ],
)
def test_what_a_model_thinks_before_it_speaks_is_left_out(
    scripted_llm: ScriptedLLM, text: str, spoken: str, piece_chars: int
) -> None:
    scripted_llm.replies = [Reply(text, piece_chars=piece_chars)]
    said, ended = heard(model(scripted_llm))
    assert (said, ended.reason) == (spoken, None if spoken else "empty")


def test_where_the_length_ran_out_the_text_is_cut(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply("It burned. It ra", finish="length")]
    assert heard(model(scripted_llm)) == ("It burned. It ra", Ended(None, USAGE, is_cut=True))


def test_a_model_that_does_not_stop_is_stopped(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply("la " * MAX_CHARS, piece_chars=500)]
    text, ended = heard(model(scripted_llm))
    assert MAX_CHARS < len(text) <= MAX_CHARS + 500
    assert (ended.reason, ended.is_cut) == (None, True)


def test_a_model_that_drips_is_left_at_the_total_time(
    scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_llm.replies = [Reply("a" * 3_000, before_piece_s=0.05)]
    now = [0.0]
    monkeypatch.setattr(llm, "time", SimpleNamespace(monotonic=lambda: now[0]))
    heard = model(scripted_llm, llm_total_timeout_s=600).stream(ASKED)
    assert [next(heard) for _ in range(3)] == [Piece("aaa")] * 3
    now[0] = 600
    assert list(heard) == [Ended("slow")]


def test_a_server_that_says_nothing_is_left_at_the_read_timeout(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(is_held=True)]
    asked = model(scripted_llm, llm_read_timeout_s=0.2, llm_retries=0)
    assert heard(asked)[1] == Ended("slow")


def test_a_server_that_is_not_there_is_unavailable(scripted_llm: ScriptedLLM) -> None:
    asked = model(scripted_llm, llm_retries=0)
    scripted_llm.close()
    assert heard(asked) == ("", Ended("unavailable"))


def test_no_more_calls_at_once_than_allowed_and_the_next_waits_its_time(
    scripted_llm: ScriptedLLM,
) -> None:
    scripted_llm.replies = [Reply("a" * 6, is_held=True), Reply("Yes.")]
    asked = model(scripted_llm, llm_concurrency=1, llm_wait_s=0.05)
    first = asked.stream(ASKED)
    assert next(first) == Piece("aaa")
    assert heard(asked) == ("", Ended("busy"))
    scripted_llm.let_go.set()
    assert [event for event in first if isinstance(event, Ended)] == [Ended(None, USAGE)]
    assert heard(asked) == ("Yes.", Ended(None, USAGE))


def test_a_call_that_nobody_waits_for_gives_its_turn_back(scripted_llm: ScriptedLLM) -> None:
    # To its end it would take longer than the next waits.
    scripted_llm.replies = [Reply("a" * 6_000, before_piece_s=0.04), Reply("Yes.")]
    asked = model(scripted_llm, llm_concurrency=1, llm_wait_s=60)
    left = asked.stream(ASKED)
    next(left)
    left.close()  # type: ignore[attr-defined] # a generator
    assert heard(asked) == ("Yes.", Ended(None, USAGE))


def test_the_key_is_sent_and_shown_nowhere(
    scripted_llm: ScriptedLLM, caplog: pytest.LogCaptureFixture
) -> None:
    refused = f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode()
    scripted_llm.replies = [Reply(status=401, body=refused)]
    settings = Settings(llm_url=scripted_llm.url, llm_model="scripted", llm_api_key=KEY)
    asked = build_llm(settings)
    with caplog.at_level(logging.INFO):
        found = heard(asked)
    assert scripted_llm.authorizations == [f"Bearer {KEY}"]
    shown = (settings, settings.model_dump_json(), vars(asked), asked._llm.to_dict(), found)
    assert KEY not in " ".join(map(repr, shown)) + caplog.text
    assert '{"llm": "rejected"' in caplog.text


def test_without_a_key_none_is_sent(scripted_llm: ScriptedLLM) -> None:
    heard(model(scripted_llm))
    assert scripted_llm.authorizations == [None]


def test_without_an_address_there_is_no_writer() -> None:
    assert build_writer(Settings()) is None


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_index.llms.openai_like", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'dateline\[llm\]'"):
        build_writer(Settings(llm_url="http://127.0.0.1:1/v1", llm_model="m"))
