"""Spans that may answer: inside their passages, with probabilities, the same each time."""

from collections.abc import Callable

import pytest

from rag.catalog import Staged
from rag.embedder import Embedder
from rag.index import Index
from rag.reader import FEATURES, SentenceFeatures, SentenceReader, load_weights
from rag.sentences import sentence_spans
from rag.types import Article, Hit, Passage, Scores

Stage = Callable[[Article], Staged]
BRIDGE = Article.create(
    title="Hallow Bridge closes after flood",
    text="Rain fell for days. The Hallow Bridge was closed on Tuesday. “We are sorry,” said Mayor "
    "Ida Quell. 😀 Nobody was hurt.",
    article_id="bridge",
)
MUSEUM = Article.create(
    title="New director", text="The museum appointed Tobias Renn.", article_id="museum"
)


def hit(article: Article) -> Hit:
    passage = Passage.cut(article, 0, 0, len(article.text))
    return Hit(passage=passage, article=article.meta(), scores=Scores(fused=0.1))


@pytest.fixture
def reader(index: Index, stage: Stage) -> SentenceReader:
    index.put([stage(BRIDGE), stage(MUSEUM)])
    return SentenceReader(SentenceFeatures(index.lexical, index.embedder), load_weights())


def test_every_reading_is_a_sentence_of_its_passage_with_a_probability(
    reader: SentenceReader,
) -> None:
    readings = reader.read("When was the Hallow Bridge closed?", [hit(BRIDGE), hit(MUSEUM)])
    assert len(readings) == 5
    for reading in readings:
        assert (reading.start, reading.end) in sentence_spans(reading.hit.passage.text)
        assert reading.text == reading.text.strip() != ""
        assert 0 <= reading.probability <= 1


def test_the_most_probable_comes_first_and_none_comes_twice(reader: SentenceReader) -> None:
    readings = reader.read("When was the Hallow Bridge closed?", [hit(BRIDGE), hit(MUSEUM)])
    assert readings[0].text == "The Hallow Bridge was closed on Tuesday."
    probabilities = [reading.probability for reading in readings]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len({(r.hit.passage.passage_id, r.start) for r in readings}) == len(readings)


def test_the_same_question_is_read_the_same_way(reader: SentenceReader) -> None:
    hits = [hit(BRIDGE), hit(MUSEUM)]
    assert reader.read("Who is sorry?", hits) == reader.read("Who is sorry?", hits)


def test_without_passages_there_is_nothing_to_read(reader: SentenceReader) -> None:
    assert reader.read("Who?", []) == []


@pytest.mark.parametrize("question", ["?", "the of", "😀", "x" * 4_000, "مرحبا", "A\u202eB", " "])
def test_odd_questions_are_read_like_any_other(reader: SentenceReader, question: str) -> None:
    assert {r.hit.article.article_id for r in reader.read(question, [hit(BRIDGE)])} == {"bridge"}


def test_the_features_are_one_row_a_candidate_and_one_column_a_name(
    index: Index, embedder: Embedder
) -> None:
    counts = SentenceFeatures(index.lexical, embedder)
    candidates, rows = counts.of("When was it closed?", [hit(BRIDGE)])
    assert rows.shape == (len(candidates), len(FEATURES))


def test_the_threshold_is_a_probability() -> None:
    assert 0 < load_weights().threshold < 1
