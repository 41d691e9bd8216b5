"""Markers are found whatever their form and however the text was cut; nothing else is one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.markers import Event, Marker, MarkerParser, Text, merged

PIECES = st.sampled_from(
    [
        "[",
        "]",
        "【",
        "】",
        "1",
        "2",
        "9",
        ", ",
        "-",
        " ",
        "a",
        "`",
        "```",
        "\n",
        "†",
        "Passage ",
        "(",
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=40)


def parse(text: str, cuts: tuple[int, ...] = ()) -> list[Event]:
    parser = MarkerParser(known=3)
    events: list[Event] = []
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    for start, end in pairwise(places):
        events += parser.feed(text[start:end])
    return merged(events + parser.close())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1]", [(1,)]),
        ("[ 1 ]", [(1,)]),
        ("【1】", [(1,)]),
        ("【2†source】", [(2,)]),
        ("［3］", [(3,)]),
        ("[1][2]", [(1,), (2,)]),
        ("[1, 2]", [(1, 2)]),
        ("[1;2]", [(1, 2)]),
        ("[1 2]", [(1, 2)]),
        ("[1 and 3]", [(1, 3)]),
        ("[1-3]", [(1, 2, 3)]),
        ("[1–2]", [(1, 2)]),
        ("[2, 2]", [(2,)]),
        ("[^1]", [(1,)]),
        ("[#1]", [(1,)]),
        ("[Passage 1]", [(1,)]),
        ("[source 2]", [(2,)]),
    ],
)
def test_the_forms_in_which_models_write_markers(text: str, numbers: list[tuple[int, ...]]) -> None:
    assert parse(text) == [Marker(found, 0) for found in numbers]


@pytest.mark.parametrize(
    ("text", "numbers", "invalid"),
    [
        ("[4]", (), 1),
        ("[0]", (), 1),
        ("[1, 7, 8]", (1,), 2),
        ("[2020]", (), 1),
        ("[2-5]", (2, 3), 2),
        ("[3-1]", (3, 1), 0),
        ("[9-8]", (), 2),
        ("[1-999999]", (1, 2, 3), 18),
    ],
)
def test_numbers_that_name_no_passage_are_dropped_and_counted(
    text: str, numbers: tuple[int, ...], invalid: int
) -> None:
    assert parse(text) == [Marker(numbers, invalid)]


@pytest.mark.parametrize(
    "text",
    [
        "(1)",
        "[sic]",
        "[see 1]",
        "[1",
        "1]",
        "[]",
        "[ ]",
        "[a1]",
        "【1]",
        "`[1]`",
        "``a ` [1]``",
        "```\n[1]\n```",
        "[1.5]",
        "[1\n\n" + "2" * 80 + "]",
    ],
)
def test_what_only_looks_like_a_marker_is_text(text: str) -> None:
    assert parse(text) == [Text(text)]


def test_a_marker_behind_code_is_one() -> None:
    assert parse("`x` [1]") == [Text("`x` "), Marker((1,), 0)]
    assert parse("a stray ` here\n[1]") == [Text("a stray ` here\n"), Marker((1,), 0)]


def test_a_link_is_a_marker_and_the_rest_of_the_link() -> None:
    assert parse("[1](x)") == [Marker((1,), 0), Text("(x)")]


@pytest.mark.parametrize("held", ["[", "[1", "【1", "[1, ", "[Passa"])
def test_what_is_half_seen_is_held_back(held: str) -> None:
    parser = MarkerParser(known=3)
    assert parser.feed(f"It burned {held}") == [Text("It burned ")]
    assert parser.close() == [Text(held)]


def test_what_cannot_be_a_marker_any_more_is_let_go_at_once() -> None:
    assert MarkerParser(known=3).feed("[1x") == [Text("[1x")]


@given(TEXTS, st.lists(st.integers(0, 60)).map(tuple))
def test_it_does_not_matter_how_the_text_was_cut(text: str, cuts: tuple[int, ...]) -> None:
    assert parse(text, cuts) == parse(text)


@given(TEXTS)
def test_what_is_no_marker_comes_out_as_it_went_in(text: str) -> None:
    events = parse(text)
    if not any(isinstance(event, Marker) for event in events):
        assert "".join(event.text for event in events if isinstance(event, Text)) == text
