"""How far a judge agrees with people is measured, recorded, and known by its fingerprint."""

import json
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from api.cli import main
from evals.cases import SAMPLE_CORPUS
from evals.judges.agreement import Agreement, agreement, sample_agreement
from evals.judges.drawn import auc_draws, balanced_draws, estimate, mean_draws
from evals.judges.judge import BigramJudge, Interval, JudgeInfo, OfflineJudge, support_info
from evals.judges.pairs import SAMPLE_PAIRS, Pair, load_pairs
from evals.judges.records import is_trusted, load_records, record_for, write_record
from evals.metrics import Estimate
from ingest.read import Read, read
from rag.errors import InputError
from rag.onnx import MODELS
from rag.support import Verdict, align
from rag.training.scores import auc
from tests.scripted import Reply, ScriptedLLM

TODAY = date(2026, 11, 25)


class Planned:
    """A judge whose verdict a test writes into the claim: a probability, or nothing."""

    def __init__(self, trained_on: tuple[str, ...] = (), *, first_words: bool = False) -> None:
        left_out = {name: Interval(value=0.6, low=0.5, high=0.7) for name in trained_on}
        self.info = JudgeInfo(
            name="planned",
            fingerprint="sha256:1",
            deterministic=True,
            trained_on=trained_on,
            left_out_auc=left_out,
        )
        self._first_words = first_words

    def judge(self, claim: str, premise: str) -> Verdict:
        if claim == "-":
            return Verdict(label="unscored", probability=None, reasons=(), evidence="")
        probability = None if claim == "yes" else float(claim)
        if self._first_words:
            probability = float(premise.startswith("Here"))
        label = "supported" if probability is None or probability >= 0.5 else "unsupported"
        return Verdict(label=label, probability=probability, reasons=(), evidence="")


def pair(claim: str, supported: bool, name: str = "all", premise: str = "Here it is.") -> Pair:
    return Pair(premise=premise, claim=claim, supported=supported, set=name)


def measured(pairs: list[Pair], judge: Planned | None = None) -> Agreement:
    return agreement(judge or Planned(), pairs, pairs_sha256="0", measured_on=TODAY)


def test_agreement_is_balanced_over_supported_claims_and_others() -> None:
    right = [pair("0.9", True)] * 9 + [pair("0.2", True)] + [pair("0.1", False)]
    found = measured([*right, pair("0.8", False)]).overall
    assert found.balanced_accuracy.value == 0.7
    assert (found.right_of_supported.value, found.right_of_others.value) == (0.9, 0.5)
    assert found.auc.value == 0.95


def test_what_is_unscored_is_neither_right_nor_wrong_but_uncovered() -> None:
    pairs = [pair("0.9", True), pair("-", True), pair("0.1", False), pair("-", False)]
    found = measured(pairs).overall
    assert (found.n, found.unscored, found.coverage) == (4, 2, 0.5)
    assert (found.balanced_accuracy.value, found.auc.value) == (1.0, 1.0)


def test_where_nothing_is_scored_there_is_no_figure() -> None:
    found = measured([pair("-", True), pair("-", False)])
    assert found.overall.balanced_accuracy == Interval(value=None)
    assert (found.overall.coverage, found.macro.sets) == (0.0, 0)
    json.dumps(found.model_dump(mode="json"), allow_nan=False)


def test_a_set_of_one_kind_has_no_balance_and_the_mean_leaves_it_out() -> None:
    both = [pair("0.9", True, "both"), pair("0.6", False, "both")]
    found = measured([*both, pair("0.9", True, "true only")])
    assert found.sets["true only"].balanced_accuracy.value is None
    assert found.sets["true only"].right_of_supported.value == 1.0
    assert (found.macro.sets, found.macro.balanced_accuracy.value) == (1, 0.5)


def test_a_judge_without_probabilities_has_no_auc() -> None:
    found = measured([pair("yes", True), pair("0.1", False)]).overall
    assert (found.balanced_accuracy.value, found.auc.value) == (1.0, None)


def test_sets_that_a_judge_was_trained_on_are_named_and_held_out_ones_stand_apart() -> None:
    pairs = [pair("0.9", True, "known_a"), pair("0.1", False, "known_a")]
    pairs += [pair("0.9", True, "new"), pair("0.9", False, "new")]
    found = measured(pairs, Planned(("known",)))
    assert (found.sets["known_a"].trained_on, found.sets["new"].trained_on) == (True, False)
    assert (found.macro.sets, found.macro.balanced_accuracy.value) == (2, 0.75)
    assert (found.held_out.sets, found.held_out.balanced_accuracy.value) == (1, 0.5)
    assert measured(pairs, Planned(("known_a",))).sets["known_a"].left_out_auc == Interval(
        value=0.6, low=0.5, high=0.7
    )


def test_agreement_is_told_by_thirds_of_the_length_of_passages() -> None:
    pairs = [
        pair(claim, supported, premise="word " * words)
        for words, claim in ((10, "0.1"), (20, "0.9"), (30, "0.9"))
        for supported in (True, False)
    ]
    found = measured([p.model_copy(update={"claim": "0.9"}) if p.supported else p for p in pairs])
    assert [(t.shortest_words, t.longest_words, t.n) for t in found.by_length] == [
        (10, 10, 2),
        (20, 20, 2),
        (30, 30, 2),
    ]
    assert [t.balanced_accuracy.value for t in found.by_length] == [1.0, 0.5, 0.5]


def test_a_judge_that_reads_only_the_first_words_flips_when_others_stand_before() -> None:
    here = [pair("0.9", True, premise=f"Here it is, number {n}.") for n in range(10)]
    there = [pair("0.1", False, premise=f"There it is, number {n}.") for n in range(200)]
    found = measured([*here, *there], Planned(first_words=True)).moved
    # Those that began with “Here” begin with “There” now, mostly.
    assert found.flipped_before.value is not None
    assert found.flipped_before.value > 0
    assert found.flipped_behind == Estimate(value=0.0, n=100, low=0.0, high=0.037)


def test_one_premise_alone_has_no_other_words_to_move_it() -> None:
    assert measured([pair("0.9", True), pair("0.1", False)]).moved.flipped_before.n == 0


def test_intervals_hold_what_the_same_draws_give_and_are_the_same_again() -> None:
    right = [True] * 80 + [False] * 20
    one = estimate(balanced_draws(right, right, seed=3))
    assert one == estimate(balanced_draws(right, right, seed=3))
    # A normal approximation: sqrt(.8 * .2 / 100 / 2) = .028.
    assert one.low == pytest.approx(0.745, abs=0.01)
    assert one.high == pytest.approx(0.855, abs=0.01)


def test_the_auc_is_that_of_the_training_recipe_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    supported, others = rng.normal(1, 1, 200).round(1), rng.normal(0, 1, 300).round(1)
    draws = auc_draws(supported.tolist(), others.tolist(), seed=0)
    known = auc([*supported, *others], [True] * 200 + [False] * 300)
    found = estimate(draws)
    assert draws is not None
    assert draws.value == pytest.approx(known)
    assert found.low is not None
    assert found.high is not None
    # Hanley and McNeil's standard error is .021 here.
    assert found.high - found.low == pytest.approx(4 * 0.021, rel=0.2)
    assert found.low < known < found.high


def test_the_mean_over_sets_is_surer_than_each_of_them() -> None:
    right = [True] * 15 + [False] * 5
    sets = [balanced_draws(right, right, seed=seed) for seed in range(9)]
    one, mean = estimate(sets[0]), estimate(mean_draws(sets))
    assert one.low is not None
    assert mean.low is not None
    assert mean.value == 0.75
    assert 0.75 - mean.low == pytest.approx((0.75 - one.low) / 3, rel=0.35)


def test_bad_lines_are_named_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    good = '{"premise": "p", "claim": "c", "supported": true, "split": "test"}'
    path.write_text(f'{good}\n\n{{"premise": "p"}}\nnot json\n{good[:-5]}maybe}}\n')
    with pytest.raises(InputError) as caught:
        load_pairs(path)
    told = str(caught.value)
    assert "line 3: claim: Field required" in told
    assert "line 3: supported: Field required" in told
    assert "line 4: Invalid JSON" in told
    assert "line 5: Invalid JSON" in told
    assert "line 1:" not in told


@pytest.mark.parametrize("content", ["", "\n", None])
def test_a_file_without_pairs_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "pairs.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"pairs\.jsonl"):
        load_pairs(path)


def test_markers_are_no_part_of_a_claim(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"premise": "p [1]", "claim": "It burned [1][12].", "supported": 1}\n')
    assert load_pairs(path) == [Pair(premise="p [1]", claim="It burned.", supported=True)]


def test_the_sample_pairs_are_passages_of_the_sample_articles_half_of_them_supported() -> None:
    pairs = load_pairs(SAMPLE_PAIRS)
    texts = [found.article.text for found in read([SAMPLE_CORPUS]) if isinstance(found, Read)]
    assert len(pairs) == len({p.claim for p in pairs}) == len({p.id for p in pairs}) == 160
    assert sum(p.supported for p in pairs) == 80
    assert [p.id for p in pairs if not any(p.premise in text for text in texts)] == []
    assert Counter((p.set, p.supported) for p in pairs) == {
        ("verbatim", True): 27,
        ("paraphrase", True): 27,
        ("compressed", True): 26,
        ("number", False): 15,
        ("negation", False): 13,
        ("speaker", False): 13,
        ("name", False): 12,
        ("date", False): 11,
        ("inference", False): 9,
        ("elsewhere", False): 7,
    }


def test_our_judge_beats_plain_overlap_on_the_sample_pairs() -> None:
    ours = sample_agreement(OfflineJudge(threads=1), measured_on=TODAY).overall
    overlap = sample_agreement(BigramJudge(), measured_on=TODAY).overall
    assert ours.balanced_accuracy.low is not None
    assert overlap.balanced_accuracy.high is not None
    assert ours.balanced_accuracy.low > 0.65
    assert overlap.balanced_accuracy.high < 0.5
    assert ours.unscored == 0


def test_the_overlap_judge_counts_pairs_of_words() -> None:
    judge = BigramJudge()
    assert judge.judge("Three men died.", "Three men died on Monday.").probability == 1.0
    found = judge.judge("Three men died today.", "Three men were hurt.")
    assert found.label == "unsupported"
    assert found.probability == pytest.approx(1 / 3)
    assert judge.judge("Died.", "Three men died.").label == "unscored"


def test_the_judge_that_ships_has_a_record_on_pairs_of_people() -> None:
    """When this fails, a rule or a model changed: measure again with `dateline eval judge`."""
    record = record_for(support_info())
    assert record is not None
    assert record.overall.n == 8_262
    assert sorted(name for name, one in record.sets.items() if not one.trained_on) == [
        "cliff_cnndm",
        "cliff_xsum",
        "qags_cnndm",
        "qags_xsum",
    ]
    assert {n for n, one in record.sets.items() if one.left_out_auc} == {
        n for n, one in record.sets.items() if one.trained_on
    }


def test_other_weights_or_other_rules_are_another_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = support_info()
    assert shipped == support_info()
    stored = json.loads((MODELS / "support.json").read_text(encoding="utf-8"))
    card = tmp_path / "support.json"
    card.write_text(json.dumps(stored | {"labels_newsqa": {}}))
    assert support_info(card).fingerprint == shipped.fingerprint
    card.write_text(json.dumps(stored | {"threshold": 0.6}))
    assert support_info(card).fingerprint != shipped.fingerprint
    monkeypatch.setattr(
        "evals.judges.judge.align", lambda claim, premise: align(claim, premise)[:0]
    )
    assert support_info().fingerprint != shipped.fingerprint


def test_a_record_replaces_the_one_before_and_another_judge_has_none(tmp_path: Path) -> None:
    path = tmp_path / "judges.json"
    first = measured([pair("0.9", True), pair("0.1", False)])
    write_record(first, path)
    second = measured([pair("0.9", True), pair("0.9", False)])
    write_record(second, path)
    assert load_records(path) == [second]
    assert record_for(first.judge, path) == second
    assert record_for(first.judge.model_copy(update={"fingerprint": "sha256:2"}), path) is None


def test_records_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no records of judges at .*none"):
        load_records(tmp_path / "none.json")


def test_nothing_scored_is_no_record(tmp_path: Path) -> None:
    nothing = measured([pair("-", True), pair("-", False)])
    with pytest.raises(InputError, match="nothing was scored"):
        write_record(nothing, tmp_path / "judges.json")


def test_a_judge_is_trusted_once_enough_labels_say_that_it_beats_chance() -> None:
    few = [pair("0.9", True), pair("0.1", False)]
    assert not is_trusted(measured(few))
    assert is_trusted(measured(few * 25))
    assert not is_trusted(measured([pair("0.9", True), pair("0.9", False)] * 25))


def test_a_file_that_holds_no_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "judges.json"
    path.write_text('{"judge": "ours"}')
    with pytest.raises(InputError, match="does not hold records"):
        load_records(path)


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["dateline", "eval", "judge", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out + printed.err


def test_the_command_prints_a_table_and_writes_a_record(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = tmp_path / "judges.json"
    code, told = run(monkeypatch, capsys, SAMPLE_PAIRS, "--limit", "30", "--record", record)
    assert code == 0
    assert "dateline-support  on record" in told
    assert "30 pairs in" in told
    [written] = load_records(record)
    assert (written.judge, written.overall.n) == (support_info(), 30)


def test_the_command_asks_a_language_model_and_says_that_it_is_advisory(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scripted_llm: ScriptedLLM,
) -> None:
    scripted_llm.replies = [Reply('{"verdict": "supported", "why": "It says so."}')]
    asked = ["--llm-url", scripted_llm.url, "--llm-model", "m", "--votes", "1", "--limit", "6"]
    code, told = run(monkeypatch, capsys, SAMPLE_PAIRS, *asked, "--prices", "1", "2", "--json")
    found = json.loads(told)
    assert (code, found["advisory"]) == (0, True)
    assert found["agreement"]["overall"]["right_of_others"]["value"] == 0
    # Six pairs, each twice more with other words beside it.
    assert found["spent"]["calls"] == 18
    assert found["spent"]["cost"] == pytest.approx(18 * (40 * 1 + 7 * 2) / 1_000_000)


def test_a_judge_that_scores_nothing_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scripted_llm: ScriptedLLM,
) -> None:
    scripted_llm.replies = [Reply("I think so.")]
    asked = ["--llm-url", scripted_llm.url, "--llm-model", "m", "--limit", "3"]
    code, told = run(monkeypatch, capsys, SAMPLE_PAIRS, *asked)
    assert code == 2
    assert "9 of 9 votes unreadable" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.jsonl"], "cannot be read"),
        ([SAMPLE_PAIRS, "--llm-url", "http://127.0.0.1:1/v1"], "needs the name of the model"),
    ],
)
def test_what_cannot_be_measured_is_bad_input(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str | Path],
    told: str,
) -> None:
    code, printed = run(monkeypatch, capsys, *arguments)
    assert code == 2
    assert told in printed
