"""Questions that rules make of news sentences, and `dateline eval init`."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.cases import SAMPLE_CORPUS, load
from evals.gold.draft import INVENTED_PLACES, draft
from evals.gold.questions import questions
from rag.types import Article
from tests.commands import dateline


def made(*sentences: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.question, one.answers) for one in questions(" ".join(sentences))]


@pytest.mark.parametrize(
    ("sentence", "question", "answers"),
    [
        (
            "The fire in Redpine destroyed 40 homes.",
            "How many homes did the fire in Redpine destroy?",
            ("40",),
        ),
        (
            "The bridge at Harrow will create 300 jobs in Tarnby.",
            "How many jobs will the bridge at Harrow create in Tarnby?",
            ("300",),
        ),
        (
            "Twenty-six people were killed in the raid on Albukamal, the army said.",
            "How many people were killed in the raid on Albukamal?",
            ("twenty-six", "26"),
        ),
        (
            "The council of Redpine received $1.2 million for the repairs.",
            "How much did the council of Redpine receive for the repairs?",
            ("$1.2 million",),
        ),
        (
            "The Harrow Bridge was closed to cars on 3 June 2021.",
            "When was the Harrow Bridge closed to cars?",
            ("3 June 2021",),
        ),
        (
            "On Monday, the council of Redpine opened a new library.",
            "When did the council of Redpine open a new library?",
            ("Monday",),
        ),
        (
            "Elspeth Munro, the chairwoman of the Skerrow Trust, cut the ribbon.",
            "Who is the chairwoman of the Skerrow Trust?",
            ("Elspeth Munro",),
        ),
        (
            "Nobody had told Eastmere manager Sheila Grant about the goal.",
            "Who is the Eastmere manager?",
            ("Sheila Grant",),
        ),
        (
            "The trust has asked Elspeth Munro, 61, to stay until the summer.",
            "How old is Elspeth Munro?",
            ("61",),
        ),
        (
            "Elspeth Munro said that the lighthouse at Skerrow needs a new roof.",
            "Who said that the lighthouse at Skerrow needs a new roof?",
            ("Elspeth Munro",),
        ),
        (
            "“We have waited for this roof for ten years,” said the keeper, Elspeth Munro.",
            "Who said, “We have waited for this roof for ten years”?",
            ("Elspeth Munro",),
        ),
    ],
)
def test_a_plain_sentence_makes_a_question(
    sentence: str, question: str, answers: tuple[str, ...]
) -> None:
    assert (question, answers) in made(sentence)


def test_a_person_who_is_called_by_the_surname_elsewhere_did_it() -> None:
    found = made(
        "Daniel Okoro scored the winning goal for Eastmere.", "Later Okoro left the pitch."
    )
    assert ("Who scored the winning goal for Eastmere?", ("Daniel Okoro",)) in found


@pytest.mark.parametrize(
    "sentence",
    [
        "She destroyed 40 homes in Redpine with her own hands.",
        "The fire that began in Redpine on Monday destroyed 40 homes.",
        "The company will create 300 jobs.",
        "Twenty people were killed and at least thirty were hurt in Redpine.",
        "Elspeth Munro said that he was not at Skerrow in the summer.",
        "“We have waited for this roof for ten years,” said the keeper.",
        "“We have waited for ten years,” said a spokesman for Human Rights Watch.",
        "Is the Harrow Bridge closed to cars on 3 June 2021?",
        "The Harrow Bridge is shown here on Tuesday.",
        "Forty percent of voters in Redpine were against it.",
    ],
)
def test_a_sentence_that_is_not_plain_makes_none(sentence: str) -> None:
    assert made(sentence) == []


@given(st.text())
def test_no_text_crashes_the_rules(text: str) -> None:
    for one in questions(text):
        assert one.quote in text


NEWS = st.lists(
    st.sampled_from(
        "The fire in Redpine destroyed 40 homes on Monday , . said “ ” Elspeth Munro the "
        "chairwoman of Harrow Bridge was closed 3 June 2021 Six people were killed will create $5 "
        "million that and He its percent , 61 , At least according to".split()
    ),
    max_size=30,
).map(" ".join)


@given(NEWS)
def test_no_words_of_news_crash_the_rules(text: str) -> None:
    for one in questions(text):
        assert one.quote in text
        assert one.question.endswith("?")


def article(place: str, homes: int, keeper: str) -> Article:
    text = (
        f"The fire in {place} destroyed {homes} homes.\n\n"
        f"{keeper}, the mayor of {place}, thanked the crews of the county.\n\n"
        f"The road to {place} was closed to cars on 3 June 2021."
    )
    return Article.create(title=f"Fire in {place}", text=text, article_id=place.lower())


ARCHIVE = [
    article("Redpine", 40, "Ann Lee"),
    article("Harrow", 12, "Joan Tilley"),
    article("Skerrow", 7, "Elspeth Munro"),
]


def test_drafts_are_spread_over_the_articles() -> None:
    cases = draft(ARCHIVE, questions=3, seed=0)
    assert sorted(case.relevant_article_ids for case in cases) == [
        ("harrow",), ("redpine",), ("skerrow",)
    ]  # fmt: skip


def test_drafts_are_spread_over_the_kinds_of_question() -> None:
    cases = draft(ARCHIVE, questions=3, seed=0)
    assert sorted(case.slice for case in cases) == ["how_many", "when", "who"]


def test_every_fifth_draft_asks_what_no_article_answers() -> None:
    cases = draft(ARCHIVE, questions=10, seed=0)
    without = [case for case in cases if not case.answerable]
    texts = " ".join(one.text for one in ARCHIVE)
    assert (len(cases), len(without)) == (10, 2)
    for case in without:
        assert case.slice == "unanswerable_near"
        [stranger] = {word.strip("?") for word in case.question.split()[1:] if word[0].isupper()}
        assert stranger not in texts


def test_a_stranger_is_nobody_in_the_archive() -> None:
    known = " ".join(name for name in INVENTED_PLACES if name != "Sandrith")
    named = Article.create(title="Places", text=f"There are {known}.")
    [case] = [c for c in draft([*ARCHIVE, named], questions=10, seed=3) if not c.answerable]
    assert "Sandrith" in case.question


def test_a_draft_is_proved_by_its_article_and_says_that_nobody_read_it() -> None:
    texts = {one.article_id: one.text for one in ARCHIVE}
    for case in draft(ARCHIVE, questions=9, seed=0):
        assert not case.reviewed
        for quote in case.quotes:
            assert quote in texts[case.relevant_article_ids[0]]


def test_a_draft_of_a_number_is_compared_by_whole_words() -> None:
    [case] = [c for c in draft(ARCHIVE[2:], questions=3, seed=0) if c.slice == "how_many"]
    assert (case.answers, case.must_include) == (("7",), ())
    assert not case.held_by("It destroyed 17 homes.")


def test_the_same_seed_drafts_the_same_set() -> None:
    drawn = [draft(ARCHIVE, questions=4, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_question_that_two_articles_raise_is_left_out() -> None:
    twin = Article.create(title="Again", text=ARCHIVE[0].text, article_id="twin")
    cases = draft([ARCHIVE[0], twin], questions=5, seed=0)
    assert cases == []


def test_the_command_writes_a_set_that_is_valid_as_it_is(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    ran = dateline("eval", "init", SAMPLE_CORPUS, "--out", gold, "--questions", 8)
    assert ran.code == 0
    assert "read each one" in ran.out
    checked = dateline("eval", "validate", gold, "--corpus", SAMPLE_CORPUS, "--json").json
    assert (checked["problems"], checked["cases"]) == ([], len(load(gold)))
    assert checked["unreviewed"] == checked["cases"] >= 5


def test_the_command_does_not_overwrite_a_file(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text("mine\n")
    refused = dateline("eval", "init", SAMPLE_CORPUS, "--out", gold)
    assert (refused.code, gold.read_text()) == (2, "mine\n")
    assert "--force" in refused.err
    assert dateline("eval", "init", SAMPLE_CORPUS, "--out", gold, "--force").code == 0
    assert load(gold)


def test_the_command_writes_nothing_where_nothing_can_be_asked(tmp_path: Path) -> None:
    bare = tmp_path / "bare.txt"
    bare.write_text("Nothing\n\nIt rained. It did so again.")
    ran = dateline("eval", "init", bare, "--out", tmp_path / "gold.jsonl")
    assert (ran.code, (tmp_path / "gold.jsonl").exists()) == (2, False)


def test_the_command_tells_which_file_it_could_not_read(tmp_path: Path) -> None:
    rows = [{"id": one.article_id, "title": one.title, "text": one.text} for one in ARCHIVE]
    archive = tmp_path / "archive.jsonl"
    archive.write_text("\n".join(map(json.dumps, rows)) + "\n{\n")
    ran = dateline("eval", "init", archive, "--out", tmp_path / "gold.jsonl")
    assert ran.code == 0
    assert "archive.jsonl, line 4: not JSON" in ran.err
