"""A run that is kept, and what it may be compared with."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.baseline import Baseline, KeptCase, pairing, read_baseline, under_test, write_baseline
from evals.results import CaseResult
from rag.errors import InputError
from tests.runs_made import MADE_WITH, NOW, baseline, checks, refused, report, result

TEN = [result(f"c{number}") for number in range(10)]


def test_a_case_is_kept_with_all_that_a_comparison_needs() -> None:
    right = result("b", article_id="7", citations=checks(True, False), f1=0.66667)
    assert baseline([right, refused("a")]) == Baseline(
        created_at=NOW,
        made_with=MADE_WITH,
        judge="support",
        cases=(
            KeptCase(
                id="a", case_hash="h-a", cluster="a", slice="who", question="Who is a?",
                outcome="refused", is_good=False, answer="",
                values={
                    "accuracy": (0.0,), "must_include": (0.0,), "false_abstain_rate": (1.0,),
                },
            ),
            KeptCase(
                id="b", case_hash="h-b", cluster="7", slice="who", question="Who is b?",
                outcome="answered", is_good=True, answer="",
                values={
                    "accuracy": (1.0,), "must_include": (1.0,), "right_when_answered": (1.0,),
                    "f1_when_answered": (0.6667,), "citations_verified": (1.0, 0.0),
                    "answers_cited": (1.0,), "false_abstain_rate": (0.0,),
                },
            ),
        ),
    )  # fmt: skip


def test_a_baseline_is_written_a_line_a_case_in_order_of_id(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, baseline([refused("b"), refused("a")]))
    head, first, second, last = path.read_text().splitlines()
    assert json.loads(head + "]}")["created_at"] == "2026-03-01T00:00:00Z"
    assert (json.loads(first[:-1])["id"], json.loads(second)["id"]) == ("a", "b")
    assert first == (
        '{"answer":"","case_hash":"h-a","cluster":"a","id":"a","is_good":false,"outcome":"refused",'
        '"question":"Who is a?","slice":"who","values":{"accuracy":[0],'
        '"false_abstain_rate":[1],"must_include":[0]}},'
    )
    assert last == "]}"
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.json"]


@given(st.permutations(TEN))
def test_the_order_of_the_cases_leaves_no_trace(shuffled: list[CaseResult]) -> None:
    assert baseline(shuffled) == baseline(TEN)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    made = baseline([result("ä", citations=checks(True), question="Wer?\u2028")])
    write_baseline(tmp_path / "b.json", made)
    assert read_baseline(tmp_path / "b.json") == made


def test_a_baseline_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "b.json").mkdir()
    with pytest.raises(InputError, match=r"b\.json cannot be written: Is a directory"):
        write_baseline(tmp_path / "b.json", baseline(TEN))
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no baseline of this version"),
        ('{"cases": []}', "no baseline of this version"),
        ("\ud800", "no baseline of this version|cannot be read"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(InputError, match=message):
        read_baseline(path)


def test_a_missing_baseline_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="write one with --update-baseline --baseline"):
        read_baseline(tmp_path / "b.json")


def test_a_case_that_a_merge_left_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write_baseline(path, baseline([result("a")]))
    head, line, last = path.read_text().splitlines()
    path.write_text("\n".join([head, f"{line},", line, last]))
    with pytest.raises(InputError, match="no baseline of this version"):
        read_baseline(path)


@pytest.mark.parametrize("name", ["corpus", "scorers"])
def test_another_measure_is_refused_with_both_values(name: str) -> None:
    now = MADE_WITH.model_copy(update={name: "z9"})
    then = getattr(MADE_WITH, name)
    with pytest.raises(InputError, match=rf"another {name}: {then}, now z9; .*--update-baseline"):
        pairing(baseline(TEN), report(TEN, made_with=now))


def test_a_target_that_does_not_say_what_it_holds_is_not_compared_with_one_that_does() -> None:
    silent = MADE_WITH.model_copy(update={"corpus": None})
    with pytest.raises(InputError, match="another corpus: a1, now not known"):
        pairing(baseline(TEN), report(TEN, made_with=silent))
    assert len(pairing(baseline(TEN, made_with=silent), report(TEN, made_with=silent)).paired) == 10


@pytest.mark.parametrize("name", ["index", "models", "prompts", "program", "target"])
def test_another_system_is_what_a_comparison_is_about(name: str) -> None:
    now = report(TEN, made_with=MADE_WITH.model_copy(update={name: "z9"}))
    assert under_test(baseline(TEN), now) == {name: (getattr(MADE_WITH, name), "z9")}
    assert len(pairing(baseline(TEN), now).paired) == 10
    with pytest.raises(InputError, match=f"another {name}: "):
        pairing(baseline(TEN), now, same_system=True)


def test_cases_may_be_added_and_a_tenth_edited_or_gone() -> None:
    more = MADE_WITH.model_copy(update={"cases": "c2"})
    edited = result("c0", case_hash="other")
    found = pairing(baseline(TEN), report([edited, *TEN[1:], result("new")], made_with=more))
    assert (found.changed, found.only_new, found.only_old) == (("c0",), ("new",), ())
    assert found.paired == tuple(f"c{number}" for number in range(1, 10))
    with pytest.raises(InputError, match=r"10 cases only 8 are here unchanged \(1 edited, 1 gone"):
        pairing(baseline(TEN), report([edited, *TEN[2:]], made_with=more))


def test_cases_without_hashes_are_paired_only_in_the_same_set() -> None:
    bare = [result(f"c{number}", case_hash=None) for number in range(10)]
    assert len(pairing(baseline(bare), report(bare)).paired) == 10
    other = MADE_WITH.model_copy(update={"cases": "c2"})
    with pytest.raises(InputError, match="only 0 are here unchanged"):
        pairing(baseline(bare), report(bare, made_with=other))


def test_what_fails_now_is_left_out_and_what_failed_then_has_nothing_to_say() -> None:
    broken = [result(f"c{n}", outcome="failed", right=None, error="timeout") for n in range(2)]
    found = pairing(baseline(TEN), report([*broken, *TEN[2:]]))
    assert (found.failed, len(found.paired)) == (("c0", "c1"), 8)
    with pytest.raises(InputError, match="2 failed then"):
        pairing(baseline([*broken, *TEN[2:]]), report(TEN))
