"""`/dateline ask QUESTION`, `filters …`, `help`: what was typed, and what comes of it.

>>> read("filters after:2020-03-01")
('filters', 'after:2020-03-01')
>>> read("who was blamed?")
('ask', 'who was blamed?')
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from api.slack import mrkdwn, words
from api.slack.events import Ask
from api.slack.log import note
from api.slack.store import Ledger
from api.slack.web import has_no_place
from api.spoken import HOW, filters_text, parse_filters
from rag.errors import InputError

Word = Literal["ask", "filters", "help"]


class Typed(NamedTuple):
    """A slash command: by whom, where, and the words behind `/dateline`."""

    team: str
    enterprise: str | None
    channel: str
    user: str
    text: str

    @classmethod
    # Any: a form as Bolt has read it.
    def of(cls, body: Mapping[str, Any]) -> "Typed":
        """Return what Slack sent."""
        return cls(
            team=body["team_id"],
            enterprise=body.get("enterprise_id"),
            channel=body["channel_id"],
            user=body["user_id"],
            text=mrkdwn.unescape(str(body.get("text") or "")).strip(),
        )


def read(text: str) -> tuple[Word, str]:
    """Return which command is meant, and the words behind it; anything else is a question."""
    first, *more = text.split(maxsplit=1)[:2] or [""]
    rest = more[0] if more else ""
    if text.casefold() in ("", "help", "ask"):
        return "help", ""
    if first.casefold() == "filters":
        return "filters", rest
    return "ask", rest if first.casefold() == "ask" else text


class Commands:
    """Does what is typed, after Slack was told that it came."""

    def __init__(self, ledger: Ledger, wake: Callable[[], None]) -> None:
        """Write questions into `ledger`, and `wake` who answers."""
        self._ledger = ledger
        self._wake = wake

    def run(self, typed: Typed, slack: WebClient, respond: Callable[..., object]) -> None:
        """Do it; `respond` writes to whoever typed, or into the channel."""
        word, rest = read(typed.text)
        note("command", team=typed.team, channel=typed.channel, word=word)
        if word == "help":
            respond(text=words.HELP)
        elif word == "filters":
            self._filters(typed, rest, respond)
        else:
            self._ask(typed, rest, slack, respond)

    def _filters(self, typed: Typed, said: str, respond: Callable[..., object]) -> None:
        if not said:
            now = filters_text(self._ledger.filters(typed.team, typed.channel))
            respond(text=_shown(now))
            return
        try:
            filters = parse_filters(said)
        except InputError as exc:
            respond(text=mrkdwn.escape(str(exc)))
            return
        self._ledger.set_filters(typed.team, typed.channel, filters)
        # All who ask there get other answers from now on, so all are told.
        told = f"<@{typed.user}> changed this. {_shown(filters_text(filters))}"
        respond(text=told, response_type="in_channel")

    def _ask(
        self, typed: Typed, question: str, slack: WebClient, respond: Callable[..., object]
    ) -> None:
        try:
            posted = slack.chat_postMessage(
                channel=typed.channel, text=f"<@{typed.user}> asks: {mrkdwn.escape(question)}"
            )
        except SlackApiError as exc:
            if not has_no_place(exc):
                raise
            respond(text=words.NOT_HERE)
            return
        ask = Ask(
            team=typed.team,
            enterprise=typed.enterprise,
            channel=typed.channel,
            ts=posted["ts"],
            type="command",
            kind="command",
            thread_ts=posted["ts"],
            user=typed.user,
            user_team=typed.team,
            text=mrkdwn.as_typed(question),
        )
        self._ledger.keep(ask, now=datetime.now(UTC))
        self._wake()


def _shown(filters: str) -> str:
    if not filters:
        return f"All articles may answer in this channel. `/dateline filters {HOW}` narrows them."
    return f"In this channel these articles may answer: `{mrkdwn.escape(filters)}`"
