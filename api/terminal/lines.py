"""Lines as they are typed, with editing and a history, or as they come through a pipe.

>>> for line in typed(["open", "quit"]): ...

The history is a file of the user's alone: what a reporter asks is nobody else's business.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

PROMPT = "> "
# What editors of Windows put before a text, and no part of its first word.
_MARK = "\ufeff"
_MOST_LINES = 1_000


def piped() -> Iterator[str]:
    """Yield the lines of standard input; bytes that are no text become question marks."""
    for line in sys.stdin.buffer:
        yield line.decode(errors="replace").removeprefix(_MARK).strip()


def typed(words: Sequence[str]) -> Iterator[str]:
    """Yield what is typed until the end of input; Ctrl-C clears the line. Tab completes `words`."""
    readline = _readline()
    if readline is not None:
        _prepare(readline, words)
    try:
        while True:
            try:
                line = input(PROMPT)
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                continue
            yield line.strip()
    except EOFError:
        sys.stdout.write("\n")
    finally:
        if readline is not None:
            _keep(readline)


def history_file() -> Path:
    """Return where the lines of earlier conversations are."""
    return Path(typer.get_app_dir("dateline")) / "chat_history"


def _readline() -> ModuleType | None:
    """Return the module that edits lines, which Windows does without."""
    try:
        import readline
    except ImportError:
        return None
    return readline


def _prepare(readline: ModuleType, words: Sequence[str]) -> None:
    def complete(begun: str, number: int) -> str | None:
        found = [word for word in words if word.startswith(begun)] if begun else []
        return f"{found[number]} " if number < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(_MOST_LINES)
    # Whoever cannot have a history can still ask.
    with suppress(OSError):
        readline.read_history_file(history_file())


def _keep(readline: ModuleType) -> None:
    path = history_file()
    # A user without a home, as in a container, has a `~` there, a name of a folder like others.
    if not path.is_absolute():
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        readline.write_history_file(path)
