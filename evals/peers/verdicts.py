"""Judges of other projects, each behind the same two lines; run by `evals.peers.judges`.

    python evals/peers/verdicts.py ragas-faithfulness --url http://… --model smollm2 < PAIRS

Reads `{premise, claim}` lines and writes `{score, problem}` lines: `score` 0 to 1, null where the
judge gave NaN or failed, which `problem` then says. A script by itself, without anything of ours,
because what these projects need contradicts each other and us: give each its own environment.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

# Any, here and below: a name of a library that is installed only in an environment of its own.
Score = Callable[[str, str], Awaitable[Any]]
_QUESTION = "What happened?"
# A small model may never stop; a verdict on one sentence takes no more.
_MAX_TOKENS = 300


def ragas_faithfulness(url: str, model: str) -> Score:
    """Ragas: statements are drawn from the claim, each is judged beside the passage."""
    from langchain_openai import ChatOpenAI
    from ragas import SingleTurnSample
    from ragas.llms import LangchainLLMWrapper
    from ragas.metrics import Faithfulness

    # ChatOpenAI's own max_tokens is sent under a name that llama.cpp's server does not know.
    llm = ChatOpenAI(
        model=model,
        base_url=url,
        api_key="unused",
        temperature=0,
        extra_body={"max_tokens": _MAX_TOKENS},
    )
    metric = Faithfulness(llm=LangchainLLMWrapper(llm))

    async def score(claim: str, premise: str) -> Any:
        sample = SingleTurnSample(
            user_input=_QUESTION, response=claim, retrieved_contexts=[premise]
        )
        return await metric.single_turn_ascore(sample)

    return score


def _ragas_overlap(name: str) -> Score:
    import ragas.metrics
    from ragas import SingleTurnSample

    metric = getattr(ragas.metrics, name)()

    async def score(claim: str, premise: str) -> Any:
        sample = SingleTurnSample(response=claim, reference=premise)
        return await metric.single_turn_ascore(sample)

    return score


def ragas_rouge(_url: str, _model: str) -> Score:
    """Ragas: ROUGE-L of claim and passage."""
    return _ragas_overlap("RougeScore")


def ragas_bleu(_url: str, _model: str) -> Score:
    """Ragas: BLEU of claim and passage."""
    return _ragas_overlap("BleuScore")


def ragas_string_similarity(_url: str, _model: str) -> Score:
    """Ragas: likeness of claim and passage, letter by letter."""
    return _ragas_overlap("NonLLMStringSimilarity")


def deepeval_faithfulness(url: str, model: str) -> Score:
    """DeepEval: truths are drawn from the passage, claims from the claim, and compared."""
    from deepeval.metrics import FaithfulnessMetric
    from deepeval.models import LocalModel
    from deepeval.test_case import LLMTestCase

    llm = LocalModel(
        model=model, base_url=url, api_key="unused", generation_kwargs={"max_tokens": _MAX_TOKENS}
    )

    async def score(claim: str, premise: str) -> Any:
        metric = FaithfulnessMetric(model=llm, include_reason=False)
        case = LLMTestCase(input=_QUESTION, actual_output=claim, retrieval_context=[premise])
        return await metric.a_measure(case, _show_indicator=False)

    return score


def llamaindex_faithfulness(url: str, model: str) -> Score:
    """LlamaIndex: one question, passed if the reply holds “yes” anywhere."""
    from llama_index.core.evaluation import FaithfulnessEvaluator
    from llama_index.llms.openai_like import OpenAILike

    llm = OpenAILike(
        model=model,
        api_base=url,
        api_key="unused",
        is_chat_model=True,
        temperature=0.0,
        max_tokens=_MAX_TOKENS,
        context_window=2_048,
    )
    evaluator = FaithfulnessEvaluator(llm=llm)

    async def score(claim: str, premise: str) -> Any:
        return (await evaluator.aevaluate(response=claim, contexts=[premise])).score

    return score


PEERS = {
    "llamaindex-faithfulness": (llamaindex_faithfulness, "llama-index-core"),
    "ragas-faithfulness": (ragas_faithfulness, "ragas"),
    "ragas-rouge": (ragas_rouge, "ragas"),
    "ragas-bleu": (ragas_bleu, "ragas"),
    "ragas-string-similarity": (ragas_string_similarity, "ragas"),
    "deepeval-faithfulness": (deepeval_faithfulness, "deepeval"),
}


async def _answered(score: Score, row: dict[str, str], timeout_s: float) -> dict[str, object]:
    try:
        value = float(await asyncio.wait_for(score(row["claim"], row["premise"]), timeout_s))
    except Exception as exc:
        # Whatever another project raises is what is to be counted here.
        return {"score": None, "problem": f"{type(exc).__name__}: {str(exc)[:200]}"}
    if math.isnan(value):
        return {"score": None, "problem": "NaN"}
    return {"score": min(1.0, max(0.0, value)), "problem": None}


async def _all(score: Score, timeout_s: float, budget_s: float) -> None:
    began = time.monotonic()
    for line in sys.stdin:
        left_s = budget_s - (time.monotonic() - began)
        found: dict[str, object] = {"score": None, "problem": f"not asked within {budget_s:g} s"}
        if left_s > 0:
            found = await _answered(score, json.loads(line), timeout_s)
        print(json.dumps(found), flush=True)


def main() -> None:
    """Judge the pairs of standard input, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--url", default="")
    parser.add_argument("--model", default="")
    parser.add_argument("--timeout-s", type=float, default=60.0, help="for one pair")
    parser.add_argument("--budget-s", type=float, default=600.0, help="for all of them")
    asked = parser.parse_args()
    make, package = PEERS[asked.peer]
    try:
        score = make(asked.url, asked.model)
    except ImportError as exc:
        sys.exit(f"{asked.peer} cannot run here: {exc}")
    print(json.dumps({"version": f"{package} {version(package)}"}), flush=True)
    asyncio.run(_all(score, asked.timeout_s, asked.budget_s))


if __name__ == "__main__":
    main()
