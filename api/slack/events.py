"""What an event of Slack's means: something to answer, or the reason to leave it alone.

>>> asked_in(payload, us).text  # of "<@U0DATELINE> who was blamed?"
'who was blamed?'

Pure: whether a thread is one of ours is found out later, by whoever answers. The words keep Slack's
escapes and mentions until then.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from rag.types import Value

# How somebody is addressed: <@U123> or <@U123|anna>.
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
# Groups are addressed as people are: <!subteam^S123|@editors>, <!here>.
_GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)[^>]*>")
# With words in them, these are messages like any other.
_SPOKEN = (None, "thread_broadcast", "file_share")
_LONGEST_ID = 64
_DIRECT = "im"

Kind = Literal["mention", "direct", "thread", "command"]
Ignored = Literal[
    "another event",
    "edit or delete",
    "subtype",
    "bot",
    "self",
    "comes as a message",
    "to somebody else",
    "not in a thread",
    "incomplete",
]


class Us(NamedTuple):
    """Who the bot is in a workspace."""

    user_id: str | None
    bot_id: str | None


class Ask(Value):
    """A message that may have to be answered, and where."""

    team: str
    enterprise: str | None = None
    channel: str
    ts: str
    type: str
    kind: Kind
    thread_ts: str
    user: str
    user_team: str
    text: str
    shared: bool = False

    @property
    def opens_thread(self) -> bool:
        """Whether nothing was said in the thread before."""
        return self.ts == self.thread_ts

    @property
    def session_ids(self) -> tuple[str, str]:
        """The conversation that the thread is, and what it is where another key has that one."""
        return session_ids(self.team, self.channel, self.thread_ts)


def session_id(team: str, channel: str, thread_ts: str) -> str:
    """Return the id of the conversation that a thread is: the same one over HTTP."""
    named = f"slack.{team}.{channel}.{thread_ts}"
    if len(named) <= _LONGEST_ID and re.fullmatch(r"[A-Za-z0-9_.-]+", named):
        return named
    return f"slack.{hashlib.sha256(named.encode()).hexdigest()[:40]}"


def session_ids(team: str, channel: str, thread_ts: str) -> tuple[str, str]:
    """Return `session_id`, and a second one: a key that was replaced may have begun the first."""
    return session_id(team, channel, thread_ts), session_id(team, channel, f"{thread_ts}.2")


# Any: JSON as Slack sends it.
def asked_in(payload: Mapping[str, Any], us: Us) -> Ask | Ignored:
    """Return what there may be to answer in the payload of an event, or why nothing is."""
    event: Mapping[str, Any] = payload.get("event") or {}
    if event.get("type") not in ("app_mention", "message"):
        return "another event"
    reason = _left_alone(event, us) or _not_for_us(event, us)
    if reason:
        return reason
    ask = _ask(payload, event, us)
    return "incomplete" if ask is None else ask


def words_after_mention(text: str, bot_user_id: str | None) -> str:
    """Return `text` without the mentions of the bot."""
    mention = rf"<@{re.escape(bot_user_id or '')}(\|[^>]*)?>"
    return re.sub(mention, " ", text).strip().lstrip(":,").lstrip()


def mentioned(event: Mapping[str, Any]) -> list[str]:
    """Return the ids of whom a message names, in order."""
    return [found[1] for found in _MENTION.finditer(str(event.get("text") or ""))]


def is_shared(payload: Mapping[str, Any]) -> bool:
    """Return whether it is a channel of several companies, in which the bot may be twice."""
    channel = str((payload.get("event") or {}).get("channel"))
    return payload.get("is_ext_shared_channel") is True and not channel.startswith("D")


def _left_alone(event: Mapping[str, Any], us: Us) -> Ignored | None:
    """Return why nobody would expect an answer to it."""
    subtype = event.get("subtype")
    if subtype in ("message_changed", "message_deleted") or event.get("edited"):
        return "edit or delete"
    ours = {us.user_id, us.bot_id} - {None}
    if event.get("user") in ours or event.get("bot_id") in ours:
        return "self"
    if event.get("bot_id") or subtype == "bot_message":
        return "bot"
    if subtype not in _SPOKEN or event.get("hidden"):
        return "subtype"
    return None


def _not_for_us(event: Mapping[str, Any], us: Us) -> Ignored | None:
    """Return why the message is another's to answer."""
    if event["type"] == "app_mention":
        return "comes as a message" if str(event.get("channel")).startswith("D") else None
    if event.get("channel_type") == _DIRECT or us.user_id in mentioned(event):
        return None
    if not event.get("thread_ts") or event["thread_ts"] == event.get("ts"):
        return "not in a thread"
    text = str(event.get("text") or "").lstrip()
    if _MENTION.match(text) or _GROUP.match(text):
        return "to somebody else"
    return None


def _ask(payload: Mapping[str, Any], event: Mapping[str, Any], us: Us) -> Ask | None:
    # In a channel that two companies share, `team_id` may be the other one's.
    here = next(iter(payload.get("authorizations") or ()), payload)
    team = here.get("team_id") or payload.get("team_id")
    channel, ts, user = (event.get(name) for name in ("channel", "ts", "user"))
    if not (team and channel and ts and user):
        return None
    kind: Kind = "thread"
    if event.get("channel_type") == _DIRECT:
        kind = "direct"
    elif event["type"] == "app_mention" or us.user_id in mentioned(event):
        kind = "mention"
    # Slack tells of a mention twice, with two ids, but of one with a file perhaps only as a message
    # (slackapi/bolt-python #925): both are written down as the same.
    return Ask(
        team=team,
        enterprise=here.get("enterprise_id"),
        channel=channel,
        ts=ts,
        type="app_mention" if kind == "mention" else event["type"],
        kind=kind,
        thread_ts=event.get("thread_ts") or ts,
        user=user,
        user_team=event.get("user_team") or event.get("team") or team,
        shared=is_shared(payload),
        text=words_after_mention(str(event.get("text") or ""), us.user_id),
    )
