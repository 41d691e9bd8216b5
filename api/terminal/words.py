"""What may be said in a chat besides questions: `:open 2`, `:filters source:jpost.com`, `:quit`.

>>> obey(":sources", talk, terminal())
True

A command that does not exist is told with the one that is nearest; what goes wrong is raised.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from api.commands.render import show_answer, show_hits, shown
from api.remarks import REASONS, counted
from api.spoken import HOW, filters_text, parse_filters
from rag.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from api.terminal.talk import Talk
    from rag.types import Citation

_MOST_SESSIONS = 20
_MOST_HITS = 5


class Command(NamedTuple):
    """What a word does, and how it is explained."""

    do: Callable[[Talk, Console, str], None]
    arguments: str
    help: str


def obey(line: str, talk: Talk, console: Console) -> bool:
    """Do what a line says that begins with a colon; return False when it says to leave.

    Raises: InputError (no such command, bad arguments) and what the client raises.
    """
    name, _, rest = line[1:].strip().partition(" ")
    if name in _LEAVE:
        return False
    command = COMMANDS.get(name)
    if command is None:
        raise InputError(f"there is no :{name}{_nearest(name)}")
    command.do(talk, console, rest.strip())
    return True


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, [*COMMANDS, *_LEAVE], n=1, cutoff=0.5)
    return f"; did you mean :{near[0]}?" if near else "; :help lists what there is"


def _open(talk: Talk, console: Console, rest: str) -> None:
    from api.terminal.article import open_citation

    open_citation(console, talk.client, _citation(talk, rest))


def _citation(talk: Talk, rest: str) -> Citation:
    found = {str(one.index): one for one in talk.last.citations} if talk.last else {}
    if not found:
        raise InputError("there is no citation to open: the last answer has none")
    number = rest.strip("[]") or (next(iter(found)) if len(found) == 1 else "")
    if number not in found:
        raise InputError(f"say which citation: `:open {'`, `:open '.join(found)}`")
    return found[number]


def _sources(talk: Talk, console: Console, _rest: str) -> None:
    outlets = talk.client.outlets()
    for one in outlets:
        newest = f"  · newest {one.newest:%Y-%m-%d}" if one.newest else ""
        name = shown(one.source) if one.source else "(no outlet)"
        about = Text.assemble((f"{one.articles:>7,}  ", "cyan"), name, (newest, "dim"))
        console.print(about, soft_wrap=True)
    if not outlets:
        console.print("the archive is empty")


def _filters(talk: Talk, console: Console, rest: str) -> None:
    if rest:
        talk.filters = parse_filters(rest)
    words = filters_text(talk.filters)
    if words:
        console.print(Text(f"only {shown(words)}"), soft_wrap=True)
    else:
        console.print(Text(f"no filters: every article may answer. `:filters {HOW}`"))


def _save(talk: Talk, console: Console, rest: str) -> None:
    _write(talk, console, rest, overwrite=False)


def _save_over(talk: Talk, console: Console, rest: str) -> None:
    _write(talk, console, rest, overwrite=True)


def _write(talk: Talk, console: Console, rest: str, *, overwrite: bool) -> None:
    from api.terminal.saved import save

    if not rest:
        raise InputError("say where to: `:save taji.md`, or `:save taji.json`")
    # `Path.expanduser` raises where there is no such user; a shell leaves the word as it is.
    path = Path(os.path.expanduser(rest))  # noqa: PTH111
    console.print(Text(f"{save(talk, path, overwrite=overwrite)} in {shown(str(path))}"))


def _sessions(talk: Talk, console: Console, _rest: str) -> None:
    found = list(islice(talk.client.sessions(), _MOST_SESSIONS))
    for one in found:
        here = "*" if one.id == talk.session_id else " "
        when = f"{one.updated_at:%Y-%m-%d %H:%M}"
        about = Text.assemble(
            f"{here} ", (shown(one.id), "cyan"), (f"  {when}  ", "dim"), shown(one.title or "")
        )
        console.print(about, soft_wrap=True)
    if not found:
        console.print("no conversations are kept")


def _resume(talk: Talk, console: Console, rest: str) -> None:
    if not rest:
        raise InputError("say which: `:resume ID`; `:sessions` lists them")
    show_resumed(console, talk, rest, is_there=talk.resume(rest))


def show_resumed(console: Console, talk: Talk, session_id: str, *, is_there: bool) -> None:
    """Print where the conversation stands that is gone on with."""
    if not is_there:
        console.print(Text(f"{shown(session_id)} begins with the next question"))
        return
    questions = counted(len(talk.said), "question")
    console.print(Text(f"{shown(session_id)}, {questions} so far", "dim"))
    if talk.said and talk.last:
        show_answer(console, talk.said[-1].question, talk.last)


def _new(talk: Talk, console: Console, _rest: str) -> None:
    talk.new()
    console.print("the next question begins another conversation")


def _up(talk: Talk, console: Console, rest: str) -> None:
    answer = _rated(talk)
    talk.client.rate(answer, "up", comment=rest or None)
    console.print("noted: a good answer")


def _down(talk: Talk, console: Console, rest: str) -> None:
    answer = _rated(talk)
    words = rest.replace(",", " ").split()
    # Other words are a comment.
    reasons = [word for word in words if word in REASONS]
    comment = None if len(reasons) == len(words) else rest
    talk.client.rate(answer, "down", reasons=() if comment else reasons, comment=comment)
    console.print("noted: a bad answer")


def _rated(talk: Talk) -> str:
    if talk.last is None:
        raise InputError("there is no answer to rate")
    return talk.last.id


def _search(talk: Talk, console: Console, rest: str) -> None:
    if not rest:
        raise InputError("say what to look for: `:search rocket attack`")
    hits = talk.client.search(rest, k=_MOST_HITS, filters=talk.filters)
    show_hits(console, hits)
    if not hits:
        console.print("nothing found")


def _help(_talk: Talk, console: Console, _rest: str) -> None:
    console.print("A line is a question; the ones before complete it. Ctrl-C stops an answer.")
    for name, command in COMMANDS.items():
        said = f":{name} {command.arguments}".strip()
        console.print(Text.assemble((f"  {said:<30}", "cyan"), command.help), soft_wrap=True)
    leave = Text.assemble((f"  {':quit':<30}", "cyan"), "leave, as Ctrl-D does")
    console.print(leave, soft_wrap=True)


COMMANDS: dict[str, Command] = {
    "open": Command(_open, "[2]", "the article of a citation, with the quoted words"),
    "search": Command(_search, "WORDS", "passages that match, without an answer"),
    "sources": Command(_sources, "", "the outlets of the archive"),
    "filters": Command(
        _filters, "[after:2020-03-01 …]", "which articles may answer from now on; or off"
    ),
    "save": Command(_save, "FILE", "the conversation, as Markdown or (.json) JSON"),
    "save!": Command(_save_over, "FILE", "the same, over a file that is there"),
    "sessions": Command(_sessions, "", "the conversations that are kept"),
    "resume": Command(_resume, "ID", "go on with one of them"),
    "new": Command(_new, "", "begin another one"),
    "up": Command(_up, "[COMMENT]", "the last answer is good"),
    "down": Command(_down, "[REASONS|COMMENT]", f"it is not: {', '.join(REASONS)}"),
    "help": Command(_help, "", "this list"),
}
_LEAVE = ("quit", "q", "exit")
WORDS = [f":{name}" for name in (*COMMANDS, _LEAVE[0])]
