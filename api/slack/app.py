"""The bot: Slack's own framework before a ledger, and behind that the archive.

>>> bot = Bot(settings, dateline, engine)
>>> bot.start()
>>> bot.dispatch(BoltRequest(body=body, mode="http")).status
200

Before Slack hears that an event came it is written down, and nothing else is waited for: neither
the archive nor Slack. Where it cannot be written down Slack hears an error, and sends it again.
"""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse, Respond
from slack_bolt.oauth import OAuthFlow
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy.engine import Engine

from api.client import Dateline
from api.slack import words
from api.slack.actions import COMMENT, Actions
from api.slack.answering import Answering
from api.slack.commands import Commands, Typed
from api.slack.events import Ask, Us, asked_in, is_shared, mentioned
from api.slack.log import note, note_failure, quiet, warn
from api.slack.manifest import COMMAND
from api.slack.store import Ledger
from api.slack.web import web_client
from api.slack.workers import LEASE_S, Errands, Workers
from api.slack.workspaces import Installed, OneWorkspace, Place, Workspaces, authorized
from rag.errors import ConfigurationError, DependencyError
from rag.settings import Settings

_ACK_THREADS = 4
_MOST_ERRANDS = 16
_MOST_REGRETS = 4
# A server that is told to stop has some ten seconds.
_CLOSING_S = 8.0


class Bot:
    """Takes what Slack sends and answers it; safe to call from several threads."""

    def __init__(
        self, settings: Settings, dateline: Dateline, engine: Engine, *, lease_s: float = LEASE_S
    ) -> None:
        """Answer from `dateline`, and remember in `engine`. Raises ConfigurationError."""
        self._settings = settings
        self.ledger = Ledger(engine)
        self.workspaces, self.oauth = _workspaces(settings, engine)
        installed = self.workspaces if isinstance(self.workspaces, Installed) else None
        others = installed.others if installed else _nowhere_else
        answering = Answering(dateline, self.ledger, self.workspaces, self._connect, others)
        self._workers = Workers(
            self.ledger,
            answering.answer,
            self.workspaces.only_team,
            lease_s=lease_s,
            sweep=installed.sweep if installed else None,
        )
        self._errands = Errands(_MOST_ERRANDS)
        # Those who are told that there is too much to do, when there is.
        self._regrets = Errands(_MOST_REGRETS)
        self._commands = Commands(self.ledger, self._workers.wake)
        self._actions = Actions(dateline)
        self._acks = ThreadPoolExecutor(_ACK_THREADS, thread_name_prefix="slack-ack")
        self.bolt = self._bolt()

    def start(self) -> None:
        """Begin to answer, with what was left unanswered."""
        self._workers.start()

    @property
    def stopping(self) -> threading.Event:
        """What is set when the bot is being stopped."""
        return self._workers.stopping

    def close(self) -> None:
        """Stop; what is being written is finished or stays for the next start."""
        until = time.monotonic() + _CLOSING_S
        self._workers.stop()
        self._acks.shutdown(wait=True)
        self._workers.close(until - time.monotonic())
        for errands in (self._errands, self._regrets):
            errands.close(until - time.monotonic())

    def dispatch(self, request: BoltRequest) -> BoltResponse:
        """Return what Slack hears at once; its request has been verified before."""
        return self.bolt.dispatch(request)

    def _bolt(self) -> App:
        # What is left out Bolt would take from SLACK_* in the environment. The name is that of the
        # logger that listeners get, which Bolt sets as quiet as the other.
        logger = quiet()
        bolt = App(
            name=logger.name,
            logger=logger,
            signing_secret="",
            # The route has checked the signature of the raw body; a socket needs none.
            request_verification_enabled=False,
            client=web_client(self._settings, None),
            # Whoever cannot ask Slack who we are can still say that it holds events back.
            before_authorize=_held_back,
            authorize=lambda enterprise_id, team_id: self._authorized(enterprise_id, team_id),
            listener_executor=self._acks,
        )
        for event in ("app_mention", "message"):
            bolt.event(event, middleware=[self._write_down])(self._answer_soon)
        for event in ("app_uninstalled", "tokens_revoked"):
            bolt.event(event)(self._taken_out)
        # Heard and not needed; without this Slack would be told that it failed.
        bolt.event(re.compile(".*"))(_nothing)
        bolt.command(COMMAND)(self._command)
        bolt.action(re.compile("dateline_.*"))(self._action)
        bolt.view(re.compile("dateline_.*"))(self._view)
        bolt.action(re.compile(".*"))(_acknowledge)
        bolt.error(_failed)
        return bolt

    def _connect(self, token: str) -> WebClient:
        # Whoever answers finds out first what is done, else it would stand there twice.
        return web_client(self._settings, token, repeats=False)

    def _authorized(self, enterprise_id: str | None, team_id: str | None) -> Any:  # Any: Bolt's
        try:
            found = self.workspaces.find(team_id, enterprise_id)
        except SlackApiError as exc:
            # Bolt would take it for a workspace that is unknown, and the event would be lost.
            raise DependencyError("Slack does not say who we are") from exc
        if found is None:
            warn("nobody of this workspace is known", team=team_id)
        return authorized(found)

    # Any below: payloads as Slack sends them.
    def _write_down(
        self,
        body: dict[str, Any],
        context: BoltContext,
        next: Callable[[], None],  # noqa: A002
    ) -> None:
        asked = asked_in(*self._seen(body, Us(context.bot_user_id, context.bot_id)))
        if isinstance(asked, Ask):
            is_new = self.ledger.keep(asked, now=datetime.now(UTC))
            ids = {"team": asked.team, "channel": asked.channel, "ts": asked.ts}
            note("event", **ids, kind=asked.kind, duplicate=not is_new)
        next()

    def _seen(self, body: dict[str, Any], us: Us) -> tuple[dict[str, Any], Us]:
        """Return an event as it is to the workspace whose bot is mentioned, and who that is.

        Of a channel that companies share Slack tells once, by any of them that has the bot.
        """
        names = mentioned(body["event"]) if is_shared(body) else []
        if not names or us.user_id in names or not isinstance(self.workspaces, Installed):
            return body, us
        found = self.workspaces.named(names)
        if found is None:
            return body, us
        here = {"team_id": found.team, "enterprise_id": found.enterprise}
        return body | {"authorizations": [here]}, found.us

    def _answer_soon(self) -> None:
        self._workers.wake()

    def _taken_out(self, body: dict[str, Any], context: BoltContext) -> None:
        event = body["event"]
        revoked = event.get("tokens") or {}
        if event["type"] == "tokens_revoked" and not revoked.get("bot"):
            return
        self.workspaces.forget(context.team_id, context.enterprise_id)
        if context.team_id:
            self.ledger.give_up(context.team_id)
            self.ledger.forget_filters(context.team_id)

    def _command(self, ack: Ack, body: dict[str, Any], client: WebClient, respond: Respond) -> None:
        errand = partial(self._commands.run, Typed.of(body), client, respond)
        if self._errands.run(_told(errand, respond)):
            ack()
        else:
            ack(words.BUSY)

    def _action(
        self,
        ack: Ack,
        body: dict[str, Any],
        client: WebClient,
        context: BoltContext,
        respond: Respond,
    ) -> None:
        ack()
        errand = partial(self._actions.clicked, body, context.team_id or "", client)
        if not self._errands.run(_told(errand, respond)):
            busy = partial(respond, text=words.BUSY, replace_original=False)
            self._regrets.run(busy)

    def _view(self, ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        if self._errands.run(partial(self._actions.submitted, body, client)):
            ack()
        else:
            # It stays open with what was written into it.
            ack(response_action="errors", errors={COMMENT: words.BUSY})


def has_oauth(settings: Settings) -> bool:
    """Return whether workspaces install the bot themselves. Raises ConfigurationError."""
    if settings.slack_bot_token is not None:
        return False
    if settings.slack_client_id and settings.slack_client_secret:
        return True
    raise ConfigurationError(
        "Slack needs DATELINE_SLACK_BOT_TOKEN (of one workspace: OAuth & Permissions, Bot User "
        "OAuth Token, xoxb-…), or DATELINE_SLACK_CLIENT_ID and DATELINE_SLACK_CLIENT_SECRET (of "
        "any number: Basic Information, App Credentials)"
    )


def _workspaces(settings: Settings, engine: Engine) -> tuple[Workspaces, OAuthFlow | None]:
    if has_oauth(settings):
        installed = Installed(settings, engine)
        return installed, installed.oauth
    token = settings.slack_bot_token
    return OneWorkspace(token.get_secret_value() if token else "", settings), None


def _nowhere_else(_: str) -> list[Place]:
    return []


def _told(errand: Callable[[], None], respond: Respond) -> Callable[[], None]:
    """Return the errand, which tells whoever waits for it when it fails."""

    def run() -> None:
        try:
            errand()
        except Exception:
            # Not in place of the answer that was clicked on.
            respond(text=words.FAILED, replace_original=False)
            raise

    return run


# Any: a payload as Slack sends it.
def _held_back(body: dict[str, Any], next: Callable[[], None]) -> BoltResponse | None:  # noqa: A002
    """Warn when Slack sends no more events for a while, which it tells without an event."""
    if body.get("type") != "app_rate_limited":
        next()
        return None
    minute = datetime.fromtimestamp(body["minute_rate_limited"], UTC)
    since = minute.isoformat().replace("+00:00", "Z")
    warn("Slack holds events back", team=body["team_id"], minute=since)
    return BoltResponse(status=200)


def _nothing() -> None:
    """Do nothing: Bolt has acknowledged it."""


def _acknowledge(ack: Ack) -> None:
    """Acknowledge a click on a link, which Slack sends, too."""
    ack()


def _failed(error: Exception) -> BoltResponse:
    note_failure("an event failed", error)
    return BoltResponse(status=500)
