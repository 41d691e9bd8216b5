"""`dateline mcp`: a process that an agent starts and speaks to over its standard streams."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from rag.lock import DataDirectory
from tests.agents import connected, value
from tests.browsing import take_in_samples
from tests.commands import dateline

ROOT = Path(__file__).parents[1]
TAJI = "Who was blamed for the Taji attack?"
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "desk", "version": "1"},
}
# Whatever lies below us may write to standard output, from Python or from C.
TALKATIVE = """
import os, sys
from api import cli
from api.client import Dateline
search = Dateline.search
def talkative(self, *args, **options):
    print("printed", flush=True)
    os.write(1, b"written\\n")
    return search(self, *args, **options)
Dateline.search = talkative
cli.main()
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample articles."""
    folder = tmp_path_factory.mktemp("data")
    take_in_samples(folder)
    return folder


def started(*arguments: str | Path) -> StdioServerParameters:
    """Return how an agent starts the command."""
    given = [str(argument) for argument in arguments]
    return StdioServerParameters(
        command=sys.executable, args=["-m", "api.cli", "mcp", *given], cwd=ROOT
    )


class Raw:
    """The command, and lines to and from it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def say(self, method: str, *, number: int | None = None, **params: object) -> None:
        message: dict[str, object] = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:  # Any: JSON
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


@contextmanager
def raw(*command: str, log: Path) -> Iterator[Raw]:
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "error"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield Raw(process)
        finally:
            process.kill()


def test_an_agent_starts_it_over_a_folder_and_asks(data_dir: Path) -> None:
    async def work(agent: Client) -> None:
        answered = await agent.call_tool("ask", {"question": TAJI})
        citation = value(answered)["citations"][0]
        read = await agent.call_tool("read_article", {"article_id": citation["article_id"]})
        start, end = citation["start_char_index"], citation["end_char_index"]
        assert value(read)["text"][start:end] == citation["cited_text"]
        none = await agent.call_tool("ask", {"question": "How do I bake sourdough bread?"})
        assert value(none)["answer_status"] == "no_answer"
        assert len((await agent.list_resources()).resources) == 36

    connected(started("--data-dir", data_dir), work)


def test_an_older_agent_hears_the_protocol_and_nothing_else(data_dir: Path, tmp_path: Path) -> None:
    """Also while the folder is in use, and behind a handshake that does not wait for it."""
    log = tmp_path / "log"
    with raw("-c", TALKATIVE, "mcp", "--data-dir", str(data_dir), log=log) as command:
        with closing(DataDirectory(data_dir)):
            command.say("initialize", number=1, **HELLO)
            assert command.hear()["result"]["protocolVersion"] == "2025-06-18"
            command.say("notifications/initialized")
            command.say("tools/call", number=2, name="search", arguments={"query": "Taji"})
            refused = command.hear()["result"]
            assert refused["isError"]
            assert "is in use by" in refused["content"][0]["text"]
            assert "ask the running server with --url" in refused["content"][0]["text"]
        command.say("tools/call", number=3, name="search", arguments={"query": "Taji", "k": 1})
        found = command.hear()
        assert (found["id"], len(found["result"]["structuredContent"]["hits"])) == (3, 1)
        # The end of its input is the end of the command, and leaves the folder free.
        rest, _ = command.process.communicate(timeout=60)
        assert (rest, command.process.returncode) == ("", 0)
    said = log.read_text()
    assert "printed\nwritten\n" in said
    assert '"route": "/v1/search"' in said
    assert "Traceback" not in said
    DataDirectory(data_dir).close()


def test_it_ends_with_its_input_though_a_server_has_not_answered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with raw("-m", "api.cli", "mcp", "--url", url, log=tmp_path / "log") as command:
            command.say("initialize", number=1, **HELLO)
            command.hear()
            command.say("notifications/initialized")
            command.say("tools/call", number=2, name="search", arguments={"query": "Taji"})
            asked, _ = silent.accept()
            asked.settimeout(30)
            with asked:
                assert asked.recv(1000)
                # A reply is waited for during a minute, again and again.
                command.process.communicate(timeout=40)
        assert command.process.returncode == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_without_its_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    ran = dateline("mcp")
    assert (ran.code, ran.out) == (2, "")
    assert "pip install 'dateline[mcp]'" in ran.err
