"""Yes or no is said only where a sentence says it of what was asked."""

import pytest

from rag.polarity import assertion_of, decide
from tests.readings import MakeReading


@pytest.mark.parametrize(
    ("question", "assertion"),
    [
        ("Did RAF planes join the raids?", "RAF planes join the raids"),
        ("was anyone hurt at basmaya", "anyone hurt at basmaya"),
        ("And had the Games ever been postponed?", "the Games ever been postponed"),
        ("Didn't they pay?", "they pay"),
        ("Who did it?", None),
        ("Was it Iran or Iraq?", None),
        ("Did?", None),
        ("", None),
    ],
)
def test_yes_means_that_something_is_so(question: str, assertion: str | None) -> None:
    assert assertion_of(question) == assertion


@pytest.mark.parametrize(
    ("question", "title", "before", "sentence", "word"),
    [
        ("Was the bridge closed?", "Flood", "", "The bridge was closed on Tuesday.", "Yes"),
        ("Was the bridge closed?", "Flood", "", "The bridge was not closed on Tuesday.", "No"),
        ("Was anyone hurt in the Orrin fire?", "Fire near Orrin", "", "Nobody was hurt.", "No"),
        (
            "Did the militia say that it fired the rockets?",
            "Rockets",
            "",
            "The militia did not say that it had fired the rockets.",
            "No",
        ),
        (
            "Had the Games ever been postponed?",
            "Games put off",
            "",
            "It is the first time that the Games have been postponed.",
            "No",
        ),
        (
            "Did the mayor resign?",
            "Mayor under fire",
            "The mayor spoke on Monday.",
            "She denied that she would resign.",
            "No",
        ),
        ("Did Ida Quell resign?", "Vote", "", "The treasurer resigned on Monday.", None),
        ("Was the tunnel closed?", "Flood", "", "The bridge was closed on Tuesday.", None),
        ("Who closed the bridge?", "Flood", "", "The bridge was closed on Tuesday.", None),
        ("Is it?", "Flood", "", "The bridge was closed on Tuesday.", None),
    ],
)
def test_a_sentence_says_yes_no_or_neither(
    reading: MakeReading, question: str, title: str, before: str, sentence: str, word: str | None
) -> None:
    found = decide(question, [reading(sentence, answer=sentence[:3], title=title, before=before)])
    assert (found and found.word) == word


def test_the_sentence_that_holds_most_of_what_is_asked_decides(reading: MakeReading) -> None:
    vague = reading("Nobody was killed.", answer="Nobody", article_id="a", probability=0.9)
    exact = reading(
        "Two men were killed in the Orrin fire.", answer="Two", article_id="b", probability=0.1
    )
    found = decide("Was anyone killed in the Orrin fire?", [vague, exact])
    assert found is not None
    assert (found.word, found.reading) == ("Yes", exact)


def test_no_readings_decide_nothing() -> None:
    assert decide("Was anyone killed?", []) is None
