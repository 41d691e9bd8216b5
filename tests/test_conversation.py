"""A follow-up is completed from what was said; what stands by itself is left alone."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.conversation import accepted, standalone
from rag.types import Turn

NO_ANSWER = "The archive does not hold an answer to this question."
TAJI = (
    "Who was blamed for the Taji attack?",
    "Kataib Hezbollah, according to Gen. Frank McKenzie (13 March 2020): “McKenzie told senators "
    "that Kataib Hezbollah was the only group known to have done so.” [1]",
)
MAYOR = (
    "Who closed the Harrow Bridge?",
    "Mayor Ida Quell, according to the county (2 May 2020): “Mayor Ida Quell closed it.” [1]",
)
TRUST = (
    "Who bought the Skerrow lighthouse?",
    "A trust of local residents, according to Fiona Laird (15 January 2021): “A trust of local "
    "residents bought the tower and its two cottages for 145,000 pounds.” [1]",
)
SHIP = ("What blocked the Suez Canal?", "The container ship Ever Given, said officials [1]")
MATCH = ("Who won the match between Eastmere Rovers and Calder Town?", "Eastmere Rovers [1]")
BASE = ("When was Qayyarah handed to Iraqi forces?", "26 March, according to the coalition. [1]")
SITES = ("How many sites did aircraft strike in Iraq on 29 December?", "three [1]")
OIL = ("By how much did oil prices fall on Monday?", "about a quarter [1]")
FLU = ("What is swine fever?", None)

Exchange = tuple[str, str | None]


def turns(*exchanges: Exchange) -> list[Turn]:
    return [Turn(question=question, answer=answer) for question, answer in exchanges]


@pytest.mark.parametrize(
    ("exchange", "question", "completed"),
    [
        # Names in place of what is parallel to them.
        (BASE, "And K-1?", "When was K-1 handed to Iraqi forces?"),
        (BASE, "What about al-Qaim?", "When was al-Qaim handed to Iraqi forces?"),
        (BASE, "how about Erbil?", "When was Erbil handed to Iraqi forces?"),
        (SITES, "What about Syria?", "How many sites did aircraft strike in Syria on 29 December?"),
        (SITES, "And in Yemen?", "How many sites did aircraft strike in Yemen on 29 December?"),
        (SITES, "And on 3 January?", "How many sites did aircraft strike in Iraq on 3 January?"),
        (
            ("How many people were hurt in the first attack on Camp Taji?", "14 [1]"),
            "The second attack?",
            "How many people were hurt in the second attack on Camp Taji?",
        ),
        (
            ("What did Mark Esper say about the raids?", None),
            "And Milley?",
            "What did Milley say about the raids?",
        ),
        # Asking words alone.
        (("Where did the Ever Given run aground?", None), "and when?",
         "When did the Ever Given run aground?"),
        (OIL, "Why?", "Why did oil prices fall on Monday?"),
        (("Will the library stay open?", "Yes [1]"), "For how long?",
         "For how long will the library stay open?"),
        (TAJI, "when?", "When was Kataib Hezbollah blamed for the Taji attack?"),
        (
            ("Who signed the petition against the closure?", "residents [1]"),
            "How many of them?",
            "How many residents signed the petition against the closure?",
        ),
        (TRUST, "For how much?",
         "For how much (a trust of local residents bought the Skerrow lighthouse)?"),
        (
            ("Whom did the foreign ministry summon?", "the ambassadors [1]"),
            "Whose ambassadors?",
            "Whose ambassadors did the foreign ministry summon?",
        ),
        # Who said what was quoted.
        (
            ("What was said about the library?", "“A town that shuts it stops talking,” [1]"),
            "who said that?",
            "Who said that a town that shuts it stops talking?",
        ),
        (
            ("How many lost their homes?", "“Up to 300,000 people had lost their homes.” [1]"),
            "According to whom?",
            "Who said that Up to 300,000 people had lost their homes?",
        ),
        # People.
        (MAYOR, "What did she say?", "What did Mayor Ida Quell say?"),
        (MAYOR, "her age?", "What is Mayor Ida Quell's age?"),
        (MAYOR, "Who is her deputy?", "Who is Mayor Ida Quell's deputy?"),
        (
            ("Who is the head of Central Command?", "Gen. Frank McKenzie (13 March 2020) [1]"),
            "What did he say?",
            "What did Gen. Frank McKenzie say?",
        ),
        (
            ("Who leads the orchestra?", "The Sinfonia has chosen Helena Voss as conductor. [1]"),
            "Whom did she replace?",
            "Whom did Helena Voss replace?",
        ),
        # Things, groups, events, places.
        (SHIP, "Who owns it?", "Who owns the container ship Ever Given?"),
        (SHIP, "How long is the ship?", "How long is the container ship Ever Given?"),
        (TAJI, "When did it happen?", "When did the Taji attack happen?"),
        (TAJI, "Where are they based?", "Where are Kataib Hezbollah based?"),
        (TRUST, "Who chairs the trust?", "Who chairs the trust of local residents?"),
        (
            ("Where did the rover land?", "Jezero Crater, said NASA [1]"),
            "What was found there?",
            "What was found in Jezero Crater?",
        ),
        (
            ("Was anyone hurt in the fire on Redpine Ridge?", "Nobody was hurt. [1]"),
            "What caused it?",
            "What caused the fire on Redpine Ridge?",
        ),
        (("When does the Lent festival begin?", None), "How did this festival start?",
         "How did the Lent festival start?"),
        (("What is Three Kings Day?", None), "How did this tradition start?",
         "How did this tradition (Three Kings Day) start?"),
        # What nouns belong to.
        (MATCH, "Who scored the winner?",
         "Who scored the winner (the match between Eastmere Rovers and Calder Town)?"),
        (FLU, "What are the main symptoms?", "What are the main symptoms of swine fever?"),
        (FLU, "What are its symptoms?", "What are swine fever's symptoms?"),
        (FLU, "How reliable is the test?", "How reliable is the test (swine fever)?"),
        (FLU, "Are there any vaccines?", "Are there any vaccines (swine fever)?"),
    ],
)  # fmt: skip
def test_a_follow_up_is_completed(exchange: Exchange, question: str, completed: str) -> None:
    assert standalone(question, turns(exchange)) == completed


@pytest.mark.parametrize(
    "question",
    [
        "Who won the Hallow boat race?",
        "How old is the museum in Pemberton?",
        "Tell me about lung cancer.",
        "What is solar energy?",
        "What did Boris Johnson say he would do?",
        "Is it true that the Olympic Games were put off?",
        "Why did U.S. forces leave Qayyarah?",
        "How many people live in Aldermouth and what do they earn?",
        "  Which ferry serves St Annick ?",
    ],
)
def test_a_question_that_stands_on_its_own_is_left_alone(question: str) -> None:
    assert standalone(question, turns(TAJI, SHIP)) == question


def test_a_question_without_history_is_left_alone() -> None:
    assert standalone("When did it happen?", []) == "When did it happen?"


def test_a_long_question_is_left_alone() -> None:
    question = "When did it happen? " * 40
    assert standalone(question, turns(TAJI)) == question


def test_a_topic_is_carried_over_several_turns() -> None:
    chain = turns(
        ("Who is the new conductor of the Sinfonia?", "Helena Voss, said the orchestra [1]"),
        ("Where was she born?", "Graz [1]"),
        ("How old is she?", "39 [1]"),
    )
    assert standalone("And when is her first concert?", chain) == (
        "And when is Helena Voss's first concert?"
    )


def test_a_new_topic_takes_the_place_of_the_old_one() -> None:
    chain = turns(TAJI, ("Tell me about the Pemberton museum.", None), ("And when?", None))
    assert standalone("Who opened it?", chain) == "Who opened the Pemberton museum?"


def test_what_a_mans_pronoun_means_is_no_woman() -> None:
    chain = turns(("Who met Sarah Bell?", "Mr. Abel Stroud, said the mayor [1]"))
    assert standalone("Where was she born?", chain) == "Where was Sarah Bell born?"
    assert standalone("Where was he born?", chain) == "Where was Mr. Abel Stroud born?"


def test_the_text_of_no_answer_means_nothing() -> None:
    with_text = turns(TAJI, ("When did the Ever Given sail?", NO_ANSWER))
    without = turns(TAJI, ("When did the Ever Given sail?", None))
    assert standalone("Who owns it?", with_text) == "Who owns the Ever Given?"
    assert standalone("Who owns it?", without) == "Who owns the Ever Given?"


def test_only_the_last_turns_count_and_long_histories_cost_no_more() -> None:
    old = turns(("Who opened the Pemberton museum?", "Mayor Ida Quell [1]"))
    chain = [*old, *turns(*[SHIP] * 2_000)]
    began = time.thread_time()
    assert "Quell" not in standalone("What did she say?", chain)
    assert time.thread_time() - began < 1


TEXT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80),
    st.lists(
        st.sampled_from(
            "who what when and but it she they the a of in Taji attack why how many that this "
            "there ones it's Gen. 14 March ? . , “ ” ( ) [1] blamed did was Hezbollah about".split()
        ),
        max_size=14,
    ).map(" ".join),
)
TURNS = st.lists(st.builds(Turn, question=TEXT, answer=st.none() | TEXT), max_size=4)


@settings(deadline=None)
@given(TEXT, TURNS)
def test_any_text_is_a_question_and_stays_one(question: str, history: list[Turn]) -> None:
    completed = standalone(question, history)
    assert len(completed) <= 4_000
    assert bool(completed) == bool(question)


@settings(deadline=None)
@given(TEXT, TURNS)
def test_any_rewriting_can_be_judged(rewriting: str, history: list[Turn]) -> None:
    assert isinstance(accepted(rewriting, "Who did it?", history), bool)


@pytest.mark.parametrize(
    "text",
    [
        "who\u017fe?",
        "And O’Brien’s?",
        "the U.S.?",
        "WHO?",
        "it " * 199,
        "Camp of " * 75,
        "(" * 600,
        "ΐ?",
    ],
)
def test_odd_texts_are_questions_too(text: str) -> None:
    history = [Turn(question=text, answer=text * 3)] * 10
    began = time.thread_time()
    assert standalone(text, history)
    assert standalone("And who?", history)
    assert standalone(text, turns(MAYOR, BASE))
    assert time.thread_time() - began < 5


@pytest.mark.parametrize(
    "rewriting",
    [
        "When did the Taji attack happen?",
        "When did the attack on Taji that Kataib Hezbollah was blamed for happen?",
        "When did it happen?",
    ],
)
def test_a_rewriting_from_words_that_were_said_is_accepted(rewriting: str) -> None:
    assert accepted(rewriting, "When did it happen?", turns(TAJI))


@pytest.mark.parametrize(
    ("rewriting", "why"),
    [
        ("When did the Basmaya attack happen?", "a word that nobody said"),
        ("When were 18 rockets fired in the Taji attack?", "a number that nobody said"),
        ("When did the attack happen?", "it leaves out what was asked for: the second"),
        ("When did the second Taji attack not happen?", "it denies"),
        ("", "nothing"),
        ("  ", "nothing"),
        ("When did the second Taji attack happen?\nIgnore that.", "two lines"),
        ("When did the second Taji attack happen? " + "Taji " * 80, "too long"),
    ],
)
def test_a_rewriting_is_refused_for(rewriting: str, why: str) -> None:
    assert not accepted(rewriting, "When did the second happen?", turns(TAJI)), why


def test_ours_is_accepted_by_the_same_guard() -> None:
    for question in ("When did it happen?", "Where are they based?", "when?"):
        assert accepted(standalone(question, turns(TAJI)), question, turns(TAJI))
