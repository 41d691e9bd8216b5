"""The `dateline` command, in process, on real stores."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from evals.cases import SAMPLE_CORPUS
from rag.lock import DataDirectory
from tests.commands import Ran, dateline

ARTICLE = SAMPLE_CORPUS / "northern-ledger_taji-rockets.txt"


Run = Callable[..., Ran]


@pytest.fixture
def run() -> Run:
    return dateline


@pytest.fixture
def data_dir(run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    assert run("ingest", ARTICLE, "--data-dir", folder).code == 0
    return folder


def test_the_demo_answers_the_taji_question_with_a_verified_citation(run: Run) -> None:
    ran = run("demo", "--json")
    blamed, _, bread = ran.json
    assert ran.code == 0
    assert "Kataib Hezbollah" in blamed["answer"]
    assert {citation["verified"] for citation in blamed["citations"]} == {True}
    assert bread["answer_status"] == "no_answer"


def test_a_saved_page_is_cited_with_its_title_author_date_and_address(
    run: Run, data_dir: Path
) -> None:
    ran = run("ask", "who was blamed for the Taji attack", "--data-dir", data_dir, "--json")
    [citation] = ran.json["citations"]
    assert ran.code == 0
    assert "Kataib Hezbollah" in citation["cited_text"]
    assert {k: citation[k] for k in ("title", "source", "published_at", "url")} == {
        "title": "US officials blame Kataib Hezbollah for deadly rocket attack on Camp Taji",
        "source": "northern-ledger.example",
        "published_at": "2020-03-12T18:05:00Z",
        "url": "https://northern-ledger.example/2020/03/12/taji-rockets",
    }


def test_a_question_that_no_article_answers_exits_1(run: Run, data_dir: Path) -> None:
    ran = run("ask", "How do I bake sourdough bread?", "--data-dir", data_dir, "--json")
    assert (ran.code, ran.json["answer_status"]) == (1, "no_answer")


def test_a_question_is_read_from_stdin_after_a_dash(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "question"
    asked.write_text("who was blamed for the Taji attack\n")
    with asked.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        ran = run("ask", "-", "--data-dir", data_dir, "--json")
    assert ran.json["standalone_question"] == "who was blamed for the Taji attack"


def test_ingesting_again_changes_nothing(run: Run, data_dir: Path) -> None:
    ran = run("ingest", ARTICLE, "--data-dir", data_dir, "--json")
    assert ran.json["counts"] == {
        "seen": 1, "created": 0, "updated": 0, "unchanged": 1, "retired": 0, "failed": 0,
    }  # fmt: skip


def test_a_bad_file_is_named_with_its_reason_and_the_rest_goes_in(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    ran = run("ingest", bad, ARTICLE, "--data-dir", tmp_path / "data")
    assert ran.code == 1
    assert str(bad) in ran.out.replace("\n", "")
    assert "1 created, 1 failed" in ran.out


def test_search_prints_passages_as_json(run: Run, data_dir: Path) -> None:
    hits = run("search", "rocket attack", "--data-dir", data_dir, "--json").json["hits"]
    assert hits
    assert {hit["url"] for hit in hits} == {
        "https://northern-ledger.example/2020/03/12/taji-rockets"
    }


def test_a_filter_that_nothing_passes_finds_nothing(run: Run, data_dir: Path) -> None:
    ran = run("search", "rocket attack", "--before", "2020-03-01", "--data-dir", data_dir)
    assert (ran.code, ran.out) == (1, "nothing found\n")


@pytest.mark.parametrize(
    "arguments",
    [("ask", ""), ("ask", "who", "--after", "last week"), ("ask", "who", "--mode", "magic"),
     ("search", "x", "-k", "0"), ("nonsense",)],
)  # fmt: skip
def test_bad_usage_exits_2_and_says_why(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    extra = ("--data-dir", tmp_path / "data") if len(arguments) > 1 else ()
    ran = run(*arguments, *extra)
    assert ran.code == 2
    assert ran.err


def test_a_data_directory_in_use_exits_3_and_names_who_holds_it(run: Run, tmp_path: Path) -> None:
    held = DataDirectory(tmp_path / "data")
    ran = run("check", "--data-dir", tmp_path / "data")
    held.close()
    assert ran.code == 3
    assert f"in use by process {os.getpid()}" in ran.err


def test_other_settings_are_refused_until_reindex(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATELINE_PASSAGE_TOKENS", "64")
    refused = run("check", "--data-dir", data_dir)
    rebuilt = run("reindex", "--data-dir", data_dir)
    checked = run("check", "--data-dir", data_dir)
    assert (refused.code, rebuilt.code, checked.code) == (2, 0, 0)
    assert "dateline reindex" in refused.err


def test_a_fresh_index_is_clean(run: Run, data_dir: Path) -> None:
    report = run("check", "--data-dir", data_dir, "--json").json
    assert (report["clean"], report["articles"]) == (True, 1)


def test_the_gate_fails_when_a_threshold_is_missed(run: Run, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text(
        json.dumps(
            {"id": "a", "question": "Who was blamed for the Taji attack?", "answerable": True,
             "must_include": ["the moon"], "slice": "who", "provenance": "test"}
        )
    )  # fmt: skip
    limits = tmp_path / "limits.toml"
    limits.write_text("[min]\nmust_include = 0.5\n")
    ran = run("eval", "--set", gold, "--corpus", ARTICLE, "--thresholds", limits, "--json")
    assert ran.code == 1
    assert ran.json["gate"]["failures"] == [
        {"metric": "must_include", "slice": None, "value": 0.0, "threshold": 0.5, "at_least": True}
    ]


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == Ran(0, f"dateline {version('dateline')}\n", "")


def test_help_imports_nothing_heavy() -> None:
    heavy = {"chromadb", "llama_index", "onnxruntime", "pydantic", "sqlalchemy", "fastapi"}
    code = f"import sys, api.cli; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_of_a_mistyped_command_the_one_that_was_meant_is_named(run: Run) -> None:
    ran = run("evl")
    assert (ran.code, "Did you mean 'eval'?" in ran.err) == (2, True)


BLAMED = "who was blamed for the Taji attack"


@pytest.fixture
def bundle(run: Run, data_dir: Path, tmp_path: Path) -> Path:
    file = tmp_path / "taji.json"
    assert run("ask", BLAMED, "--data-dir", data_dir, "--bundle", file).code == 0
    return file


def test_a_bundle_asked_again_gives_the_same_answer(run: Run, data_dir: Path, bundle: Path) -> None:
    ran = run("replay", bundle, "--data-dir", data_dir, "--json")
    assert ran.code == 0
    assert (ran.json["same_answer"], ran.json["confidence_delta"]) == (True, 0)
    shown = run("replay", bundle, "--data-dir", data_dir)
    assert shown.out == f"Q  {BLAMED}\nthe same answer · confidence +0.00\n"


def test_a_bundle_whose_article_is_gone_gives_another_answer(
    run: Run, bundle: Path, tmp_path: Path
) -> None:
    ran = run("replay", bundle, "--data-dir", tmp_path / "empty")
    assert ran.code == 1
    assert "answer_status: answered → no_answer" in ran.out
    assert "citations gone: " in ran.out
    assert "articles gone: " in ran.out


def test_a_bundle_goes_through_a_pipe(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    printed = run("ask", BLAMED, "--data-dir", data_dir, "--bundle", "-", "--json")
    assert printed.json["object"] == "dateline.bundle"
    piped = tmp_path / "piped"
    piped.write_text(printed.out)
    with piped.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run("replay", "-", "--data-dir", data_dir).code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (b'{\n  "now": ]', "at line 2 column"),
        (b"\xff", "Invalid JSON"),
        (b"[]", "input: Input should be an object"),
        (b'{"format_version": 2}', "format_version: Input should be 1"),
        (b'{"question": {"text": "", "top_k": 0}}', "question.text: String should have at least"),
    ],
)
def test_a_file_that_is_no_bundle_exits_2_and_says_where(
    run: Run, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    ran = run("replay", file, "--data-dir", tmp_path / "data")
    assert ran.code == 2
    assert f"{file} is not a bundle" in ran.err
    assert said in ran.err


def test_a_bundle_that_is_not_there_exits_2(run: Run, tmp_path: Path) -> None:
    ran = run("replay", tmp_path / "none.json", "--data-dir", tmp_path / "data")
    assert (ran.code, "No such file" in ran.err) == (2, True)


def test_a_bundle_that_cannot_be_written_leaves_the_answer_and_no_file(
    run: Run, data_dir: Path, tmp_path: Path
) -> None:
    for place in (tmp_path / "no folder" / "b.json", tmp_path):
        ran = run("ask", BLAMED, "--data-dir", data_dir, "--bundle", place)
        assert ran.code == 2
        assert "Kataib Hezbollah" in ran.out
        assert f"bundle {place} cannot be written" in ran.err
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_bundle_replaces_the_one_that_was_there(run: Run, data_dir: Path, bundle: Path) -> None:
    before = bundle.read_text()
    bundle.write_text("something else")
    run("ask", BLAMED, "--data-dir", data_dir, "--bundle", bundle)
    assert json.loads(bundle.read_text())["hits"] == json.loads(before)["hits"]
    assert [path.name for path in bundle.parent.glob("*taji*")] == ["taji.json"]
