"""Channels that two companies share, when both have installed the bot, which then is there twice.

Slack tells of a message once, by either of them (https://docs.slack.dev/apis/slack-connect).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot as InstalledBot

from api.slack.app import Bot
from api.slack.workspaces import Installed
from tests.slackbots import dispatch, plain, replies
from tests.slackpayloads import APP, CHANNEL, event_payload
from tests.slackscripts import ScriptedDateline, bot_of
from tests.slackserver import SlackServer
from tests.slackworkspace import CLIENT_ID, CLIENT_SECRET
from tests.test_slack_replies import left, put_back_at_once
from tests.waiting import wait_for

BOTS = {"T0EAST": "U0EASTBOT", "T0WEST": "U0WESTBOT"}
EAST, WEST = (f"<@{user}>" for user in BOTS.values())
SEEN_BY = [("T0EAST",), ("T0WEST",), ("T0EAST", "T0WEST"), ("T0WEST", "T0EAST")]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        for team, user in BOTS.items():
            server.add_team(team, f"xoxb-{team}", bot_user=user)
        yield server


@contextmanager
def both(slack: SlackServer, play: ScriptedDateline, folder: Path) -> Iterator[Bot]:
    """Yield a bot that both companies have installed."""
    oauth: Any = {"slack_client_id": CLIENT_ID, "slack_client_secret": CLIENT_SECRET}
    with bot_of(slack, play, folder, lease_s=30, slack_bot_token=None, **oauth) as bot:
        assert isinstance(bot.workspaces, Installed)
        for team, user in BOTS.items():
            made = InstalledBot(
                app_id=APP,
                team_id=team,
                bot_token=f"xoxb-{team}",
                bot_id="B0",
                bot_user_id=user,
                installed_at=1.0,
            )
            bot.workspaces.store.save_bot(made)
        yield bot


def told(
    bot: Bot, slack: SlackServer, text: str, seen_by: tuple[str, ...], thread_ts: str | None = None
) -> str:
    """Let Slack tell of a message by the installations of these companies; return its ts."""
    ts = slack.say(text, thread_ts=thread_ts)
    about: dict[str, Any] = {"text": text, "ts": ts, "thread_ts": thread_ts}
    for team in seen_by:
        for kind in ("message", "app_mention") if "<@" in text else ("message",):
            sent = event_payload(kind, **about, team=team, user_team="T0EAST")
            sent |= {"team_id": "T0EAST", "is_ext_shared_channel": True}
            sent["authorizations"][0]["user_id"] = BOTS[team]
            assert dispatch(bot, sent) == 200
    return ts


def said(slack: SlackServer, thread_ts: str, folder: Path) -> list[tuple[str, str]]:
    """Return who said what in a thread, when there is nothing more to answer."""
    wait_for(lambda: all(row == ("done", None) for row in left(folder)))
    return [(one.user, plain(one)) for one in replies(slack, thread_ts)]


@pytest.mark.parametrize("seen_by", SEEN_BY, ids=" and ".join)
def test_the_bot_that_is_mentioned_answers_once(
    slack: SlackServer, tmp_path: Path, seen_by: tuple[str, ...]
) -> None:
    play = ScriptedDateline(["It burned."])
    with both(slack, play, tmp_path) as bot:
        ts = told(bot, slack, f"{EAST} who?", seen_by)
        assert said(slack, ts, tmp_path) == [("U0EASTBOT", "It burned.")]
    assert [one["question"] for one in play.asked] == ["who?"]
    assert {call.token for call in slack.called("chat.startStream")} == {"xoxb-T0EAST"}


@pytest.mark.parametrize("seen_by", SEEN_BY, ids=" and ".join)
def test_a_follow_up_is_answered_once_by_the_bot_that_was_asked(
    slack: SlackServer, tmp_path: Path, seen_by: tuple[str, ...]
) -> None:
    play = ScriptedDateline(["It burned."])
    with both(slack, play, tmp_path) as bot:
        ts = told(bot, slack, f"{EAST} who?", ("T0EAST",))
        said(slack, ts, tmp_path)
        told(bot, slack, "and when?", seen_by, thread_ts=ts)
        assert said(slack, ts, tmp_path) == [("U0EASTBOT", "It burned.")] * 2
    assert {one["session_id"] for one in play.asked} == {f"slack.T0EAST.{CHANNEL}.{ts}"}


def test_in_a_thread_of_one_bot_the_other_one_is_asked_by_its_name(
    slack: SlackServer, tmp_path: Path
) -> None:
    with both(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = told(bot, slack, f"{WEST} who?", ("T0WEST",))
        said(slack, ts, tmp_path)
        told(bot, slack, f"and what says {EAST}?", ("T0WEST", "T0EAST"), thread_ts=ts)
        answers = [("U0WESTBOT", "It burned."), ("U0EASTBOT", "It burned.")]
        assert said(slack, ts, tmp_path) == answers


def test_a_thread_that_neither_bot_was_asked_in_is_left_alone(
    slack: SlackServer, tmp_path: Path
) -> None:
    with both(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = told(bot, slack, "Lunch?", ("T0WEST",))
        told(bot, slack, "Where?", ("T0WEST", "T0EAST"), thread_ts=ts)
        assert said(slack, ts, tmp_path) == []


def test_in_two_workspaces_of_an_organisation_one_bot_writes_over_no_answer_of_its_own(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back_at_once(monkeypatch)
    slack.add_team("T0EAST", "xoxb-org", bot_user="U0ORGBOT")
    with both(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        made = InstalledBot(
            app_id=APP,
            enterprise_id="E0ORG",
            bot_token="xoxb-org",  # noqa: S106
            bot_id="B0DATELINE",
            bot_user_id="U0ORGBOT",
            is_enterprise_install=True,
            installed_at=1.0,
        )
        assert isinstance(bot.workspaces, Installed)
        bot.workspaces.store.save_bot(made)
        root, *asked = (slack.say("<@U0ORGBOT> who?") for _ in range(3))
        for team, ts in zip(("T0NORTH", "T0SOUTH"), asked, strict=True):
            about: dict[str, Any] = {"text": "<@U0ORGBOT> who?", "ts": ts, "thread_ts": root}
            sent = event_payload("app_mention", **about, team=team, enterprise="E0ORG")
            assert dispatch(bot, sent) == 200
            said(slack, root, tmp_path)
            slack.rate_limit("chat.startStream", retry_after=60)
    assert [(one.user, one.edits) for one in replies(slack, root)] == [("U0ORGBOT", 0)] * 2
