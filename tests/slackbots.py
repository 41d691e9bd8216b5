"""The bot as people use it: a real server that a stand-in for Slack sends its events to.

>>> with SlackServer() as slack, Server(data, **settings_of(slack)) as server:
...     Desk(slack, server.url, data).ask("<@U0DATELINE> who was blamed?").text
'Kataib Hezbollah…'
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_bolt import BoltRequest
from sqlalchemy import text as sql

from api.slack.app import Bot
from rag.catalog import open_engine
from tests import slackpayloads
from tests.slackmessages import Message
from tests.slackpayloads import ANNA, BOT_USER, CHANNEL, TEAM, event_payload
from tests.slackserver import SlackServer
from tests.slackworkspace import BOT_TOKEN
from tests.waiting import wait_for

SIGNING_SECRET = "signed-with-this"  # noqa: S105
HERE = f"<@{BOT_USER}>"
DIRECT = "D0ANNA"


# Any: settings have many types.
def settings_of(slack: SlackServer, **more: Any) -> dict[str, Any]:
    """Return the settings of a bot in the workspace of `slack`."""
    return {
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SIGNING_SECRET,
        "slack_api_url": slack.url,
    } | more


# Any below: JSON.
class Desk:
    """People at their desks, and Slack between them and the bot."""

    def __init__(self, slack: SlackServer, url: str, folder: Path) -> None:
        self.slack = slack
        self._engine = open_engine(f"sqlite:///{folder / 'catalog.sqlite3'}")
        self._http = httpx.Client(base_url=url, timeout=60)

    def close(self) -> None:
        self._http.close()
        self._engine.dispose()

    def send(
        self,
        payload: dict[str, Any],
        *,
        secret: str = SIGNING_SECRET,
        age_s: int = 0,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Deliver a payload as Slack does."""
        raw, kind = slackpayloads.body(payload)
        signed = slackpayloads.sign(raw, secret, int(time.time()) - age_s)
        sent = {"Content-Type": kind, **signed, **(headers or {})}
        return self._http.post("/slack/events", content=raw, headers=sent)

    def send_form(self, payload: dict[str, Any]) -> httpx.Response:
        """Deliver what somebody did in a modal."""
        raw = urlencode({"payload": json.dumps(payload)}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.post_raw(raw, headers | slackpayloads.sign(raw, SIGNING_SECRET))

    def post_raw(self, raw: bytes, headers: Mapping[str, str | bytes]) -> httpx.Response:
        """Send any bytes, with the present time."""
        sent: dict[str, str | bytes] = {"X-Slack-Request-Timestamp": str(int(time.time()))}
        pairs = [(name.encode(), _bytes(value)) for name, value in (sent | dict(headers)).items()]
        return self._http.post("/slack/events", content=raw, headers=pairs)

    def say(
        self,
        text: str,
        *,
        channel: str = CHANNEL,
        thread_ts: str | None = None,
        team: str = TEAM,
        user: str = ANNA,
    ) -> str:
        """Write a message and let Slack tell of it, as often as Slack would; return its ts."""
        ts = self.slack.say(text, channel=channel, thread_ts=thread_ts, user=user)
        about: dict[str, Any] = {"text": text, "channel": channel, "thread_ts": thread_ts, "ts": ts}
        kinds = ["message"]
        if HERE in text and not channel.startswith("D"):
            kinds.append("app_mention")
        for kind in kinds:
            sent = self.send(event_payload(kind, **about, team=team, user=user))
            assert sent.status_code == 200, sent.text
        return ts

    def reply(self, ts: str, *, channel: str = CHANNEL) -> Message:
        """Return the finished answer to the message."""
        return finished(self.slack, ts, channel=channel)

    def ask(self, text: str, **where: Any) -> Message:
        """Write a message, and return the finished answer to it."""
        thread_ts, channel = where.get("thread_ts"), where.get("channel", CHANNEL)
        before = len(replies(self.slack, thread_ts or "", channel=channel))
        ts = self.say(text, **where)
        return finished(self.slack, thread_ts or ts, channel=channel, number=before)

    def settled(self) -> None:
        """Wait until nothing is left to be answered, where it is to be shown that nothing was."""
        wait_for(lambda: self._left() == 0)

    def _left(self) -> int:
        counted = sql("select count(*) from slack_events where state = 'pending'")
        with self._engine.connect() as connection:
            return int(connection.execute(counted).scalar_one())


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def replies(slack: SlackServer, thread_ts: str, *, channel: str = CHANNEL) -> list[Message]:
    """Return what the bot wrote into a thread."""
    return [one for one in slack.messages(channel, bot=True) if one.thread_ts == thread_ts]


def finished(
    slack: SlackServer,
    thread_ts: str,
    *,
    channel: str = CHANNEL,
    number: int = 0,
) -> Message:
    """Return the bot's message of that number in a thread, when it is done."""

    def done() -> Message | None:
        found = replies(slack, thread_ts, channel=channel)[number:]
        return found[0] if found and found[0].stream != "open" else None

    return wait_for(done)


def texts(blocks: Sequence[Any]) -> Iterator[str]:
    """Yield every text in blocks."""
    for block in blocks:
        if isinstance(block, dict):
            if isinstance(block.get("text"), str):
                yield block["text"]
            yield from texts(list(block.values()))
        elif isinstance(block, list):
            yield from texts(block)


def shown(message: Message) -> str:
    """Return all that a reader sees of a message; text beside blocks is for notifications."""
    text = [] if message.blocks and message.stream is None else [plain(message)]
    return "\n".join([*text, *texts(message.blocks)])


def plain(message: Message) -> str:
    """Return the text of a message without what only keeps it from being Markdown."""
    return message.text.replace("\u2060", "")


def dispatch(bot: Bot, payload: dict[str, Any]) -> int:
    """Give a payload to the bot itself, and return the status that Slack would hear."""
    return bot.dispatch(BoltRequest(body=payload, mode="socket_mode")).status
