"""Tab completes commands, options and their values, in every shell that Typer knows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = "import sys; sys.argv[0] = 'dateline'; from api.cli import main; main()"


def run(shell: str, *, typed: str, words: int) -> str:
    """Return what the shell is told when Tab is pressed behind `typed`."""
    asked = {
        "bash": {"COMP_WORDS": typed, "COMP_CWORD": str(words)},
        "zsh": {"_TYPER_COMPLETE_ARGS": typed},
        "fish": {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    env = {**os.environ, **asked, "_DATELINE_COMPLETE": f"complete_{shell}"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "told"),
    [
        ("bash", "ask\n"),
        ("zsh", '_arguments \'*: :(("ask":"Answer a question with verified citations."))\'\n'),
        ("fish", "ask\tAnswer a question with verified citations.\n"),
    ],
)
def test_the_beginning_of_a_command_is_completed(shell: str, told: str) -> None:
    assert run(shell, typed="dateline as", words=1) == told


@pytest.mark.parametrize(
    ("typed", "words", "told"),
    [
        ("dateline keys cr", 2, "create\n"),
        ("dateline ask --form", 2, "--format\n"),
        ("dateline ask --format m", 3, "markdown\n"),
        ("dateline chat --res", 2, "--resume\n"),
    ],
)
def test_commands_of_groups_options_and_values_are_completed(
    typed: str, words: int, told: str
) -> None:
    assert run("bash", typed=typed, words=words) == told


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_with_the_script_that_is_installed(tmp_path: Path) -> None:
    program = tmp_path / "dateline"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}\n")
    program.chmod(0o755)
    script = (
        f'PATH="{tmp_path}:$PATH"\n'
        'eval "$(_DATELINE_COMPLETE=source_bash dateline)"\n'
        'COMP_WORDS=(dateline se); COMP_CWORD=1\n'
        '_dateline_completion dateline; echo "${COMPREPLY[@]}"\n'
    )  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "search serve\n"
