"""Ingest: again is a no-op, a change replaces, a bad file is reported, a kill loses nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import pipeline as pipeline_module
from ingest.pipeline import Counts, IngestReport, Outcome, Pipeline
from ingest.read import Read, Rejected, read
from ingest.split import Splitter
from rag.embedder import Embedder
from rag.errors import FingerprintMismatch
from rag.index import Index
from rag.types import Article

OpenIndex = Callable[[Path], Index]
ROOT = Path(__file__).parents[1]
INGEST = """
import sys
from pathlib import Path
from ingest.pipeline import Pipeline
from ingest.read import read
from ingest.split import Splitter
from rag.settings import Settings
from rag.wiring import open_index
told = []
def tell(item):
    print(item.origin, flush=True)
    told.append(item)
    if len(told) == 150:
        sys.stdin.read()  # goes no further, however late it is killed
with open_index(Settings(data_dir=Path(sys.argv[1]), threads=1)) as index:
    Pipeline(index, Splitter(200)).run(read([Path(sys.argv[2])]), progress=tell)
"""


@pytest.fixture
def pipeline(index: Index, splitter: Splitter) -> Pipeline:
    return Pipeline(index, splitter)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "articles"
    path.mkdir()
    return path


def write(folder: Path, name: str, title: str, text: str, **fields: str) -> Path:
    """Write one article as JSON and return its path."""
    path = folder / name
    path.write_text(json.dumps({"title": title, "text": text} | fields))
    return path


def counts(**nonzero: int) -> Counts:
    """Return these counts, the others 0."""
    return Counts(**(dict.fromkeys(Counts._fields, 0) | nonzero))


def live(index: Index) -> dict[str, str]:
    """Return title -> text of all live articles."""
    found = [one.article for batch in index.catalog.staged("live") for one in batch]
    return {article.title: article.text for article in found}


def run(pipeline: Pipeline, *paths: Path) -> IngestReport:
    return pipeline.run(read(paths))


def test_new_articles_are_created_and_counted(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge", "It closed.")
    write(folder, "b.json", "Fire", "It burned.")
    report = run(pipeline, folder)
    assert report.counts == counts(seen=2, created=2)
    assert report.passages == 2
    assert (report.errors, report.retired) == ((), ())
    assert live(index) == {"Bridge": "It closed.", "Fire": "It burned."}
    assert index.check().clean


def test_a_second_run_changes_nothing(pipeline: Pipeline, index: Index, folder: Path) -> None:
    write(folder, "a.json", "Bridge", "It closed.")
    run(pipeline, folder)
    before = index._stored_ids()
    report = run(pipeline, folder)
    assert report.counts == counts(seen=1, unchanged=1)
    assert report.passages == 0
    assert index._stored_ids() == before


def test_a_changed_file_replaces_its_article(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge", "It closed.")
    run(pipeline, folder)
    write(folder, "a.json", "Bridge", "It reopened.")
    report = run(pipeline, folder)
    assert report.counts == counts(seen=1, updated=1)
    assert live(index) == {"Bridge": "It reopened."}
    assert index.check().clean


def test_a_file_that_holds_another_article_now_retires_the_one_before(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge closes", "It closed.")
    run(pipeline, folder)
    [before] = index.catalog.live_ids()[1]
    write(folder, "a.json", "Bridge closes after flood", "It closed.")
    report = run(pipeline, folder)
    assert report.counts == counts(seen=1, created=1, retired=1)
    assert report.retired == (before,)
    assert live(index) == {"Bridge closes after flood": "It closed."}
    assert run(pipeline, folder).counts == counts(seen=1, unchanged=1)


def test_files_that_change_places_keep_both_articles(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    a = write(folder, "a.json", "Bridge", "It closed.")
    b = write(folder, "b.json", "Fire", "It burned.")
    run(pipeline, folder)
    a.rename(folder / "c")
    b.rename(a)
    (folder / "c").rename(b)
    assert run(pipeline, folder).counts == counts(seen=2, unchanged=2)
    assert set(live(index)) == {"Bridge", "Fire"}


def test_an_article_whose_file_was_renamed_is_retired_by_its_new_file(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge", "It closed.").rename(folder / "b.json")
    run(pipeline, folder)
    (folder / "b.json").rename(folder / "c.json")
    run(pipeline, folder)
    write(folder, "c.json", "Bridge and road", "They closed.")
    assert run(pipeline, folder).counts == counts(seen=1, created=1, retired=1)
    assert set(live(index)) == {"Bridge and road"}


def test_an_article_that_another_file_still_holds_is_not_retired(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge", "It closed.")
    write(folder, "copy.json", "Bridge", "It closed.")
    run(pipeline, folder)
    write(folder, "a.json", "Fire", "It burned.")
    assert run(pipeline, folder).counts == counts(seen=2, created=1, unchanged=1)
    assert set(live(index)) == {"Bridge", "Fire"}


def test_articles_of_a_file_of_lines_are_never_retired(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    path = folder / "feed.jsonl"
    path.write_text('{"title": "Bridge", "text": "It closed."}\n')
    run(pipeline, folder)
    path.write_text('{"title": "Fire", "text": "It burned."}\n')
    assert run(pipeline, folder).counts == counts(seen=1, created=1)
    assert set(live(index)) == {"Bridge", "Fire"}


def test_an_article_that_moved_into_a_file_of_lines_is_no_longer_retired_by_its_old_file(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    alone = write(folder, "a.json", "Bridge", "It closed.")
    run(pipeline, alone)
    (folder / "feed.jsonl").write_text('{"title": "Bridge", "text": "It closed."}\n')
    run(pipeline, folder / "feed.jsonl")
    write(folder, "a.json", "Fire", "It burned.")
    assert run(pipeline, alone).counts == counts(seen=1, created=1)
    assert set(live(index)) == {"Bridge", "Fire"}


def test_a_file_that_is_gone_leaves_its_article(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge", "It closed.").rename(folder / "b.json")
    run(pipeline, folder)
    (folder / "b.json").unlink()
    assert run(pipeline, folder).counts == counts()
    assert set(live(index)) == {"Bridge"}


def test_bad_files_are_reported_in_their_place_and_the_rest_goes_on(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    write(folder, "a.json", "Bridge", "It closed.")
    (folder / "b.json").write_text("{")
    (folder / "c.jsonl").write_text('{"title": "Fire", "text": "It burned."}\n[]\n')
    (folder / "d.txt").write_bytes(b"")
    report = run(pipeline, folder, folder / "missing.txt")
    assert report.counts == counts(seen=6, created=2, failed=4)
    assert [(Path(error.file).name, error.line) for error in report.errors] == [
        ("b.json", None),
        ("c.jsonl", 2),
        ("d.txt", None),
        ("missing.txt", None),
    ]
    assert set(live(index)) == {"Bridge", "Fire"}


def test_a_file_that_became_unreadable_keeps_its_article(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    path = write(folder, "a.json", "Bridge", "It closed.")
    run(pipeline, folder)
    path.write_text("{")
    assert run(pipeline, folder).counts == counts(seen=1, failed=1)
    assert set(live(index)) == {"Bridge"}


def test_of_two_articles_with_one_id_the_first_stays_and_the_second_is_reported(
    pipeline: Pipeline, index: Index, folder: Path
) -> None:
    first = write(folder, "a.json", "Bridge", "It closed.", url="https://ledger.example/b")
    second = write(folder, "b.json", "Bridge", "It reopened.", url="https://ledger.example/b")
    report = run(pipeline, folder)
    assert report.counts == counts(seen=2, created=1, failed=1)
    assert report.errors == (
        Rejected(
            file=str(second),
            reason="another article of this run is https://ledger.example/b already "
            f"({first}); keep one of them, or give each an id or a url of its own",
        ),
    )
    assert live(index) == {"Bridge": "It closed."}
    again = run(pipeline, folder)
    assert again.counts == counts(seen=2, unchanged=1, failed=1)
    assert live(index) == {"Bridge": "It closed."}


def test_the_same_article_twice_in_a_run_is_written_once(
    pipeline: Pipeline, index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.json", "b.json", "c.json"):
        write(folder, name, "Bridge", "It closed.")
    monkeypatch.setattr(pipeline_module, "BATCH_ARTICLES", 2)
    assert run(pipeline, folder).counts == counts(seen=3, created=1, unchanged=2)
    assert index.check().articles == 1


def test_every_item_is_told_of_once_when_it_is_safe(
    pipeline: Pipeline, index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        write(folder, f"{n}.json", f"Story {n}", "It rained.")
    monkeypatch.setattr(pipeline_module, "BATCH_ARTICLES", 2)
    told: list[str] = []

    def progress(item: Read | Rejected) -> None:
        assert isinstance(item, Read)
        assert index.catalog.get(item.article.article_id) == item.article
        told.append(item.article.title)

    pipeline.run(read([folder]), progress=progress)
    assert told == [f"Story {n}" for n in range(5)]


def items(*titles: str) -> list[Read | Rejected]:
    """Return an article for each title, as if read from a file of its own; "" is a bad file."""
    return [
        Read(article=Article.create(title=t, text=f"{t} text."), origin=f"{t}.txt", alone=True)
        if t
        else Rejected(file="bad.txt", reason="bad")
        for t in titles
    ]


@settings(max_examples=10)
@given(st.permutations(["a", "b", "", "c", "b", "d"]))
def test_the_order_of_files_does_not_matter_for_what_ends_up_live(
    pipeline: Pipeline, index: Index, order: list[str]
) -> None:
    pipeline.run(items(*order))
    assert set(live(index)) == {"a", "b", "c", "d"}
    assert index.check().clean


def test_the_order_of_files_does_not_matter_when_they_change_places(
    pipeline: Pipeline, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "BATCH_ARTICLES", 1)
    articles = [Article.create(title=t, text=f"{t} text.") for t in "abc"]
    for order in permutations(range(3)):
        pairs = zip(articles, order, strict=True)
        report = pipeline.run(Read(article=a, origin=f"{n}", alone=True) for a, n in pairs)
        assert report.retired == ()
        assert set(live(index)) == {"a", "b", "c"}


def test_an_article_put_by_itself_says_what_became_of_it(pipeline: Pipeline) -> None:
    article = Article.create(title="Bridge", text="It closed.", article_id="bridge")
    created = Outcome(
        article_id="bridge", status="created", passages=1, content_hash=article.content_hash
    )
    assert pipeline.put(article) == created
    assert pipeline.put(article) == created.model_copy(update={"status": "unchanged"})
    changed = Article.create(title="Bridge", text="It reopened.", article_id="bridge")
    assert pipeline.put(changed).status == "updated"


def test_a_put_that_failed_does_not_come_back_after_its_predecessor_was_put_again(
    pipeline: Pipeline, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Article.create(title="Bridge", text="It closed.", article_id="bridge")
    wrong = Article.create(title="Bridge", text="It reopened.", article_id="bridge")
    pipeline.put(right)
    with monkeypatch.context() as patched:
        patched.setattr(index._vectors, "upsert", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pipeline.put(wrong)
    pipeline.put(right)
    index.recover()
    assert live(index) == {"Bridge": "It closed."}
    assert index.check().clean


def test_a_run_finishes_what_a_crash_cut_short(
    pipeline: Pipeline, index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a.json", "Bridge", "It closed.")
    with monkeypatch.context() as patched:
        patched.setattr(index.catalog, "publish", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(pipeline, folder)
    assert live(index) == {}
    assert run(pipeline, folder).counts == counts(seen=1, unchanged=1)
    assert live(index) == {"Bridge": "It closed."}
    assert index.check().clean


def test_reindexing_mends_an_index_that_other_settings_built(
    pipeline: Pipeline, index: Index, folder: Path, embedder: Embedder
) -> None:
    write(folder, "a.json", "Bridge", "The bridge over the river was closed on Tuesday. " * 12)
    run(pipeline, folder)
    smaller = Index(
        catalog=index.catalog,
        vectors=index._vectors,
        passages=index.lexical,
        articles=index._articles,
        embedder=embedder,
        splitter="sentence-1/32",
    )
    with pytest.raises(FingerprintMismatch, match="dateline reindex"):
        smaller.accept()
    assert Pipeline(smaller, Splitter(32)).reindex() == 1
    smaller.accept()
    assert (index.check().passages, smaller.check().clean) == (4, True)


def test_after_kill_9_in_the_middle_the_next_run_finishes_without_loss_or_double(
    tmp_path: Path, folder: Path, open_index: OpenIndex, splitter: Splitter
) -> None:
    for n in range(200):
        write(folder, f"{n:03}.json", f"Story {n}", f"Rain fell on town {n}. Nobody was hurt.")
    command = [sys.executable, "-c", INGEST, str(tmp_path / "data"), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        done = [process.stdout.readline() for _ in range(65)]
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert "064.json" in done[-1]
    index = open_index(tmp_path / "data")
    index.accept()
    safe = index.catalog.counts().articles
    assert 65 <= safe < 200
    report = run(Pipeline(index, splitter), folder)
    assert report.counts.failed == report.counts.updated == 0
    assert report.counts.created <= 200 - safe
    check = index.check()
    assert check.clean
    assert (check.articles, check.passages) == (200, 200)
    assert index.vectors_stored() == 200
    index.close()
