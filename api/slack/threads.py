"""What a thread is to the archive: a conversation, and what people said before the bot was asked.

>>> Threads(dateline).opened(slack, ask, us)
(Turn(question='Rockets hit Camp Taji on Wednesday.', answer=None),)
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from api.client import Dateline
from api.schemas.sessions import Conversation
from api.slack import mrkdwn
from api.slack.events import Ask, Us, words_after_mention
from api.slack.log import note
from api.slack.web import is_gone, refusal
from rag.errors import InputError, NotFound
from rag.types import Turn

# Follow-ups are completed from no more; of a longer thread the end counts.
_MESSAGES = 10
_CHARS = 4_000
_PAGE = 200
_MOST_PAGES = 5
_ABSENT_S = 30.0
_MOST_ABSENT = 2_000


class Threads:
    """Knows which threads are conversations; safe to use from several threads."""

    def __init__(self, dateline: Dateline) -> None:
        """Ask `dateline`."""
        self._dateline = dateline
        # In a busy channel every message of every thread would be asked about.
        self._absent: OrderedDict[str, float] = OrderedDict()

    def is_ours(self, ask: Ask) -> bool:
        """Return whether the bot answers in the thread of `ask` without being mentioned."""
        found_s = self._absent.get(ask.session_ids[0])
        if found_s is not None and time.monotonic() - found_s < _ABSENT_S:
            return False
        return self._conversation(ask) is not None

    def opened(self, slack: WebClient, ask: Ask, us: Us) -> tuple[str | None, tuple[Turn, ...]]:
        """Return the conversation of the thread, and what was said in the thread before it began.

        None where the server keeps no conversations. Raises what the client does.
        """
        begun = None if ask.opens_thread else self._conversation(ask)
        # One without an answer was begun by an attempt that failed: the thread is all there is.
        if begun is not None and begun.messages:
            return begun.id, ()
        return self._begun(ask), self._said(slack, ask, us)

    def _begun(self, ask: Ask) -> str | None:
        for named in ask.session_ids:
            # It is another key's, or the server keeps none at all.
            with suppress(InputError):
                self._dateline.begin_session(named)
                self._absent.pop(ask.session_ids[0], None)
                return named
        return None

    def _conversation(self, ask: Ask) -> Conversation | None:
        first = ask.session_ids[0]
        for named in ask.session_ids:
            with suppress(NotFound):
                found = self._dateline.session(named)
                self._absent.pop(first, None)
                return found
        self._absent[first] = time.monotonic()
        while len(self._absent) > _MOST_ABSENT:
            self._absent.popitem(last=False)
        return None

    def _said(self, slack: WebClient, ask: Ask, us: Us) -> tuple[Turn, ...]:
        if ask.opens_thread:
            return ()
        messages: list[dict[str, Any]] = []
        try:
            # One after the other: those before an error stay.
            messages.extend(_before(slack, ask))
        except SlackApiError as exc:
            _bear(exc, ask)
        theirs = (str(one.get("text") or "") for one in messages if _is_theirs(one, us))
        spoken = (words_after_mention(text, us.user_id) for text in theirs)
        words = [mrkdwn.unescape(text)[:_CHARS].strip() for text in spoken]
        return tuple(Turn(question=text) for text in words if text)[-_MESSAGES:]


def written_after(slack: WebClient, ask: Ask, us: Us) -> list[str]:
    """Return the ts of what the bot has written into the thread since `ask`, oldest first."""
    found: list[str] = []
    try:
        later = (one for one in _replies(slack, ask, oldest=ask.ts) if _is_ours(one, us))
        found.extend(one["ts"] for one in later if float(one["ts"]) > float(ask.ts))
    except SlackApiError as exc:
        _bear(exc, ask)
    return found


# Any below: messages as Slack sends them.
def _before(slack: WebClient, ask: Ask) -> Iterator[dict[str, Any]]:
    """Yield the messages of the thread that came before the question, oldest first."""
    found = _replies(slack, ask, latest=ask.ts)
    yield from (one for one in found if float(one["ts"]) < float(ask.ts))


def _replies(
    slack: WebClient, ask: Ask, *, oldest: str | None = None, latest: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the messages of the thread, oldest first; Slack adds the one that opens it."""
    cursor = None
    for _ in range(_MOST_PAGES):
        page = slack.conversations_replies(
            channel=ask.channel,
            ts=ask.thread_ts,
            inclusive=False,
            oldest=oldest,
            latest=latest,
            limit=_PAGE,
            cursor=cursor,
        )
        yield from page["messages"] or ()
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


def _bear(exc: SlackApiError, ask: Ask) -> None:
    if is_gone(exc):
        raise exc
    # Without the scope, or too often: what came before that is better than nothing. Apps
    # that are distributed outside of Slack's Marketplace get 15 messages a minute.
    note("the thread cannot be read", channel=ask.channel, ts=ask.ts, why=refusal(exc))


def _is_theirs(message: dict[str, Any], us: Us) -> bool:
    # What was deleted leaves “This message was deleted.” where others replied to it.
    return not message.get("hidden") and not _is_ours(message, us)


def _is_ours(message: dict[str, Any], us: Us) -> bool:
    ours = {us.user_id, us.bot_id} - {None}
    return message.get("user") in ours or message.get("bot_id") in ours
