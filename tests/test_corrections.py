"""A correction, or a later version, takes back what the same outlet said before."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rag.corrections import is_correction, superseded
from rag.types import Reading
from tests.readings import MakeReading

EARLY = datetime(2020, 3, 13, tzinfo=UTC)
LATE = datetime(2020, 3, 15, tzinfo=UTC)


@pytest.fixture
def wrong(reading: MakeReading) -> Reading:
    return reading(
        "Jets struck seven depots.", answer="seven", article_id="old", probability=0.6,
        title="US jets strike militia depots", source="harbour.example", published_at=EARLY,
    )  # fmt: skip


def correction(reading: MakeReading, **changed: Any) -> Reading:
    fields: dict[str, Any] = {
        "article_id": "new", "probability": 0.4, "title": "Correction: strikes on depots",
        "source": "harbour.example", "published_at": LATE,
    }  # fmt: skip
    fields |= changed
    sentence = str(fields.pop("sentence", "Our report gave the wrong number: five were struck."))
    return reading(sentence, answer=str(fields.pop("answer", "five")), **fields)


def test_the_corrected_answer_is_taken_back(reading: MakeReading, wrong: Reading) -> None:
    right = correction(reading)
    kept, gone = superseded([wrong, right])
    assert kept == [right]
    assert [(t.reading, t.by.article_id) for t in gone] == [(wrong, "new")]


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "other.example"},
        {"published_at": datetime(2020, 3, 1, tzinfo=UTC)},
        {"published_at": None},
        {"probability": 0.1},
        {"answer": "seven", "sentence": "Our report gave the wrong day for the seven depots."},
        {"title": "Bridge closes", "sentence": "Our report gave the wrong day: five o'clock."},
        {"title": "Depots: what militias lost", "sentence": "In all, five of the depots burned."},
    ],
)
def test_an_answer_stands_unless_its_own_outlet_corrects_it(
    reading: MakeReading, wrong: Reading, changed: dict[str, Any]
) -> None:
    other = correction(reading, **changed)
    assert superseded([wrong, other]) == ([wrong, other], [])


def test_a_later_version_of_the_same_story_replaces_the_earlier(
    reading: MakeReading,
) -> None:
    lead = "American jets bombed stores of a militia in three towns south of Baghdad on Friday."
    first, second = (
        reading(
            f"The raids killed {count}.", answer=count, article_id=count, before=lead,
            title="US jets strike militia depots", source="harbour.example", published_at=when,
        )
        for count, when in (("four", EARLY), ("six", LATE))
    )  # fmt: skip
    kept, gone = superseded([first, second])
    assert kept == [second]
    assert [taken.by.article_id for taken in gone] == ["six"]


def test_the_error_that_a_correction_repeats_is_no_answer(reading: MakeReading) -> None:
    error = "The article put the cost at 2.1 million pounds because two digits were swapped."
    fixed = reading(
        "The work will cost 1.2 million pounds.", answer="1.2 million pounds", probability=0.4,
        title="Correction: Harrow Bridge",
    )  # fmt: skip
    wrong = reading(error, answer="2.1 million pounds", title="Correction: Harrow Bridge")
    assert superseded([wrong, fixed]) == ([fixed], [])
    assert superseded([wrong]) == ([wrong], [])


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Correction: Harrow Bridge", "The cost is 1.2 million.", True),
        ("Harrow Bridge", "An earlier version of this article gave another sum.", True),
        ("Harrow Bridge", "The Post regrets the error.", True),
        ("Harrow Bridge", "We wrongly said that it cost 2.1 million.", True),
        ("House of Correction reopens", "The prison was built in 1794.", False),
        ("Harrow Bridge", "He was wrong about the cost.", False),
    ],
)
def test_a_correction_is_known_by_what_it_says(title: str, text: str, expected: bool) -> None:
    assert is_correction(title, text) is expected
