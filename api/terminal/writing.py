"""An answer on a terminal while it is being written, broken between words.

>>> with Writing(console) as writing:
...     for event in talk.ask("Who was blamed for the Taji attack?"):
...         writing.take(event)

Nothing that stands is taken back, as a terminal may have scrolled: what has become void is called
so, and the text begins anew below.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from api.commands.render import shown
from api.remarks import counted
from api.schemas.events import Retrieved, Started, Written
from rag.types import Answer, Citation

if TYPE_CHECKING:
    from rich.console import Console

    from api.client import Event

_PIECE = re.compile(r"\n|[^\S\n]+|\S+")
_MARKER = r"\[\d+\]"
_ERASED = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class Writing:
    """Prints the events of one answer as they come."""

    def __init__(self, console: Console, question: str) -> None:
        """Write on `console`, which is a terminal."""
        self.answer: Answer | None = None
        self._console = console
        self._question = question
        self._text = ""
        self._column = 0
        self._space = ""
        self._is_cited = False
        self._waits = False
        self._wait("searching the archive…")

    def take(self, event: Event) -> None:
        """Show what has come."""
        if isinstance(event, Started):
            self._understood(event.standalone_question)
        elif isinstance(event, Retrieved):
            outlets = counted(len({one.source for one in event.passages}), "outlet")
            self._wait(f"reading {counted(len(event.passages), 'passage')} of {outlets}…")
        elif isinstance(event, Citation):
            self._is_cited = True
        elif isinstance(event, Written):
            self._write(event)
        else:
            self._end(event)

    def leave(self) -> None:
        """Be at the start of a line, with nothing that says to wait."""
        self._done_waiting()
        if self._column:
            self._console.print()
        self._column, self._space = 0, ""

    def _understood(self, standalone: str) -> None:
        if standalone != self._question:
            self._done_waiting()
            self._console.print(Text(shown(f"understood as: {standalone}"), "dim"))

    def _write(self, piece: Written) -> None:
        if piece.replaces:
            self._void()
        if piece.text:
            self._done_waiting()
            self._put(piece.text)

    def _void(self) -> None:
        stood, self._text, self._is_cited = self._text, "", False
        self.leave()
        if stood.strip():
            self._console.print(Text("↑ void: the answer is written anew", "yellow"))

    def _end(self, answer: Answer) -> None:
        self.answer = answer
        self._is_cited = bool(answer.citations)
        if self._text.strip() != answer.answer.strip():
            self._void()
            self._done_waiting()
            self._put(answer.answer)
        self.leave()

    def _put(self, text: str) -> None:
        self._text += text
        laid = "".join(self._broken(piece) for piece in _PIECE.findall(shown(text)))
        written = Text(laid, "green" if self._is_cited else "yellow")
        written.highlight_regex(_MARKER, "cyan")
        # A word that is wider than the terminal is broken by it.
        self._console.print(written, end="", soft_wrap=True)

    def _broken(self, piece: str) -> str:
        """Return a word with the space, or the end of a line, that comes before it."""
        if piece.isspace():
            self._space = "\n" if "\n" in (self._space, piece) else " "
            return ""
        wide, space, self._space = cell_len(piece), self._space, ""
        if space == " " and self._column + 1 + wide > self._console.width:
            space = "\n"
        if not self._column:
            space = ""
        self._column = wide if space == "\n" else self._column + len(space) + wide
        return space + piece

    def _wait(self, why: str) -> None:
        self._done_waiting()
        if self._console.is_terminal and not self._console.is_dumb_terminal and not self._column:
            # In one line, because one line is taken back.
            self._console.print(Text(why, "dim"), end="", no_wrap=True, overflow="ellipsis")
            self._waits = True

    def _done_waiting(self) -> None:
        if self._waits:
            self._console.control(_ERASED)
            self._waits = False
