"""One process on a data directory, and no network in any: both shown in real processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.errors import ConfigurationError, IndexInUse
from rag.lock import DataDirectory

ROOT = Path(__file__).parents[1]
HOLD = """
import sys
from pathlib import Path
from rag.settings import Settings
from rag.wiring import open_index
with open_index(Settings(data_dir=Path(sys.argv[1]), threads=1)):
    print("held", flush=True)
    sys.stdin.read()
"""
TRY = """
import sys, time
from pathlib import Path
from rag.errors import IndexInUse
from rag.settings import Settings
from rag.wiring import open_index
began = time.perf_counter()
try:
    with open_index(Settings(data_dir=Path(sys.argv[1]), threads=1)):
        print("in")
except IndexInUse as exc:
    print(time.perf_counter() - began, exc)
"""
INGEST_AND_ASK = """
import sys
sys.path.insert(0, sys.argv[2])
import conftest
conftest.forbid_network()
from datetime import UTC, datetime
from pathlib import Path
from ingest.pipeline import Pipeline
from ingest.read import read
from ingest.split import Splitter
from rag.settings import Settings
from rag.types import Question
from rag.wiring import build_answerer, open_index
with open_index(Settings(data_dir=Path(sys.argv[1]) / "data", threads=2)) as index:
    report = Pipeline(index, Splitter(200)).run(read([Path(sys.argv[1]) / "articles"]))
    question = Question(text="Who blamed the water board?", min_confidence=0)
    answer = build_answerer(index).answer(question, now=datetime(2024, 1, 1, tzinfo=UTC))
assert conftest.attempts == [], conftest.attempts
assert "posthog" not in sys.modules
print(report.counts.created, answer.answer)
"""


def environment() -> dict[str, str]:
    """Return this environment with our packages importable from any folder."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def python(script: str, *arguments: Path | str, prefix: tuple[str, ...] = ()) -> str:
    """Run `script` in a process of its own and return what it printed."""
    command = [*prefix, sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds `directory` open."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_at_once_and_told_who_holds_the_directory(
    tmp_path: Path,
) -> None:
    with holder(tmp_path) as process:
        elapsed, message = python(TRY, tmp_path).split(maxsplit=1)
        assert float(elapsed) < 30
        assert f"data directory {tmp_path} is in use by process {process.pid} (-c " in message


def test_after_kill_9_of_its_holder_the_directory_opens(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        assert python(TRY, tmp_path) == "in\n"


def test_the_same_process_cannot_open_a_directory_twice(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with pytest.raises(IndexInUse, match=f"is in use by process {os.getpid()} "):
        DataDirectory(tmp_path)
    directory.close()


def test_a_closed_directory_opens_again_and_names_its_new_holder(tmp_path: Path) -> None:
    DataDirectory(tmp_path / "new" / "data").close()
    directory = DataDirectory(tmp_path / "new" / "data")
    owner = json.loads((tmp_path / "new" / "data" / "owner.json").read_text())
    assert owner["pid"] == os.getpid()
    directory.close()


@pytest.mark.parametrize("owner", ["", "{", "[]", '{"pid": 1}', "null"])
def test_an_unreadable_note_about_the_holder_does_not_hide_the_refusal(
    tmp_path: Path, owner: str
) -> None:
    directory = DataDirectory(tmp_path)
    (tmp_path / "owner.json").write_text(owner)
    with pytest.raises(IndexInUse, match="is in use by another process; stop that process"):
        DataDirectory(tmp_path)
    directory.close()


def test_a_path_that_is_a_file_is_refused_as_a_mistake_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(ConfigurationError, match="cannot be created"):
        DataDirectory(tmp_path / "data")


def test_the_lock_is_refused_at_once_in_one_process(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    began = time.perf_counter()
    with pytest.raises(IndexInUse):
        DataDirectory(tmp_path)
    assert time.perf_counter() - began < 30
    directory.close()


@pytest.mark.parametrize(
    "leave",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.getaddrinfo("telemetry.example", 443),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_guard_of_these_tests_lets_nothing_out_and_notes_what_tried(
    leave: Callable[[], object], network_attempts: list[str]
) -> None:
    with pytest.raises(OSError, match="tests do not leave this machine"):
        leave()
    assert len(network_attempts) == 1
    network_attempts.clear()


def _can_trace() -> bool:
    strace = shutil.which("strace")
    return bool(strace) and subprocess.run([str(strace), "-o", os.devnull, "true"]).returncode == 0


def test_a_whole_run_of_ingest_and_ask_opens_no_connection_to_another_machine(
    tmp_path: Path,
) -> None:
    (tmp_path / "articles").mkdir()
    for n, sentence in enumerate(("Mayor Quell blamed the water board.", "A museum opened.")):
        (tmp_path / "articles" / f"{n}.txt").write_text(f"Story {n}\n\n{sentence}\n")
    trace = tmp_path / "trace"
    calls = "trace=connect,sendto,sendmsg,sendmmsg,openat"
    prefix = ("strace", "-f", "-e", calls, "-o", str(trace)) if _can_trace() else ()
    printed = python(INGEST_AND_ASK, tmp_path, ROOT / "tests", prefix=prefix)
    assert printed == "2 Mayor Quell: “Mayor Quell blamed the water board.” [1]\n"
    # Python sees its own sockets only; the kernel sees those of the Rust libraries, too.
    lines = trace.read_text().splitlines() if prefix else []
    outside = [n for n, line in enumerate(lines) if _leaves(line)]
    # What was done just before tells who it was.
    assert outside == [], "\n".join(lines[max(0, outside[0] - 20) : outside[0] + 5])


def test_the_models_run_without_a_word_to_their_runtime_s_maker(tmp_path: Path) -> None:
    # In continuous integration, and in its own tests, it is silent by itself.
    alone = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", "import rag.onnx"], env=alone, timeout=300, check=True)
    # It keeps what it has not sent yet, and under which number, in the user's cache.
    assert list(tmp_path.rglob("*")) == []


def _leaves(line: str) -> bool:
    return "AF_INET" in line and '"127.0.0.1"' not in line
