"""Events over a WebSocket that we open, so that nobody needs to reach this machine.

>>> with connected(bot, settings):
...     bot.start()
...     stop.wait()
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR

from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin.client import SocketModeClient

from api.slack.app import Bot
from api.slack.log import note, quiet, warn
from api.slack.web import is_gone, refusal, web_client
from api.slack.workspaces import OneWorkspace
from rag.errors import ConfigurationError, DependencyError
from rag.settings import Settings

# How often the connection is looked after; the library takes it for dead after five failures.
PING_S = 2.0
# Slack may ask to wait for a minute before it gives a new connection: the library sleeps so long.
_CLOSING_S = 2.0


@contextmanager
def connected(bot: Bot, settings: Settings, *, ping_s: float = PING_S) -> Iterator[None]:
    """Let `bot` hear what comes over Socket Mode, and close it at the end of the block.

    Raises: ConfigurationError when Slack does not know a token, DependencyError when it is away.
    """
    with _refusals("DATELINE_SLACK_BOT_TOKEN"):
        if isinstance(bot.workspaces, OneWorkspace):
            note("connecting", team=bot.workspaces.connect().team)
    token = settings.slack_app_token
    handler = SocketModeHandler(
        bot.bolt,
        app_token=token.get_secret_value() if token else "",
        logger=quiet(),
        web_client=web_client(settings, None),
        ping_interval=ping_s,
    )
    try:
        with _refusals("DATELINE_SLACK_APP_TOKEN"):
            handler.connect()  # type: ignore[no-untyped-call]
        note("connected")
        _tell(handler.client)
        yield
    finally:
        # First nothing new may come, then what came is finished or stays for the next start.
        _hang_up(handler)
        _close(handler)
        bot.close()
        note("disconnected")


def _tell(client: SocketModeClient) -> None:
    """Let the log say why there is no new connection: the library tries on without a word."""
    issue, told = client.issue_new_wss_url, ""

    def issued() -> str:
        nonlocal told
        if client.closed:
            # It slept as long as Slack asked it to, and nobody waits for it any more.
            raise DependencyError("the connection was closed")
        why, before = "", told
        try:
            return issue()
        except (SlackApiError, OSError) as exc:
            why = refusal(exc)
            raise
        finally:
            told = why
            if why and why != before:
                warn("no connection to Slack", why=why)
            elif before and not why:
                note("connected again")

    client.issue_new_wss_url = issued  # type: ignore[method-assign]


def _hang_up(handler: SocketModeHandler) -> None:
    """Wake the threads that wait for the next event; the library sits out four seconds."""
    client = handler.client
    client.auto_reconnect_enabled = False
    client.closed = True
    client.enqueue_message("{}")
    session = client.current_session
    if session is not None and session.sock is not None:
        with suppress(OSError):
            session.sock.shutdown(SHUT_RDWR)


def _close(handler: SocketModeHandler) -> None:
    """End the library's threads, but wait no longer for one that Slack keeps waiting."""
    closing = threading.Thread(target=handler.close, name="slack-close", daemon=True)
    closing.start()
    closing.join(_CLOSING_S)


@contextmanager
def _refusals(setting: str) -> Iterator[None]:
    """Say which setting it is that Slack refuses, or that Slack is away."""
    try:
        yield
    except SlackApiError as exc:
        if is_gone(exc) or refusal(exc) in ("not_allowed_token_type", "missing_scope"):
            raise ConfigurationError(f"Slack refuses {setting}: {refusal(exc)}") from exc
        raise DependencyError(f"Slack does not answer: {refusal(exc)}") from exc
    except OSError as exc:
        raise DependencyError(f"Slack cannot be reached: {type(exc).__name__}") from exc
