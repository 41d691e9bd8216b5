"""The judge: its labels, its reasons, and no text that breaks it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ConfigurationError
from rag.support import MAX_CLAIM_CHARS, SupportJudge

TAJI = (
    "The strike was the response to an attack on Wednesday that had killed three personnel at Camp "
    "Taji. The Pentagon said the base was not protected. Gen. Mark Milley said the attack, which "
    "also wounded 14 others, was carried out by “Shia militia groups.” Exports fell in 2019."
)


@pytest.fixture(scope="module")
def judge() -> SupportJudge:
    return SupportJudge(threads=2)


@pytest.mark.parametrize(
    "claim",
    [
        "The Pentagon said the base was not protected.",
        "Exports fell in 2019.",
        "According to the Pentagon, the base was not protected.",
        "Gen. Mark Milley said the attack also wounded fourteen others.",
    ],
)
def test_what_the_passage_says_is_supported(judge: SupportJudge, claim: str) -> None:
    assert judge.judge(claim, TAJI).label == "supported"


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Tehran said the base was not protected.", "“Tehran” is not named where this is said"),
        ("The Pentagon said the base was protected.", "the passage denies “protected”"),
        ("The attack wounded nine others.", "beside “wounded” the passage has 14, not nine"),
    ],
)
def test_what_it_says_otherwise_is_not_and_the_reason_is_given(
    judge: SupportJudge, claim: str, reason: str
) -> None:
    verdict = judge.judge(claim, TAJI)
    assert verdict.label in ("contradicted", "unsupported")
    assert any(reason in given for given in verdict.reasons)


def test_the_number_wounded_is_not_the_number_killed(judge: SupportJudge) -> None:
    claim = "The attack at Camp Taji, which killed 14 people, was carried out by militia groups."
    verdict = judge.judge(claim, TAJI)
    assert verdict.label != "supported"
    told = " ".join(verdict.reasons)
    assert "14 does not stand in the passage beside “killed”" in told
    assert "it stands beside “wounded”" in told


def test_a_claim_is_as_well_supported_as_its_weakest_sentence(judge: SupportJudge) -> None:
    true, false = "Exports fell in 2019.", "The mayor of Malden resigned on Friday."
    alone, together = judge.judge(false, TAJI), judge.judge(f"{true} {false}", TAJI)
    assert together == alone
    assert judge.judge(f"{true} {true}", TAJI).label == "supported"


def test_what_has_nothing_to_do_with_the_passage_is_left_open(judge: SupportJudge) -> None:
    verdict = judge.judge("The museum in Lyon bought a painting by Corot.", TAJI)
    assert verdict.label == "unsupported"
    assert "“Lyon” does not stand in the passage" in verdict.reasons


@pytest.mark.parametrize(
    "claim", ["", " ", "…", "of the and", "🙂", "水" * 50, "爆発で二人が死亡した。"]
)
def test_a_claim_without_a_word_to_check_is_unscored(judge: SupportJudge, claim: str) -> None:
    verdict = judge.judge(claim, TAJI)
    assert (verdict.label, verdict.probability, verdict.reasons) == ("unscored", None, ())


@pytest.mark.parametrize("premise", ["", " \n", "🙂", "\0\x1b[31m", "هجوم على قاعدة التاجي"])
def test_a_passage_that_says_nothing_supports_nothing(judge: SupportJudge, premise: str) -> None:
    assert judge.judge("Exports fell in 2019.", premise).label != "supported"


def test_of_an_enormous_claim_what_is_not_read_is_not_supported(judge: SupportJudge) -> None:
    verdict = judge.judge("Exports fell in 2019. " * 200, TAJI)
    assert verdict.label == "unsupported"
    assert verdict.reasons[0] == f"only its first {MAX_CLAIM_CHARS} characters were read"


@pytest.mark.parametrize("text", ["killed 14 ", "no " * 10, "a" * 12_000, "صاروخ ", "x. "])
def test_enormous_texts_take_no_longer_than_long_ones(judge: SupportJudge, text: str) -> None:
    began = time.monotonic()
    judge.judge(text * 1_000, text * 100_000)
    # Generous: other processes share the cores.
    assert time.monotonic() - began < 60


@settings(max_examples=30)
@given(st.text(max_size=80), st.text(max_size=200))
def test_any_claim_is_judged_beside_any_passage(
    judge: SupportJudge, claim: str, premise: str
) -> None:
    verdict = judge.judge(claim, premise)
    assert verdict.evidence in premise
    assert (verdict.probability is None) == (verdict.label == "unscored")


def test_the_same_pair_is_judged_the_same_way(judge: SupportJudge) -> None:
    assert judge.judge("Exports rose.", TAJI) == judge.judge("Exports rose.", TAJI)


def test_a_missing_model_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ConfigurationError, match="reinstall"):
        SupportJudge(tmp_path_factory.mktemp("none") / "support.onnx")
