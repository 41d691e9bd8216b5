"""Sentence boundaries: exact, complete, and where a newspaper's reader would put them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sentences import sentence_spans

PROSE = st.text(alphabet=st.sampled_from("ab A.?!”“\"' \n\r\t…😀é漢。"), max_size=200)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Gen. Smith spoke. “We know. It was them,” he said.",
            ["Gen. Smith spoke.", "“We know. It was them,” he said."],
        ),
        ("The U.S. sent 1.5 tons. It rained.", ["The U.S. sent 1.5 tons.", "It rained."]),
        ("😀 One. 👩‍👩‍👧 Two.", ["😀 One.", "👩‍👩‍👧 Two."]),
        ("One.\r\n\r\nTwo.", ["One.", "Two."]),
        ("No full stop", ["No full stop"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences_are_found_with_their_quotations(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


@given(st.one_of(st.text(max_size=300), PROSE))
def test_spans_are_ordered_stripped_and_hold_all_that_is_not_space(text: str) -> None:
    spans = sentence_spans(text)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    borders = [0, *(border for span in spans for border in span), len(text)]
    assert borders == sorted(borders)
    outside = [text[a:b] for a, b in zip(borders[::2], borders[1::2], strict=True)]
    assert "".join(outside).strip() == ""
