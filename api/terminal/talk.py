"""A conversation as its reader has it: begun when something is asked, and what was said so far.

>>> talk = Talk(client)
>>> for event in talk.ask("Who was blamed for the Taji attack?"): ...
>>> talk.heard("Who was blamed for the Taji attack?", event)
>>> talk.session_id
'ses_5f0c'

A server that keeps no conversations is sent what was said before with every question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rag.errors import InputError, NotFound
from rag.types import Filters, Turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from api.client import Dateline, Event
    from rag.types import Answer

# Follow-ups are completed from no more.
_TURNS = 10


class Said(NamedTuple):
    """A question and its answer; None: an article that it quoted was deleted."""

    question: str
    filters: Filters
    answer: Answer | None


class Talk:
    """Holds where a conversation stands; nothing is printed here."""

    def __init__(self, client: Dateline, *, filters: Filters | None = None) -> None:
        """Speak through `client`; only articles that pass `filters` may answer."""
        self.client = client
        self.filters = filters or Filters()
        self.session_id: str | None = None
        self.is_kept = True
        self.said: list[Said] = []
        self._wanted_id: str | None = None

    @property
    def last(self) -> Answer | None:
        """The answer that stands above the prompt."""
        return self.said[-1].answer if self.said else None

    def ask(self, question: str) -> Generator[Event, None, None]:
        """Yield the events of the answer; closing this stops the work on it.

        Raises: what the client raises. After NotFound the next question begins anew.
        """
        self._begin()
        try:
            yield from self.client.stream(
                question,
                session_id=self.session_id,
                history=() if self.is_kept else self._turns(),
                filters=self.filters,
            )
        except NotFound:
            self.session_id = None
            raise

    def heard(self, question: str, answer: Answer) -> None:
        """Note what was said."""
        self.said.append(Said(question, self.filters, answer))

    def resume(self, session_id: str) -> bool:
        """Go on with the conversation of this id; return whether there is one.

        Where there is none, the next question begins it.
        """
        try:
            found = self.client.session(session_id)
        except NotFound:
            found = None
        # Not before: whoever mistypes an id, or is not answered, is still where he was.
        self.new()
        self._wanted_id = session_id
        if found is None:
            return False
        self.session_id = found.id
        self.said = [Said(one.question, one.filters, one.answer) for one in found.messages]
        return True

    def new(self) -> None:
        """Let the next question begin another conversation."""
        self.session_id, self.said, self._wanted_id = None, [], None

    def _begin(self) -> None:
        if self.session_id is not None or not self.is_kept:
            return
        try:
            self.session_id = self.client.begin_session(self._wanted_id).id
        except InputError:
            if self._wanted_id is not None and self._keeps_any():
                raise
            self.is_kept = False

    def _keeps_any(self) -> bool:
        """Return whether the server keeps conversations, and refused only the id."""
        try:
            begun = self.client.begin_session()
        except InputError:
            return False
        self.client.delete_session(begun.id)
        return True

    def _turns(self) -> tuple[Turn, ...]:
        turns = []
        for one in self.said[-_TURNS:]:
            # The short answer says what "he" and "there" mean.
            told = one.answer and (one.answer.short_answer or one.answer.answer)
            turns.append(Turn(question=one.question, answer=told))
        return tuple(turns)
