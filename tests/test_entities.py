"""What a text names, and what a pronoun may stand for."""

import pytest

from rag.entities import Kind, Pronoun, fits, mentions, nested, read_inside


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Who was blamed for the attack on Camp Taji?", [("the attack on Camp Taji", "event")]),
        ("Did the US answer the raid?", [("the US", "name"), ("the raid", "event")]),
        ("How old is Gen. Frank McKenzie?", [("Gen. Frank McKenzie", "person")]),
        ("Where was Marshal D. Roberts born?", [("Marshal D. Roberts", "person")]),
        ("How long does Adnan al-Zurfi have?", [("Adnan al-Zurfi", "person")]),
        ("Who owns the container ship Ever Given?", [("the container ship Ever Given", "thing")]),
        ("What did the engineer Colm Reddy say?", [("the engineer Colm Reddy", "person")]),
        ("Where is Kataib Hezbollah based?", [("Kataib Hezbollah", "group")]),
        ("Is Harrow Bridge closed in June?", [("Harrow Bridge", "place"), ("June", "date")]),
        ("Is the ferry free?", [("the ferry", "thing")]),
        ("Why did oil prices fall on Monday?", [("oil prices", "thing"), ("Monday", "date")]),
        ("What is the cause of the fire?", [("the cause of the fire", "thing")]),
        ("Why?", []),
        ("", []),
    ],
)
def test_names_and_noun_phrases_are_found(text: str, named: list[tuple[str, Kind]]) -> None:
    found = mentions(text)
    assert [(one.text, one.kind) for one in found] == named
    assert all(text[one.start : one.end] == one.text for one in found)


def test_what_stands_inside_of_a_phrase_is_found_too() -> None:
    text = "Who saw the attack on Camp Taji?"
    found = nested(text)
    assert [one.text for one in found] == ["the attack on Camp Taji", "Camp Taji"]
    assert all(text[one.start : one.end] == one.text for one in found)


def test_what_a_phrase_is_about_is_known() -> None:
    assert mentions("What is the cause of the fire?")[0].of == "the fire"


@pytest.mark.parametrize(
    ("phrase", "fit", "unfit"),
    [
        ("Gen. Frank McKenzie", "he", "she"),
        ("Mayor Sarah Bell", "she", "he"),
        ("the rocket attack", "it", "he"),
        ("the two attacks", "they", "he"),
        ("Camp Taji", "there", "she"),
        ("11 March", None, "it"),
    ],
)
def test_a_pronoun_stands_for_what_fits_it(
    phrase: str, fit: Pronoun | None, unfit: Pronoun
) -> None:
    [one] = read_inside(phrase)
    assert fits(unfit, one) == 0
    assert fit is None or fits(fit, one) >= 2
