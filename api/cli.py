"""The `dateline` command.

Exit codes: 0 done, 1 not good (no answer, another answer, something rejected, gate failed, index
not clean, output that cannot be written), 2 bad usage, input or settings, 3 something below us is
unavailable. Each command is imported when it is wanted, and everything heavy inside the command
that needs it, so that `dateline --help` answers at once.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer

from api.commands.late import late

# In the order of `dateline --help`.
COMMANDS = {
    "eval": "api.commands.evals:app",
    "feedback": "api.commands.feedback:app",
    "keys": "api.commands.keys:app",
    "slack": "api.commands.slack:app",
    "demo": "api.commands.serving:demo",
    "ingest": "api.commands.archive:ingest",
    "ask": "api.commands.asking:ask",
    "chat": "api.commands.chat:chat",
    "search": "api.commands.asking:search",
    "replay": "api.commands.asking:replay",
    "serve": "api.commands.serving:serve",
    "mcp": "api.commands.mcp:mcp",
    "check": "api.commands.archive:check",
    "reindex": "api.commands.archive:reindex",
}
# Those that are over in a moment, and more objects than a question to a server makes.
SHORT = ("ask", "search")
_MANY_OBJECTS = 150_000

app = typer.Typer(
    cls=late(COMMANDS),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def _version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dateline {version('dateline')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback obeys it
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Cited answers over an archive of news articles."""
    if ctx.invoked_subcommand in SHORT:
        _leave_garbage()


def _leave_garbage() -> None:
    """Look for garbage seldom, and not when Python ends: there is none among what is imported.

    Looking is a sixth of a short command.
    """
    gc.set_threshold(_MANY_OBJECTS)
    atexit.register(gc.freeze)


def main() -> None:
    """Run the command line; errors that we raise on purpose become a message and an exit code."""
    from rag.errors import DatelineError, DependencyError

    _prepare_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except Unwritten as exc:
        # What is left of it would be tried again at the end.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 until the end
        # Whoever reads no further wants to hear no more, as Typer and Rich have it, too.
        if exc.errno != errno.EPIPE:
            print(f"dateline: the output cannot be written: {exc.strerror}", file=sys.stderr)
        sys.exit(1)
    except DatelineError as exc:
        # It may hold words of a server.
        from api.commands.render import shown

        print(f"dateline: {shown(str(exc))}", file=sys.stderr)
        sys.exit(3 if isinstance(exc, DependencyError) else 2)


def _prepare_streams() -> None:
    """Have all three, which whoever started us may have closed, and let no letter end a command."""
    # The lowest number is taken first, so that none of our files becomes one of them.
    nothing = Path(os.devnull)
    sys.stdin = sys.stdin or nothing.open(encoding="utf-8")
    sys.stdout = sys.stdout or nothing.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nothing.open("w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        # Not all encodings have a ✓: those of old terminals, and of pipes on Windows.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = cast("TextIO", _Output(sys.stdout))


class Unwritten(OSError):
    """Standard output takes no more: its disk is full, or its reader is gone."""


class _Output:
    """Standard output, whose failures are told from those of all other files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # Any: whatever the stream has
        return getattr(self._stream, name)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise Unwritten(exc.errno, exc.strerror) from exc


if __name__ == "__main__":
    main()
