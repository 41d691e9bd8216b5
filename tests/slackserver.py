"""A stand-in for Slack: its Web API over real HTTP, and Socket Mode over a real WebSocket.

>>> with SlackServer() as slack:
...     WebClient(BOT_TOKEN, base_url=slack.url).chat_postMessage(channel=CHANNEL, text="hello")
...     slack.messages(CHANNEL)[0].text
'hello'

Beside it: tests/slackpayloads.py makes what an app receives and signs it, tests/slackworkspace.py
is what the methods do, tests/slacklimits.py says which blocks Slack refuses.
"""

import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from tests.slackhttp import HANG_UP, Args, Reply, listening
from tests.slackmessages import Message, Refused
from tests.slackpayloads import ANNA, BOT_USER, CHANNEL, new_ts
from tests.slacksockets import SocketMode
from tests.slackworkspace import (
    APP_TOKEN,
    BOT_TOKEN,
    SCOPES,
    ResponseUrl,
    Team,
    Workspace,
)

_JSON = {"Content-Type": "application/json; charset=utf-8", "X-OAuth-Scopes": SCOPES}
_TEXT = {"Content-Type": "text/html"}


@dataclass
class Call:
    """One call of the Web API, and what came of it: the error, or None."""

    method: str
    args: Args
    token: str | None
    at_s: float = field(default_factory=time.monotonic)
    error: str | None = None


class _Staged(NamedTuple):
    """What a method does instead of its work."""

    error: str | None = None
    retry_after_s: int = 0
    hang_s: float = 0
    let_go: threading.Event | None = None
    status: int = 200
    untold: bool = False


class SlackServer:
    """Slack, until the end of the `with`; every name without underscore is for tests."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.workspace = Workspace()
        self.sockets = SocketMode()
        self.send_envelope = self.sockets.send_envelope
        self.wait_connected = self.sockets.wait_connected
        self.disconnect = self.sockets.disconnect
        self.drop = self.sockets.drop
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._staged: dict[str, deque[_Staged]] = defaultdict(deque)
        self._always: dict[str, _Staged] = {}

    def __enter__(self) -> "SlackServer":
        self._http = listening(self._answer)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.url = f"{self.root}/api/"
        self.sockets.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.sockets.__exit__()
        self._http.shutdown()
        self._thread.join(10)
        self._http.server_close()

    # What stands in the workspace, and what people do there.

    def messages(self, channel: str = CHANNEL, *, bot: bool | None = None) -> list[Message]:
        """Return what stands in a channel and its threads, oldest first; of the bot, or not."""
        with self._lock:
            found = [one for one in self.workspace.shown if one.channel == channel]
        found = [one for one in found if bot in (None, one.bot_id is not None)]
        return sorted(found, key=lambda one: one.ts)

    @property
    def views(self) -> list[dict[str, Any]]:
        """The modals that were opened."""
        return self.workspace.views

    def called(self, method: str) -> list[Call]:
        """Return the calls of one method, in order; "response_url" for posts to those."""
        return [call for call in list(self.calls) if call.method == method]

    def say(
        self, text: str, *, channel: str = CHANNEL, user: str = ANNA, thread_ts: str | None = None
    ) -> str:
        """Return the ts of what a person now wrote; no event is sent for it."""
        with self._lock:
            return self.workspace.show(Message(channel, new_ts(), user, text, thread_ts)).ts

    def add_team(
        self, team: str, token: str, *, code: str | None = None, bot_user: str = BOT_USER
    ) -> None:
        """Install the app in another workspace, or let `code` do so at oauth.v2.access."""
        self.workspace.teams[token] = Team(team, bot_user)
        if code:
            self.workspace.codes[code] = token

    def revoke(self, token: str = BOT_TOKEN) -> None:
        """Make a token worthless."""
        self.workspace.revoked.add(token)

    def leave(self, channel: str) -> None:
        """Take the bot out of a channel."""
        self.workspace.not_in.add(channel)

    def end_streams(self, *, by_user: bool = False) -> None:
        """End all open streams as Slack does after minutes, or as a person does."""
        for message in self.workspace.shown:
            if message.stream == "open":
                message.stream = "stopped_by_user" if by_user else "expired"

    def response_url(
        self, *, channel: str = CHANNEL, user: str = ANNA, ts: str | None = None
    ) -> str:
        """Return where five answers to an interaction can be sent; `ts`: the message clicked on."""
        place = uuid4().hex
        self.workspace.responses[place] = ResponseUrl(channel, user, ts)
        return f"{self.root}/response/{place}"

    # Failures.

    def fail(self, method: str, error: str, *, times: int | None = None) -> None:
        """Answer ok=false with `error`: the next `times`, or from now on."""
        self._stage(method, _Staged(error), times)

    def rate_limit(self, method: str, *, retry_after: int = 1, times: int = 1) -> None:
        """Answer 429 with Retry-After, in seconds, the next `times`."""
        self._stage(method, _Staged("ratelimited", retry_after_s=retry_after, status=429), times)

    def crash(self, method: str, *, status: int = 503, times: int = 1) -> None:
        """Answer with a page of HTML and this status the next `times`."""
        self._stage(method, _Staged("crashed", status=status), times)

    def hang(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Wait so long before doing what the method does, the next `times`."""
        self._stage(method, _Staged(hang_s=seconds), times)

    def hold(self, method: str, *, times: int = 1) -> threading.Event:
        """Hold the next `times` until the event that is returned is set, a minute at most."""
        let_go = threading.Event()
        self._stage(method, _Staged(hang_s=60, let_go=let_go), times)
        return let_go

    def lose(self, method: str, *, after_s: float = 0, times: int = 1) -> None:
        """Do what the method does, and hang up so much later without a word, the next `times`."""
        self._stage(method, _Staged(hang_s=after_s, untold=True), times)

    def mend(self, method: str) -> None:
        """Let a method work again."""
        self._always.pop(method, None)
        self._staged.pop(method, None)

    def _stage(self, method: str, staged: _Staged, times: int | None) -> None:
        if times is None:
            self._always[method] = staged
        else:
            self._staged[method].extend([staged] * times)

    # The Web API.

    def _answer(self, path: str, args: Args, token: str | None) -> Reply:
        kind, _, name = path.strip("/").partition("/")
        method = "response_url" if kind == "response" else name
        call = Call(method, args, token)
        self.calls.append(call)
        queue = self._staged[method]
        staged = queue.popleft() if queue else self._always.get(method, _Staged())
        if staged.untold:
            self._done_untold(call, staged)
            return HANG_UP
        (staged.let_go or self._closing).wait(staged.hang_s)
        try:
            if staged.error:
                raise Refused(staged.error)
            with self._lock:
                if kind == "response":
                    self.workspace.respond(name, args)
                    return Reply(200, "ok", _TEXT)
                return Reply(200, json.dumps(self._done(call)), _JSON)
        except Refused as refused:
            call.error = refused.error
            return _refusal(refused, staged, kind)

    def _done_untold(self, call: Call, staged: _Staged) -> None:
        with self._lock:
            self._done(call)
        (staged.let_go or self._closing).wait(staged.hang_s)

    def _done(self, call: Call) -> dict[str, Any]:
        if call.method != "apps.connections.open":
            return self.workspace.call(call.method, call.args, call.token)
        if call.token != APP_TOKEN or call.token in self.workspace.revoked:
            raise Refused("invalid_auth")
        return {"ok": True, "url": self.sockets.new_url()}


def _refusal(refused: Refused, staged: _Staged, kind: str) -> Reply:
    if staged.status >= 500:
        return Reply(staged.status, "<html>Server Error</html>", _TEXT)
    if kind == "response":
        return Reply(404 if refused.error == "used_url" else 400, refused.error, _TEXT)
    told: dict[str, Any] = {"ok": False, "error": refused.error}
    if refused.messages:
        told |= {"response_metadata": {"messages": list(refused.messages)}}
    headers = {"Retry-After": str(staged.retry_after_s)} if staged.status == 429 else {}
    return Reply(staged.status, json.dumps(told), _JSON | headers)
