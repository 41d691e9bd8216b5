"""Three stores as one: whatever is cut short, exactly one version answers; damage is mended."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rag.catalog import Staged
from rag.embedder import Embedder
from rag.errors import ConfigurationError, FingerprintMismatch
from rag.index import CheckReport, Index
from rag.lexical import Bm25, Entry
from rag.types import Article, Filters, Passage
from rag.vectors import Vectors

OpenIndex = Callable[[Path], Index]
Stage = Callable[[Article], Staged]

OPEN = Article.create(title="Hallow Bridge", text="The bridge is open.", article_id="bridge")
CLOSED = Article.create(title="Hallow Bridge", text="The bridge is closed.", article_id="bridge")
FIRE = Article.create(title="Orchard", text="A fire burned the orchard.", article_id="fire")
CLEAN = {
    "pending": 0,
    "unswept": 0,
    "vectors_missing": 0,
    "vectors_extra": 0,
    "bm25_passages_missing": 0,
    "bm25_passages_extra": 0,
    "bm25_articles_missing": 0,
    "bm25_articles_extra": 0,
    "spans_wrong": 0,
    "hashes_wrong": 0,
}


class CrashError(Exception):
    """Stands for the process dying at this point."""


def report(*, articles: int, passages: int, **damage: int) -> CheckReport:
    """Return the report of an index with this damage and no other."""
    return CheckReport(articles=articles, passages=passages, **(CLEAN | damage))


def answering(index: Index, question: str = "bridge orchard fire") -> set[str]:
    """Return the texts that a search may show, through every leg, as the retriever joins them."""
    legs = index.search(question, k=50, filters=Filters(), mode="hybrid")
    found = [key for key, _ in [*legs.dense, *legs.passages]]
    return {p.text for p, _ in index.catalog.live_passages(found, Filters()).values()}


def stored(index: Index) -> tuple[int, int, int]:
    """Return how many rows vectors, passages and articles hold."""
    return index._vectors.count(), index.lexical.count(), index._articles.count()


def crash(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool = False
) -> None:
    """Make `owner.name` raise CrashError before or after doing its work."""
    original = getattr(owner, name)

    def cut_short(*args: Any, **options: Any) -> None:  # Any: as the original has it
        if after:
            original(*args, **options)
        raise CrashError

    monkeypatch.setattr(owner, name, cut_short)


@pytest.fixture
def reopen(
    index: Index, tmp_path: Path, open_index: OpenIndex, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Index]]:
    """Close the index as a dying process would leave it, and open it again."""
    opened: list[Index] = []

    def again() -> Index:
        monkeypatch.undo()
        index.close()
        opened.append(open_index(tmp_path / "data"))
        opened[-1].accept()
        return opened[-1]

    yield again
    for one in opened:
        one.close()


STEPS = [
    ("catalog", "stage", False),
    ("catalog", "stage", True),
    ("_vectors", "upsert", True),
    ("lexical", "replace", True),
    ("_articles", "replace", True),
    ("catalog", "publish", True),
    ("_vectors", "delete", True),
    ("lexical", "delete", True),
    ("catalog", "sweep", True),
]


@pytest.mark.parametrize(("part", "step", "after"), STEPS)
def test_a_crash_at_any_step_of_a_change_leaves_exactly_one_version_and_recovers(
    index: Index,
    stage: Stage,
    reopen: Callable[[], Index],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    step: str,
    after: bool,
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    crash(monkeypatch, getattr(index, part), step, after=after)
    with pytest.raises(CrashError):
        index.put([stage(CLOSED)])
    again = reopen()
    assert answering(again) - {FIRE.text} in ({OPEN.text}, {CLOSED.text})
    again.recover()
    assert again.check() == report(articles=2, passages=2)
    # What was staged is finished; what was not is as it was.
    staged = (step, after) != ("stage", False)
    assert answering(again) == {CLOSED.text if staged else OPEN.text, FIRE.text}
    again.put([stage(CLOSED)])
    assert answering(again) == {CLOSED.text, FIRE.text}
    assert again.check() == report(articles=2, passages=2)


@pytest.mark.parametrize(
    ("part", "step"),
    [
        ("catalog", "withdraw"),
        ("_vectors", "delete"),
        ("lexical", "delete"),
        ("_articles", "delete"),
        ("catalog", "sweep"),
    ],
)
def test_a_crash_at_any_step_of_a_deletion_never_lets_the_article_answer_again(
    index: Index,
    stage: Stage,
    reopen: Callable[[], Index],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    step: str,
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    crash(monkeypatch, getattr(index, part), step, after=True)
    with pytest.raises(CrashError):
        index.delete(["bridge"])
    again = reopen()
    assert answering(again) == {FIRE.text}
    again.recover()
    assert again.check() == report(articles=1, passages=1)
    assert stored(again) == (1, 1, 1)


def test_a_version_that_never_got_live_does_not_come_after_a_newer_one(
    index: Index, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        crash(patched, index._vectors, "upsert")
        with pytest.raises(CrashError):
            index.put([stage(OPEN)])
    index.put([stage(CLOSED)])
    index.recover()
    assert answering(index) == {CLOSED.text}
    assert index.check() == report(articles=1, passages=1)


def test_two_versions_cut_short_one_after_the_other_recover_to_the_newer(
    index: Index, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in (OPEN, CLOSED):
        with monkeypatch.context() as patched:
            crash(patched, index._vectors, "upsert")
            with pytest.raises(CrashError):
                index.put([stage(version)])
    index.recover()
    assert answering(index) == {CLOSED.text}
    assert index.check() == report(articles=1, passages=1)


def test_putting_twice_is_as_once(index: Index, stage: Stage) -> None:
    index.put([stage(OPEN)])
    before = index._stored_ids()
    index.put([stage(OPEN)])
    assert index._stored_ids() == before
    assert index.check() == report(articles=1, passages=1)


def test_two_threads_that_put_the_same_article_both_succeed(index: Index, stage: Stage) -> None:
    failures: list[Exception] = []

    def put() -> None:
        try:
            index.put([stage(OPEN)])
        except Exception as exc:
            failures.append(exc)

    threads = [Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert index.check() == report(articles=1, passages=1)


def test_a_text_that_changes_and_changes_back_answers_as_at_first(
    index: Index, stage: Stage
) -> None:
    index.put([stage(OPEN)])
    before = index._stored_ids()
    index.put([stage(CLOSED)])
    assert answering(index) == {CLOSED.text}
    index.put([stage(OPEN)])
    assert answering(index) == {OPEN.text}
    assert index._stored_ids() == before
    assert index.check() == report(articles=1, passages=1)


def test_a_superseded_text_is_kept_as_history_but_in_no_index(index: Index, stage: Stage) -> None:
    index.put([stage(OPEN)])
    index.put([stage(CLOSED)])
    assert [one.article for batch in index.catalog.staged("retired") for one in batch] == [OPEN]
    assert stored(index) == (1, 1, 1)
    assert index.lexical.search("open", 5, Filters()) == []
    assert index._articles.search("open", 5, Filters()) == []


def test_a_deleted_article_leaves_no_row_in_any_store(index: Index, stage: Stage) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    index.put([stage(CLOSED)])
    assert index.delete(["bridge", "unknown"]) == ["bridge"]
    assert stored(index) == (1, 1, 1)
    assert [list(index.catalog.staged(s)) for s in ("retired", "deleted", "pending")] == [[]] * 3
    assert answering(index) == {FIRE.text}


def test_a_deleted_article_can_come_back(index: Index, stage: Stage) -> None:
    index.put([stage(OPEN)])
    index.delete(["bridge"])
    index.put([stage(OPEN)])
    assert answering(index) == {OPEN.text}
    assert index.check() == report(articles=1, passages=1)


def test_an_article_without_a_passage_comes_and_goes_without_a_trace(
    index: Index, stage: Stage
) -> None:
    blank = Article.create(title="Photo", text=" \n ", article_id="blank")
    index.put([stage(blank)])
    assert index.check() == report(articles=1, passages=0)
    index.delete(["blank"])
    assert stored(index) == (0, 0, 0)
    assert index.check() == report(articles=0, passages=0)


def test_recovering_a_clean_index_changes_nothing(index: Index, stage: Stage) -> None:
    index.put([stage(OPEN)])
    before = index._stored_ids()
    index.recover()
    assert index._stored_ids() == before


@pytest.mark.parametrize(("mode", "legs"), [("hybrid", "111"), ("dense", "100"), ("bm25", "011")])
def test_a_mode_leaves_the_other_legs_out(index: Index, stage: Stage, mode: Any, legs: str) -> None:
    index.put([stage(OPEN)])
    found = index.search("bridge", k=5, filters=Filters(), mode=mode)
    assert "".join(str(len(leg)) for leg in found) == legs


# -- check and repair --------------------------------------------------------------------------


def ghost() -> tuple[Passage, Article]:
    article = Article.create(title="Ghost", text="Nobody stored this.", article_id="ghost")
    return Passage.cut(article, 0, 0, len(article.text)), article


def add_vector(index: Index) -> None:
    passage, article = ghost()
    index._vectors.upsert([passage], {"ghost": article}, index.embedder.embed([passage.text]))


def add_words(index: Index) -> None:
    passage, article = ghost()
    index.lexical.replace([Entry(passage.passage_id, article, passage.text)])


def add_article(index: Index) -> None:
    _, article = ghost()
    index._articles.replace([Entry("ghost", article, article.text)])


def drop_vector(index: Index) -> None:
    index._vectors.delete(sorted(index._vectors.ids())[:1])


def drop_words(index: Index) -> None:
    index.lexical.delete(sorted(index.lexical.ids())[:1])


def drop_article(index: Index) -> None:
    index._articles.delete(["bridge"])


def leave_pending(index: Index) -> None:
    index.catalog.stage([Staged(CLOSED, [Passage.cut(CLOSED, 0, 0, len(CLOSED.text))])])


def leave_unswept(index: Index) -> None:
    leave_pending(index)
    index.catalog.publish([Staged(CLOSED, []).version])


def lose_all_vectors(index: Index) -> None:
    index._vectors.reset()


def lose_all_words(index: Index) -> None:
    index.lexical.reset()
    index._articles.reset()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (add_vector, {"vectors_extra": 1}),
        (add_words, {"bm25_passages_extra": 1}),
        (add_article, {"bm25_articles_extra": 1}),
        (drop_vector, {"vectors_missing": 1}),
        (drop_words, {"bm25_passages_missing": 1}),
        (drop_article, {"bm25_articles_missing": 1}),
        (leave_pending, {"pending": 1}),
        (
            leave_unswept,
            {
                "unswept": 1,
                "vectors_missing": 1,
                "vectors_extra": 1,
                "bm25_passages_missing": 1,
                "bm25_passages_extra": 1,
            },
        ),
        (lose_all_vectors, {"vectors_missing": 2}),
        (lose_all_words, {"bm25_passages_missing": 2, "bm25_articles_missing": 2}),
    ],
)
def test_damage_to_what_is_derived_is_counted_and_mended(
    index: Index, stage: Stage, damage: Callable[[Index], None], found: dict[str, int]
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    damage(index)
    assert index.check() == report(articles=2, passages=2, **found)
    assert not index.check().clean
    assert index.repair() == report(articles=2, passages=2)
    assert index.check().clean
    assert stored(index) == (2, 2, 2)


def write_sql(tmp_path: Path, statement: str) -> None:
    with sqlite3.connect(tmp_path / "data" / "catalog.sqlite3") as connection:
        connection.execute(statement)
    connection.close()


def test_a_text_changed_behind_our_back_is_reported_and_stays_reported(
    index: Index, stage: Stage, tmp_path: Path
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    write_sql(tmp_path, "UPDATE articles SET text = replace(text, 'open', 'shut')")
    assert index.check() == report(articles=2, passages=2, hashes_wrong=1)
    assert index.repair() == report(articles=2, passages=2, hashes_wrong=1)


@pytest.mark.parametrize("field", ["title", "author", "source", "url"])
def test_a_field_of_a_citation_changed_behind_our_back_is_reported(
    index: Index, stage: Stage, tmp_path: Path, field: str
) -> None:
    index.put([stage(OPEN)])
    write_sql(tmp_path, f"UPDATE articles SET {field} = 'https://other.example'")  # noqa: S608
    assert index.check() == report(articles=1, passages=1, hashes_wrong=1)


def test_a_passage_that_reaches_beyond_its_text_is_reported(
    index: Index, stage: Stage, tmp_path: Path
) -> None:
    index.put([stage(OPEN)])
    write_sql(tmp_path, "UPDATE passages SET start_char_index = 500, end_char_index = 510")
    assert index.check() == report(articles=1, passages=1, spans_wrong=1)


def test_index_folders_that_were_removed_are_written_anew(
    index: Index, stage: Stage, tmp_path: Path, open_index: OpenIndex
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    index.close()
    shutil.rmtree(tmp_path / "data" / "chroma")
    shutil.rmtree(tmp_path / "data" / "bm25")
    again = open_index(tmp_path / "data")
    again.accept()
    assert again.check() == report(
        articles=2,
        passages=2,
        vectors_missing=2,
        bm25_passages_missing=2,
        bm25_articles_missing=2,
    )
    assert again.repair().clean
    assert answering(again) == {OPEN.text, FIRE.text}
    again.close()


# -- fingerprint -------------------------------------------------------------------------------


def with_splitter(index: Index, embedder: Embedder, splitter: str) -> Index:
    """Return the same stores under other settings."""
    return Index(
        catalog=index.catalog,
        vectors=index._vectors,
        passages=index.lexical,
        articles=index._articles,
        embedder=embedder,
        splitter=splitter,
    )


def halves(article: Article) -> list[Passage]:
    """Cut in the middle, as no splitter would."""
    middle = len(article.text) // 2
    return [
        Passage.cut(article, 0, 0, middle),
        Passage.cut(article, 1, middle, len(article.text)),
    ]


def test_an_index_built_otherwise_is_refused_with_the_command_that_mends_it(
    index: Index, embedder: Embedder
) -> None:
    other = with_splitter(index, embedder, "sentence-1/100")
    with pytest.raises(FingerprintMismatch, match="run `dateline reindex` on this data directory"):
        other.accept()
    assert other.fingerprint != index.fingerprint


def test_an_index_whose_vectors_lack_what_llama_index_reads_asks_for_a_reindex(
    index: Index,
) -> None:
    before, _, _ = index.recipe.partition(", nodes")
    index.catalog.set_meta("recipe", before)
    with pytest.raises(FingerprintMismatch, match="run `dateline reindex`"):
        index.accept()


def test_an_index_of_another_schema_is_refused(index: Index) -> None:
    index.catalog.set_meta("schema_version", "0")
    with pytest.raises(ConfigurationError, match="has schema 0"):
        index.accept()


def test_a_rebuild_writes_everything_by_the_new_recipe(
    index: Index, stage: Stage, embedder: Embedder
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    other = with_splitter(index, embedder, "halves")
    assert other.rebuild(halves) == 2
    other.accept()
    assert other.check() == report(articles=2, passages=4)
    assert stored(other) == (4, 4, 2)
    with pytest.raises(FingerprintMismatch):
        index.accept()


def test_what_was_pending_at_a_rebuild_is_cut_by_the_new_recipe_too(
    index: Index, stage: Stage, embedder: Embedder
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    leave_pending(index)
    other = with_splitter(index, embedder, "halves")
    assert other.rebuild(halves) == 2
    assert other.check() == report(articles=2, passages=4)
    assert other.catalog.get("bridge") == CLOSED


@pytest.mark.parametrize("store", [Vectors, Bm25])
def test_a_rebuild_cut_short_is_refused_until_it_is_done_again(
    index: Index,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    store: type[Vectors] | type[Bm25],
) -> None:
    index.put([stage(OPEN), stage(FIRE)])
    with monkeypatch.context() as patched:
        crash(patched, store, "upsert" if store is Vectors else "replace")
        with pytest.raises(CrashError):
            index.rebuild(halves)
    with pytest.raises(FingerprintMismatch, match="unfinished reindex"):
        index.accept()
    assert index.rebuild(halves) == 2
    index.accept()
    assert index.check() == report(articles=2, passages=4)
