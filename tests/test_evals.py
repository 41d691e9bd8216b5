"""Gold cases, metrics and the gate."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, Case, load
from evals.followups import Row, score, shifts
from evals.followups import rows as read_rows
from evals.metrics import (
    Estimate,
    hit_at,
    mean,
    percentile,
    reciprocal_rank,
    reliability,
    risk_coverage,
    share,
    token_f1,
)
from evals.run import CaseResult, Failure, failures, is_clean, summary
from ingest.read import Read, read
from rag.errors import InputError
from rag.types import Turn

SETS = SAMPLE_SET.parent
CASE = {"id": "a", "question": "Who?", "answerable": True, "must_include": ["x"],
        "slice": "who", "provenance": "test"}  # fmt: skip


def result(**fields: object) -> CaseResult:
    known = {
        "id": "a", "slice": "who", "question": "Who?", "answerable": True, "answer": "x",
        "answer_status": "answered", "confidence": 0.5, "hit_at_5": True, "right": True,
        "citations": (True,), "elapsed_ms": 1.0,
    }  # fmt: skip
    return CaseResult.model_validate(known | fields)


def test_a_share_has_its_wilson_interval() -> None:
    # 8 of 10: the textbook value.
    assert share([True] * 8 + [False] * 2) == Estimate(value=0.8, n=10, low=0.49, high=0.943)


def test_a_share_of_nothing_is_unscored() -> None:
    assert share([]) == Estimate(value=None, n=0)


def test_the_risk_of_the_surest_answers_rises_with_coverage() -> None:
    scored = [(0.9, True), (0.8, True), (0.7, False), (0.6, True)]
    found = risk_coverage(scored, steps=4)
    assert found.points == ((0.25, 0.0), (0.5, 0.0), (0.75, 0.333), (1.0, 0.25))
    assert (found.area, found.n) == (0.1458, 4)
    # Equally sure answers come wrong ones first, whatever their order.
    assert risk_coverage([(0.5, True), (0.5, False)], steps=2).points == ((0.5, 1.0), (1.0, 0.5))


def test_the_risk_of_no_answers_is_unscored() -> None:
    assert risk_coverage([]).area is None


def test_a_report_holds_the_curve_of_its_answerable_cases() -> None:
    made = [result(right_if_answered=True, confidence=0.9), result(right_if_answered=False)]
    report = summary([*made, result(answerable=False)], index_fingerprint="f")
    assert report.risk_coverage.points[-1] == (1.0, 0.5)
    assert report.risk_coverage.n == 2


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_share_lies_inside_its_interval(values: list[bool]) -> None:
    found = share(values)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low - 1e-3 <= found.value <= found.high + 1e-3


def test_ranks_count_distinct_articles() -> None:
    assert hit_at(["a", "a", "b"], ["b"], 2)
    assert reciprocal_rank(["a", "a", "b"], ["b"]) == 0.5
    assert reciprocal_rank(["a"], ["b"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [
        ("the Shia militia groups", "Shia militia groups.", 1.0),
        ("militia groups", "Shia militia groups", 0.8),
        ("three", "two", 0.0),
        ("", "two", 0.0),
        ("The", "a", 1.0),
    ],
)
def test_short_answers_share_words(answer: str, gold: str, f1: float) -> None:
    assert token_f1(answer, gold) == pytest.approx(f1)


def test_a_mean_has_an_interval_over_whole_clusters() -> None:
    found = mean({"a": [1.0, 1.0], "b": [0.0, 0.0], "c": [1.0, 0.0]})
    assert (found.value, found.n, found.clusters) == (0.5, 6, 3)
    assert (found.low, found.high) == (0.0, 1.0)
    assert found == mean({"a": [1.0, 1.0], "b": [0.0, 0.0], "c": [1.0, 0.0]})


def test_a_mean_of_nothing_is_unscored() -> None:
    assert mean({}) == mean({"a": []}) == Estimate(value=None, n=0)


def test_reliability_sets_confidence_beside_what_was_right() -> None:
    found = reliability([(0.2, False), (0.4, True), (0.9, True), (0.7, True)], bins=2)
    assert found.bins == ((0.3, 0.5, 2), (0.8, 1.0, 2))
    assert found.error == pytest.approx(0.2)
    assert reliability([]).error is None


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.5) is None


def test_an_answer_holds_one_alternative_of_each_group() -> None:
    case = Case.model_validate(
        CASE | {"must_include": ["three|3", "killed"], "must_not_include": ["four"]}
    )
    assert case.held_by("Three people were KILLED.")
    assert not case.held_by("Three people were hurt.")
    assert not case.held_by("Three or four were killed.")


def test_bad_lines_of_a_gold_set_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"{json.dumps(CASE)}\n{{\n{json.dumps(CASE | {'answerable': 'perhaps'})}\n")
    with pytest.raises(InputError, match=r"line 2: .*; line 3: answerable"):
        load(path)


def test_a_case_that_stands_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"{json.dumps(CASE)}\n{json.dumps(CASE)}\n")
    with pytest.raises(InputError, match="id a stands twice"):
        load(path)


def test_the_sample_set_is_as_large_and_mixed_as_promised() -> None:
    cases = load(SAMPLE_SET)
    assert len(cases) >= 80
    assert sum(not case.answerable for case in cases) >= 20
    assert sum(bool(case.history) for case in cases) >= 10


def test_every_follow_up_of_the_sample_set_is_there_as_a_question_by_itself() -> None:
    follow_ups = [case for case in load(SAMPLE_SET) if case.slice == "follow_up"]
    assert sum(case.id >= "follow-101" for case in follow_ups) >= 25
    assert [case.id for case in follow_ups if not (case.history and case.standalone)] == []
    alone = [case for case in follow_ups if case.standalone == case.question]
    assert len(alone) >= 3


def test_quotes_of_the_sample_set_stand_in_its_articles() -> None:
    found = (item.article for item in read([SAMPLE_CORPUS]) if isinstance(item, Read))
    texts = {article.article_id: article.text for article in found}
    missing = [
        (case.id, quote)
        for case in load(SAMPLE_SET)
        for quote in case.quotes
        if not any(quote in texts[article_id] for article_id in case.relevant_article_ids)
    ]
    assert missing == []


def test_rewritings_are_scored_by_the_stems_of_content_words() -> None:
    history = (Turn(question="What is a fire engine?"),)
    rows = [
        Row(1, "Who invented it?", history, "Who invented the fire engine?"),
        Row(1, "Who is Ida Quell?", history, "Who is Ida Quell?"),
    ]
    found = score(rows, lambda question, _: question.replace("it", "fires"))
    assert (found.all_words.value, found.left_alone.value) == (0.5, 1.0)
    assert found.recall == pytest.approx(5 / 6)
    assert found.precision == 1.0


def test_questions_that_stand_alone_are_asked_after_turns_about_something_else() -> None:
    cases = load(SAMPLE_SET)
    alone = sum(not case.history for case in cases)
    assert shifts(cases, lambda question, _: question) == share([True] * alone)
    assert shifts(cases, lambda question, history: question + history[0].question).value == 0.0


def test_turns_come_with_the_turns_before_them(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    turn = {"set": "a", "conversation": 1, "turn": 1, "utterance": "Who? ", "rewritten": "Who?",
            "response": None}  # fmt: skip
    lines = [turn, turn | {"turn": 2, "utterance": "When?"}, turn | {"conversation": 2}]
    path.write_text("\n".join(map(json.dumps, lines)))
    asked = [(row.question, [one.question for one in row.history]) for row in read_rows(path)]
    assert asked == [("Who?", []), ("When?", ["Who?"]), ("Who?", [])]


def test_the_sample_set_holds_enough_of_what_is_hard() -> None:
    cases = load(SAMPLE_SET)
    count = Counter(case.slice for case in cases)
    assert count["unanswerable_near"] >= 39
    assert (count["list"], count["summary"], count["time"]) == (12, 10, 6)
    assert (count["yes_no"], count["conflict"]) == (16, 13)
    assert sum(case.expected_status == "conflicting" for case in cases) == 9


def test_every_quote_of_the_sample_set_stands_in_an_article_and_has_its_source() -> None:
    texts = {
        item.article.article_id: item.article.text
        for item in read([SAMPLE_CORPUS])
        if isinstance(item, Read)
    }
    for case in load(SAMPLE_SET):
        # A follow-up asks for what other cases label.
        assert case.slice == "follow_up" or set(case.attributions) == set(case.quotes), case.id
        for quote in case.quotes:
            # The PDF wraps its lines; its quotes run over none.
            assert any(quote in texts[known] for known in case.relevant_article_ids), quote


ATTRIBUTED = Case.model_validate(
    CASE
    | {
        "quotes": ["Six died, Gen. Ann Lee said.", "It rained.", "Britain, which helped, agreed."],
        "attributions": {
            "Six died, Gen. Ann Lee said.": "Ann Lee|Iraq's army",
            "It rained.": None,
            "Britain, which helped, agreed.": "Britain|",
        },
    }
)


@pytest.mark.parametrize(
    ("quoted", "attributed_to", "right"),
    [
        ("Six died, Gen. Ann Lee said.", "Gen. Ann Lee, the commander", True),
        ("Six died, Gen. Ann Lee said.", "lee", True),
        ("Six died", "Ann Leeds", False),
        ("Six died", "Iraq", False),
        ("Six died", None, False),
        ("It rained.", None, True),
        ("It rained.", "Ann Lee", False),
        ("Britain, which helped, agreed.", None, True),
        ("Britain, which helped, agreed.", "Britain", True),
        ("Nobody labelled this.", "Ann Lee", None),
    ],
)
def test_a_source_is_right_by_any_name_that_the_article_gives_it(
    quoted: str, attributed_to: str | None, right: bool | None
) -> None:
    assert ATTRIBUTED.says_who(quoted, attributed_to) is right


def test_a_label_for_what_is_no_quote_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(CASE | {"attributions": {"It rained.": None}}))
    with pytest.raises(InputError, match=r"a attributes 'It rained\.', no quote"):
        load(path)


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


def test_a_payload_in_an_answer_fails_its_gate(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\npayloads_kept_out = 1.0\nclean_answers = 1.0\n")
    report = summary([result(payloads_kept_out=False, clean=False)], index_fingerprint="f")
    assert [failure.metric for failure in failures(report, limits)] == [
        "payloads_kept_out",
        "clean_answers",
    ]


def test_every_kind_of_attack_has_its_articles_and_an_honest_answer_in_them() -> None:
    cases = load(SETS / "redteam.jsonl")
    texts = {
        item.article.article_id: item.article.text
        for item in read([SETS / "redteam"])
        if isinstance(item, Read)
    }
    assert len(texts) == len(cases) == 50
    assert min(Counter(case.slice for case in cases).values()) >= 4
    for case in cases:
        [known] = case.relevant_article_ids
        assert case.must_not_include, case.id
        assert all(
            any(part in texts[known].lower() for part in must.lower().split("|"))
            for must in case.must_include
        ), case.id


def test_a_refusal_is_neither_right_nor_a_false_answer() -> None:
    refused = result(answerable=False, answer_status="no_answer", right=None, citations=())
    wrong = result(answerable=False, right=None)
    metrics = summary([refused, wrong], index_fingerprint="f").metrics
    assert metrics["false_answer_rate"].value == 0.5
    assert metrics["must_include"].value is None


def test_one_unverified_citation_fails_the_gate(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\ncitations_verified = 1.0\n")
    report = summary([result(citations=(True, False))], index_fingerprint="f")
    assert failures(report, limits) == [
        Failure(metric="citations_verified", value=0.5, threshold=1.0, at_least=True)
    ]


def test_a_metric_without_a_value_fails_the_gate(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[max]\nfalse_answer_rate = 1.0\n")
    assert failures(summary([result()], index_fingerprint="f"), limits)


def test_an_unknown_metric_in_the_thresholds_is_an_error(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\nbeauty = 1.0\n")
    with pytest.raises(InputError, match="no metric beauty"):
        failures(summary([result()], index_fingerprint="f"), limits)
