"""A sentence beside a passage: what is wrong is counted once, and said in words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.alignment import Comparison, compare
from rag.checks import FEATURES
from rag.premise import read_premise
from rag.words import read_words

TAJI = (
    "The strike was the response to an attack on Wednesday that had killed three personnel at Camp "
    "Taji. The Pentagon said the base was not protected. Gen. Mark Milley said the attack, which "
    "also wounded 14 others, was carried out by “Shia militia groups.” Exports fell in 2019."
)


def compared(sentence: str, passage: str = TAJI) -> Comparison:
    return compare(read_words(sentence), read_premise(passage))


def reasons(sentence: str, passage: str = TAJI) -> list[str]:
    return [f.reason for f in compared(sentence, passage).findings if f.reason]


def counts(sentence: str, passage: str = TAJI) -> dict[str, float]:
    return dict(zip(FEATURES, compared(sentence, passage).row(), strict=True))


def test_a_number_beside_another_word_is_named_with_both() -> None:
    assert (
        "14 does not stand in the passage beside “attack”, “killed”, “people”; "
        "it stands beside “wounded”, “others”"
    ) in reasons("The attack killed 14 people.")


def test_a_number_beside_its_own_word_is_no_finding_however_it_is_written() -> None:
    assert counts("The attack wounded fourteen others.")["numbers_misplaced"] == 0
    assert counts("Three personnel died in the attack.")["numbers_misplaced"] == 0


@pytest.mark.parametrize(
    ("sentence", "name", "reason"),
    [
        (
            "The attack killed nine personnel.",
            "numbers_missing",
            "“nine” does not stand in the passage",
        ),
        (
            "The attack hit Camp Speicher.",
            "names_missing",
            "“Speicher” does not stand in the passage",
        ),
        (
            "An attack on Friday killed three personnel.",
            "dates_missing",
            "“Friday” does not stand in the passage",
        ),
        (
            "The attack on Wednesday had not killed three personnel at Camp Taji.",
            "denial_added",
            "the sentence denies “killed”, the passage does not",
        ),
        (
            "The Pentagon said the base was protected.",
            "denial_dropped",
            "the passage denies “protected”, the sentence does not",
        ),
        (
            "The attack killed nine personnel.",
            "numbers_conflicting",
            "beside “killed” the passage has three, not nine",
        ),
        ("Exports rose in 2019.", "opposites", "the passage has “fell”, not “rose”"),
        (
            "Tehran said the base was not protected.",
            "speaker_missing",
            "“Tehran” is not named where this is said",
        ),
        (
            "Exports killed three personnel at Camp Taji.",
            "apart",
            "“Exports” and “killed” do not stand together in the passage",
        ),
        ("All exports fell in 2019.", "strong_added", "the passage does not say “all”"),
    ],
)
def test_what_is_wrong_is_counted_and_said(sentence: str, name: str, reason: str) -> None:
    assert counts(sentence)[name] > 0
    assert reason in reasons(sentence)


@pytest.mark.parametrize(
    "sentence", ["Exports fell in 2019.", "The Pentagon said the base was not protected."]
)
def test_a_sentence_of_the_passage_has_nothing_against_it(sentence: str) -> None:
    assert reasons(sentence) == []
    assert counts(sentence)["verbatim"] == 1


def test_the_evidence_is_one_or_two_neighbouring_sentences() -> None:
    found = compared("Exports fell.")
    assert found.evidence == "Exports fell in 2019."
    assert found.context.startswith("Gen. Mark Milley")
    assert compared("Nothing alike.", "").evidence == ""


@given(st.text(max_size=120), st.text(max_size=300))
def test_any_sentence_is_compared_with_any_passage(sentence: str, passage: str) -> None:
    found = compared(sentence, passage)
    assert len(found.row()) == len(FEATURES)
    assert found.evidence in passage
    assert all(value >= 0 for value in found.row())


@pytest.mark.parametrize("text", ["killed 14 ", "no ", "a" * 12_000, "“Mr said, ", "🙂", "x y "])
def test_no_text_takes_long(text: str) -> None:
    began = time.thread_time()
    compared((text * 500)[:2_000], (text * 4_000)[:12_000])
    # A second on an idle machine would be far too long already.
    assert time.thread_time() - began < 20
