"""Sentences read as words: equal where they mean the same, and nothing breaks the reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.words import denials, read_words, sayings


def keys(sentence: str) -> list[str]:
    return [word.key for word in read_words(sentence) if word.matters]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fourteen people", "14 people"),
        ("Twenty-four hours", "24 hours"),
        ("two thousand fourteen ships", "2,014 ships"),
        ("5.2 million euros", "5,200,000 €"),
        ("three hundred", "300"),
        ("12 percent", "12%"),
        ("the U.S. killed", "the United States’ killing".replace("United States’", "US")),
        ("Iraq’s bases", "Iraq base"),
        ("on the 25th", "on the 25"),
    ],
)
def test_what_means_the_same_has_the_same_keys(one: str, other: str) -> None:
    assert keys(one) == keys(other) != []


@pytest.mark.parametrize("text", ["13 and 14", "one of them", "a hundred", "1998 2000"])
def test_numbers_side_by_side_are_not_joined(text: str) -> None:
    numbers = [word.key for word in read_words(text) if word.kind == "number"]
    assert numbers == [part for part in text.split() if part.isdigit()]


def test_names_dates_and_numbers_are_told_apart() -> None:
    words = read_words("On Monday Ida Quell of Malden met three men in May.")
    kinds = {word.text: word.kind for word in words if word.matters}
    assert kinds == {
        "Monday": "date",
        "Ida": "name",
        "Quell": "name",
        "Malden": "name",
        "met": "content",
        "three": "number",
        "men": "content",
        "May": "date",
    }


def test_a_denial_reaches_to_the_end_of_its_clause() -> None:
    words = read_words("The rockets were not intercepted, and a drone fell.")
    assert [word.text for word in words if word.denied and word.matters] == ["intercepted"]
    assert denials(words) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "The Pentagon said the base was hit.",
        "“The base was hit,” said the Pentagon.",
        "According to the Pentagon, the base was hit.",
        "The base was hit, the Pentagon told reporters.",
    ],
)
def test_who_said_it_is_found_wherever_it_stands(sentence: str) -> None:
    [saying] = sayings(read_words(sentence))
    assert [word.text for word in saying.speaker] == ["Pentagon"]


def test_a_pronoun_is_no_speaker() -> None:
    [saying] = sayings(read_words("It was hit, he said."))
    assert saying.speaker == ()


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    words = read_words(text)
    assert all(word.text and word.key for word in words)
    assert len(sayings(words)) <= len(words)
