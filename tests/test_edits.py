"""Edits and rewrites by rule: of the kind they say, the same for the same seed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.training.edits import planted
from rag.training.pairs import edited, passages
from rag.training.rewrites import rewritten

PASSAGE = (
    "Gen. Mark Milley said the attack at Camp Taji wounded 14 soldiers on Wednesday. "
    "The Pentagon announced on Friday that exports had increased by 12 percent since 2019. "
    "Mayor Ida Quell was blamed by the council, which met in Malden. "
    "Tobias Renn told reporters that the bridge did not close."
)


def edits(sentence: str, seed: int = 0) -> dict[str, str]:
    return {e.kind: e.text for e in planted(sentence, PASSAGE, random.Random(seed))}


def rewrites(sentence: str, seed: int = 0) -> dict[str, str]:
    return {e.kind: e.text for e in rewritten(sentence, random.Random(seed))}


@pytest.mark.parametrize(
    ("kind", "sentence", "gone"),
    [
        ("number", "The attack at Camp Taji wounded 14 soldiers.", "14"),
        ("date", "The attack came on Wednesday, they said.", "Wednesday"),
        ("name", "The attack at Camp Taji wounded 14 soldiers.", "Camp Taji"),
        ("attribution", "The Pentagon announced that exports had increased.", "Pentagon"),
        ("opposite", "The Pentagon announced that exports had increased.", "increased"),
        ("negation", "The council did not meet in Malden.", "not"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_an_edit_takes_away_what_its_kind_says(
    kind: str, sentence: str, gone: str, seed: int
) -> None:
    text = edits(sentence, seed)[kind]
    assert gone not in text
    assert text != sentence


def test_a_denial_is_put_in_or_taken_out() -> None:
    assert edits("The bridge was closed on Monday.")["negation"] == (
        "The bridge was not closed on Monday."
    )
    assert edits("The council announced that the attack wounded nobody else.")["negation"] == (
        "The council did not announce that the attack wounded nobody else."
    )


def test_mixed_facts_are_made_of_two_sentences() -> None:
    sentence = "The bridge was closed by storms in the night."
    texts = {edits(sentence, seed)["mixed"] for seed in range(20)}
    assert "The bridge was closed by storms by 12 percent since 2019." in texts
    assert "Mayor Ida Quell was closed by storms in the night." in texts


@pytest.mark.parametrize(
    ("kind", "sentence", "expected"),
    [
        (
            "attribution_moved",
            "Police said the road was closed on Monday.",
            {
                "The road was closed on Monday, police said.",
                "According to police, the road was closed on Monday.",
                "The road was closed on Monday, according to police.",
            },
        ),
        ("number_written_out", "The storm hurt 24 people.", {"The storm hurt twenty-four people."}),
        ("contraction", "The bridge did not close.", {"The bridge didn't close."}),
        ("spelling", "Exports rose by 12 percent then.", {"Exports rose by 12% then."}),
        (
            "voice_changed",
            "The council was blamed by Ida Quell on Friday.",
            {"Ida Quell blamed the council on Friday."},
        ),
        (
            "clause_dropped",
            "The council, which met in Malden, blamed Ida Quell.",
            {"The council blamed Ida Quell."},
        ),
    ],
)
def test_a_rewrite_says_the_same_otherwise(kind: str, sentence: str, expected: set[str]) -> None:
    assert rewrites(sentence)[kind].replace(" %", "%") in expected


def test_the_same_seed_makes_the_same_pairs() -> None:
    assert edited([PASSAGE], random.Random(3)) == edited([PASSAGE], random.Random(3))


def test_pairs_hold_a_passage_and_both_labels() -> None:
    pairs = edited([PASSAGE] * 4, random.Random(0), "ours", voices=True)
    assert {pair.label for pair in pairs} == {"supported", "contradicted"}
    assert all(pair.group.startswith("ours/") for pair in pairs)
    untouched = [pair for pair in pairs if pair.kind == "untouched"]
    assert untouched
    assert all(pair.claim in pair.premise for pair in untouched)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_edited_or_left_alone(sentence: str, passage: str) -> None:
    rng = random.Random(0)
    assert all(e.text != sentence for e in planted(sentence, passage, rng))
    assert all(e.text != sentence for e in rewritten(sentence, rng))
    assert "".join(passages(passage)).split() == passage.split()
