"""The life of a version in SQL, and what each reader of the catalog sees of it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import InterfaceError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from rag.catalog import (
    Catalog,
    Counts,
    SourceCount,
    Staged,
    answering,
    epoch_ceil_s,
    epoch_s,
    open_engine,
)
from rag.errors import DependencyError
from rag.types import Article, ArticleMeta, Filters, Passage


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    opened = Catalog("sqlite://")
    yield opened
    opened.close()


def article(text: str, article_id: str = "a1") -> Article:
    return Article.create(title="Bridge", text=text, article_id=article_id)


def staged(article: Article, origin: str | None = None) -> Staged:
    """Stage an article as one passage."""
    return Staged(article, [Passage.cut(article, 0, 0, len(article.text))], origin)


def publish(catalog: Catalog, *batch: Staged) -> None:
    catalog.stage(batch)
    catalog.publish([one.version for one in batch])


OLD, NEW = article("It is open."), article("It is closed.")


def test_what_is_staged_is_invisible_to_every_reader(catalog: Catalog) -> None:
    catalog.stage([staged(OLD, "a.txt")])
    [passage] = staged(OLD).passages
    assert catalog.get("a1") is None
    assert catalog.live_hashes(["a1"]) == {}
    assert catalog.live_from(["a.txt"]) == {}
    assert catalog.page(Filters()) == []
    assert catalog.matching(Filters()) == []
    assert catalog.passages_of("a1") == []
    assert catalog.live_passages([passage.passage_id], Filters()) == {}
    assert catalog.live_ids() == (set(), set())
    assert catalog.counts() == Counts(articles=0, passages=0, pending=1, unswept=0)


def test_what_is_published_is_given_back_as_it_was_stored(catalog: Catalog) -> None:
    full = Article.create(
        title="“Bridge” — 橋",
        text="It is open. 😀 Said Élodie.\r\n\r\nمرحبا.",
        article_id="a1",
        source="ledger.example",
        author="Ann Lee",
        url="https://ledger.example/bridge",
        published_at=datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC),
    )
    one = staged(full, "a.txt")
    publish(catalog, one)
    assert catalog.get("a1") == full
    assert catalog.passages_of("a1") == one.passages
    assert catalog.live_passages([one.passages[0].passage_id], Filters()) == {
        one.passages[0].passage_id: (one.passages[0], full.meta())
    }
    assert list(catalog.staged("live")) == [[one]]


def test_passages_are_sliced_in_code_points_as_python_does(catalog: Catalog) -> None:
    emoji = article("😀😀 a👩‍👩‍👧b é.")
    cut = Staged(emoji, [Passage.cut(emoji, 0, 1, 5), Passage.cut(emoji, 1, 5, 10)])
    publish(catalog, cut)
    assert [p.text for p in catalog.passages_of("a1")] == [emoji.text[1:5], emoji.text[5:10]]


def test_publishing_retires_the_version_before(catalog: Catalog) -> None:
    publish(catalog, staged(OLD))
    publish(catalog, staged(NEW))
    assert catalog.get("a1") == NEW
    assert catalog.counts() == Counts(articles=1, passages=1, pending=0, unswept=1)
    assert catalog.leftovers() == [staged(OLD).passages[0].passage_id]


def test_a_retired_text_is_kept_but_its_passages_are_swept(catalog: Catalog) -> None:
    publish(catalog, staged(OLD))
    publish(catalog, staged(NEW))
    catalog.sweep(catalog.leftovers())
    assert list(catalog.staged("retired")) == [[Staged(OLD, [])]]
    assert catalog.counts() == Counts(articles=1, passages=1, pending=0, unswept=0)


def test_a_text_that_comes_back_is_live_again(catalog: Catalog) -> None:
    for version in (OLD, NEW, OLD):
        publish(catalog, staged(version))
    assert catalog.get("a1") == OLD
    assert catalog.live_ids()[0] == {staged(OLD).passages[0].passage_id}


def test_staging_twice_is_as_once(catalog: Catalog) -> None:
    catalog.stage([staged(OLD)])
    catalog.stage([staged(OLD)])
    assert list(catalog.staged("pending")) == [[staged(OLD)]]


def test_a_version_left_pending_does_not_come_after_a_newer_one(catalog: Catalog) -> None:
    catalog.stage([staged(OLD)])
    publish(catalog, staged(NEW))
    assert list(catalog.staged("pending")) == []
    assert catalog.get("a1") == NEW


def test_withdrawing_names_what_was_live_and_hides_every_version(catalog: Catalog) -> None:
    publish(catalog, staged(OLD))
    catalog.stage([staged(NEW)])
    assert catalog.withdraw(["a1", "unknown"]) == ["a1"]
    assert catalog.get("a1") is None
    assert catalog.gone_articles() == ["a1"]
    catalog.sweep(catalog.leftovers())
    assert catalog.counts() == Counts(articles=0, passages=0, pending=0, unswept=0)
    assert list(catalog.staged("deleted")) == []


def test_an_article_that_came_back_is_not_gone(catalog: Catalog) -> None:
    publish(catalog, staged(OLD))
    catalog.withdraw(["a1"])
    publish(catalog, staged(NEW))
    assert catalog.gone_articles() == []


def test_recutting_replaces_the_passages_of_a_live_version(catalog: Catalog) -> None:
    publish(catalog, staged(OLD))
    halves = Staged(OLD, [Passage.cut(OLD, 0, 0, 5), Passage.cut(OLD, 1, 6, 11)])
    catalog.recut([halves])
    assert catalog.passages_of("a1") == halves.passages


def test_the_file_an_article_stands_alone_in_is_remembered_and_updated(catalog: Catalog) -> None:
    publish(catalog, staged(OLD, "a.txt"), staged(article("Two.", "a2"), "b.txt"))
    assert catalog.live_from(["a.txt", "b.txt", "c.txt"]) == {"a.txt": {"a1"}, "b.txt": {"a2"}}
    catalog.set_origins({"a1": "c.txt", "a2": None, "unknown": "d.txt"})
    assert catalog.live_from(["a.txt", "b.txt", "c.txt", "d.txt"]) == {"c.txt": {"a1"}}


def test_pages_follow_one_another_in_order_of_id(catalog: Catalog) -> None:
    publish(catalog, *(staged(article("It is open.", f"a{n}")) for n in (3, 1, 2)))
    first = catalog.page(Filters(), limit=2)
    assert [meta.article_id for meta in first] == ["a1", "a2"]
    assert all(isinstance(meta, ArticleMeta) for meta in first)
    assert [m.article_id for m in catalog.page(Filters(), after="a2", limit=2)] == ["a3"]


def test_the_newest_come_first_those_of_one_second_by_id_and_undated_ones_last(
    catalog: Catalog,
) -> None:
    moments = {
        "a1": None,
        "a2": datetime(2020, 3, 13, tzinfo=UTC),
        "a3": datetime(2020, 3, 13, 0, 0, 0, 700_000, tzinfo=UTC),
        "a4": datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        "a5": datetime(2021, 1, 1, tzinfo=UTC),
        "a6": datetime(1970, 1, 1, tzinfo=UTC),
        "a7": None,
    }
    for article_id, at in moments.items():
        one = Article.create(
            title="Bridge", text="It is open.", article_id=article_id, published_at=at
        )
        publish(catalog, staged(one))
    newest = catalog.newest(Filters())
    assert [meta.article_id for meta in newest] == ["a5", "a2", "a3", "a6", "a4", "a1", "a7"]
    for size in (1, 2, 3):
        assert list(_turned(catalog, size)) == newest
    dated = catalog.newest(Filters(published_before=datetime(2020, 12, 31, tzinfo=UTC)), limit=2)
    assert [meta.article_id for meta in dated] == ["a2", "a3"]


def _turned(catalog: Catalog, size: int) -> Iterator[ArticleMeta]:
    """Yield all articles, page by page."""
    after = None
    while page := catalog.newest(Filters(), after=after, limit=size):
        yield from page
        at = page[-1].published_at
        after = (epoch_s(at) if at else None, page[-1].article_id)


def test_versions_are_yielded_in_batches_without_loss(catalog: Catalog) -> None:
    many = [staged(article("It is open.", f"a{n:02}")) for n in range(7)]
    publish(catalog, *many)
    batches = list(catalog.staged("live", size=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert [one for batch in batches for one in batch] == many


def test_facts_about_the_whole_are_kept_and_replaced(catalog: Catalog) -> None:
    assert catalog.meta("recipe") is None
    catalog.set_meta("recipe", "one")
    catalog.set_meta("recipe", "two")
    assert catalog.meta("recipe") == "two"


def test_more_ids_than_a_statement_takes_are_asked_for_in_parts(catalog: Catalog) -> None:
    publish(catalog, staged(OLD))
    many = [f"x{n}" for n in range(40_000)] + ["a1"]
    assert catalog.live_hashes(many) == {"a1": OLD.content_hash}


def test_a_catalog_is_the_same_after_it_was_closed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite3'}"
    first = Catalog(url)
    publish(first, staged(OLD, "a.txt"))
    first.close()
    second = Catalog(url)
    assert list(second.staged("live")) == [[staged(OLD, "a.txt")]]
    second.close()


def test_a_catalog_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="cannot be opened"):
        Catalog(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'catalog.sqlite3'}")


def test_a_file_that_is_no_database_is_reported_as_one_of_our_errors(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DependencyError, match="cannot be opened"):
        Catalog(f"sqlite:///{path}")


def test_seconds_are_rounded_down_to_store_and_up_to_begin_a_range() -> None:
    before_1970 = datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)
    assert (epoch_s(before_1970), epoch_ceil_s(before_1970)) == (-2, -1)
    after = datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert (epoch_s(after), epoch_ceil_s(after)) == (1, 2)


def test_a_version_is_found_by_the_beginning_of_its_hash_until_its_article_is_deleted(
    catalog: Catalog,
) -> None:
    publish(catalog, staged(OLD))
    publish(catalog, staged(NEW))

    def found(of: Article) -> Article | None:
        return catalog.version("a1", of.content_hash.removeprefix("sha256:")[:12])

    assert (found(OLD), found(NEW)) == (OLD, NEW)
    assert catalog.version("a1", "_" * 12) is None
    assert catalog.version("a2", OLD.content_hash.removeprefix("sha256:")[:12]) is None
    catalog.withdraw(["a1"])
    assert (found(OLD), found(NEW)) == (None, None)


def test_outlets_are_counted_with_their_newest_article(catalog: Catalog) -> None:
    may, june = datetime(2020, 5, 1, tzinfo=UTC), datetime(2020, 6, 1, tzinfo=UTC)
    for name, source, at in (("a", "Post", may), ("b", "Post", june), ("c", None, None)):
        made = Article.create(
            title=name, text="It is.", article_id=name, source=source, published_at=at
        )
        publish(catalog, staged(made))
    catalog.stage([staged(Article.create(title="d", text="It is.", source="Pending"))])
    assert catalog.sources() == [SourceCount("Post", 2, june), SourceCount(None, 1, None)]


CALLS: dict[str, Callable[[Catalog], object]] = {
    "meta": lambda catalog: catalog.meta("recipe"),
    "set_meta": lambda catalog: catalog.set_meta("recipe", "x"),
    "counts": lambda catalog: catalog.counts(),
    "stage": lambda catalog: catalog.stage([staged(OLD)]),
    "publish": lambda catalog: catalog.publish([staged(OLD).version]),
    "withdraw": lambda catalog: catalog.withdraw(["a1"]),
    "set_origins": lambda catalog: catalog.set_origins({"a1": None}),
    "recut": lambda catalog: catalog.recut([staged(OLD)]),
    "leftovers": lambda catalog: catalog.leftovers(),
    "gone_articles": lambda catalog: catalog.gone_articles(),
    "sweep": lambda catalog: catalog.sweep(["p"]),
    "live_hashes": lambda catalog: catalog.live_hashes(["a1"]),
    "live_from": lambda catalog: catalog.live_from(["a.txt"]),
    "get": lambda catalog: catalog.get("a1"),
    "version": lambda catalog: catalog.version("a1", "abc"),
    "page": lambda catalog: catalog.page(Filters()),
    "newest": lambda catalog: catalog.newest(Filters()),
    "sources": lambda catalog: catalog.sources(),
    "matching": lambda catalog: catalog.matching(Filters()),
    "staged": lambda catalog: list(catalog.staged("live")),
    "passages_of": lambda catalog: catalog.passages_of("a1"),
    "live_passages": lambda catalog: catalog.live_passages(["p"], Filters()),
    "live_ids": lambda catalog: catalog.live_ids(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_database_that_refuses_is_said_so_without_the_statement(
    catalog: Catalog, name: str
) -> None:
    with catalog.engine.begin() as connection:
        for table in ("passages", "articles", "meta"):
            connection.execute(text(f"DROP TABLE {table}"))
    with pytest.raises(DependencyError) as caught:
        CALLS[name](catalog)
    assert re.fullmatch(r"the database does not answer: no such table: \w+", str(caught.value))


def test_a_database_whose_connections_are_all_taken_does_not_answer() -> None:
    engine = create_engine(
        "sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01
    )
    no_turn = pytest.raises(DependencyError, match="QueuePool limit")
    with engine.connect(), no_turn, answering(), Session(engine) as session:
        session.execute(text("SELECT 1"))
    engine.dispose()


def test_a_connection_that_broke_does_not_answer() -> None:
    lost = InterfaceError("SELECT 'private'", None, Exception("connection is closed\nLINE 1: …"))
    with pytest.raises(DependencyError) as caught, answering():
        raise lost
    assert str(caught.value) == "the database does not answer: connection is closed"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"connect_timeout": 5, "options": "-c statement_timeout=60s"}),
        ("?connect_timeout=9&options=-c%20x%3D1", {"connect_timeout": "9", "options": "-c x=1"}),
    ],
)
def test_a_postgres_is_not_waited_for_for_ever(query: str, expected: dict[str, object]) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    asked: dict[str, object] = {}

    def connect(_dialect: Any, _record: Any, _args: Any, named: dict[str, object]) -> None:
        asked.update(named)  # Any: as SQLAlchemy calls it
        raise OSError("far enough")

    engine = open_engine(f"postgresql+psycopg://dateline@db.example/news{query}")
    event.listen(engine, "do_connect", connect)
    with pytest.raises(OSError, match="far enough"):
        engine.connect()
    assert {name: asked[name] for name in expected} == expected
