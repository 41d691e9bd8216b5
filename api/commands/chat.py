"""`dateline chat`: a conversation with the archive on a terminal, or through a pipe.

    dateline chat --url http://127.0.0.1:8321
    printf 'Who was blamed for the Taji attack?\\nAnd who denied it?\\n' | dateline chat

Who types sees the answer as it is written; a pipe gets whole answers, and errors on standard error.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import (
    After,
    Articles,
    AsOf,
    Before,
    DataDir,
    Sources,
    Url,
    filters,
)


def chat(
    *,
    url: Url = None,
    data_dir: DataDir = None,
    session: Annotated[
        str | None, typer.Option(help="Go on with this conversation, or begin it.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the conversation that was used last.")
    ] = False,
    after: After = None,
    before: Before = None,
    as_of: AsOf = None,
    source: Sources = None,
    article: Articles = None,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="No colours; NO_COLOR says the same.")
    ] = False,
) -> None:
    """Ask one question after the other; :help says what else can be typed.

    Through a pipe every line is a question or a command; the exit code is
    that of the last question: 0 answered, 1 no answer, 2 refused, 3 not
    reached. Who types leaves with 0.
    """
    from api.commands.reached import reach
    from api.terminal.lines import piped, typed
    from api.terminal.room import Room
    from api.terminal.talk import Talk
    from api.terminal.words import WORDS
    from rag.errors import InputError

    if session and resume:
        raise InputError("--session and --resume exclude each other")
    chosen = filters(after, before, as_of, source, article)
    is_typed = sys.stdin.isatty() and sys.stdout.isatty()
    with reach(url, data_dir) as client:
        talk = Talk(client, filters=chosen)
        room = Room(talk, is_typed=is_typed, no_color=no_color)
        room.enter(session, resume=resume)
        code = room.hear(typed(WORDS) if is_typed else piped())
        # As the client shows it: without a password, which the log of a script would keep.
        room.leave(_again(client.url if url else None, data_dir))
    raise typer.Exit(0 if is_typed else code)


def _again(url: str | None, data_dir: Path | None) -> str:
    """Return the command that comes back here."""
    words = ["dateline", "chat"]
    words += ["--url", url] if url else []
    words += ["--data-dir", str(data_dir)] if data_dir else []
    return shlex.join(words)
