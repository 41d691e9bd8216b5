"""Yes or no is said only where a sentence says it of what was asked."""

from datetime import UTC, datetime

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
        # A verb that denies is what is asked for, and denies nothing then.
        ("Did the mayor deny the claim?", "Vote", "", "The mayor denied the claim.", "Yes"),
        ("Did the mayor deny the claim?", "Vote", "", "The mayor did not deny the claim.", "No"),
        ("Did the mayor deny the claim?", "Vote", "", "The mayor made the claim on Monday.", None),
        ("Did the mayor fail to pay?", "Vote", "", "The mayor failed to pay on Monday.", "Yes"),
        ("Did the mayor fail to pay?", "Vote", "", "The mayor paid on Monday.", None),
        ("Did the mayor rule out a vote?", "Vote", "", "The mayor ruled out a vote.", "Yes"),
        ("Did the mayor reject a vote?", "Vote", "", "The mayor called a vote on Monday.", None),
        # Never before is no reply to whether it is so now; “who” is not the WHO.
        (
            "Were the Games put off?",
            "Games",
            "",
            "The Games were put off for the first time.",
            "Yes",
        ),
        (
            "Did the WHO name it?",
            "A man who would not be named",
            "",
            "He, who knew, said no.",
            None,
        ),
        # Yes and no may mean the same.
        ("Was nobody hurt?", "Fire", "", "Nobody was hurt.", None),
        ("Did the mayor never pay?", "Vote", "", "The mayor never paid.", None),
        ("Was there no fire?", "Fire", "", "There was no fire.", None),
        # No estimate is no denial of the delay.
        ("Was it put off?", "Vote", "", "There is no word of why the vote was put off.", "Yes"),
        ("Was anyone hurt?", "Fire", "", "There were no serious injuries.", "No"),
        # Whom it is about: nobody of those there is not somebody who was named.
        ("Was anyone killed?", "Fire", "", "No deaths were reported.", "No"),
        (
            "Did Ida Quell die in November?",
            "Fire",
            "Ida Quell spoke in November.",
            "No deaths were reported at the mill.",
            None,
        ),
        (
            "Did Orrin admit that it fired the rockets at the camp?",
            "Rockets fired at the camp",
            "",
            "Dunmore did not say that it had fired the rockets at the camp.",
            None,
        ),
        # “Islamic State” states nothing, and nothing else here is a comment.
        (
            "Did Dunmore comment on the strikes at Orrin?",
            "Orrin and Dunmore",
            "",
            "Orrin was bombed by Dunmore when Islamic State was there.",
            None,
        ),
        (
            "Did Dunmore comment on the strikes at Orrin?",
            "Strikes at Orrin",
            "",
            "Dunmore, which bombed it before, made no comment on the strikes.",
            "No",
        ),
        # Somebody else, or something else that is called the same.
        (
            "Did Ida Quell resign?",
            "Vote for Quell",
            "",
            "She replaces Bo Tarn, who resigned.",
            None,
        ),
        ("Did Ida Quell sign?", "Vote", "", "Tarn takes over from Ida Quell and has signed.", None),
        ("Did Tarn support Quell?", "Quell", "", "Tarn failed to support Dunmore.", None),
        ("Did the Orrin embassy comment?", "Orrin", "", "The Dunmore embassy did not.", None),
        ("Did an Orrin ship burn?", "Orrin", "", "A Dunmore ship burned on Monday.", None),
        ("Did an Orrin ship burn?", "Dunmore", "", "An Orrin ship burned on Monday.", "Yes"),
        ("Were seven mills struck?", "Seven mills", "", "Five mills were struck.", None),
        ("Were five mills struck?", "Seven mills", "", "Five mills were struck.", "Yes"),
        # Who blames is not who claims; “the man who was blamed” only tells who is meant.
        ("Has Dunmore claimed the raid?", "Raid", "", "Dunmore was blamed for the raid.", None),
        ("Did the man who was blamed burn it?", "Man blamed", "", "The man burned it.", "Yes"),
        # Another time; the day of publication is known to whoever reads it.
        ("Was anyone hurt in April?", "Fire", "It burned in May.", "Nobody was hurt.", None),
        ("Was anyone hurt in May?", "Fire", "It burned in May.", "Nobody was hurt.", "No"),
        ("Was anyone hurt at Orrin mill in March?", "Orrin mill", "", "Nobody was hurt.", "No"),
        # What is not said may be so.
        ("Did the mayor pay?", "Vote", "", "The mayor did not say that she had paid.", None),
        ("Did the mayor say that she paid?", "", "", "The mayor did not say she had paid.", "No"),
        ("Did the mayor pay?", "Vote", "", "The mayor declined to pay.", "No"),
        ("Did the mayor decline to pay?", "Vote", "", "The mayor declined to pay.", "Yes"),
        ("Did prices end at 30 dollars?", "", "", "Prices declined to 30 dollars.", None),
        # A kindred word in the headline is of something else.
        ("Did they vote to close it?", "Vote ends a campaign", "", "They voted to keep it.", None),
        ("Was the tunnel closed?", "Flood", "", "The bridge was closed on Tuesday.", None),
        ("Who closed the bridge?", "Flood", "", "The bridge was closed on Tuesday.", None),
        ("Is it?", "Flood", "", "The bridge was closed on Tuesday.", None),
    ],
)
def test_a_sentence_says_yes_no_or_neither(
    reading: MakeReading, question: str, title: str, before: str, sentence: str, word: str | None
) -> None:
    found = decide(
        question,
        [
            reading(
                sentence,
                answer=sentence[:3],
                title=title,
                before=before,
                published_at=datetime(2020, 3, 13, tzinfo=UTC),
            )
        ],
    )
    assert (found and found.word) == word


def test_the_sentence_that_holds_most_of_what_is_asked_decides(reading: MakeReading) -> None:
    vague = reading("Nobody was killed.", answer="Nobody", article_id="a", probability=0.9)
    exact = reading(
        "Two men were killed in the Orrin fire.", answer="Two", article_id="b", probability=0.1
    )
    found = decide("Was anyone killed in the Orrin fire?", [vague, exact])
    assert found is not None
    assert (found.word, found.reading) == ("Yes", exact)


def test_of_two_that_hold_as_much_the_questions_own_words_decide(reading: MakeReading) -> None:
    kindred = reading(
        "There will be no long delay.", answer="There", article_id="a", probability=0.9
    )
    own = reading("The vote was postponed.", answer="The", article_id="b", probability=0.1)
    found = decide("Was it postponed?", [kindred, own])
    assert found is not None
    assert (found.word, found.reading) == ("Yes", own)


def test_no_readings_decide_nothing() -> None:
    assert decide("Was anyone killed?", []) is None
