"""What a question and a sentence share, as counts that a person can check."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.lexical import Bm25, Entry
from rag.overlap import COUNTS, SentenceCounts
from rag.types import Article, Hit, Passage, Scores

FERRY = Article.create(
    title="Ferry sinks off Malden",
    text="The ferry sank on Friday. Did the crew know? Police blamed the captain, Ole Brandt.",
    article_id="ferry",
)
Count = Callable[[str], list[dict[str, float]]]


@pytest.fixture
def count(tmp_path: Path) -> Count:
    words = Bm25(tmp_path)
    words.replace([Entry("ferry", FERRY.meta(), FERRY.text)])
    passage = Passage.cut(FERRY, 0, 0, len(FERRY.text))
    hit = Hit(passage=passage, article=FERRY.meta(), scores=Scores(fused=0.1))

    def counted(question: str) -> list[dict[str, float]]:
        _, rows = SentenceCounts(words).of(question, [hit])
        return [dict(zip(COUNTS, row, strict=True)) for row in rows.tolist()]

    return counted


def test_the_sentence_that_holds_the_words_shares_most(count: Count) -> None:
    rows = count("When did the ferry sink?")
    assert [row["overlap_gap"] == 0 for row in rows] == [True, False, False]
    assert rows[0]["kind_held"] == 1
    assert rows[1]["kind_held"] == 0


def test_a_word_of_the_same_family_counts_nearly_as_much(count: Count) -> None:
    blamed, accused = count("Who was blamed?")[2], count("Who was accused?")[2]
    assert blamed["sentence_overlap"] > accused["sentence_overlap"] > 0
    assert (blamed["family_overlap"], accused["family_overlap"] > 0) == (0, True)


def test_the_headline_counts_as_near(count: Count) -> None:
    assert count("What happened off Malden?")[2]["nearby_overlap"] > 0


def test_names_that_stand_nowhere_are_missing(count: Count) -> None:
    assert count("What did Ole Brandt do in Oslo?")[0]["names_missing"] == pytest.approx(1 / 3)


def test_a_question_is_known_as_one(count: Count) -> None:
    assert [row["is_question"] for row in count("Who knew?")] == [0, 1, 0]


def test_no_passages_are_no_rows(tmp_path: Path) -> None:
    sentences, rows = SentenceCounts(Bm25(tmp_path)).of("Who?", [])
    assert (sentences, rows.shape) == ([], (0, len(COUNTS)))
