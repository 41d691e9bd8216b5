"""An archive whose answers a test writes: for those that a real one does not give at will.

>>> play = ScriptedDateline(["It burned. ", "Nobody was hurt."])
>>> with bot_of(slack, play, tmp_path) as bot:
...     dispatch(bot, event_payload("app_mention", text=f"{HERE} who?"))
200
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from api.client import Dateline, Event
from api.schemas.answers import ChatAnswer
from api.schemas.events import Written
from api.schemas.sessions import Conversation, SessionMessage
from api.slack.app import Bot
from rag.catalog import open_engine
from rag.errors import InputError, NotFound
from rag.settings import Settings
from rag.types import Filters
from tests.slackbots import settings_of
from tests.slackserver import SlackServer

# A piece of text, the voiding of all before, an error, or what happens in between.
Step = str | None | Exception | Callable[[], object]
VOID = None


class ScriptedDateline:
    """Plays `steps` for each question; its answer is what is left of the text, or `answer`."""

    def __init__(self, steps: Sequence[Step], *, answer: str | None = None) -> None:
        self.steps = list(steps)
        self.answer = answer
        self.asked: list[dict[str, Any]] = []  # Any: arguments
        self.hung_up = 0
        self.rate_error: Exception | None = None
        self.session_error: Exception | None = None
        self.kept: dict[str, list[SessionMessage]] = {}
        # Conversations that another key began: they cannot be read, and their names are taken.
        self.foreign: set[str] = set()
        self._lock = threading.Lock()

    # As the client's, of which a bot uses these.

    def begin_session(self, session_id: str) -> None:
        if session_id in self.foreign:
            raise InputError(f"session id {session_id!r} is taken; choose another")
        with self._lock:
            self.kept.setdefault(session_id, [])

    def replace_key(self) -> None:
        """Let what was said so far be another key's."""
        with self._lock:
            self.foreign |= set(self.kept)
            self.kept.clear()

    def session(self, session_id: str) -> Conversation:
        if self.session_error:
            raise self.session_error
        if session_id not in self.kept:
            raise NotFound("no such session")
        now = datetime.now(UTC)
        return Conversation(
            id=session_id,
            title=None,
            created_at=now,
            updated_at=now,
            expires_at=now,
            messages=tuple(self.kept[session_id]),
        )

    def rate(self, *_: object, **__: object) -> None:
        if self.rate_error:
            raise self.rate_error

    def stream(self, question: str, **how: Any) -> Iterator[Event]:  # Any: as the client's
        self.asked.append({"question": question, **how})
        text, whole = "", False
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                if callable(step):
                    step()
                else:
                    text = "" if step is None else text + step
                    yield Written(text=step or "", replaces=step is None)
            answer = made(self.answer if self.answer is not None else text)
            self._keep(question, answer, how.get("session_id"))
            whole = True
            yield answer
        finally:
            self.hung_up += not whole

    def _keep(self, question: str, answer: ChatAnswer, session_id: str | None) -> None:
        message = SessionMessage(
            id=answer.id,
            question=question,
            filters=Filters(),
            created_at=answer.created_at,
            answer=answer,
            feedback=None,
        )
        self.kept.setdefault(session_id or "", []).append(message)


def made(text: str) -> ChatAnswer:
    """Return an answer of this text, without citations."""
    return ChatAnswer(
        id="msg_scripted",
        created_at=datetime.now(UTC),
        model="scripted",
        answer=text,
        answer_status="answered",
        confidence=0.9,
        standalone_question="who?",
        citations=(),
        sources=(),
        timings_ms={},
        index_fingerprint="0",
        request_id="req_1",
    )


@contextmanager
def bot_of(
    slack: SlackServer, play: ScriptedDateline, folder: Path, *, lease_s: float = 0.6, **more: Any
) -> Iterator[Bot]:
    """Yield a running bot that answers by the play, with its ledger in a folder."""
    engine = open_engine(f"sqlite:///{folder / 'ledger.sqlite3'}")
    settings = Settings(data_dir=folder, **settings_of(slack, **more))
    bot = Bot(settings, cast(Dateline, play), engine, lease_s=lease_s)
    bot.start()
    try:
        yield bot
    finally:
        bot.close()
        engine.dispose()
