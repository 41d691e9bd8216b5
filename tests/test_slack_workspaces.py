"""Several workspaces over OAuth, what happens when one leaves, and tokens that stay secret."""

import io
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from api.auth import Keys
from api.slack import web, workspaces
from api.slack.workspaces import OneWorkspace
from api.watch.logs import JsonLines
from rag.catalog import open_engine
from rag.settings import Settings
from rag.types import Filters
from tests.browsing import Server
from tests.slackbots import HERE, SIGNING_SECRET, Desk, dispatch, finished, plain, replies
from tests.slackpayloads import event_payload, slash_command
from tests.slackscripts import ScriptedDateline, bot_of
from tests.slackserver import SlackServer
from tests.slackworkspace import BOT_TOKEN, CLIENT_ID, CLIENT_SECRET
from tests.waiting import wait_for

ASKED = "Who was blamed for the Taji attack?"
TOKENS = {"T0EAST": "xoxb-east-7f3a", "T0WEST": "xoxb-west-91bc", "T0MOVED": "xoxb-moved-20de"}


@pytest.fixture(scope="module")
def desk(copied: Path) -> Iterator[tuple[Desk, str]]:
    """A server that workspaces install the bot from."""
    oauth = {"slack_client_id": CLIENT_ID, "slack_client_secret": CLIENT_SECRET}
    with SlackServer() as slack:
        about = {"slack_signing_secret": SIGNING_SECRET, "slack_api_url": slack.url} | oauth
        with Server(copied, **about) as running:
            opened = Desk(slack, running.url, copied)
            yield opened, running.url
            opened.close()


def install(desk: Desk, url: str, team: str) -> httpx.Response:
    """Install the bot in a workspace as its admin's browser does."""
    code = f"code-of-{team}"
    desk.slack.add_team(team, TOKENS[team], code=code)
    sent_to_slack = httpx.get(f"{url}/slack/install")
    assert sent_to_slack.status_code == 302
    where = httpx.URL(sent_to_slack.headers["location"])
    assert (where.path, where.params["client_id"]) == ("/oauth/v2/authorize", CLIENT_ID)
    cookie = sent_to_slack.headers["set-cookie"].partition(";")[0]
    return httpx.get(
        f"{url}/slack/oauth_redirect",
        params={"code": code, "state": where.params["state"]},
        headers={"Cookie": cookie},
    )


def test_two_workspaces_install_the_bot_and_each_is_answered_with_its_own_token(
    desk: tuple[Desk, str],
) -> None:
    people, url = desk
    for team in ("T0EAST", "T0WEST"):
        done = install(people, url, team)
        assert (done.status_code, "Thank you" in done.text) == (200, True)
    for team, channel in (("T0EAST", "C0EAST"), ("T0WEST", "C0WEST")):
        ts = people.say(f"{HERE} {ASKED}", team=team, channel=channel)
        assert "Kataib Hezbollah" in people.reply(ts, channel=channel).text
        assert people.slack.called("chat.startStream")[-1].token == TOKENS[team]


def test_a_workspace_that_did_not_install_the_bot_is_not_answered(desk: tuple[Desk, str]) -> None:
    people, _ = desk
    ts = people.say(f"{HERE} {ASKED}", team="T0NORTH", channel="C0NORTH")
    people.settled()
    assert replies(people.slack, ts, channel="C0NORTH") == []


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
def test_a_workspace_that_leaves_is_forgotten(
    desk: tuple[Desk, str], copied: Path, kind: str
) -> None:
    people, url = desk
    install(people, url, "T0WEST")
    assert "T0WEST" in teams(copied)
    assert people.send(event_payload(kind, team="T0WEST")).status_code == 200
    wait_for(lambda: "T0WEST" not in teams(copied))
    ts = people.say(f"{HERE} {ASKED}", team="T0WEST", channel="C0WEST")
    people.settled()
    assert replies(people.slack, ts, channel="C0WEST") == []


def test_a_token_that_slack_does_not_know_any_more_is_deleted(
    desk: tuple[Desk, str], copied: Path
) -> None:
    people, url = desk
    install(people, url, "T0EAST")
    people.slack.revoke(TOKENS["T0EAST"])
    ts = people.say(f"{HERE} {ASKED}", team="T0EAST", channel="C0EAST")
    wait_for(lambda: "T0EAST" not in teams(copied))
    assert replies(people.slack, ts, channel="C0EAST") == []


def test_a_workspace_that_joined_an_organisation_is_still_answered_and_can_leave(
    desk: tuple[Desk, str], copied: Path
) -> None:
    people, url = desk
    install(people, url, "T0MOVED")
    ts = people.slack.say(ASKED, channel="C0MOVED")
    about = {"channel": "C0MOVED", "team": "T0MOVED", "enterprise": "E0ORG"}
    sent = event_payload("app_mention", text=f"{HERE} {ASKED}", ts=ts, **about)
    assert people.send(sent).status_code == 200
    assert "Kataib Hezbollah" in people.reply(ts, channel="C0MOVED").text
    assert people.slack.called("chat.startStream")[-1].token == TOKENS["T0MOVED"]
    leaves = event_payload("app_uninstalled", team="T0MOVED", enterprise="E0ORG")
    assert people.send(leaves).status_code == 200
    wait_for(lambda: "T0MOVED" not in teams(copied))


def test_an_installation_without_the_browser_that_began_it_is_refused(
    desk: tuple[Desk, str],
) -> None:
    people, url = desk
    people.slack.add_team("T0SOUTH", "xoxb-south", code="stolen")
    where = httpx.URL(httpx.get(f"{url}/slack/install").headers["location"])
    asked = {"code": "stolen", "state": where.params["state"]}
    assert httpx.get(f"{url}/slack/oauth_redirect", params=asked).status_code == 400
    cookie = {"Cookie": "slack-app-oauth-state=made-up"}
    made_up = {"code": "stolen", "state": "made-up"}
    response = httpx.get(f"{url}/slack/oauth_redirect", params=made_up, headers=cookie)
    assert response.status_code == 401


def test_with_a_key_installations_come_by_the_public_name_and_nobody_else(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        slack_signing_secret=SIGNING_SECRET,
        slack_client_id=CLIENT_ID,
        slack_client_secret=CLIENT_SECRET,
    )
    with TestClient(create_app(settings), base_url="https://desk.example") as client:
        keys: Keys = client.app.state.keys  # type: ignore[attr-defined]
        keys.create("newsroom", ("read", "write"), now=datetime.now(UTC))
        assert client.get("/slack/install", follow_redirects=False).status_code == 302
        assert client.get("/v1/sessions").status_code == 401
        assert client.delete("/v1/documents/a1").status_code == 401


def teams(folder: Path) -> set[str]:
    """Return the workspaces whose tokens are kept."""
    engine = open_engine(f"sqlite:///{folder / 'catalog.sqlite3'}")
    with engine.connect() as connection:
        found = {
            row[0]
            for table in ("slack_bots", "slack_installations")
            for row in connection.execute(text(f"select team_id from {table}"))  # noqa: S608
        }
    engine.dispose()
    return found


# -- one workspace ---------------------------------------------------------------------------------


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def test_what_bolt_would_read_from_the_environment_is_not_read(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("BOT_TOKEN", "APP_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "SIGNING_SECRET", "SCOPES")
    for name in names:
        monkeypatch.setenv(f"SLACK_{name}", "another")
    monkeypatch.setenv("HOME", str(tmp_path))
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=ts))
        assert plain(finished(slack, ts)) == "It burned."
    assert {call.token for call in slack.calls} == {BOT_TOKEN}
    assert sorted(path.name for path in tmp_path.iterdir() if "sqlite" not in path.name) == []


def test_events_of_another_workspace_than_the_tokens_are_not_answered(
    slack: SlackServer, tmp_path: Path
) -> None:
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=ts, team="T0OTHER"))
        last = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=last))
        finished(slack, last)
    assert replies(slack, ts) == []


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
def test_another_workspace_that_takes_the_app_out_costs_this_one_nothing(
    slack: SlackServer, tmp_path: Path, kind: str
) -> None:
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        assert dispatch(bot, event_payload(kind, team="T0OTHER")) == 200
        first = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=first))
        assert plain(finished(slack, first)) == "It burned."
        bot.ledger.set_filters("T0OTHER", "C0OTHER", Filters(sources=("jpost.com",)))
        assert dispatch(bot, event_payload(kind, team="T0OTHER")) == 200
        wait_for(lambda: bot.ledger.filters("T0OTHER", "C0OTHER") == Filters())
        last = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=last))
        assert plain(finished(slack, last)) == "It burned."


def test_an_event_is_left_to_slack_while_it_does_not_say_who_we_are(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Slack waits for three seconds; none of them is needed to see that.
    assert web._HASTY_S + workspaces._LEFT_ALONE_S <= 3
    monkeypatch.setattr(web, "_HASTY_S", 0.2)
    monkeypatch.setattr(workspaces, "_LEFT_ALONE_S", 0.1)
    slack.hang("auth.test", 120, times=1)
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = slack.say("who?")
        sent = event_payload("app_mention", text=f"{HERE} who?", ts=ts)
        began = time.monotonic()
        assert dispatch(bot, sent) == 500
        assert time.monotonic() - began < 60
        # So it sends it again.
        wait_for(lambda: dispatch(bot, sent) == 200)
        assert plain(finished(slack, ts)) == "It burned."


def test_what_the_bot_is_asked_for_is_known_once(slack: SlackServer) -> None:
    one = OneWorkspace(BOT_TOKEN, Settings(slack_api_url=slack.url))
    for _ in range(3):
        found = one.find("T0DESK", None)
        assert found is not None
        assert found.us.user_id == "U0DATELINE"
    assert len(slack.called("auth.test")) == 1


def test_no_token_and_no_word_is_logged_even_by_who_logs_everything(
    slack: SlackServer, tmp_path: Path
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    plainly = logging.StreamHandler(written)
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    root.addHandler(plainly)
    try:
        with bot_of(slack, ScriptedDateline(["The zanzoquill burned."]), tmp_path) as bot:
            for method in ("conversations.replies", "chat.postMessage"):
                slack.fail(method, "fatal_error", times=1)
            root_ts = slack.say("The quorvath is here.")
            ts = slack.say("who?", thread_ts=root_ts)
            asked = f"{HERE} who saw the zanzoquill?"
            about = {"text": asked, "ts": ts, "thread_ts": root_ts}
            dispatch(bot, event_payload("app_mention", **about))
            url = slack.response_url()
            dispatch(bot, slash_command("who saw the quorvath?", response_url=url))
            dispatch(bot, slash_command("who saw the quorvath?", response_url=url))
            finished(slack, root_ts)
            wait_for(lambda: len(slack.called("chat.stopStream")) == 2)
            slack.revoke()
            again = about | {"ts": slack.say("who?")}
            dispatch(bot, event_payload("app_mention", **again))
            wait_for(lambda: "not valid any more" in written.getvalue())
    finally:
        root.removeHandler(handler)
        root.removeHandler(plainly)
        root.setLevel(level)
    logged = written.getvalue()
    assert json.loads(logged.splitlines()[0])
    for secret in (BOT_TOKEN, SIGNING_SECRET, "zanzoquill", "quorvath", url):
        assert secret not in logged
