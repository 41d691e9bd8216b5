"""What an answer says for each form of question, who says it, and what proves it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rag.extract import Written, extract
from rag.types import Account, Article, Reading
from tests.readings import MakeReading

MARCH_12 = datetime(2020, 3, 12, tzinfo=UTC)
MARCH_16 = datetime(2020, 3, 16, tzinfo=UTC)
BLAMED = "American officials blamed Kataib Hezbollah for the attack."
Ask = Callable[..., Written | None]


@pytest.fixture
def ask() -> Ask:
    """Extract from readings whose passages are whole articles."""

    def asked(question: str, *readings: Reading, gone: tuple[str, ...] = ()) -> Written | None:
        def fetch(article_id: str) -> Article | None:
            hit = next(r.hit for r in readings if r.hit.article.article_id == article_id)
            if article_id in gone:
                return None
            return Article(text=hit.passage.text, **hit.article.model_dump())

        return extract(question, readings, fetch)

    return asked


def written(found: Written | None) -> Written:
    assert found is not None
    for citation in found.citations:
        for span in citation.answer_spans:
            assert found.text[span.end_index :].startswith(f" [{citation.index}]")
    return found


def test_an_answer_names_who_says_so_and_when(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "Who was blamed for the attack?",
        reading(BLAMED, answer="Kataib Hezbollah", published_at=MARCH_12, source="ledger.example"),
    )
    assert written(found).text == (
        f"Kataib Hezbollah, according to American officials (12 March 2020): “{BLAMED}” [1]"
    )
    assert written(found).short == "Kataib Hezbollah"
    assert written(found).status == "answered"


def test_what_nobody_is_named_for_the_outlet_reports(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "When was the bridge closed?",
        reading("The bridge was closed on 4 May 2021.", answer="4 May 2021", source="Post"),
    )
    assert written(found).text == (
        "4 May 2021, reports Post: “The bridge was closed on 4 May 2021.” [1]"
    )


def test_a_weekday_is_told_with_its_date(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "When did rockets hit the camp?",
        reading("Rockets hit it on Wednesday evening.", answer="Wednesday evening", source="Post",
                published_at=datetime(2020, 3, 13, tzinfo=UTC)),
    )  # fmt: skip
    assert written(found).text.startswith(
        "Wednesday evening (11 March 2020), reports Post (13 March 2020): “"
    )
    assert written(found).short == "Wednesday evening"


def test_an_article_that_says_the_same_is_named_beside_it(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "How many were killed?",
        reading("The blast killed 14.", answer="14", article_id="a", source="Post"),
        reading("Fourteen people died there.", answer="Fourteen people", article_id="b",
                probability=0.4, source="Ledger", published_at=MARCH_16),
    )  # fmt: skip
    assert written(found).text == (
        "14, reports Post: “The blast killed 14.” [1] Also reported by Ledger (16 March 2020). [2]"
    )
    assert [c.article_id for c in written(found).citations] == ["a", "b"]


def test_articles_that_disagree_are_both_quoted(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "How many people did the blast kill?",
        reading("The blast killed 14 people.", answer="14 people", article_id="a", source="Post"),
        reading("The blast killed 18 people.", answer="18 people", article_id="b", source="Ledger",
                probability=0.45),
    )  # fmt: skip
    assert written(found).text == (
        "Accounts differ. 14 people, reports Post: “The blast killed 14 people.” [1] "
        "18 people, reports Ledger: “The blast killed 18 people.” [2]"
    )
    assert written(found).status == "conflicting"
    assert written(found).accounts == (
        Account(claim="14 people", citations=(1,)),
        Account(claim="18 people", citations=(2,)),
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"probability": 0.2},
        {"sentence": "He sold 18 people a ticket.", "title": "Fair"},
    ],
)
def test_what_is_less_sure_or_of_something_else_is_no_conflict(
    ask: Ask, reading: MakeReading, changed: dict[str, Any]
) -> None:
    fields: dict[str, Any] = {
        "sentence": "The blast killed 18 people.",
        "article_id": "b",
        "probability": 0.45,
    }
    fields |= changed
    other = reading(str(fields.pop("sentence")), answer="18 people", **fields)
    found = ask(
        "How many people did the blast kill?",
        reading("The blast killed 14 people.", answer="14 people", article_id="a"),
        other,
    )
    assert written(found).status == "answered"
    assert "Accounts differ" not in written(found).text
    assert " Or: 18 people" in written(found).text


def test_a_far_less_probable_answer_is_not_quoted(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "How many people did the blast kill?",
        reading("The blast killed 14 people.", answer="14 people", article_id="a"),
        reading("It was 18 degrees.", answer="18", article_id="b", probability=0.1),
    )
    assert len(written(found).citations) == 1


def test_a_correction_replaces_what_it_corrects_and_says_so(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "How many depots were struck?",
        reading("Jets struck seven depots.", answer="seven", article_id="old", source="Post",
                title="Jets strike depots", published_at=MARCH_12),
        reading("We wrongly reported the number of depots; five were struck.", answer="five",
                article_id="new", probability=0.4, source="Post", published_at=MARCH_16,
                title="Correction: jets strike depots"),
    )  # fmt: skip
    assert written(found).short == "five"
    assert written(found).text.endswith(
        "[1] This replaces what Post reported of 12 March 2020, corrected on 16 March 2020."
    )
    assert "seven" not in written(found).text


def test_a_list_names_each_answer_once(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "Which bases were handed over?",
        reading("Al-Qaim was handed over.", answer="Al-Qaim", article_id="a", source="Post"),
        reading("Qayyarah was handed over.", answer="Qayyarah", article_id="b", source="Post",
                probability=0.4),
        reading("The base of Qayyarah followed.", answer="Qayyarah", article_id="c",
                source="Ledger", probability=0.3),
        reading("K-1 was handed over.", answer="K-1", article_id="d", source="Post",
                probability=0.25),
    )  # fmt: skip
    assert written(found).text == (
        "Al-Qaim, Qayyarah and K-1. Post: “Al-Qaim was handed over.” [1] "
        "Post: “Qayyarah was handed over.” [2] Post: “K-1 was handed over.” [3]"
    )
    assert written(found).short == "Al-Qaim, Qayyarah and K-1"


def test_a_reason_is_told_in_order_of_time_and_without_repeats(
    ask: Ask, reading: MakeReading
) -> None:
    late = "Repairs began because two arches had moved."
    found = ask(
        "Why was the bridge closed?",
        reading(late, answer="two arches had moved", article_id="b", source="Post",
                published_at=MARCH_16),
        reading(late, answer="arches had moved", article_id="c", probability=0.45),
        reading("Divers found cracks.", answer="cracks", article_id="a", source="Post",
                published_at=MARCH_12, probability=0.3),
    )  # fmt: skip
    assert written(found).text == (
        f"Post (12 March 2020): “Divers found cracks.” [1] Post (16 March 2020): “{late}” [2]"
    )


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Nobody was hurt in Orrin.", "No, reports Post: “Nobody was hurt in Orrin.” [1]"),
        ("Two were hurt in Orrin.", "Yes, reports Post: “Two were hurt in Orrin.” [1]"),
        ("Orrin lies in the hills.", "Post: “Orrin lies in the hills.” [1]"),
    ],
)
def test_yes_or_no_is_said_only_where_a_sentence_does(
    ask: Ask, reading: MakeReading, sentence: str, text: str
) -> None:
    found = ask("Was anyone hurt in Orrin?", reading(sentence, answer=sentence[:3], source="Post"))
    assert written(found).text == text


def test_quotation_marks_within_a_quotation_are_single(ask: Ask, reading: MakeReading) -> None:
    found = ask(
        "What did the mayor say?",
        reading("“We\nwill rebuild,” said Mayor Quell.", answer="We\nwill rebuild"),
    )
    assert "“‘We will rebuild,’ said Mayor Quell.” [1]" in written(found).text
    assert written(found).citations[0].cited_text == "“We\nwill rebuild,” said Mayor Quell."


def test_what_does_not_verify_is_dropped_and_lowers_the_status(
    ask: Ask, reading: MakeReading
) -> None:
    found = ask(
        "Who was blamed?",
        reading(BLAMED, answer="Kataib Hezbollah", article_id="gone"),
        reading("Some blamed Iran.", answer="Iran", article_id="here", probability=0.4),
        gone=("gone",),
    )
    assert (written(found).status, written(found).dropped) == ("partial", 1)
    assert [c.article_id for c in written(found).citations] == ["here"]


def test_nothing_that_verifies_is_no_answer(ask: Ask, reading: MakeReading) -> None:
    assert ask("Who?", reading(BLAMED, answer="Kataib Hezbollah"), gone=("a",)) is None
    assert ask("Who?") is None
