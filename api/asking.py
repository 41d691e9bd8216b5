"""A question from any front door to its answer: with its conversation, within limits, kept.

>>> desk = Desk(answerer, sessions)
>>> asked = desk.prepare(Question(text="and when?"), caller, session_id="ses_1", now=now)
>>> desk.complete(asked).session_id
'ses_1'

The HTTP API, the OpenAI routes, Slack and the command line ask here and nowhere else.
"""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from api.auth import Caller
from api.sessions import Sessions
from rag.answer import Answerer
from rag.types import Answer, Delta, Evidence, Question


class Asked(NamedTuple):
    """A question with all that its answer is made of; nothing is written yet.

    `begun` is the answer without a language model; its id is that of the answer to come.
    """

    evidence: Evidence
    begun: Answer
    caller: Caller


class Stopped(Exception):
    """Nobody waits for the answer any more; it was neither finished nor kept."""


class Desk:
    """Holds the answerer and the conversations; safe to call from several threads."""

    def __init__(self, answerer: Answerer, sessions: Sessions) -> None:
        """Answer with `answerer`, and keep what was said in `sessions`."""
        self._answerer = answerer
        self._sessions = sessions

    @property
    def model(self) -> str:
        """Who writes the answers."""
        return self._answerer.model

    def prepare(
        self,
        question: Question,
        caller: Caller,
        *,
        now: datetime,
        session_id: str | None = None,
        request_id: str | None = None,
    ) -> Asked:
        """Find the evidence; all that can fail has failed behind this.

        In a conversation the turns before are the question's history, unless it has its own.
        Raises: NotFound when the caller has no such session.
        """
        if session_id is not None:
            turns = self._sessions.turns(session_id, caller, now=now)
            question = question.model_copy(update={"history": question.history or turns})
        evidence = self._answerer.prepare(question, now=now)
        begun = self._answerer.begin(evidence, now=now, request_id=request_id)
        return Asked(evidence, begun.model_copy(update={"session_id": session_id}), caller)

    def complete(self, asked: Asked, *, stop: threading.Event | None = None) -> Answer:
        """Return the answer, kept. Raises Stopped when `stop` was set before there was one."""
        *_, answer = self.stream(asked, stop=stop)
        if not isinstance(answer, Answer):
            raise TypeError(f"a stream ends with its answer, not {answer!r}")
        return answer

    def stream(
        self, asked: Asked, *, stop: threading.Event | None = None
    ) -> Iterator[Delta | Answer]:
        """Yield the text as it is written, and last the answer object, kept by then.

        Raises: Stopped when `stop` was set before it was whole.
        """
        for event in self._answerer.stream(asked.begun, asked.evidence, stop=stop):
            if stop is not None and stop.is_set():
                raise Stopped
            if isinstance(event, Answer):
                self._sessions.save(asked.evidence, event, asked.caller)
            yield event
