"""Who is named as the source: a table of our own sentences, and what holds for any text.

In `attribution_cases.jsonl` ⟦…⟧ is the quoted sentence (the whole text without it) and {…} the
answer. The rules were tuned on the part “tuned”; the misses of “unseen” were never looked at.
“exam” was written after the rules: 24 of the 27 speakers named at first sight were the labelled
ones; one label was wrong and has been mended, the rest was tuned on. “exam2” was written after
that: 26 of 27 at first sight, and nothing was changed for it.
"""

import json
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.attribution import attributed_to

LEAST_PRECISION = 0.95
NEWS = st.lists(
    st.sampled_from(
        "said told Gen. Smith the minister he she it that “ ” \" ' , . ; : ? — ( according to by "
        "accused of blamed and but which who in 's statement report US 1,000 on Monday \n \n\n 😀 é"
        " was not saying as words announced".split(" ")
    ),
    max_size=60,
).map(" ".join)


class Case(NamedTuple):
    """A passage with the span of its sentence, perhaps of the answer, and who says so."""

    part: str
    text: str
    span: tuple[int, int]
    answer: tuple[int, int] | None
    speaker: str | None

    def found(self) -> str | None:
        return attributed_to(self.text, *self.span, *(self.answer or ()))


def read_case(line: str) -> Case:
    row = json.loads(line)
    places: dict[str, int] = {}
    text = ""
    for char in row["text"]:
        if char in "⟦⟧{}":
            places[char] = len(text)
        else:
            text += char
    answer = (places["{"], places["}"]) if "{" in places else None
    span = (places.get("⟦", 0), places.get("⟧", len(text)))
    return Case(row["part"], text, span, answer, row["speaker"])


LINES = (Path(__file__).parent / "attribution_cases.jsonl").read_text().splitlines()
CASES = [read_case(line) for line in LINES]


def precision(cases: list[Case]) -> float:
    """Return the share of the named speakers that are the right ones."""
    named = [case for case in cases if case.found() is not None]
    return sum(case.found() == case.speaker for case in named) / len(named)


def accuracy(cases: list[Case]) -> float:
    return sum(case.found() == case.speaker for case in cases) / len(cases)


def of_part(*parts: str) -> list[Case]:
    return [case for case in CASES if case.part in parts]


def collapsed(text: str) -> str:
    return " ".join(text.split())


def test_the_table_is_large_and_fair() -> None:
    table = of_part("tuned", "unseen")
    assert len(table) >= 130
    assert sum(case.speaker is None for case in table) >= 40
    assert all(case.speaker is None or case.speaker in collapsed(case.text) for case in CASES)


@pytest.mark.parametrize("case", of_part("tuned"), ids=lambda case: case.text[:60])
def test_the_rules_do_what_they_were_made_for(case: Case) -> None:
    assert case.found() == case.speaker


def test_a_named_speaker_is_the_right_one_on_the_table() -> None:
    assert precision(of_part("tuned", "unseen")) >= LEAST_PRECISION
    assert precision(of_part("unseen")) >= LEAST_PRECISION
    assert accuracy(of_part("unseen")) >= LEAST_PRECISION


@pytest.mark.parametrize("part", ["exam", "exam2"])
def test_a_named_speaker_is_the_right_one_in_what_was_written_later(part: str) -> None:
    assert len(of_part(part)) >= 40
    assert precision(of_part(part)) >= LEAST_PRECISION


def test_a_quotation_is_attributed_across_paragraphs() -> None:
    text = "“It was dark,” said Col. Ana Reyes.\n\n“Then the lamps went out. We waited.”"
    start = text.index("“Then")
    assert attributed_to(text, start, len(text)) == "Col. Ana Reyes"


def test_a_name_over_a_line_break_has_one_space() -> None:
    text = "The lake is dry, Gen. Ana\n  Reyes said."
    assert attributed_to(text, 0, len(text)) == "Gen. Ana Reyes"


@pytest.mark.parametrize(
    "span", [(0, 0), (5, 2), (-9, -1), (90, 99), (0, 10**9)], ids=lambda span: f"{span}"
)
def test_an_odd_span_is_no_error(span: tuple[int, int]) -> None:
    assert attributed_to("Ana Reyes said so.", *span) in (None, "Ana Reyes")


@given(st.one_of(st.text(), NEWS), st.data())
@example("”“said'’s", None)
def test_a_speaker_is_words_of_the_text(text: str, data: st.DataObject | None) -> None:
    places = st.integers(-2, len(text) + 2)
    start, end, *answer = (data.draw(places) for _ in range(4)) if data else (0, len(text))
    for found in (attributed_to(text, start, end), attributed_to(text, start, end, *answer)):
        assert found is None or (found and found in collapsed(text))


@pytest.mark.parametrize(
    "piece",
    ["said ", "a", "“", "X said “", "1,000", "a'b-c.", "and ", "the report by ", ", ", "he said, "],
)
def test_a_very_long_line_takes_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.thread_time()
    attributed_to(text, 0, len(text))
    attributed_to(text, len(text) // 2, len(text), len(text) // 2 + 5, len(text) // 2 + 9)
    assert time.thread_time() - began < 2
