"""Where a conversation is held: lines in, what they lead to out, on a terminal or through a pipe.

>>> Room(talk, is_typed=False).hear(["Who was blamed for the Taji attack?"])
0
"""

from __future__ import annotations

import shlex
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from api.terminal.talk import Talk
    from rag.errors import DatelineError
    from rag.types import Answer


class Room:
    """Where a conversation is held: takes lines, prints what they lead to."""

    def __init__(self, talk: Talk, *, is_typed: bool, no_color: bool = False) -> None:
        """Hold `talk`; `is_typed`: with somebody at a terminal."""
        from api.commands.render import terminal

        self._talk = talk
        self._is_typed = is_typed
        self._out: Console = terminal(no_color=no_color or None)
        self._err: Console = terminal(no_color=no_color or None, stderr=True)
        self._code = 0
        self._has_asked = False

    def enter(self, session_id: str | None, *, resume: bool) -> None:
        """Say what is asked here, and go on with the conversation that is wanted.

        Raises: DependencyError when the archive does not answer.
        """
        from api.terminal.words import show_resumed

        if self._is_typed:
            self._greet()
        if resume:
            last = next(self._talk.client.sessions(), None)
            session_id = last.id if last else None
            if last is None:
                self._err.print("no conversation is kept: a new one begins")
        if session_id is not None:
            is_there = self._talk.resume(session_id)
            if self._is_typed:
                show_resumed(self._out, self._talk, session_id, is_there=is_there)

    def hear(self, lines: Iterable[str]) -> int:
        """Do what the lines say until one says to leave; return the last question's exit code."""
        from api.terminal.words import obey
        from rag.errors import DatelineError

        for line in lines:
            if not line:
                continue
            try:
                if not line.startswith(":"):
                    self._ask(line)
                elif not obey(line, self._talk, self._out):
                    break
                if self._is_typed:
                    self._out.print()
            except DatelineError as exc:
                self._refuse(exc, is_question=not line.startswith(":"))
            except KeyboardInterrupt:
                if not self._is_typed:
                    raise
                self._err.print("stopped")
        return self._code

    def leave(self, command: str) -> None:
        """Say how the conversation goes on, if it does."""
        from rich.text import Text

        if self._has_asked and self._talk.session_id is not None:
            again = f"{command} --session {shlex.quote(self._talk.session_id)}"
            self._err.print(Text(f"this goes on with: {again}", "dim"), soft_wrap=True)

    def _greet(self) -> None:
        from rich.text import Text

        from api.remarks import counted

        outlets = self._talk.client.outlets()
        articles = sum(outlet.articles for outlet in outlets)
        about = f"{counted(articles, 'article')} of {counted(len(outlets), 'outlet')}"
        self._out.print(Text(f"{about} · :help · Ctrl-D leaves", "dim"))

    def _ask(self, question: str) -> None:
        self._code = 1
        answer = self._watched(question) if self._is_typed else self._awaited(question)
        if answer is None:
            return
        if not self._talk.is_kept and not self._talk.said:
            self._err.print("no conversations are kept there: this one lasts until you leave")
        self._has_asked = True
        self._code = 1 if answer.answer_status == "no_answer" else 0
        self._talk.heard(question, answer)

    def _watched(self, question: str) -> Answer | None:
        """Show the answer while it is written, then what it rests on."""
        from api.commands.render import show_citations, show_remarks
        from api.spoken import filters_text
        from api.terminal.writing import Writing

        writing = Writing(self._out, question)
        try:
            with closing(self._talk.ask(question)) as events:
                for event in events:
                    writing.take(event)
        finally:
            writing.leave()
        if writing.answer is not None:
            words = filters_text(self._talk.filters)
            show_citations(self._out, writing.answer)
            show_remarks(self._out, writing.answer, besides=words and f" · only {words}")
        return writing.answer

    def _awaited(self, question: str) -> Answer | None:
        """Print the answer when it is there; what became void on the way was never printed."""
        from api.commands.render import show_answer
        from rag.types import Answer

        with closing(self._talk.ask(question)) as events:
            for event in events:
                if isinstance(event, Answer):
                    if self._has_asked:
                        self._out.print()
                    show_answer(self._out, question, event)
                    return event
        return None

    def _refuse(self, exc: DatelineError, *, is_question: bool) -> None:
        from rich.text import Text

        from api.commands.render import shown
        from rag.errors import DependencyError

        self._err.print(Text(shown(str(exc)), "red"), soft_wrap=True)
        if is_question:
            self._code = 3 if isinstance(exc, DependencyError) else 2
