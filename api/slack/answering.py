"""One message to its answer in Slack: conversation, filters, the archive's events, the reply.

>>> Answering(dateline, ledger, workspaces, connect, others).answer(taken, stop)
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPException
from typing import NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from api.client import Dateline
from api.schemas.events import Written
from api.slack import mrkdwn, words
from api.slack.events import Ask, Us
from api.slack.log import note, note_failure, warn
from api.slack.reply import Reply, StoppedByUser
from api.slack.store import Ledger, Taken
from api.slack.threads import Threads, written_after
from api.slack.web import is_gone, refusal, wait_s
from api.slack.workspaces import Place, Workspace, Workspaces
from api.spoken import filters_text
from rag.errors import DatelineError, DependencyError, NotFound
from rag.types import Answer, Filters, Turn

# Nobody waits for an answer any longer than that.
_LONGEST = timedelta(minutes=15)
_MOST_ATTEMPTS = 10
_UNREACHED_S = 5.0
_UNDECIDED_S = 20.0
# Whoever does not answer is asked less and less often: so the attempts outlast minutes.
_LONGEST_PAUSE_S = 60.0
# The archive's clock may be another machine's, and Slack's is.
_SKEW = timedelta(minutes=1)


class Undecided(Exception):
    """The archive does not say whether a thread is ours: better silent than in somebody's way."""


class Interrupted(Exception):
    """The bot is being stopped; whoever starts next takes it up."""


class Job(NamedTuple):
    """A message with what it is answered by."""

    taken: Taken
    workspace: Workspace
    slack: WebClient
    reply: Reply
    stop: threading.Event


class Asking(NamedTuple):
    """A question as the archive gets it."""

    question: str
    session_id: str | None
    history: tuple[Turn, ...]
    filters: Filters


Outcome = dict[str, object]


class Answering:
    """Answers what was taken from the ledger; safe to use from several threads."""

    def __init__(
        self,
        dateline: Dateline,
        ledger: Ledger,
        workspaces: Workspaces,
        connect: Callable[[str], WebClient],
        others: Callable[[str], Sequence[Place]],
    ) -> None:
        """Answer from `dateline`, speaking to Slack by what `connect` makes of a token.

        Args: others: returns where the bot is besides a workspace.
        """
        self._dateline = dateline
        self._ledger = ledger
        self._workspaces = workspaces
        self._connect = connect
        self._others = others
        self._threads = Threads(dateline)

    def answer(self, taken: Taken, stop: threading.Event) -> None:
        """Answer, and leave the ledger as it is then: done, or put back for later.

        Raises: TakenOver, DependencyError (of the ledger).
        """
        began = time.perf_counter()
        try:
            outcome = self._outcome(taken, stop)
            self._ledger.done(taken)
        except Interrupted:
            self._ledger.put_back(taken, due=datetime.now(UTC), counts=False)
            outcome = {"outcome": "interrupted"}
        except Undecided:
            outcome = self._later(taken, _UNDECIDED_S, "the archive does not answer")
        except SlackApiError as exc:
            outcome = self._refused(taken, exc)
        except (OSError, HTTPException) as exc:
            outcome = self._later(taken, _UNREACHED_S, type(exc).__name__)
        ask = taken.ask
        ids = {"team": ask.team, "channel": ask.channel, "ts": ask.ts, "kind": ask.kind}
        elapsed_ms = round((time.perf_counter() - began) * 1_000, 1)
        note("message", **ids, attempt=taken.attempts, ms=elapsed_ms, **outcome)

    def _outcome(self, taken: Taken, stop: threading.Event) -> Outcome:
        workspace = self._workspaces.find(taken.ask.team, taken.ask.enterprise)
        if workspace is None:
            return {"outcome": "no workspace"}
        slack = self._connect(workspace.token)
        noted = partial(self._ledger.note_begun, taken)
        try:
            lost = partial(self._lost, taken, slack, workspace.us)
            reply = Reply(slack, taken.ask, noted, taken.begun, lost)
            return self._told(Job(taken, workspace, slack, reply, stop))
        except StoppedByUser:
            return {"outcome": "stopped by its reader"}

    def _lost(self, taken: Taken, slack: WebClient, us: Us) -> Sequence[str]:
        """Return what an earlier attempt wrote into the thread without hearing that it did.

        Nobody else writes there as the bot, so it is what no message is remembered to have got.
        Slack may tell of a message days later: older answers are remembered no more.
        """
        if taken.attempts == 1:
            return ()
        came_s = (taken.created_at - _SKEW).timestamp()
        known = self._ledger.replies(taken.ask.channel)
        written = [ts for ts in written_after(slack, taken.ask, us) if float(ts) > came_s]
        return [ts for ts in written if ts not in known]

    def _told(self, job: Job) -> Outcome:
        """Answer, or say why not."""
        try:
            return self._replied(job)
        except DatelineError as exc:
            if job.stop.is_set():
                # An archive in this process goes away with it.
                raise Interrupted from exc
            if not isinstance(exc, NotFound | DependencyError):
                note_failure("an answer failed", exc)
            job.reply.say(words.failure(exc))
            return {"outcome": "failed", "error_code": exc.code}

    def _replied(self, job: Job) -> Outcome:
        ask, begun = job.taken.ask, job.taken.begun
        age = datetime.now(UTC) - job.taken.created_at
        if age > _LONGEST or job.taken.attempts > _MOST_ATTEMPTS:
            if begun or ask.kind != "thread":
                job.reply.say(words.INTERRUPTED)
            return {"outcome": "given up"}
        question = mrkdwn.unescape(ask.text).strip()
        if ask.kind == "thread" and not begun and not (question and self._is_ours(ask)):
            is_theirs = question and self._handed_over(job.taken)
            return {"outcome": "handed over" if is_theirs else "not ours"}
        if not question:
            if ask.kind == "mention" and ask.opens_thread:
                # Whoever is helped asks below, and need not mention the bot again.
                self._threads.opened(job.slack, ask, job.workspace.us)
            job.reply.say(words.HELP)
            return {"outcome": "helped"}
        session_id, history = self._threads.opened(job.slack, ask, job.workspace.us)
        filters = self._ledger.filters(ask.team, ask.channel)
        asking = Asking(question, session_id, history, filters)
        answer = self._given_before(job.taken, asking) or self._written(job, asking)
        kept = session_id is not None
        job.reply.finish(answer, filters_text(filters), asking.question, kept=kept)
        return {
            "outcome": "answered",
            "message_id": answer.id,
            "answer_status": answer.answer_status,
            "citations": len(answer.citations),
        }

    def _is_ours(self, ask: Ask) -> bool:
        try:
            return self._threads.is_ours(ask)
        except DatelineError as exc:
            raise Undecided from exc

    def _handed_over(self, taken: Taken) -> bool:
        """Leave a message to the company that asked the bot in the thread; return whether one did.

        Slack told of it by another one, to which the thread is nothing.
        """
        for place in self._others(taken.ask.team) if taken.ask.shared else ():
            theirs = taken.ask.model_copy(update=place._asdict())
            if self._is_ours(theirs):
                self._ledger.keep(theirs, now=taken.created_at)
                return True
        return False

    def _given_before(self, taken: Taken, asking: Asking) -> Answer | None:
        """Return the answer if the archive gave it before an earlier attempt died."""
        is_first = taken.attempts == 1 and taken.begun is None
        if is_first or asking.session_id is None:
            return None
        for message in reversed(self._dateline.session(asking.session_id).messages):
            is_this = message.question == asking.question
            if is_this and message.created_at >= taken.created_at - _SKEW:
                return message.answer
        return None

    def _written(self, job: Job, asking: Asking) -> Answer:
        """Return the answer, shown while it was written. Raises Interrupted."""
        events = self._dateline.stream(
            asking.question,
            session_id=asking.session_id,
            history=asking.history,
            filters=asking.filters,
        )
        # Closing it hangs up, which stops the work on an answer that nobody waits for.
        with closing(events) as stream:
            for event in stream:
                if isinstance(event, Answer):
                    return event
                if job.stop.is_set():
                    raise Interrupted
                if isinstance(event, Written):
                    if event.replaces:
                        job.reply.void()
                    job.reply.add(event.text)
        raise DependencyError("the stream of an answer ended without the answer")

    def _refused(self, taken: Taken, exc: SlackApiError) -> Outcome:
        """Leave a message that Slack takes no answer to: for good, or for some seconds."""
        why = refusal(exc)
        if is_gone(exc):
            self._workspaces.forget(taken.ask.team, taken.ask.enterprise)
            self._ledger.give_up(taken.ask.team)
            return {"outcome": "token gone", "why": why}
        seconds = wait_s(exc)
        if seconds is not None:
            return self._later(taken, seconds, why)
        self._ledger.done(taken)
        warn("Slack takes no answer", channel=taken.ask.channel, why=why)
        return {"outcome": "refused", "why": why}

    def _later(self, taken: Taken, seconds: float, why: str) -> Outcome:
        pause = timedelta(seconds=max(seconds, min(2.0**taken.attempts, _LONGEST_PAUSE_S)))
        self._ledger.put_back(taken, due=datetime.now(UTC) + pause)
        return {"outcome": "put back", "why": why}
