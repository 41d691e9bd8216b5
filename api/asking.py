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

from opentelemetry.trace import INVALID_SPAN, Span, Tracer

from api.auth import Caller
from api.stores.sessions import Sessions
from rag.answer import Answerer
from rag.stages import program_tracer, within
from rag.types import Answer, Delta, Evidence, Question


class Asked(NamedTuple):
    """A question with all that its answer is made of; nothing is written yet.

    `begun` is the answer without a language model; its id is that of the answer to come.
    """

    evidence: Evidence
    begun: Answer
    caller: Caller
    span: Span = INVALID_SPAN


class Stopped(Exception):
    """Nobody waits for the answer any more; it was neither finished nor kept."""


class Desk:
    """Holds the answerer and the conversations; safe to call from several threads."""

    def __init__(
        self, answerer: Answerer, sessions: Sessions, *, tracer: Tracer | None = None
    ) -> None:
        """Answer with `answerer`, and keep what was said in `sessions`."""
        self._tracer = tracer or program_tracer()
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
        stop: threading.Event | None = None,
    ) -> Asked:
        """Find the evidence; all that can fail has failed behind this.

        In a conversation the turns before are the question's history, unless it has its own.
        Raises: NotFound when the caller has no such session, Stopped when `stop` was set meanwhile.
        """
        if session_id is not None:
            turns = self._sessions.turns(session_id, caller, now=now)
            question = question.model_copy(update={"history": question.history or turns})
        asking = self._tracer.start_span("dateline.question", attributes=_asked(question))
        with within(asking, last=False) as span:
            evidence = self._answerer.prepare(question, now=now, stop=stop)
        if stop is not None and stop.is_set():
            span.end()
            raise Stopped
        with within(span, last=False):
            begun = self._answerer.begin(evidence, now=now, request_id=request_id)
        begun = begun.model_copy(update={"session_id": session_id})
        return Asked(evidence, begun, caller, span)

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
        span = asked.span
        if not span.is_recording():  # what is made again has a span of its own
            span = self._tracer.start_span("dateline.question")
        try:
            events = self._answerer.stream(asked.begun, asked.evidence, stop=stop)
            for event in _made_within(span, events):
                if stop is not None and stop.is_set():
                    raise Stopped
                if isinstance(event, Answer):
                    span.set_attributes(_answered(event, asked.evidence))
                    with within(span, last=False):
                        self._sessions.save(asked.evidence, event, asked.caller)
                yield event
        finally:
            if span.is_recording():
                span.end()


def _made_within(span: Span, events: Iterator[Delta | Answer]) -> Iterator[Delta | Answer]:
    """Yield the events, each made inside of `span` and given outside.

    A generator that is left in the middle is closed anywhere, where its context is not the one to
    go back to.
    """
    while True:
        with within(span, last=False):
            event = next(events, None)
        if event is None:
            return
        yield event


def _asked(question: Question) -> dict[str, str | int | bool]:
    return {
        "dateline.mode": question.mode,
        "dateline.top_k": question.top_k,
        "dateline.turns": len(question.history),
        "dateline.filtered": not question.filters.is_empty(),
    }


def _answered(answer: Answer, evidence: Evidence) -> dict[str, str | int | float]:
    return {
        "dateline.message_id": answer.id,
        "dateline.model": answer.model,
        "dateline.answer_status": answer.answer_status,
        "dateline.abstain_reason": answer.abstain_reason or "",
        "dateline.confidence": answer.confidence,
        "dateline.passages": len(evidence.hits),
        "dateline.citations": len(answer.citations),
        "dateline.index_fingerprint": answer.index_fingerprint,
    }
