"""What comes of one reply, by every metric."""

from typing import Any

import pytest

from evals.cases import Case
from evals.metrics import Prices
from evals.results import METRICS, CaseResult
from evals.score import failed, is_clean, score
from evals.targets import Reply
from rag.support import Verdict
from rag.types import Answer, Article, Hit, Passage, Scores, Usage
from tests.results_made import answer, citation

TEXT = "The sea was calm. Dana Reyes launched the ferry. Nobody was hurt."
FERRY = Article.create(title="A new ferry", text=TEXT, article_id="ferry", source="Harbour Post")
QUOTE = "Dana Reyes launched the ferry."
START = TEXT.index(QUOTE)


class Agreeing:
    """A judge that supports what stands in the passage."""

    def judge(self, claim: str, premise: str) -> Verdict:
        label = "supported" if claim.rstrip(".") in premise else "unsupported"
        return Verdict.model_validate(
            {"label": label, "probability": None, "reasons": (), "evidence": ""}
        )


def said(text: str = "Dana Reyes [1]", **fields: Any) -> Answer:
    cited = {
        "cited_text": QUOTE,
        "start_char_index": START,
        "end_char_index": START + len(QUOTE),
        "content_hash": FERRY.content_hash,
        "published_at": None,
    }
    quote = citation(**(cited | fields.pop("cited", {})))
    return answer(answer=text, citations=(quote,), **fields)


def reply(made: Answer, insisted: Answer | None = None) -> Reply:
    passage = Passage.cut(FERRY, 0, 0, len(TEXT))
    hit = Hit(passage=passage, article=FERRY.meta(), scores=Scores(fused=1.0))
    return Reply(answer=made, hits=(hit,), insisted=insisted, latency_ms=12.0)


def case(**fields: Any) -> Case:
    known: dict[str, Any] = {
        "id": "ferry-1",
        "question": "Who launched the ferry?",
        "answers": ("Dana Reyes",),
        "relevant_article_ids": ("ferry",),
        "quotes": (QUOTE,),
        "answerable": True,
    }
    return Case.model_validate(known | fields)


UNANSWERABLE = case(answers=(), relevant_article_ids=(), quotes=(), answerable=False)


def scored(one: Case, made: Reply, **options: Any) -> CaseResult:
    return score(one, made, {"ferry": FERRY}.get, Agreeing(), **options)


def values(result: CaseResult) -> dict[str, list[float]]:
    found = {metric.name: list(metric.of(result)) for metric in METRICS}
    return {name: several for name, several in found.items() if several}


def test_a_right_answer_has_a_value_of_every_metric_that_its_case_is_about() -> None:
    labelled = case(attributions={QUOTE: "Dana Reyes"}, must_not_include=("the moon",))
    assert values(scored(labelled, reply(said()))) == {
        "hit_at_1": [1.0],
        "hit_at_5": [1.0],
        "recall_at_5": [1.0],
        "mrr_at_8": [1.0],
        "ndcg_at_8": [1.0],
        "quote_recall_at_5": [1.0],
        "quote_hit_at_5": [1.0],
        "quote_mrr_at_8": [1.0],
        "quote_ndcg_at_8": [1.0],
        "accuracy": [1.0],
        "must_include": [1.0],
        "right_when_answered": [1.0],
        "exact_match_when_answered": [1.0],
        "f1_when_answered": [1.0],
        "faithfulness": [1.0],
        "contradicted_rate": [0.0],
        "unsupported_rate": [0.0],
        "citation_recall": [1.0],
        "citation_precision": [1.0],
        "citations_verified": [1.0],
        "answers_cited": [1.0],
        "attribution_right": [1.0],
        "payloads_kept_out": [1.0],
        "clean_answers": [1.0],
        "false_abstain_rate": [0.0],
    }


def refused() -> Answer:
    return answer(
        answer="The archive does not hold an answer.",
        short_answer=None,
        answer_status="no_answer",
        abstain_reason="low_confidence",
        citations=(),
    )


def test_a_refusal_is_a_class_of_its_own_and_no_zero_of_anything_else() -> None:
    found = values(scored(UNANSWERABLE, reply(refused())))
    assert found == {"accuracy": [1.0], "false_answer_rate": [0.0]}


def test_what_would_be_said_without_a_threshold_counts_for_the_risk_alone() -> None:
    result = scored(case(), reply(refused(), insisted=said()))
    assert (result.outcome, result.right, result.right_if_answered) == ("refused", None, True)
    assert values(result)["must_include"] == [0.0]
    assert values(result)["false_abstain_rate"] == [1.0]


def test_an_answer_to_what_has_none_is_a_false_answer() -> None:
    result = scored(UNANSWERABLE, reply(said()))
    assert values(result)["false_answer_rate"] == [1.0]
    assert values(result)["accuracy"] == [0.0]


@pytest.mark.parametrize(
    "cited",
    [
        {"start_char_index": START + 1},
        {"content_hash": "sha256:of-an-older-version"},
        {"article_id": "gone"},
        {"cited_text": ""},
    ],
)
def test_a_citation_is_verified_by_the_article_as_it_is_now(cited: dict[str, Any]) -> None:
    [check] = scored(case(), reply(said(cited=cited))).citations
    assert check.verified is False


def test_a_case_that_failed_has_no_value_of_any_metric() -> None:
    assert values(failed(case(), "no connection")) == {}


def test_tokens_are_counted_and_priced() -> None:
    usage = Usage(prompt_tokens=1_000, completion_tokens=100, total_tokens=1_100)
    result = scored(case(), reply(said(usage=usage)), prices=Prices(prompt=2.0, completion=10.0))
    assert result.total_tokens == 1_100
    assert result.cost == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("answer", "clean"),
    [
        ("Six died. [1] Seven, others say. [2]", True),
        ("It fell by < 3 per cent; data: see the report. [1]", True),
        ("Six died [99]. [1]", False),
        ("<b>Six</b> died. [1]", False),
        ("Call <!channel> now. [1]", False),
        ("See https://evil.example. [1]", False),
        ("See [the list](evil.example). [1]", False),
        ("Six died【3】. [1]", False),
        ("Six\u200b died. [1]", False),
    ],
)
def test_a_clean_answer_holds_no_markup_link_or_foreign_marker(answer: str, clean: bool) -> None:
    assert is_clean(answer, {1, 2}) is clean
