"""A run beside its baseline: what got worse, by more than chance, and what nobody can tell."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.compare import GATED, ZERO_TOLERANCE, Change, Comparison, Flip, compare
from evals.results import METRICS, CaseResult
from rag.errors import InputError
from rag.types import Answer
from tests.runs_made import JUDGE, MADE_WITH, NOW, baseline, checks, claims, refused, report, result

FORTY = [result(f"c{number:02}") for number in range(40)]


def compared(old: list[CaseResult], new: list[CaseResult], **options: object) -> Comparison:
    return compare(baseline(old), report(new), **options)  # type: ignore[arg-type]  # passed on


def change(found: Comparison, metric: str) -> Change:
    [one] = [change for change in found.changes if change.metric == metric]
    return one


def wrong(number: int, of: list[CaseResult] = FORTY) -> list[CaseResult]:
    """Return the cases, the first so many of them answered wrongly."""
    return [one.model_copy(update={"right": n >= number}) for n, one in enumerate(of)]


def saying(text: str) -> Answer:
    return Answer(
        id="a", created_at=NOW, model="m", answer=text, answer_status="answered", confidence=0.5,
        standalone_question="", citations=(), sources=(), timings_ms={}, index_fingerprint="f",
        request_id="r",
    )  # fmt: skip


def test_answers_that_turned_wrong_are_worse_by_mcnemars_test() -> None:
    found = compared(FORTY, wrong(12))
    assert change(found, "accuracy") == Change(
        metric="accuracy",
        old=1.0,
        new=0.7,
        difference=-0.3,
        # As the binomial distribution has it: 18 and 7 of 40.
        low=-0.45,
        high=-0.175,
        p_value=0.00049,
        # Of three metrics that have a value the first, then the next, then the last.
        adjusted=0.00146,
        n=40,
        # (2.394 + 0.842)^2 / 40: at 5 % / 3.
        detectable=0.26173,
        verdict="worse",
    )
    assert found.worse == ("accuracy", "right_when_answered")
    assert change(found, "false_abstain_rate").verdict == "same"


def test_what_chance_may_do_is_the_same() -> None:
    # Six turned wrong: p = 0.031 alone, but 0.094 as one of three that were looked at.
    found = compared(FORTY, wrong(6))
    one = change(found, "accuracy")
    assert (one.p_value, one.adjusted, one.verdict) == (0.03125, 0.09375, "same")
    assert found.worse == ()
    # Of a metric that the gate does not ask about, the test by itself says.
    assert (change(found, "must_include").verdict, change(found, "must_include").adjusted) == (
        "worse",
        None,
    )
    assert compared(FORTY, wrong(6), gated=["accuracy"]).worse == ("accuracy",)
    assert compared(FORTY, wrong(6), gated=["accuracy"], alpha=0.01).worse == ()


def test_the_questions_of_one_article_are_one_witness() -> None:
    together = [one.model_copy(update={"article_id": "7"}) for one in FORTY[:12]] + FORTY[12:]
    found = compared(together, wrong(12, together))
    assert (change(found, "accuracy").difference, change(found, "accuracy").p_value) == (-0.3, 1.0)
    assert found.worse == ()


def test_refusing_what_would_be_wrong_is_told_by_what_was_refused() -> None:
    """A build that refuses gets right_when_answered better, and false_abstain_rate worse."""
    shy = [refused(f"c{n:02}") if n < 20 else FORTY[n] for n in range(40)]
    found = compared(wrong(20), shy)
    one = change(found, "right_when_answered")
    assert (one.old, one.new, one.n, one.verdict) == (0.5, 1.0, 40, "better")
    assert change(found, "accuracy").verdict == "same"
    assert found.worse == ("false_abstain_rate",)


def test_one_unverified_citation_is_worse() -> None:
    old = [result("a", citations=checks(*[True] * 500))]
    new = [result("a", citations=checks(*[True] * 499, False))]
    found = compared(old, new)
    one = change(found, "citations_verified")
    assert (one.difference, one.p_value, one.verdict) == (-0.002, 1.0, "worse")
    assert found.worse == ("citations_verified",)
    assert change(compared(new, old), "citations_verified").verdict == "better"


def test_more_citations_that_are_all_verified_are_the_same() -> None:
    found = compared([result(citations=checks(True))], [result(citations=checks(*[True] * 3))])
    assert change(found, "citations_verified").verdict == "same"


def test_sentences_are_swapped_article_by_article() -> None:
    old = [result(f"c{n}", claims=claims("supported", "supported")) for n in range(12)]
    new = [result(f"c{n}", claims=claims("supported", "contradicted")) for n in range(12)]
    found = compared(old, new)
    assert (change(found, "faithfulness").old, change(found, "faithfulness").new) == (1.0, 0.5)
    assert "faithfulness" in found.worse
    assert "citation_recall" in found.worse


def test_what_an_unknown_judge_says_is_asked_about_by_nobody() -> None:
    old = [result(f"c{n}", claims=claims("supported")) for n in range(20)]
    new = report(
        [result(f"c{n}", claims=claims("contradicted")) for n in range(20)],
        judge=JUDGE.model_copy(update={"is_advisory": True}),
    )
    found = compare(baseline(old), new)
    one = change(found, "faithfulness")
    assert (one.verdict, one.adjusted) == ("worse", None)
    assert found.worse == ()
    assert found.advisory == ("faithfulness", "citation_recall", "citation_precision")


def test_a_metric_that_lost_its_values_is_lost_and_not_the_same() -> None:
    found = compared([result("a", status_right=True)], [result("a")])
    one = change(found, "status_right")
    assert (one.old, one.new, one.difference, one.verdict) == (1.0, None, None, "unscored")
    assert found.lost == ("status_right",)


def test_flipped_questions_come_with_both_answers_the_lost_ones_first() -> None:
    long = "No. " * 100
    old = [result("a", right=False, answer=saying("Tom.")), result("b", answer=saying("Ann."))]
    new = [result("a", answer=saying("Tim.")), result("b", right=False, answer=saying(long))]
    assert compared(old, new).flips == (
        Flip(
            id="b", slice="who", question="Who is b?", is_good=False, old_answer="Ann.",
            new_answer=long[:300],
        ),
        Flip(
            id="a", slice="who", question="Who is a?", is_good=True, old_answer="Tom.",
            new_answer="Tim.",
        ),
    )  # fmt: skip


def test_each_slice_has_its_accuracy() -> None:
    when = [result(f"w{n}", slice="when") for n in range(10)]
    found = compared([*when, *FORTY], [*wrong(8, when), *FORTY])
    assert [(one.slice, one.old, one.new, one.p_value, one.verdict) for one in found.slices] == [
        ("when", 1.0, 0.2, 0.00781, "worse"),
        ("who", 1.0, 1.0, 1.0, "same"),
    ]


def test_cases_that_failed_or_were_edited_are_compared_in_neither_run() -> None:
    failed = result("c00", outcome="failed", right=None, error="timeout")
    edited = result("c01", case_hash="other", right=False)
    more = MADE_WITH.model_copy(update={"cases": "c2"})
    made = report([failed, edited, *FORTY[2:], result("new")], made_with=more)
    found = compare(baseline(FORTY), made)
    assert (found.paired, found.failed, found.changed) == (38, ("c00",), ("c01",))
    assert (found.only_new, found.only_old, found.flips) == (("new",), (), ())
    assert change(found, "accuracy").difference == 0.0


def test_an_unknown_metric_to_gate_on_is_an_error() -> None:
    with pytest.raises(InputError, match=r"no metric acuracy to gate on; did you mean accuracy\?"):
        compared(FORTY, FORTY, gated=["acuracy"])


def test_what_is_gated_exists() -> None:
    assert {*GATED, *ZERO_TOLERANCE} <= {metric.name for metric in METRICS}
    assert not {*GATED} & {*ZERO_TOLERANCE}


cases = st.builds(
    lambda number, fields, said, cited: result(
        str(number), claims=claims(*said), citations=checks(*cited), **fields
    ),
    st.integers(0, 9),
    st.fixed_dictionaries(
        {
            "outcome": st.sampled_from(["answered", "refused", "failed"]),
            "right": st.sampled_from([True, False, None]),
            "answerable": st.booleans(),
            "f1": st.sampled_from([None, 0.3, 0.6667]),
            "ranking": st.sampled_from([{}, {"mrr_at_8": 0.3333}, {"mrr_at_8": 1.0}]),
            "article_id": st.just("x") | st.none(),
        }
    ),
    st.lists(st.sampled_from(["supported", "contradicted", "unscored"]), max_size=3),
    st.lists(st.booleans(), max_size=2),
)
runs = st.lists(cases, min_size=1, max_size=10, unique_by=lambda case: case.id)


def asked_twice(old: list[CaseResult], outcome: random.Random) -> list[CaseResult]:
    """Return the same cases with each other's outcomes, but none that failed or no longer does."""
    drawn = outcome.sample(old, len(old))
    kept = ("id", "question", "case_hash", "slice", "article_id", "answerable")
    return [
        other.model_copy(update={name: getattr(one, name) for name in kept})
        for one, other in zip(old, drawn, strict=True)
        if (one.outcome == "failed") == (other.outcome == "failed")
    ]


def without_failed(run: list[CaseResult]) -> list[CaseResult]:
    return [one for one in run if one.outcome != "failed"] or [result("only")]


@given(runs)
def test_a_rerun_that_is_identical_is_the_same_whatever_it_holds(run: list[CaseResult]) -> None:
    run = without_failed(run)
    found = compared(run, run)
    assert {(one.difference, one.verdict) for one in found.changes} <= {
        (0.0, "same"),
        (None, "unscored"),
    }
    assert (found.worse, found.lost, found.flips) == ((), (), ())


@given(runs, st.randoms(use_true_random=False))
def test_neither_the_order_of_cases_nor_who_comes_first_matters(
    run: list[CaseResult], chance: random.Random
) -> None:
    old = without_failed(run)
    new = asked_twice(old, chance)
    found = compared(old, new)
    assert compared(chance.sample(old, len(old)), chance.sample(new, len(new))) == found
    back = compared(new, old)
    opposite = {"better": "worse", "worse": "better", "same": "same", "unscored": "unscored"}
    mirrored = [
        one.model_copy(
            update={
                "old": one.new,
                "new": one.old,
                "difference": None if one.difference is None else 0.0 - one.difference,
                "low": None if one.high is None else 0.0 - one.high,
                "high": None if one.low is None else 0.0 - one.low,
                "verdict": opposite[one.verdict],
            }
        )
        for one in found.changes
    ]
    assert list(back.changes) == mirrored
    assert {(f.id, not f.is_good) for f in found.flips} == {(f.id, f.is_good) for f in back.flips}
