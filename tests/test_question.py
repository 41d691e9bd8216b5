"""What a question asks for, and whether a sentence holds such a thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.question import Kind, content_words, families, holds, kind_of


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who won the race?", "who"),
        ("Which company built the bridge?", "who"),
        ("When did the bridge close?", "when"),
        ("What year did it open?", "when"),
        ("Where is the museum?", "where"),
        ("How many people were killed at Taji?", "how_many"),
        ("Why was the bridge closed?", "why"),
        ("What did the mayor say about the flood?", "quote"),
        ("Hallow Bridge", "other"),
        ("", "other"),
    ],
)
def test_the_first_asking_word_says_what_is_asked_for(question: str, kind: Kind) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "expected"),
    [
        ("how_many", "The attack killed three people.", True),
        ("how_many", "The attack killed people.", False),
        ("when", "It closed on Tuesday.", True),
        ("when", "It closed.", False),
        ("who", "It was built by Ida Quell.", True),
        ("who", "It was built by them.", False),
        ("where", "It stands in Hallow.", True),
        ("where", "It stands there.", False),
        ("why", "It closed because of the flood.", True),
        ("why", "It closed.", False),
        ("quote", "“We will rebuild it,” she said.", True),
        ("quote", "She said nothing.", False),
        ("other", "Anything at all.", None),
    ],
)
def test_a_sentence_holds_what_is_asked_for_or_not(
    kind: Kind, sentence: str, expected: bool | None
) -> None:
    assert holds(kind, sentence, frozenset()) is expected


def test_a_name_that_the_question_has_already_is_no_answer() -> None:
    assert holds("who", "It was built by Quell.", frozenset({"quell"})) is False


def test_words_of_one_family_point_to_one_another_and_not_to_themselves() -> None:
    related = families(lambda text: text.split())
    assert "killed" in related["dead"]
    assert all(stem not in others for stem, others in related.items())


def test_content_words_keep_their_order_and_their_form() -> None:
    assert content_words("Who was blamed for the U.S. attack at Taji?") == [
        "blamed", "U.S", "attack", "Taji",
    ]  # fmt: skip


@given(st.text(max_size=300))
def test_no_question_or_sentence_fails(text: str) -> None:
    kind = kind_of(text)
    assert holds(kind, text, frozenset()) in (True, False, None)
    assert all(word in text for word in content_words(text))
