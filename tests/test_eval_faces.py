"""Our judges through LlamaIndex's own runner."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from llama_index.core.base.response.schema import Response
from llama_index.core.evaluation import BatchEvalRunner, EvaluationResult
from llama_index.core.schema import NodeWithScore, TextNode

from evals.judges.faces import DatelineCitations, DatelineFaithfulness
from evals.judges.judge import OfflineJudge
from rag.catalog import Staged
from rag.faces import DatelineQueryEngine
from rag.index import Index
from rag.prompts import ABSTENTION, NO_ANSWER
from rag.types import Article
from rag.wiring import build_answerer

# LlamaIndex's own runner calls what LlamaIndex deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:asyncio_module:DeprecationWarning")

ATTACK = "The attack on the base killed three soldiers and wounded 14, officials said on Thursday."
WEATHER = "Heavy rain fell on the northern valleys all night and closed two mountain roads."
TRUE, FALSE = "The attack killed three soldiers.", "The attack killed three sailors in Oslo."


@pytest.fixture(scope="module")
def judge() -> OfflineJudge:
    return OfflineJudge(threads=1)


@pytest.fixture(scope="module")
def faithful(judge: OfflineJudge) -> DatelineFaithfulness:
    return DatelineFaithfulness(judge)


@pytest.fixture(scope="module")
def cited(judge: OfflineJudge) -> DatelineCitations:
    return DatelineCitations(judge)


def test_the_score_is_the_share_of_sentences_that_a_context_supports(
    faithful: DatelineFaithfulness,
) -> None:
    found = faithful.evaluate(response=f"{TRUE} {FALSE}", contexts=[WEATHER, ATTACK])
    assert (found.score, found.passing, found.invalid_result) == (0.5, False, False)
    first, second = (found.feedback or "").split("\n")
    assert first == f"supported: {TRUE}"
    assert second.endswith(FALSE)


def test_it_passes_at_the_threshold(judge: OfflineJudge) -> None:
    lenient = DatelineFaithfulness(judge, threshold=0.5)
    assert lenient.evaluate(response=f"{TRUE} {FALSE}", contexts=[ATTACK]).passing is True


@pytest.mark.parametrize(
    ("response", "contexts", "reason"),
    [
        (NO_ANSWER["low_confidence"], [ATTACK], "the response is a refusal"),
        (ABSTENTION, [ATTACK], "the response is a refusal"),
        ("Empty Response", [], "the response is a refusal"),
        ("I'm sorry, I cannot help with that.", [ATTACK], "the response is a refusal"),
        ("The passages do not mention it [1].", [ATTACK], "the response is a refusal"),
        (TRUE, [], "there are no contexts"),
        (TRUE, None, "there are no contexts"),
        ("", [ATTACK], "there is no response"),
        (None, [ATTACK], "there is no response"),
        ("…", [ATTACK], "no sentence of the response says anything that can be judged"),
    ],
)
def test_what_cannot_be_scored_is_invalid_with_a_reason_and_never_a_number(
    faithful: DatelineFaithfulness,
    response: str | None,
    contexts: list[str] | None,
    reason: str,
) -> None:
    found = faithful.evaluate(response=response, contexts=contexts)
    assert (found.score, found.passing) == (None, None)
    assert (found.invalid_result, found.invalid_reason) == (True, reason)


def test_a_sentence_after_the_first_that_says_what_articles_leave_out_is_no_refusal(
    faithful: DatelineFaithfulness,
) -> None:
    response = f"{TRUE} The articles do not mention the weather."
    assert faithful.evaluate(response=response, contexts=[ATTACK]).score is not None


def test_a_marker_must_name_a_context_that_supports_its_sentence(cited: DatelineCitations) -> None:
    def score(response: str) -> float | None:
        return cited.evaluate(response=response, contexts=[WEATHER, ATTACK]).score

    assert score(f"{TRUE[:-1]} [2].") == 1.0
    assert score(f"{TRUE[:-1]} [1].") == 0.0
    assert score(f"{TRUE[:-1]} [1][2].") == 1.0
    assert score(f"{TRUE[:-1]} [7].") == 0.0
    assert score(TRUE) == 0.0
    assert score(f"{TRUE[:-1]} [2]. {TRUE[:-9]} fighters.") == 0.5


def test_both_run_in_the_batch_runner_of_llama_index_and_their_results_are_plain_json(
    faithful: DatelineFaithfulness, cited: DatelineCitations
) -> None:
    runner = BatchEvalRunner({"faithful": faithful, "cited": cited}, workers=2)
    found = asyncio.run(
        runner.aevaluate_response_strs(
            queries=["How many died?", "Who?"],
            response_strs=[f"{TRUE[:-1]} [1].", NO_ANSWER["no_match"]],
            contexts_list=[[ATTACK], [ATTACK]],
        )
    )
    assert [result.score for result in found["faithful"]] == [1.0, None]
    assert [result.score for result in found["cited"]] == [1.0, None]
    for results in found.values():
        for result in results:
            assert isinstance(result, EvaluationResult)
            json.dumps(result.model_dump(), allow_nan=False)


def test_a_stock_response_is_judged_beside_its_source_nodes(cited: DatelineCitations) -> None:
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in (WEATHER, ATTACK)]
    response = Response(response=f"{TRUE[:-1]} [2].", source_nodes=nodes)
    runner = BatchEvalRunner({"cited": cited})
    found = asyncio.run(runner.aevaluate_responses(["How many?"], [response]))
    assert found["cited"][0].score == 1.0


def test_a_marker_of_our_query_engine_names_its_citation_though_passages_are_listed_once(
    cited: DatelineCitations, faithful: DatelineFaithfulness
) -> None:
    nodes = [NodeWithScore(node=TextNode(id_="a", text=ATTACK))]
    response = Response(
        response=f"{TRUE[:-1]} [1]. It wounded 14 [2].",
        source_nodes=nodes,
        metadata={"citations": [{"passage_id": "a"}, {"passage_id": "a"}]},
    )
    assert cited.evaluate_response(response=response).score == 1.0
    assert faithful.evaluate_response(response=response).score == 1.0


def test_what_our_query_engine_answers_is_faithful_and_cited_or_a_refusal(
    index: Index,
    stage: Callable[[Article], Staged],
    faithful: DatelineFaithfulness,
    cited: DatelineCitations,
) -> None:
    index.put([stage(Article.create(title="Attack", text=ATTACK, source="ledger.example"))])
    now = datetime(2024, 1, 1, tzinfo=UTC)
    engine = DatelineQueryEngine(answerer=build_answerer(index), now=lambda: now)
    answered = engine.custom_query("How many soldiers did the attack kill?")
    refused = engine.custom_query("How do I bake sourdough bread?")
    runner = BatchEvalRunner({"faithful": faithful, "cited": cited}, workers=1)
    found = asyncio.run(runner.aevaluate_responses(["", ""], [answered, refused]))
    assert [[r.score for r in found[name]] for name in ("faithful", "cited")] == [[1.0, None]] * 2
    assert found["cited"][1].invalid_reason == "the response is a refusal"
