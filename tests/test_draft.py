"""A draft falls into the sentences that a reader would see, each with what it cites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.draft import Drafting, Sentence
from rag.markers import MarkerParser


def draft(text: str, step: int = 10_000) -> list[Sentence]:
    parser, drafting = MarkerParser(known=3), Drafting()
    done: list[Sentence] = []
    for i in range(0, len(text), step):
        done += drafting.feed(parser.feed(text[i : i + step]))
    return done + drafting.feed(parser.close()) + drafting.close()


def shown(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(sentence.text, sentence.cited) for sentence in draft(text)]


@pytest.mark.parametrize(
    "text",
    [
        "It burned [1]. It rained [2][3].",
        "It burned. [1] It rained. [2] [3]",
        "It burned.[1]\n\nIt rained [2, 3] .",
        "It burned.\n[1]\nIt rained.\n[2-3]\n",
        "**It burned** [1].  It   rained. [2,3]",
        "Answer: It burned [1]. It rained. [2] [3]",
        "**Short answer:** It burned [1]. It rained. [2] [3]",
    ],
)
def test_a_marker_belongs_to_the_sentence_it_stands_in_or_behind(text: str) -> None:
    assert shown(text) == [("It burned.", (1,)), ("It rained.", (2, 3))]


def test_a_full_stop_of_an_abbreviation_ends_nothing() -> None:
    text = "Gen. Mark Milley of the U.S. Army said 3.5 million fled. [1] It rained."
    assert shown(text) == [
        ("Gen. Mark Milley of the U.S. Army said 3.5 million fled.", (1,)),
        ("It rained.", ()),
    ]


def test_a_quotation_of_two_sentences_is_not_torn() -> None:
    assert shown("“We know. It was them,” he said [1]. It rained.") == [
        ("“We know. It was them,” he said.", (1,)),
        ("It rained.", ()),
    ]


def test_bullets_are_sentences_of_a_list() -> None:
    text = "Three died:\n- Ann Lee [1]\n* Bo Reed [2]\n3. Cy Dunn [9]\nNo more."
    assert draft(text) == [
        Sentence("Three died:", (), 0, False),
        Sentence("Ann Lee", (1,), 0, True),
        Sentence("Bo Reed", (2,), 0, True),
        Sentence("Cy Dunn", (), 1, True),
        Sentence("No more.", (), 0, False),
    ]


def test_a_sentence_that_was_cut_off_is_not_finished() -> None:
    finished = [sentence.is_finished for sentence in draft("It burned [1]. “It rained.” It sno")]
    assert finished == [True, True, False]


def test_a_sentence_is_given_when_the_next_one_has_begun() -> None:
    drafting = Drafting()
    parser = MarkerParser(known=3)
    assert drafting.feed(parser.feed("It burned. [1] It")) == []
    assert drafting.feed(parser.feed(" ")) == [Sentence("It burned.", (1,), 0, False)]


@pytest.mark.parametrize("text", ["", " \n", "[1]", "- ", "Answer:"])
def test_where_nothing_is_said_there_is_no_sentence(text: str) -> None:
    assert draft(text) == []


@given(
    st.lists(
        st.sampled_from(
            ["It burned", ". ", " [1]", "[2][9]", "“", "” ", "\n", "- ", "Gen. Lee ", "3.5 ", "? "]
        ),
        max_size=25,
    ).map("".join)
    | st.text(max_size=60),
    st.integers(1, 20),
)
def test_it_does_not_matter_how_the_draft_was_cut(text: str, step: int) -> None:
    assert draft(text, step) == draft(text)
