"""`dateline ask` and `search`: of a server as of the archive here, from a pipe, in every format."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader, BytesIO, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import TextIO

import pytest

from api.cli import main
from api.client import peer
from api.commands.options import print_json
from tests.answers_made import EVIL
from tests.browsing import Server, take_in_samples
from tests.commands import dateline
from tests.terminals import obeyed

ROOT = Path(__file__).parents[1]
QUESTION = "How many coalition members were killed at Camp Taji?"
NOT_HELD = "How do I bake sourdough bread?"
# Differ between two runs of the same question.
_OF_THE_RUN = {"id", "created_at", "timings_ms", "request_id", "session_id"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("here")
    take_in_samples(folder)
    return folder


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("there")
    take_in_samples(folder)
    with Server(folder) as server:
        yield server.url


def printed_to(out: TextIO, option: str) -> subprocess.CompletedProcess[str]:
    """Return what the command says on standard error in a process of its own."""
    command = [sys.executable, "-m", "api.cli", option]
    piped = subprocess.PIPE
    return subprocess.run(command, cwd=ROOT, stdout=out, stderr=piped, text=True, check=False)


def test_a_server_answers_as_the_archive_here_does(here: Path, url: str) -> None:
    local = dateline("ask", QUESTION, "--data-dir", here, "--json")
    remote = dateline("ask", QUESTION, "--url", url, "--json")
    assert (local.code, remote.code) == (0, 0)
    assert set(local.json) == set(remote.json)
    same = {name: local.json[name] for name in set(local.json) - _OF_THE_RUN}
    assert {name: remote.json[name] for name in same} == same


def test_the_server_of_the_settings_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_URL", url)
    assert dateline("ask", QUESTION, "--json").json["citations"]


def test_a_server_is_asked_with_everything_that_may_be_said(url: str) -> None:
    ran = dateline(
        "ask", "Who was blamed for the Taji attack?", "--url", url, "--json", "--top-k", 3,
        "--mode", "bm25", "--source", "northern-ledger.example", "--after", "2020-03-01",
        "--before", "2020-04-01", "--as-of", "2020-03-20", "--min-confidence", 0,
    )  # fmt: skip
    assert {one["source"] for one in ran.json["citations"]} == {"northern-ledger.example"}


@pytest.mark.parametrize("dash", [(), ("-",)])
def test_a_question_comes_through_a_pipe(url: str, dash: tuple[str, ...]) -> None:
    ran = dateline("ask", *dash, "--url", url, piped=f"\ufeff{QUESTION}\n")
    assert ran.code == 0
    assert ran.out.startswith(f"Q  {QUESTION}\nA  ")


@pytest.mark.parametrize(
    ("piped", "said"),
    [("", "text: String should have at least 1 character"), (b"\xff\xfe?", "no utf-8 text")],
)
def test_what_is_no_question_is_refused(url: str, piped: str | bytes, said: str) -> None:
    ran = dateline("ask", "--url", url, piped=piped)
    assert (ran.code, said in ran.err) == (2, True)


class Endless(RawIOBase):
    """As `yes` writes."""

    sent = 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        self.sent += len(into)
        assert self.sent < 10_000_000
        into[:] = b"y" * len(into)
        return len(into)


def test_what_never_ends_is_no_question(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BufferedReader(Endless())))
    ran = dateline("ask", "--url", url)
    assert (ran.code, "at most 4000 characters" in ran.err) == (2, True)


@pytest.mark.parametrize("command", ["ask", "search"])
def test_blanks_are_no_question_here_either(here: Path, command: str) -> None:
    ran = dateline(command, "  ", "--data-dir", here)
    assert (ran.code, ran.err) == (2, "dateline: text: String should have at least 1 character\n")


def test_what_is_wrong_is_said_without_the_words_of_a_library() -> None:
    ran = dateline("ask", QUESTION, "--after", "yesterday")
    said = "dateline: published_after: write it as 2020-03-13 or 2020-03-13T06:18:00Z\n"
    assert (ran.code, ran.err) == (2, said)


def test_a_command_whose_input_was_closed_has_no_question(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "argv", ["dateline", "ask", "--url", url])
    with pytest.raises(SystemExit, match="2"):
        main()
    sys.stdin.close()
    assert "at least 1 character" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "printed"), [("text", b"verified \\u2713"), ("json", b"\\u201c")])
def test_letters_that_an_encoding_lacks_are_spelled_out(
    url: str, monkeypatch: pytest.MonkeyPatch, form: str, printed: bytes
) -> None:
    # As of a pipe on Windows.
    out = TextIOWrapper(BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["dateline", "ask", QUESTION, "--url", url, "--format", form])
    with pytest.raises(SystemExit, match="0"):
        main()
    out.seek(0)
    assert printed in out.buffer.read()


def test_markdown_has_the_answer_and_its_citations(here: Path) -> None:
    ran = dateline("ask", QUESTION, "--data-dir", here, "--format", "markdown")
    heading, answer, citation, *_ = ran.out.split("\n\n")
    assert heading == f"# {QUESTION}"
    assert "\\[1\\]" in answer
    assert citation.startswith("- \\[1\\] “")
    assert "](<https://" in citation
    assert "March 2020" in citation


def test_json_has_a_short_form(url: str) -> None:
    long = dateline("ask", QUESTION, "--url", url, "--format", "json").json
    assert long["answer"] == dateline("ask", QUESTION, "--url", url, "--json").json["answer"]
    clash = dateline("ask", QUESTION, "--url", url, "--json", "--format", "text")
    assert (clash.code, "exclude each other" in clash.err) == (2, True)


def test_json_holds_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": EVIL})
    printed = capsys.readouterr().out
    assert obeyed(printed) == []
    assert json.loads(printed) == {"title": EVIL}


def test_no_answer_exits_1_and_says_what_to_do(url: str) -> None:
    ran = dateline("ask", NOT_HELD, "--url", url)
    assert ran.code == 1
    assert "Ask for one fact at a time" in ran.out


def test_a_bundle_of_a_server_is_replayed_here(here: Path, url: str, tmp_path: Path) -> None:
    file = tmp_path / "taji.json"
    assert dateline("ask", QUESTION, "--url", url, "--bundle", file).code == 0
    replayed = dateline("replay", file, "--data-dir", here, "--json")
    assert (replayed.code, replayed.json["same_answer"]) == (0, True)


def test_a_conversation_goes_on_from_one_command_to_the_next(url: str) -> None:
    begun = dateline("ask", "Who was blamed for the Taji attack?", "--url", url, "--session", "s1")
    ran = dateline("ask", "And who denied it?", "--url", url, "--session", "s1", "--json")
    assert begun.code == 0
    assert ran.json["session_id"] == "s1"
    assert ran.json["standalone_question"] == "And who denied the Taji attack?"


def test_passages_of_a_server_are_those_of_the_archive_here(here: Path, url: str) -> None:
    arguments = ("search", "rocket attack", "-k", 3, "--source", "harbour-post.example")
    local = dateline(*arguments, "--data-dir", here, "--json")
    remote = dateline(*arguments, "--url", url, "--json")
    assert local.json == remote.json
    assert {hit["source"] for hit in remote.json["hits"]} == {"harbour-post.example"}
    assert dateline(*arguments, "--url", url).out.startswith("1. ")


def test_passages_that_are_not_there_exit_1(url: str) -> None:
    ran = dateline("search", "rockets", "--before", "1990-01-01", "--url", url)
    assert (ran.code, ran.out) == (1, "nothing found\n")


def test_two_places_to_ask_are_one_too_many(here: Path) -> None:
    ran = dateline("ask", QUESTION, "--url", "http://127.0.0.1:1", "--data-dir", here)
    assert (ran.code, "exclude each other" in ran.err) == (2, True)


def test_a_server_that_is_not_there_exits_3_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_BACKOFF_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = f"http://127.0.0.1:{taken.getsockname()[1]}"
    ran = dateline("ask", QUESTION, "--url", free)
    assert (ran.code, f"dateline: {free} does not answer" in ran.err) == (3, True)


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="Linux alone has a disk that is always full")
@pytest.mark.parametrize(
    "command",
    [
        ["ask", QUESTION, "--url"],
        ["ask", QUESTION, "--json", "--url"],
        ["ask", QUESTION, "--format", "markdown", "--url"],
        ["search", QUESTION, "--url"],
        ["chat", "--url"],
    ],
)
def test_what_a_full_disk_does_not_take_is_said_in_a_line(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    out = FULL.open("w")
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(f"{QUESTION}\n".encode())))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["dateline", *command, url])
    with pytest.raises(SystemExit, match="1"):
        main()
    sys.stdout.close()
    with suppress(OSError):
        out.close()
    said = "dateline: the output cannot be written: No space left on device\n"
    assert capsys.readouterr().err == said


@pytest.mark.skipif(not FULL.exists(), reason="Linux alone has a disk that is always full")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_python_adds_nothing_to_that_line_when_it_ends(option: str) -> None:
    with FULL.open("w") as out:
        ran = printed_to(out, option)
    said = "dateline: the output cannot be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, said)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_reader_who_has_gone_is_told_nothing(option: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        ran = printed_to(out, option)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_asking_a_server_imports_nothing_heavy(url: str) -> None:
    heavy = [
        "sqlalchemy", "fastapi", "starlette", "uvicorn", "numpy", "chromadb", "onnxruntime",
        "tokenizers", "tantivy", "llama_index", "opentelemetry", "prometheus_client", "limits",
        "trafilatura", "sentencex", "httpx._main", "click", "pygments", "multiprocessing",
        "anyio._core", "rich.live", "rich.markdown", "rich.table", "typer.rich_utils", "api.app",
        "api.inprocess", "api.client.asynchronous", "api.commands.chat", "api.commands.mcp",
        "api.commands.serving", "api.schemas.documents", "api.schemas.questions",
        "api.schemas.sessions", "ingest", "evals", "rag.index", "rag.onnx", "rag.wiring",
        "rag.answer",
    ]  # fmt: skip
    code = (
        "import gc, json, sys\n"
        "from api.cli import main\n"
        f"sys.argv = {['dateline', 'ask', QUESTION, '--url', url]!r}\n"
        "try: main()\n"
        "except SystemExit as left: sys.stderr.write(json.dumps([left.code, "
        f"sorted(set({heavy!r}) & set(sys.modules)), gc.get_count()[0] > 10_000]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Nor did it look for garbage among it.
    assert json.loads(done.stderr) == [0, [], True]
    assert done.stdout.startswith(f"Q  {QUESTION}\n")
