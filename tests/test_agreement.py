"""Readings that say the same are one answer, and copies are one witness."""

import pytest

from rag.agreement import grouped, is_copy, is_same
from tests.readings import MakeReading


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kataib Hezbollah", "the Kataib Hezbollah militia"),
        ("14", "fourteen"),
        ("14", "14 others"),
        ("three", "3 coalition members"),
        ("Gen. Frank McKenzie", "McKenzie"),
        ("the United States", "America"),
        ("$1.2 million", "1.2 million dollars"),
        ("it", "It"),
    ],
)
def test_two_wordings_are_one_answer(one: str, other: str) -> None:
    assert is_same(one, other)
    assert is_same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kataib Hezbollah", "Islamic State"),
        ("14", "18"),
        ("11 March", "14 March"),
        ("1.2 million pounds", "2.1 million pounds"),
        ("March 2020", "March 2021"),
        ("", "14"),
    ],
)
def test_two_answers_are_two(one: str, other: str) -> None:
    assert not is_same(one, other)
    assert not is_same(other, one)


AGENCY = "Rockets hit Camp Taji on Saturday, wounding three coalition troops, officials said."


def test_a_copy_shares_half_of_its_runs_of_words() -> None:
    assert is_copy(AGENCY, f"BAGHDAD (Agency) - {AGENCY} The camp lies north of Baghdad.")
    assert not is_copy(AGENCY, "Three coalition troops were hurt when rockets hit the camp.")
    assert not is_copy("", AGENCY)


def test_no_readings_are_no_answers() -> None:
    assert grouped([]) == []


def test_what_two_articles_say_outweighs_what_one_says(reading: MakeReading) -> None:
    found = [
        reading("“It was Iran,” he said.", answer="Iran", article_id="a", probability=0.5),
        reading("Officials blamed Kataib Hezbollah.", answer="Kataib Hezbollah", article_id="b",
                probability=0.45),
        reading("The Kataib Hezbollah militia fired it.", answer="The Kataib Hezbollah militia",
                article_id="c", probability=0.4),
    ]  # fmt: skip
    first, second = grouped(found)
    assert first.answer == "Kataib Hezbollah"
    assert first.probability == pytest.approx(1 - 0.55 * 0.8)
    assert [r.hit.article.article_id for r in first.readings] == ["b", "c"]
    assert (second.answer, second.probability) == ("Iran", 0.5)


def test_copies_of_one_report_count_once(reading: MakeReading) -> None:
    found = [
        reading(AGENCY, answer="three", article_id=article_id, probability=0.4)
        for article_id in ("a", "b", "c")
    ]
    [group] = grouped(found)
    assert group.probability == pytest.approx(0.4)
    assert [r.hit.article.article_id for r in group.readings] == ["a"]


def test_two_sentences_of_one_article_are_one_witness(reading: MakeReading) -> None:
    found = [
        reading("Three died.", answer="Three", article_id="a", probability=0.4),
        reading("The three dead were soldiers.", answer="three", article_id="a", probability=0.3),
    ]
    [group] = grouped(found)
    assert group.probability == pytest.approx(0.4)


def test_what_is_far_less_probable_than_the_best_is_no_answer(reading: MakeReading) -> None:
    found = [
        reading("Three died.", answer="Three", article_id="a", probability=0.9),
        reading("It was in Oslo.", answer="Oslo", article_id="b", probability=0.05),
    ]
    assert [group.answer for group in grouped(found)] == ["Three"]
