"""`dateline slack` as a process: killed in the middle of an answer, stopped, lacking something."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

import api.routes
from api.app import create_app
from api.slack.app import Bot
from api.slack.manifest import manifest
from rag.catalog import open_engine
from rag.errors import ConfigurationError
from rag.settings import Settings
from tests.browsing import Server
from tests.commands import dateline
from tests.slackbots import HERE, finished, plain, replies, settings_of, shown
from tests.slackpayloads import event_payload
from tests.slackserver import SlackServer
from tests.slackworkspace import APP_TOKEN, BOT_TOKEN
from tests.waiting import wait_for

ASKED = "Who was blamed for the Taji attack?"
ROOT = Path(__file__).parents[1]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def ask(slack: SlackServer) -> str:
    """Ask over the socket, and return the ts of the question."""
    ts = slack.say(f"{HERE} {ASKED}")
    slack.send_envelope("events_api", event_payload("app_mention", text=f"{HERE} {ASKED}", ts=ts))
    return ts


@contextmanager
def process(slack: SlackServer, url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield `dateline slack`, connected."""
    told = {
        "DATELINE_SLACK_APP_TOKEN": APP_TOKEN,
        "DATELINE_SLACK_BOT_TOKEN": BOT_TOKEN,
        "DATELINE_SLACK_API_URL": slack.url,
        "DATELINE_URL": url,
        "DATELINE_DATA_DIR": str(folder),
        # What Bolt would take for its own, if it were let.
        "SLACK_BOT_TOKEN": "xoxb-another",
        "SLACK_APP_TOKEN": "xapp-another",
        "SLACK_CLIENT_ID": "another",
        "SLACK_CLIENT_SECRET": "another",
        "SLACK_SIGNING_SECRET": "another",
        "HOME": str(folder),
    }
    before = len(slack.called("apps.connections.open"))
    command = [sys.executable, "-m", "api.cli", "slack"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | told, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            wait_for(lambda: len(slack.called("apps.connections.open")) > before)
            slack.wait_connected()
            yield running
        finally:
            running.kill()


def set_up(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command in this process speak to `slack`."""
    for name, value in settings_of(slack, slack_app_token=APP_TOKEN).items():
        monkeypatch.setenv(f"DATELINE_{name.upper()}", value)


def end_leases(folder: Path) -> None:
    """Let time pass: what a process had taken that was killed is anybody's again."""
    engine = open_engine(f"sqlite:///{folder / 'catalog.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text("update slack_events set due_us = 0"))
    engine.dispose()


@pytest.fixture(scope="module")
def archive(copied: Path) -> Iterator[Server]:
    with Server(copied) as server:
        yield server


def test_killed_in_the_middle_of_an_answer_it_is_finished_by_the_next_process(
    slack: SlackServer, archive: Server, tmp_path: Path
) -> None:
    slack.hang("chat.stopStream", 60)
    with process(slack, archive.url, tmp_path) as running:
        ts = ask(slack)
        message = wait_for(lambda: replies(slack, ts))[0]
        wait_for(lambda: slack.called("chat.stopStream"))
        running.send_signal(signal.SIGKILL)
    assert message.stream == "open"
    end_leases(tmp_path)
    with process(slack, archive.url, tmp_path) as running:
        wait_for(lambda: message.stream == "stopped" and message.edits)
        assert len(replies(slack, ts)) == 1
        assert "Kataib Hezbollah" in shown(message)
        assert message.blocks[-1]["type"] == "context_actions"
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
        assert time.monotonic() - began < 20
        assert running.stderr is not None
        written = running.stderr.read()
    lines = [line for line in written.splitlines() if line.strip()]
    assert all(line.startswith('{"time"') for line in lines), written
    assert BOT_TOKEN not in written
    assert APP_TOKEN not in written
    assert "Taji" not in written
    assert sorted(path.name for path in tmp_path.iterdir() if "bolt" in path.name) == []


def test_what_is_missing_is_named_with_the_place_where_slack_shows_it() -> None:
    ran = dateline("slack")
    assert ran.code == 2
    assert ran.err == (
        "dateline: Socket Mode needs DATELINE_SLACK_APP_TOKEN (api.slack.com/apps, Basic "
        "Information, App-Level Tokens: generate one with the scope connections:write) and "
        "DATELINE_SLACK_BOT_TOKEN (api.slack.com/apps, OAuth & Permissions, Bot User OAuth Token)\n"
    )


def test_the_archive_on_this_machine_answers_without_a_server(
    slack: SlackServer,
    copied: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(copied, tmp_path / "data", ignore=shutil.ignore_patterns("*.lock"))
    set_up(slack, monkeypatch)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    said: list[str] = []

    def people() -> None:
        try:
            slack.wait_connected()
            said.append(plain(finished(slack, ask(slack))))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    asking = threading.Thread(target=people)
    asking.start()
    try:
        ran = dateline("slack", "--data-dir", tmp_path / "data")
    finally:
        asking.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (ran.code, ran.out) == (0, "")
    assert "Kataib Hezbollah" in said[0]
    assert '"slack": "disconnected"' in caplog.text


def test_a_signal_that_comes_before_it_is_waited_for_is_heard(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(slack, monkeypatch)
    monkeypatch.setenv("DATELINE_DATA_DIR", str(tmp_path))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # Whoever hears it without waking those who begin to wait later waits until the test is killed.
    monkeypatch.setattr(Bot, "start", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    try:
        ran = dateline("slack", "--url", "http://127.0.0.1:9")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (ran.code, ran.out) == (0, "")


def test_whoever_waits_for_slack_to_give_a_connection_can_be_stopped(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(slack, monkeypatch)
    monkeypatch.setenv("DATELINE_DATA_DIR", str(tmp_path))
    slack.rate_limit("apps.connections.open", retry_after=11)

    def impatient() -> None:
        wait_for(lambda: slack.called("apps.connections.open"))
        # Python may not hear it in the moment before it begins to wait.
        time.sleep(0.2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    stopping = threading.Thread(target=impatient)
    stopping.start()
    ran = dateline("slack", "--url", "http://127.0.0.1:9")
    stopping.join()
    assert ran.code == 130
    assert len(slack.called("apps.connections.open")) == 1


@pytest.mark.parametrize("url", [None, "https://desk.example"])
def test_the_manifest_is_printed_for_either_way(url: str | None) -> None:
    ran = dateline("slack", "manifest", *(("--url", url) if url else ()))
    assert (ran.code, ran.json) == (0, manifest(url))


def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "slack_bolt", None)
    for name in [name for name in sys.modules if name.startswith("api.routes.slack")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(api.routes, "slack", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'dateline\[slack\]'"):
        create_app(Settings(data_dir=tmp_path, slack_signing_secret="s", slack_bot_token="x"))  # noqa: S106
    monkeypatch.setenv("DATELINE_SLACK_APP_TOKEN", APP_TOKEN)
    monkeypatch.setenv("DATELINE_SLACK_BOT_TOKEN", BOT_TOKEN)
    ran = dateline("slack")
    assert (ran.code, ran.err.endswith("pip install 'dateline[slack]'\n")) == (2, True)
