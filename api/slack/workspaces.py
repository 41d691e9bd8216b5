"""In which workspaces the bot is, and the token of each.

>>> one = OneWorkspace(settings)
>>> one.find("T0DESK", None).us.user_id
'U0DATELINE'

With a bot token there is one workspace; with a client id and secret any number installs the bot
over OAuth, and Slack's own store keeps their tokens beside the articles. Tokens go nowhere else.
"""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Bot as InstalledBot
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Engine

from api.slack.events import Us
from api.slack.log import quiet, warn
from api.slack.manifest import BOT_SCOPES
from api.slack.web import hasty_client, is_gone, refusal, web_client
from rag.catalog import answering
from rag.errors import DependencyError
from rag.settings import Settings

_UNREAD = "the Slack installations cannot be read or written"
_STATE_S = 600
# How long Slack is left alone after it did not say who we are: by events that wait, and by us.
_LEFT_ALONE_S = 1.0
_ASK_AGAIN_S = 5.0


class Place(NamedTuple):
    """A workspace, and the organisation that it was part of when it installed the bot."""

    team: str
    enterprise: str | None


class Workspace(NamedTuple):
    """A workspace that the bot is in."""

    team: str
    enterprise: str | None
    token: str
    us: Us


class Workspaces(Protocol):
    """Where the bot is; every method may raise DependencyError or URLError."""

    def find(self, team: str | None, enterprise: str | None) -> Workspace | None:
        """Return the workspace, or None where the bot is not, or not any more."""
        ...

    def forget(self, team: str | None, enterprise: str | None) -> None:
        """Forget the token of a workspace that does not know it any more."""
        ...

    def only_team(self) -> str | None:
        """Return the one workspace whose messages are ours to answer; None: all of them."""
        ...


class OneWorkspace:
    """The workspace of the bot token in the settings."""

    def __init__(self, token: str, settings: Settings) -> None:
        """Ask Slack nothing yet."""
        self._token = token
        self._settings = settings
        self._lock = threading.Lock()
        self._found: Workspace | None = None
        self._is_gone = False
        self._failed_s = float("-inf")
        self._asked_s = float("-inf")

    def connect(self) -> Workspace:
        """Return the workspace; asks Slack whose the token is, unless it just gave no answer.

        Raises: SlackApiError, OSError, DependencyError.
        """
        with self._lock:
            if self._found is None:
                if time.monotonic() - self._failed_s < _LEFT_ALONE_S:
                    raise DependencyError("Slack does not say who we are")
                try:
                    self._found = self._asked()
                except (SlackApiError, OSError):
                    self._failed_s = time.monotonic()
                    raise
            return self._found

    def _asked(self) -> Workspace:
        said = hasty_client(self._settings, self._token).auth_test()
        us = Us(said["user_id"], said.get("bot_id"))
        return Workspace(said["team_id"], said.get("enterprise_id"), self._token, us)

    def find(self, team: str | None, enterprise: str | None) -> Workspace | None:  # noqa: ARG002
        """Return the workspace if it is this one."""
        if self._is_gone:
            return None
        try:
            found = self.connect()
        except SlackApiError as exc:
            if is_gone(exc):
                self._end(team)
                return None
            raise
        return found if team in (None, found.team) else None

    def forget(self, team: str | None, enterprise: str | None) -> None:  # noqa: ARG002
        """Use the token no more until the next start, if it is that of `team`."""
        # The same app may be in other workspaces, too, and Slack tells of each that it leaves.
        if self._found is not None and team in (None, self._found.team):
            self._end(team)

    def _end(self, team: str | None) -> None:
        if not self._is_gone:
            self._is_gone = True
            warn("the bot token is not valid any more", team=team)

    def only_team(self) -> str | None:
        """Return this workspace; "" while it is not known, so that nothing is taken."""
        is_due = time.monotonic() - self._asked_s > _ASK_AGAIN_S
        if self._found is None and not self._is_gone and is_due:
            self._asked_s = time.monotonic()
            try:
                self.find(None, None)
            except (SlackApiError, OSError, DependencyError) as exc:
                warn("Slack does not say who we are", why=refusal(exc))
        return self._found.team if self._found else ""


class Installed:
    """The workspaces that installed the bot, in Slack's own store in our database."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Open the store, making its tables when they are new."""
        client_id = settings.slack_client_id or ""
        self.store = SQLAlchemyInstallationStore(client_id, engine, logger=quiet())
        self._states = SQLAlchemyOAuthStateStore(_STATE_S, engine, logger=quiet())
        with answering(_UNREAD):
            self.store.create_tables()  # type: ignore[no-untyped-call]
            self._states.create_tables()  # type: ignore[no-untyped-call]
        self.oauth = _flow(settings, self.store, self._states)

    def find(self, team: str | None, enterprise: str | None) -> Workspace | None:
        """Return the workspace, or the organisation that installed the bot for all of its own."""
        with answering(_UNREAD):
            bot = self._bot(team, enterprise)
        if bot is None:
            return None
        us = Us(bot.bot_user_id, bot.bot_id)
        return Workspace(team or bot.team_id or "", enterprise, bot.bot_token, us)

    def _bot(self, team: str | None, enterprise: str | None) -> InstalledBot | None:
        bot = self.store.find_bot(enterprise_id=enterprise, team_id=team)
        if bot is None and enterprise:
            bot = self.store.find_bot(
                enterprise_id=enterprise, team_id=None, is_enterprise_install=True
            )
            # From before the workspace joined the organisation; Slack says if that token is dead.
            bot = bot or self.store.find_bot(enterprise_id=None, team_id=team)
        return bot

    def forget(self, team: str | None, enterprise: str | None) -> None:
        """Delete the installation: the workspace's own, else the organisation's."""
        with answering(_UNREAD):
            bot = self._bot(team, enterprise)
            own = team if bot and bot.team_id else None
            for where in {enterprise, None} if own else {enterprise}:
                self.store.delete_all(enterprise_id=where, team_id=own)
        warn("a workspace is forgotten", team=team)

    def named(self, user_ids: Sequence[str]) -> Workspace | None:
        """Return the workspace of which one of these is the bot."""
        named = self.store.bots.c.bot_user_id.in_(user_ids)
        return next((self.find(*one) for one in self._places(named)), None)

    def others(self, team: str) -> list[Place]:
        """Return where else the bot is, as the arguments of `find`."""
        return self._places(self.store.bots.c.team_id != team)

    def _places(self, which: ColumnElement[bool]) -> list[Place]:
        bots = self.store.bots.c
        ours = select(bots.team_id, bots.enterprise_id).where(
            bots.client_id == self.store.client_id, bots.team_id.is_not(None), which
        )
        with answering(_UNREAD), self.store.engine.connect() as connection:
            return [Place(*row) for row in connection.execute(ours.distinct())]

    def only_team(self) -> str | None:
        """Return None: all that is written down here is ours."""
        return None

    def sweep(self, now: datetime) -> None:
        """Forget installations that were begun and never finished."""
        table = self._states.oauth_states
        old = table.c.expire_at < now.astimezone(UTC).replace(tzinfo=None)
        with answering(_UNREAD), self._states.engine.begin() as connection:
            connection.execute(table.delete().where(old))


def authorized(found: Workspace | None) -> AuthorizeResult | None:
    """Return what Bolt wants to know of a workspace; None: the bot is not there."""
    if found is None:
        return None
    return AuthorizeResult(
        enterprise_id=found.enterprise,
        team_id=found.team,
        bot_user_id=found.us.user_id,
        bot_id=found.us.bot_id,
        bot_token=found.token,
    )


def _flow(
    settings: Settings, store: SQLAlchemyInstallationStore, states: SQLAlchemyOAuthStateStore
) -> OAuthFlow:
    secret = settings.slack_client_secret
    host = settings.slack_api_url.rstrip("/").removesuffix("/api")
    options = OAuthSettings(
        client_id=settings.slack_client_id,
        client_secret=secret.get_secret_value() if secret else "",
        scopes=BOT_SCOPES,
        # What is left out Bolt would take from SLACK_* in the environment.
        user_scopes=(),
        # Its own page has styles and a picture of Slack's, which our Content-Security-Policy bars.
        install_page_rendering_enabled=False,
        authorization_url=f"{host}/oauth/v2/authorize",
        installation_store=store,
        installation_store_bot_only=True,
        state_store=states,
        state_expiration_seconds=_STATE_S,
        logger=quiet(),
    )
    return OAuthFlow(client=web_client(settings, None), logger=quiet(), settings=options)
