"""pytest runs a gold set through the plugin, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evals.cases import SAMPLE_CORPUS

ARTICLE = SAMPLE_CORPUS / "northern-ledger_taji-rockets.txt"
CASES = [
    {
        "id": "taji",
        "question": "Who was blamed for the Taji attack?",
        "must_include": ["Kataib Hezbollah"],
    },
    {"id": "wrong", "question": "Who was blamed for the Taji attack?", "answers": ["the moon"]},
    {"id": "bread", "question": "How do I bake sourdough bread?", "answers": []},
]
ONE_CHECK = "def test_the_archive_answers(dateline_case):\n    dateline_case.check()\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a user's, with a gold set and one test."""
    lines = "\n".join(map(json.dumps, CASES))
    (tmp_path / "gold.jsonl").write_text(lines)
    (tmp_path / "test_archive.py").write_text(ONE_CHECK)
    return tmp_path


def ran(project: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        [str(part) for part in command], cwd=project, capture_output=True, text=True, check=False
    )


def test_each_case_is_a_test_that_says_what_is_wrong(project: Path) -> None:
    done = ran(project, "--dateline-set", "gold.jsonl", "--dateline-corpus", ARTICLE)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 2 passed" in done.stdout
    assert "the answer lacks what it must hold (the moon), or holds what it must not" in done.stdout
    assert "asked: Who was blamed for the Taji attack?" in done.stdout


def test_the_set_may_stand_in_the_settings_of_pytest(project: Path) -> None:
    (project / "pytest.ini").write_text(
        f"[pytest]\ndateline_set = gold.jsonl\ndateline_corpus = {ARTICLE}\n"
    )
    done = ran(project, "-k", "bread or taji")
    assert "2 passed, 1 deselected" in done.stdout, done.stdout + done.stderr


def test_a_set_that_brings_its_articles_is_asked_of_them(project: Path) -> None:
    text = "The lighthouse at Sker was built in 1861. Its keeper was Mary Holt."
    asked = {"id": "q1", "question": "Who was the keeper of the lighthouse at Sker?",
             "answers": [{"text": "Mary Holt", "answer_start": text.index("Mary")}]}  # fmt: skip
    data = [{"title": "Sker", "paragraphs": [{"context": text, "qas": [asked]}]}]
    (project / "squad.json").write_text(json.dumps({"version": "1.1", "data": data}))
    (project / "test_archive.py").write_text(
        "def test_found(dateline_case):\n"
        "    assert dateline_case.result.ranking['hit_at_1'] == 1.0\n"
    )
    done = ran(project, "--dateline-set", "squad.json")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_an_answer_can_be_looked_at(project: Path) -> None:
    (project / "test_archive.py").write_text(
        "def test_speed(dateline_case):\n"
        "    assert dateline_case.answer.citations or not dateline_case.case.answerable\n"
        "    assert dateline_case.result.latency_ms < 60_000\n"
    )
    done = ran(project, "--dateline-set", "gold.jsonl", "--dateline-corpus", ARTICLE)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "1 skipped"),
        (
            ("--dateline-set", "gold.jsonl"),
            "brings no articles of its own",
        ),
        (("--dateline-set", "none.jsonl", "--dateline-corpus", "x"), "none.jsonl cannot be read"),
    ],
)
def test_what_is_missing_is_named(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = ran(project, *arguments)
    assert said in done.stdout + done.stderr


def test_pytest_without_a_gold_set_imports_nothing_of_ours(project: Path) -> None:
    (project / "test_archive.py").write_text(
        "import sys\n\n"
        "def test_light():\n"
        "    assert not {'chromadb', 'rag.types', 'onnxruntime'} & set(sys.modules)\n"
    )
    done = ran(project)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
