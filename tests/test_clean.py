"""What counts as the words of an article, and what is only the page around them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clean import clean_line, clean_text, first_sentence, is_boilerplate, is_caption, unwrap

# Hypothesis leaves surrogates out of text() unless they are asked for.
ANY_TEXT = st.text(st.characters(categories=None) | st.sampled_from("\r\n\t \xa0\u200b\ufeff\x00."))


def test_spaces_and_line_ends_become_plain() -> None:
    assert clean_text("The\xa0mayor  said\r\nno.\r\r\n\n\n She left.\u2029Then rain. ") == (
        "The mayor said\nno.\n\nShe left.\n\nThen rain."
    )


def test_letters_are_composed() -> None:
    assert clean_text("Cafe\u0301") == "Café"


def test_what_no_reader_sees_is_removed() -> None:
    hidden = "a\x00b\x07c\u200bd\u2060e\ufefff\u202eg\u2066h\xadi\ud800j\U000e0041k"
    assert clean_text(hidden) == "abcdefghijk"


def test_blank_letters_and_hidden_selectors_are_removed() -> None:
    hidden = "a\u034fb\u115fc\u3164d\u2063e\u206af\ufff9g\U000e0173h\u061ci"
    assert clean_text(hidden) == "abcdefghi"


def test_a_joiner_that_splits_a_latin_word_is_removed() -> None:
    assert clean_text("ig\u200dnore cafe\u0301\u200cteria") == "ignore caféteria"


def test_joiners_that_carry_meaning_stay() -> None:
    assert clean_text("می\u200cخواهم") == "می\u200cخواهم"


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(ANY_TEXT)
def test_no_control_character_or_surrogate_is_left(text: str) -> None:
    left = {c for c in clean_text(text) if unicodedata.category(c) in ("Cc", "Cs")}
    assert left <= {"\n", "\t"}


def test_a_line_is_one_line() -> None:
    assert clean_line(" Bridge\n closes\t\x00") == "Bridge closes"


def test_the_first_sentence_ends_after_an_abbreviation() -> None:
    assert first_sentence("Gen. Ann Lee spoke. Then she left.") == "Gen. Ann Lee spoke."


def test_a_long_first_sentence_is_cut_at_a_word() -> None:
    assert first_sentence("The council voted for the plan again", max_chars=20) == (
        "The council voted…"
    )


@pytest.mark.parametrize(
    "line",
    [
        "Advertisement",
        "ADVERTISEMENT - CONTINUE READING BELOW",
        "Share this article",
        "Share this story on Facebook",
        "Read more: Ten bridges that fell",
        "Related: The mayor's year",
        "Sign up for our newsletter and never miss a story",
        "Sign up to the Mill Valley morning newsletter",
        "Subscribe",
        "Subscribe now to our weekly newsletter",
        "Click here to subscribe",
        "Follow us on Twitter",
        "12 comments",
        "All rights reserved.",
        "© 2021 The Mill Valley Ledger",
        "Copyright © 2021 Ledger Group. All rights reserved.",
        "We use cookies to improve your experience.",
        "By continuing to use this site you accept our cookies.",
        "* * *",
    ],
)
def test_a_line_of_the_page_is_boilerplate(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "The advertisement ran for a week.",
        "Advertisement spending fell by a fifth last year.",
        "Share prices fell on Monday.",
        "Comments by the mayor drew anger.",
        "Subscribe to this theory and you will believe anything.",
        "Related costs rose, the council said.",
        "Read more books, the minister told pupils.",
        "By using recycled paper the baker saved a fortune.",
        "The bakery uses cookies to lure children, its owner said.",
        "Follow us on our way through the valley, he wrote.",
        "What happens next",
    ],
)
def test_a_sentence_that_starts_like_boilerplate_stays(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "A crane over the river, May 3, 2021 (photo credit: LEDGER/STAFF PHOTOGRAPHER A. LEE)",
        "A crane over the river. (Photo: Ann Lee)",
        "A crane over the river (credit: Ann Lee)",
        "Photo by Ann Lee",
        "Image: a crane over the river",
        "FILE PHOTO: A crane over the river",
        "A crane over the river | Getty Images",
        "A crane over the river. REUTERS/Ann Lee",
        "A crane over the river. (AP Photo/Ann Lee)",
    ],
)
def test_a_line_about_a_picture_is_a_caption(line: str) -> None:
    assert is_caption(line)


@pytest.mark.parametrize(
    "line",
    [
        "He sued Getty Images.",
        "The picture (photo) was sold for a million.",
        "Sales rose by three percent (source: company data).",
        "Images of the flood shocked the valley.",
        "A paragraph " + "of many words " * 40 + "(photo: Ann Lee)",
    ],
)
def test_a_sentence_about_pictures_is_no_caption(line: str) -> None:
    assert not is_caption(line)


def test_hard_wrapped_lines_become_paragraphs() -> None:
    wrapped = (
        "The old bridge over the Mill river was closed on Tuesday\n"
        "after engineers had found cracks in it, the works office\n"
        "said.\n"
        "The council is to vote on Friday on a plan for an inter-\n"
        "national competition to build the new one.\n"
        "\n"
        "What happens next"
    )
    assert unwrap(wrapped) == [
        "The old bridge over the Mill river was closed on Tuesday after engineers had found cracks"
        " in it, the works office said.",
        "The council is to vote on Friday on a plan for an international competition to build the"
        " new one.",
        "What happens next",
    ]


def test_lines_that_are_not_wrapped_are_paragraphs_each() -> None:
    assert unwrap("The bridge closed.\nThe mayor spoke.\n\nRain fell.") == [
        "The bridge closed.",
        "The mayor spoke.",
        "Rain fell.",
    ]
