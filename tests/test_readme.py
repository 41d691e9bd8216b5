"""What README promises is there."""

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from fastapi.testclient import TestClient

from api.app import create_app
from api.cli import app
from rag.settings import Settings
from tests.browsing import Server, take_in_samples

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))


def test_every_command_in_readme_parses() -> None:
    commands = typer.main.get_command(app)
    lines = re.findall(r"(?:^|\| )(dateline .*)$", BLOCKS, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        arguments = shlex.split(line)[1:]
        # Parses the arguments and stops before the command runs.
        context = commands.make_context("dateline", list(arguments))
        name, command, rest = commands.resolve_command(context, list(arguments))  # type: ignore[attr-defined] # a Group
        command.make_context(name, rest, parent=context)


def test_every_setting_in_readme_exists_and_every_setting_is_in_readme() -> None:
    named = set(re.findall(r"DATELINE_[A-Z_]+", README))
    assert named == {f"DATELINE_{name.upper()}" for name in Settings.model_fields}


def test_every_request_in_readme_is_answered(tmp_path: Path) -> None:
    requests = re.findall(r"curl -s localhost:8321(\S+) .*-d '(.*)'", BLOCKS)
    assert len(requests) >= 5
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        # In their order: one begins the conversation that the next goes on with.
        statuses = [client.post(path, json=json.loads(body)).status_code for path, body in requests]
    assert set(statuses) <= {200, 201}


@pytest.mark.parametrize(
    ("begins", "prints"),
    [
        ("from openai", ("Kataib Hezbollah", "AnnotationURLCitation")),
        ("from api.client", ("1 American officials True", "Retrieved", "ChatAnswer")),
    ],
)
def test_the_programs_in_readme_run(
    begins: str, prints: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [program] = re.findall(rf"```python\n({begins}.*?)```", README, re.DOTALL)
    take_in_samples(tmp_path)
    with Server(tmp_path) as server:
        here = program.replace("http://127.0.0.1:8321", server.url)
        exec(compile(here, "README.md", "exec"), {})  # noqa: S102 - it is ours
    printed = capsys.readouterr().out
    assert [words for words in prints if words not in printed] == []


def test_agents_are_told_a_command_and_an_address_that_there_are(tmp_path: Path) -> None:
    told = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    here, there = (one["mcpServers"]["dateline"] for one in told)
    assert here["command"] == "dateline"
    name, command, rest = typer.main.get_command(app).resolve_command(  # type: ignore[attr-defined] # a Group
        typer.Context(typer.main.get_command(app)), here["args"]
    )
    assert name == "mcp"
    command.make_context(name, rest)
    with TestClient(create_app(Settings(data_dir=tmp_path, mcp=True))) as client:
        # Without a message in it, it is refused by the tools themselves.
        reply = client.post(there["url"].removeprefix("http://127.0.0.1:8321"), content="{}")
        assert reply.status_code in (400, 406)


def test_readme_begins_with_the_two_commands() -> None:
    first, second = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[:2]
    assert (first.count("\n"), second.count("\n")) == (1, 1)
    assert "dateline demo" in first
    assert "pytest" in second
