"""Passages in Chroma: written, replaced, found, filtered by the query, removed."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rag.errors import DependencyError
from rag.types import Article, Filters, Passage
from rag.vectors import Vectors

DIMENSION = 384


@pytest.fixture
def vectors(tmp_path: Path) -> Iterator[Vectors]:
    opened = Vectors(tmp_path / "chroma")
    yield opened
    opened.close()


def unit(*hot: int) -> npt.NDArray[np.float32]:
    """Return one unit vector for each named axis."""
    return np.eye(DIMENSION, dtype=np.float32)[list(hot)]


def passage(article: Article, position: int = 0) -> Passage:
    return Passage.cut(article, position, 0, len(article.text))


def article(article_id: str, text: str = "It is open.") -> Article:
    return Article.create(title="Bridge", text=text, article_id=article_id)


def write(vectors: Vectors, one: Article, axis: int) -> str:
    """Store `one` as one passage that points along `axis`; return its id."""
    vectors.upsert([passage(one)], {one.article_id: one}, unit(axis))
    return passage(one).passage_id


def found(
    vectors: Vectors,
    query: npt.NDArray[np.float32],
    filters: Filters = Filters(),  # noqa: B008 - frozen
) -> list[str]:
    """Return the ids found at cosine 1."""
    return [key for key, cosine in vectors.search(query, 5, filters) if cosine > 0.999]


def test_the_nearest_comes_first_with_its_cosine(vectors: Vectors) -> None:
    near, far = write(vectors, article("a1"), 0), write(vectors, article("a2"), 1)
    query = np.zeros(DIMENSION, dtype=np.float32)
    query[:2] = 0.8, 0.6
    [first, second] = vectors.search(query, 5, Filters())
    assert (first[0], second[0]) == (near, far)
    assert first[1] == pytest.approx(0.8, abs=1e-5)
    assert second[1] == pytest.approx(0.6, abs=1e-5)


def test_writing_an_id_again_replaces_vector_text_and_metadata(vectors: Vectors) -> None:
    one = article("a1")
    key = write(vectors, one, 0)
    dated = one.model_copy(update={"published_at": datetime(2020, 3, 13, tzinfo=UTC)})
    vectors.upsert([passage(one)], {"a1": dated}, unit(5))
    assert vectors.count() == 1
    after = Filters(published_after=datetime(2020, 1, 1, tzinfo=UTC))
    assert found(vectors, unit(5)[0], after) == [key]


def test_at_most_k_are_found_and_fewer_where_there_are_fewer(vectors: Vectors) -> None:
    for n in range(3):
        write(vectors, article(f"a{n}"), n)
    assert len(vectors.search(unit(0)[0], 2, Filters())) == 2
    assert len(vectors.search(unit(0)[0], 50, Filters())) == 3


def test_an_empty_collection_finds_nothing(vectors: Vectors) -> None:
    assert vectors.search(unit(0)[0], 5, Filters()) == []


def test_deleting_removes_these_ids_and_ignores_unknown_ones(vectors: Vectors) -> None:
    gone, kept = write(vectors, article("a1"), 0), write(vectors, article("a2"), 1)
    vectors.delete([gone, "unknown"])
    vectors.delete([])
    assert vectors.ids() == {kept}


def test_more_rows_than_one_call_takes_are_written_listed_and_deleted(
    vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vectors, "_batch", 3)
    one = article("a1")
    passages = [passage(one, n) for n in range(8)]
    vectors.upsert(passages, {"a1": one}, unit(*range(8)))
    assert vectors.ids() == {p.passage_id for p in passages}
    vectors.delete([p.passage_id for p in passages[:7]])
    assert vectors.ids() == {passages[7].passage_id}


def test_a_reset_leaves_a_collection_that_works(vectors: Vectors) -> None:
    write(vectors, article("a1"), 0)
    vectors.reset()
    assert vectors.ids() == set()
    key = write(vectors, article("a2"), 1)
    assert found(vectors, unit(1)[0]) == [key]


def test_rows_are_there_after_the_directory_was_closed_and_opened(tmp_path: Path) -> None:
    first = Vectors(tmp_path / "chroma")
    key = write(first, article("a1"), 0)
    first.close()
    second = Vectors(tmp_path / "chroma")
    assert found(second, unit(0)[0]) == [key]
    second.close()


@pytest.mark.parametrize("damage", ["no database", "no collections"])
def test_a_damaged_directory_is_reported_in_the_same_words_each_time_and_opens_when_mended(
    tmp_path: Path, damage: str
) -> None:
    directory = tmp_path / "chroma"
    Vectors(directory).close()
    shutil.copytree(directory, tmp_path / "whole")
    database = directory / "chroma.sqlite3"
    if damage == "no database":
        database.write_bytes(b"this is no database" * 100)
    else:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("DROP TABLE collections")
    said = set()
    for _ in range(3):
        with pytest.raises(DependencyError, match="cannot be opened") as refused:
            Vectors(directory)
        said.add(str(refused.value))
    assert len(said) == 1
    shutil.rmtree(directory)
    shutil.copytree(tmp_path / "whole", directory)
    mended = Vectors(directory)
    assert mended.count() == 0
    mended.close()


def test_two_directories_do_not_share_rows(tmp_path: Path) -> None:
    one, other = Vectors(tmp_path / "one"), Vectors(tmp_path / "other")
    write(one, article("a1"), 0)
    assert other.ids() == set()
    one.close()
    other.close()


def test_telemetry_is_off(vectors: Vectors) -> None:
    assert vectors._client.get_settings().anonymized_telemetry is False
