"""`dateline slack`: the bot over Socket Mode, which needs no public address, until it is stopped.

$ DATELINE_SLACK_APP_TOKEN=xapp-… DATELINE_SLACK_BOT_TOKEN=xoxb-… dateline slack
$ dateline slack manifest
"""

from __future__ import annotations

import json
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands import options
from api.commands.options import DataDir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.slack.app import Bot
    from rag.settings import Settings

app = typer.Typer(help="The Slack bot, over Socket Mode, until stopped.", add_completion=False)

# Where api.slack.com/apps shows them.
_PLACES = {
    "APP": "Basic Information, App-Level Tokens: generate one with the scope connections:write",
    "BOT": "OAuth & Permissions, Bot User OAuth Token",
}


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    *,
    url: options.Url = None,
    data_dir: DataDir = None,
) -> None:
    """Answer in Slack from a running server, or from the archive on this machine."""
    if context.invoked_subcommand is not None:
        return
    from api.commands.opened import database
    from api.commands.reached import reach
    from api.watch import logs

    chosen = options.settings(data_dir)
    _check(chosen)
    logs.configure()
    with reach(url, data_dir) as dateline, database(data_dir, make=True) as engine:
        from api.slack.app import Bot

        # One workspace, whatever else is set for a server.
        _serve(Bot(chosen, dateline, engine), chosen)


@app.command()
def manifest(
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="Public https address of a server; default: Socket Mode, which needs none."
        ),
    ] = None,
) -> None:
    """Print the app's manifest, to be pasted at api.slack.com/apps."""
    from api.slack.manifest import manifest

    typer.echo(json.dumps(manifest(url), indent=2))


def _check(chosen: Settings) -> None:
    """Raise ConfigurationError for what is not there."""
    from rag.errors import ConfigurationError

    tokens = {"APP": chosen.slack_app_token, "BOT": chosen.slack_bot_token}
    missing = [
        f"DATELINE_SLACK_{name}_TOKEN (api.slack.com/apps, {_PLACES[name]})"
        for name, token in tokens.items()
        if token is None or not token.get_secret_value()
    ]
    if missing:
        raise ConfigurationError(f"Socket Mode needs {' and '.join(missing)}")
    try:
        import slack_bolt  # noqa: F401
    except ModuleNotFoundError as exc:
        raise ConfigurationError(f"there is no {exc.name}: pip install 'dateline[slack]'") from exc


def _serve(bot: Bot, chosen: Settings) -> None:
    """Answer until somebody says to stop."""
    from api.slack.socket import connected

    # Signals not before: until Slack gives a connection, there is nothing to finish.
    with connected(bot, chosen), _signals() as wait:
        bot.start()
        wait()


@contextmanager
def _signals() -> Iterator[Callable[[], object]]:
    """Yield what waits for SIGINT or SIGTERM, be it one that came before; the main thread's.

    Python hands a signal to its handler between two instructions, so one that comes in the moment
    before a lock is waited for would be heard when the lock is free: never. A byte stays.
    """
    heard, told = socket.socketpair()
    with heard, told:
        told.setblocking(False)
        before = signal.set_wakeup_fd(told.fileno())
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, _nothing)
            yield lambda: heard.recv(1)
        finally:
            signal.set_wakeup_fd(before)


def _nothing(*_: object) -> None:
    """Let a signal do nothing but wake whoever waits; not SIG_IGN, by which it would not."""
