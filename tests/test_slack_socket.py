"""Socket Mode over a real WebSocket, and what the bot takes up that another one began."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from slack_sdk import WebClient

from api.slack import socket
from api.slack.app import Bot
from api.slack.events import Ask
from api.slack.socket import connected
from api.slack.store import Begun, Ledger
from rag.catalog import open_engine
from rag.errors import ConfigurationError, DependencyError
from rag.settings import Settings
from tests.slackbots import HERE, finished, plain, replies, settings_of, shown
from tests.slackpayloads import event_payload, slash_command
from tests.slackscripts import ScriptedDateline, bot_of
from tests.slackserver import SlackServer
from tests.slackworkspace import APP_TOKEN, BOT_TOKEN
from tests.waiting import wait_for


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def ask(slack: SlackServer, question: str = "who?") -> str:
    """Ask over the socket, and return the ts of the question."""
    ts = slack.say(f"{HERE} {question}")
    sent = event_payload("app_mention", text=f"{HERE} {question}", ts=ts)
    assert slack.send_envelope("events_api", sent).payload is None
    return ts


@contextmanager
def on_socket(slack: SlackServer, play: ScriptedDateline, folder: Path) -> Iterator[Bot]:
    """Yield a bot that is connected; it starts and ends with its connection."""
    engine = open_engine(f"sqlite:///{folder / 'ledger.sqlite3'}")
    settings = Settings(data_dir=folder, **settings_of(slack, slack_app_token=APP_TOKEN))
    bot = Bot(settings, play, engine, lease_s=0.6)  # type: ignore[arg-type]
    try:
        # Five unanswered pings end a connection: a busy machine must not seem to be a dead one.
        with connected(bot, settings, ping_s=0.2):
            bot.start()
            yield bot
    finally:
        engine.dispose()


class Link(NamedTuple):
    """A bot on a socket that several tests use one after the other, and what its archive plays."""

    slack: SlackServer
    play: ScriptedDateline


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    play = ScriptedDateline([])
    with SlackServer() as slack, on_socket(slack, play, tmp_path_factory.mktemp("linked")):
        yield Link(slack, play)


@pytest.fixture
def link(linked: Link) -> Link:
    linked.play.steps = ["It burned."]
    return linked


def test_a_mention_is_acknowledged_and_answered(link: Link) -> None:
    assert plain(finished(link.slack, ask(link.slack))) == "It burned."


def test_an_envelope_that_comes_again_is_acknowledged_and_not_answered_again(link: Link) -> None:
    ts = ask(link.slack)
    sent = event_payload("app_mention", text=f"{HERE} who?", ts=ts, event_id="Ev0ANOTHER")
    finished(link.slack, ts)
    link.slack.send_envelope("events_api", sent, retry_attempt=1)
    finished(link.slack, ask(link.slack))
    assert len(replies(link.slack, ts)) == 1


def test_it_is_acknowledged_while_the_archive_takes_its_time(link: Link) -> None:
    go_on = threading.Event()
    link.play.steps = [lambda: go_on.wait(60), "It burned."]
    asked = [ask(link.slack) for _ in range(12)]
    go_on.set()
    assert {plain(finished(link.slack, ts)) for ts in asked} == {"It burned."}


def test_a_slash_command_comes_over_the_socket_as_well(link: Link) -> None:
    before = len(link.slack.messages(bot=True))
    sent = slash_command("help", response_url=link.slack.response_url())
    link.slack.send_envelope("slash_commands", sent)
    said = wait_for(lambda: link.slack.messages(bot=True)[before:])[0]
    assert said.text.startswith("Ask me about the articles")


def test_asked_to_connect_anew_the_bot_does_and_goes_on(link: Link) -> None:
    before = len(link.slack.called("apps.connections.open"))
    link.slack.disconnect()
    assert plain(finished(link.slack, ask(link.slack))) == "It burned."
    assert len(link.slack.called("apps.connections.open")) == before + 1


def test_a_connection_that_is_cut_without_a_word_is_replaced(link: Link) -> None:
    before = len(link.slack.called("apps.connections.open"))
    link.slack.drop()
    wait_for(lambda: len(link.slack.called("apps.connections.open")) > before)
    link.slack.wait_connected()
    assert plain(finished(link.slack, ask(link.slack))) == "It burned."


def test_a_connection_that_slack_does_not_give_again_is_told_once(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    before = len(link.slack.called("apps.connections.open"))
    link.slack.revoke(APP_TOKEN)
    link.slack.drop()
    wait_for(lambda: len(link.slack.called("apps.connections.open")) > before + 2)
    link.slack.workspace.revoked.clear()
    wait_for(lambda: '"slack": "connected again"' in caplog.text)
    link.slack.wait_connected()
    assert plain(finished(link.slack, ask(link.slack))) == "It burned."
    assert caplog.text.count('{"slack": "no connection to Slack", "why": "invalid_auth"}') == 1
    assert APP_TOKEN not in caplog.text


def test_a_bot_that_slack_keeps_waiting_for_a_connection_stops_when_it_is_told_to(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "_CLOSING_S", 0.2)
    with on_socket(slack, ScriptedDateline([]), tmp_path):
        slack.wait_connected()
        slack.rate_limit("apps.connections.open", retry_after=60)
        slack.drop()
        wait_for(lambda: len(slack.called("apps.connections.open")) == 2)
        began = time.monotonic()
    assert time.monotonic() - began < 30


# -- what was left behind --------------------------------------------------------------------------


def half_written(slack: SlackServer, folder: Path, *, age: timedelta = timedelta(0)) -> str:
    """Leave what a process leaves that was killed while it streamed; return the question's ts."""
    ts = slack.say(f"{HERE} who?")
    web = WebClient(BOT_TOKEN, base_url=slack.url)
    begun = web.chat_startStream(
        channel="C0DESK",
        thread_ts=ts,
        recipient_user_id="U0ANNA",
        recipient_team_id="T0DESK",
        markdown_text="It bur",
    )
    asked = Ask(
        team="T0DESK",
        channel="C0DESK",
        ts=ts,
        type="app_mention",
        kind="mention",
        thread_ts=ts,
        user="U0ANNA",
        user_team="T0DESK",
        text="who?",
    )
    engine = open_engine(f"sqlite:///{folder / 'ledger.sqlite3'}")
    ledger, then = Ledger(engine), datetime.now(UTC) - age
    assert ledger.keep(asked, now=then)
    taken = ledger.take("a process that was killed", now=then, lease_s=0.5)
    assert taken is not None
    ledger.note_begun(taken, Begun("stream", begun["ts"]))
    engine.dispose()
    return ts


def test_half_an_answer_is_written_over_by_the_whole_one_after_a_restart(
    slack: SlackServer, tmp_path: Path
) -> None:
    ts = half_written(slack, tmp_path)
    with bot_of(slack, ScriptedDateline(["It burned. ", "Nobody was hurt."]), tmp_path):
        message = replies(slack, ts)[0]
        wait_for(lambda: message.blocks)
    assert message.blocks[0]["text"]["text"] == "It burned. Nobody was hurt."
    assert "It bur\u2060" not in shown(message)
    assert len(replies(slack, ts)) == 1


def test_what_the_archive_answered_before_the_end_is_not_asked_again(
    slack: SlackServer, tmp_path: Path
) -> None:
    ts = half_written(slack, tmp_path)
    play = ScriptedDateline(["It burned."])
    list(play.stream("who?", session_id=f"slack.T0DESK.C0DESK.{ts}"))
    with bot_of(slack, play, tmp_path):
        message = replies(slack, ts)[0]
        wait_for(lambda: message.blocks)
    assert message.blocks[0]["text"]["text"] == "It burned."
    assert len(play.asked) == 1


def test_after_a_quarter_of_an_hour_half_an_answer_is_owned_up_to(
    slack: SlackServer, tmp_path: Path
) -> None:
    ts = half_written(slack, tmp_path, age=timedelta(minutes=16))
    play = ScriptedDateline(["It burned."])
    with bot_of(slack, play, tmp_path):
        message = replies(slack, ts)[0]
        wait_for(lambda: message.edits)
    assert message.text == "I was interrupted before I could answer this. Please ask again."
    assert play.asked == []


def test_a_bot_that_is_stopped_leaves_its_answer_to_the_next_one(
    slack: SlackServer, tmp_path: Path
) -> None:
    slow = ScriptedDateline([])
    with on_socket(slack, slow, tmp_path) as bot:
        slow.steps = ["It bur", lambda: bot.stopping.wait(60), "ned."]
        ts = ask(slack)
        message = wait_for(lambda: replies(slack, ts))[0]
    assert slow.hung_up == 1
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path):
        wait_for(lambda: message.blocks)
    assert message.blocks[0]["text"]["text"] == "It burned."


def test_a_token_that_slack_does_not_know_is_named(slack: SlackServer, tmp_path: Path) -> None:
    slack.revoke()
    with (
        pytest.raises(ConfigurationError, match="refuses DATELINE_SLACK_BOT_TOKEN: token_revoked"),
        on_socket(slack, ScriptedDateline([]), tmp_path),
    ):
        pass
    slack.workspace.revoked.clear()
    slack.revoke(APP_TOKEN)
    with (
        pytest.raises(ConfigurationError, match="refuses DATELINE_SLACK_APP_TOKEN: invalid_auth"),
        on_socket(slack, ScriptedDateline([]), tmp_path),
    ):
        pass


def test_slack_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with SlackServer() as gone:
        pass
    with (
        pytest.raises(DependencyError, match="Slack cannot be reached"),
        on_socket(gone, ScriptedDateline([]), tmp_path),
    ):
        pass
