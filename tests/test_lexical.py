"""Texts found by their words; questions are analysed, never parsed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import DependencyError
from rag.lexical import Bm25, Entry
from rag.types import Article, Filters

ANY = Article.create(title="T", text="x", article_id="a1")


@pytest.fixture
def bm25(tmp_path: Path) -> Bm25:
    return Bm25(tmp_path / "bm25")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Bm25:
    index = Bm25(tmp_path_factory.mktemp("bm25"))
    index.replace([entry("p1", "The Hallow Bridge closed."), entry("p2", "A fire in an orchard.")])
    return index


def entry(key: str, text: str) -> Entry:
    return Entry(key, ANY, text)


def ids(index: Bm25, question: str) -> list[str]:
    return [key for key, _ in index.search(question, 10, Filters())]


def test_a_word_is_found_in_its_other_forms_and_without_its_accents(bm25: Bm25) -> None:
    bm25.replace([entry("p1", "Élodie Réal bombed bridges."), entry("p2", "A quiet day.")])
    assert ids(bm25, "elodie REAL") == ["p1"]
    assert ids(bm25, "bombing of a bridge") == ["p1"]


def test_the_text_with_more_of_the_words_comes_first(bm25: Bm25) -> None:
    bm25.replace([entry("p1", "The bridge reopened."), entry("p2", "The Hallow bridge closed.")])
    [first, second] = bm25.search("hallow bridge closed", 10, Filters())
    assert (first[0], second[0]) == ("p2", "p1")
    assert first[1] > second[1] > 0


def test_equal_scores_are_in_order_of_id(bm25: Bm25) -> None:
    for key in ("p3", "p1", "p2"):
        bm25.replace([entry(key, "The bridge closed.")])
    assert ids(bm25, "bridge") == ["p1", "p2", "p3"]


@pytest.mark.parametrize("question", ["", "   ", "the of and", "xylophone", "?!", "😀", "\0"])
def test_a_question_without_a_known_word_finds_nothing(shared: Bm25, question: str) -> None:
    assert ids(shared, question) == []


@pytest.mark.parametrize(
    "question",
    [
        'bridge "',
        "bridge AND NOT fire",
        "text:bridge",
        "id:p2 bridge",
        "(bridge",
        "bridge* [a TO z]",
        "-bridge +zebra",
        r"bridge \ / ^ ~2",
        "bridge') OR 1=1 --",
    ],
)
def test_no_character_of_a_question_is_syntax(shared: Bm25, question: str) -> None:
    assert "p1" in ids(shared, question)


@given(st.text(max_size=300))
def test_no_question_fails(shared: Bm25, question: str) -> None:
    assert set(ids(shared, question)) <= {"p1", "p2"}


def test_writing_an_id_again_replaces_its_text(bm25: Bm25) -> None:
    bm25.replace([entry("p1", "The bridge closed.")])
    bm25.replace([entry("p1", "The orchard burned.")])
    assert (bm25.count(), ids(bm25, "bridge"), ids(bm25, "orchard")) == (1, [], ["p1"])


def test_an_id_that_holds_another_is_not_confused_with_it(bm25: Bm25) -> None:
    bm25.replace([entry("a:1", "The bridge closed."), entry("a:11", "The bridge closed.")])
    bm25.delete(["a:1", "unknown"])
    assert bm25.ids() == {"a:11"}


def test_a_reset_leaves_an_index_that_works(bm25: Bm25) -> None:
    bm25.replace([entry("p1", "The bridge closed.")])
    bm25.reset()
    assert bm25.ids() == set()
    bm25.replace([entry("p2", "The orchard burned.")])
    assert ids(bm25, "orchard") == ["p2"]


def test_texts_are_there_after_the_directory_was_opened_again(tmp_path: Path) -> None:
    Bm25(tmp_path / "bm25").replace([entry("p1", "The bridge closed.")])
    assert ids(Bm25(tmp_path / "bm25"), "bridge") == ["p1"]


def test_rare_words_weigh_more_than_common_ones(shared: Bm25) -> None:
    weights = shared.rarity(["bridg", "unknown"])
    assert weights["unknown"] > weights["bridg"] > 0


def test_a_damaged_directory_is_reported_as_one_of_our_errors(tmp_path: Path) -> None:
    Bm25(tmp_path / "bm25").replace([entry("p1", "The bridge closed.")])
    (tmp_path / "bm25" / "meta.json").write_text("{")
    with pytest.raises(DependencyError, match="cannot be opened"):
        Bm25(tmp_path / "bm25")
