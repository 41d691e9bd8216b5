"""An answer as server-sent events: made in a thread, sent as it comes, taken up again if cut off.

>>> run = Run(services.desk, asked, rendered)
>>> run.start(turn)
>>> async for chunk in run.follow(after=0):
...     send(chunk)

The events are kept, so that a slow reader holds up no answer, and a reader whose connection broke
gets the rest by `Last-Event-ID`. When nobody reads any more the work stops; taken up again, it goes
on from the same evidence, and the text that was sent before is void.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack
from typing import Literal, NamedTuple, Protocol

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.asking import Asked, Desk, Stopped
from api.guards.admission import Admission
from api.schemas.answers import FoundPassage
from api.schemas.events import Done, Retrieved, Started, Written
from rag.types import Answer, Evidence

# A proxy that collects a reply before it passes it on would undo the streaming.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE_S = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"
# So many, so large and so old can be taken up again; an answer with its passages is some 30 kB.
_MOST_RUNS = 256
_MOST_BYTES = 64_000_000
_KEPT_S = 600.0


class Rendering(Protocol):
    """How the parts of a stream look that depend on its request."""

    def ended(self, answer: Answer, evidence: Evidence) -> BaseModel:
        """Return the answer as it is sent, and note that it was given."""
        ...

    def failed(self, exc: Exception) -> BaseModel:
        """Return the problem as it is sent, and note what happened."""
        ...


class Event(NamedTuple):
    """One event before it has its number."""

    name: str
    data: BaseModel


class Making:
    """Makes the events of one answer, in a thread of its own."""

    def __init__(self, desk: Desk, asked: Asked, rendering: Rendering) -> None:
        """Prepare to make the answer to `asked`."""
        self._desk = desk
        self._asked = asked
        self._rendering = rendering
        self._has_begun = False
        self._has_text = False

    def events(self, stop: threading.Event) -> Iterator[Event]:
        """Yield the events; a second time those that are left. Raises Stopped when `stop` is set.

        What an interrupted attempt wrote is void.
        """
        if not self._has_begun:
            self._has_begun = True
            yield from self._opening()
        try:
            yield from self._writing(stop)
        except Stopped:
            raise
        except Exception as exc:  # the status is sent: what happened can only be said in the stream
            yield Event("error", self._rendering.failed(exc))
        yield Event("done", Done())

    def _opening(self) -> Iterator[Event]:
        begun, evidence = self._asked.begun, self._asked.evidence
        started = Started(
            model=self._desk.model,
            **begun.model_dump(
                include={"id", "session_id", "created_at", "standalone_question", "request_id"}
            ),
        )
        yield Event("message.start", started)
        passages = tuple(FoundPassage.of(hit, scores=True) for hit in evidence.hits)
        yield Event("retrieval", Retrieved(passages=passages))

    def _writing(self, stop: threading.Event) -> Iterator[Event]:
        is_void = self._has_text
        for event in self._desk.stream(self._asked, stop=stop):
            if isinstance(event, Answer):
                yield Event("message.end", self._rendering.ended(event, self._asked.evidence))
                continue
            if event.replaces or is_void:
                # A citation behind this belongs to the new text.
                yield Event("message.delta", Written(text="", replaces=True))
            is_void, self._has_text = False, True
            yield from (Event("citation", citation) for citation in event.citations)
            yield Event("message.delta", Written(text=event.text, replaces=False))


class Run:
    """One answer in the making, and its events so far; used from one event loop."""

    def __init__(self, desk: Desk, asked: Asked, rendering: Rendering) -> None:
        """Prepare to make the answer to `asked`."""
        self.id = asked.begun.id
        self.session_id = asked.begun.session_id
        self.caller = asked.caller
        self.size_bytes = 0
        self.article_ids = frozenset(hit.article.article_id for hit in asked.evidence.hits)
        # Let go of when it is finished: evidence is much larger than its events.
        self._making: Making | None = Making(desk, asked, rendering)
        self._events: list[bytes] = []
        self._readers: set[asyncio.Event] = set()
        self._loop = asyncio.get_running_loop()
        self.begun_s = time.monotonic()
        self._stop = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self.state: Literal["new", "running", "interrupted", "finished"] = "new"

    def start(self, turn: AsyncExitStack) -> None:
        """Begin, or go on after an interruption; `turn` is given back when the work is done."""
        self._stop = threading.Event()
        self._task = asyncio.create_task(self._work(turn))
        self.state = "running"

    async def take_up(self, admission: Admission) -> None:
        """Go on if the work was stopped. Raises Busy."""
        if self._stop.is_set() and self._task is not None:
            await asyncio.shield(self._task)
        if self.state != "interrupted":
            return
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(admission.turn())
            # Another reader may have been quicker.
            if self.state == "interrupted":
                self.start(turn.pop_all())

    def follow(self, *, after: int) -> AsyncIterator[bytes]:
        """Yield the events behind number `after`, as they come, until the last one."""
        news = asyncio.Event()
        # At once, not with the first step: another reader may leave in between.
        self._readers.add(news)
        return self._followed(news, after)

    async def _followed(self, news: asyncio.Event, sent: int) -> AsyncIterator[bytes]:
        try:
            while True:
                news.clear()
                while sent < len(self._events):
                    yield self._events[sent]
                    sent += 1
                if self.state != "running":
                    return
                try:
                    await asyncio.wait_for(news.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield _KEEP_ALIVE
        finally:
            self._readers.discard(news)
            if not self._readers:
                self._stop.set()

    async def close(self) -> None:
        """Stop the work and wait until it has."""
        self._stop.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _work(self, turn: AsyncExitStack) -> None:
        interrupted = False
        try:
            async with turn:
                await run_in_threadpool(self._make)
        except Stopped:
            interrupted = True
        finally:
            # Whatever happened, no reader waits for more.
            self.state = "interrupted" if interrupted else "finished"
            self._making = self._making if interrupted else None
            self._tell()

    def _make(self) -> None:
        """Add the events, in a thread of its own."""
        for event in self._making.events(self._stop) if self._making else ():
            number = str(len(self._events) + 1)
            data = event.data.model_dump_json()
            chunk = format_sse_event(data_str=data, event=event.name, id=number)
            self._events.append(chunk)
            self.size_bytes += len(chunk)
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for news in self._readers:
            news.set()


class Streams:
    """The answers that can be taken up again: the last ones that were begun."""

    def __init__(self) -> None:
        """Begin with none."""
        self._runs: dict[str, Run] = {}
        # Forgotten, but at work until they notice.
        self._leaving: set[Run] = set()

    def add(self, run: Run) -> None:
        """Remember a run, and forget the oldest while there are too many, or too much in them."""
        self._runs[run.id] = run
        self._leaving = {one for one in self._leaving if one.state == "running"}
        kept = list(self._runs.values())
        size = sum(one.size_bytes for one in kept)
        for number, one in enumerate(kept):
            few = len(kept) - number <= _MOST_RUNS and size <= _MOST_BYTES
            if few and not self._is_old(one, run.begun_s):
                return
            if one.state != "running":
                size -= one.size_bytes
                self._forget(one)

    def get(self, message_id: str) -> Run | None:
        """Return the run that makes this answer, unless it is too old."""
        run = self._runs.get(message_id)
        return None if run is None or self._is_old(run, time.monotonic()) else run

    def forget_articles(self, article_ids: Collection[str]) -> None:
        """Forget the answers that hold words of these articles."""
        gone = set(article_ids)
        for run in list(self._runs.values()):
            if gone & run.article_ids:
                self._forget(run)

    def forget_session(self, session_id: str) -> None:
        """Forget the answers of this conversation."""
        for run in list(self._runs.values()):
            if run.session_id == session_id:
                self._forget(run)

    async def close(self) -> None:
        """Stop what is being made."""
        await asyncio.gather(*(run.close() for run in [*self._runs.values(), *self._leaving]))

    def _forget(self, run: Run) -> None:
        # Several threads may forget the same one.
        self._runs.pop(run.id, None)
        self._leaving.add(run)

    def _is_old(self, run: Run, now_s: float) -> bool:
        return run.state != "running" and now_s - run.begun_s > _KEPT_S
