"""Judges of others are run in environments of their own, and what they fail at is counted."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from evals.judges.judge import BigramJudge
from evals.judges.pairs import Pair
from evals.peers.judges import Others, Ran, _drawn, _ours, _peer
from evals.peers.metered import Meter
from tests.scripted import Reply, ScriptedLLM

PAIRS = [
    Pair(premise="The attack killed three.", claim="Three were killed.", supported=True),
    Pair(premise="The attack killed three.", claim="It happened yesterday.", supported=False),
]
PEER = "llamaindex-faithfulness"


def asked(scripted_llm: ScriptedLLM, others: Others) -> Ran:
    with Meter(scripted_llm.url) as meter:
        ran = _peer(PEER, PAIRS, others, meter)
    assert isinstance(ran, Ran), ran
    return ran


@pytest.mark.slow
def test_a_judge_of_others_is_asked_pair_by_pair_and_its_tokens_are_counted(
    scripted_llm: ScriptedLLM,
) -> None:
    scripted_llm.replies = [Reply("NO"), Reply("No, it happened yesterday.")]
    ran = asked(scripted_llm, Others({}))
    # LlamaIndex passes whatever holds “yes”, and “yesterday” does.
    assert [item.verdict.label for item in ran.judged] == ["unsupported", "supported"]
    assert (ran.problems, ran.tokens) == ([], 2 * 47)
    assert ran.name.startswith("llamaindex-faithfulness (llama-index-core 0.")


@pytest.mark.slow
def test_a_judge_of_others_that_fails_is_unscored_and_says_why(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=400, body=b"{}")]
    ran = asked(scripted_llm, Others({}))
    assert [item.verdict.label for item in ran.judged] == ["unscored", "unscored"]
    assert ran.problems[0].startswith("BadRequestError")


@pytest.mark.slow
def test_a_judge_of_others_that_is_too_slow_is_not_asked_on(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply("YES")]
    ran = asked(scripted_llm, Others({}, budget_s=0))
    assert ran.problems == ["not asked within 0 s", "not asked within 0 s"]
    assert scripted_llm.requests == []


def test_a_judge_of_others_that_is_not_installed_says_so() -> None:
    without = subprocess.run(
        [sys.executable, "-c", "import ragas"], capture_output=True, check=False
    )
    if without.returncode == 0:
        pytest.skip("ragas is installed here")
    ran = _peer("ragas-rouge", PAIRS, Others({}), None)
    assert ran == "ragas-rouge cannot run here: No module named 'ragas'"


def test_the_script_for_others_needs_nothing_of_ours() -> None:
    source = Path("evals/peers/verdicts.py").read_text(encoding="utf-8")
    assert "from rag" not in source.replace("from ragas", "")
    assert "from evals" not in source


def test_as_many_pairs_of_each_set_are_drawn_half_of_them_supported() -> None:
    sets = {name: [pair for pair in PAIRS for _ in range(5)] for name in ("a", "b")}
    drawn = _drawn(sets, 4)
    assert len(drawn) == 8
    assert sum(pair.supported for pair in drawn) == 4


def test_a_meter_passes_on_what_it_gets_and_adds_up_the_tokens(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply("Yes."), Reply(status=429, body=b"slow down"), Reply("No.")]
    with Meter(scripted_llm.url) as meter:
        replies = [
            httpx.post(f"{meter.url}/chat/completions", json={"model": "m", "n": n}, timeout=60)
            for n in range(3)
        ]
    assert [reply.status_code for reply in replies] == [200, 429, 200]
    assert json.loads(replies[2].content)["choices"][0]["message"]["content"] == "No."
    assert [request["n"] for request in scripted_llm.requests] == [0, 1, 2]
    assert meter.tokens == 2 * 47


def test_a_judge_of_ours_that_says_nothing_is_counted_too() -> None:
    mark = Pair(premise="The attack killed three.", claim="…", supported=False)
    ran = _ours(BigramJudge(), [*PAIRS, mark])
    assert ran.problems == ["nothing that could be judged"]
    assert [item.verdict.label for item in ran.judged][2] == "unscored"
