"""The bot in a real server, over real HTTP, on the sample articles; Slack is a stand-in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from rag.errors import ConfigurationError
from rag.settings import Settings
from tests.browsing import Server
from tests.slackbots import DIRECT, HERE, SIGNING_SECRET, Desk, plain, replies, settings_of, shown
from tests.slackpayloads import (
    BOT_ID,
    BOT_USER,
    app_rate_limited,
    event_payload,
    new_ts,
    sign,
    slash_command,
    url_verification,
)
from tests.slackserver import SlackServer
from tests.waiting import wait_for

ASKED = "Who was blamed for the Taji attack?"
BLAMED = "Kataib Hezbollah"


@pytest.fixture(scope="module")
def server(copied: Path) -> Iterator[tuple[Server, Desk]]:
    with SlackServer() as slack, Server(copied, **settings_of(slack)) as running:
        desk = Desk(slack, running.url, copied)
        yield running, desk
        desk.close()


@pytest.fixture
def desk(server: tuple[Server, Desk]) -> Desk:
    return server[1]


def channel() -> str:
    """Return a channel in which nothing was said yet."""
    return f"C{new_ts().replace('.', '')}"


# -- who may send ----------------------------------------------------------------------------------


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_wrong_signature_is_refused(desk: Desk) -> None:
    sent = event_payload("app_mention", text=f"{HERE} {ASKED}", channel=channel())
    assert refused(desk.send(sent, secret=SIGNING_SECRET[::-1])) == (401, "not_from_slack")


def test_a_signature_of_another_body_is_refused(desk: Desk) -> None:
    headers = sign(b"{}", SIGNING_SECRET)
    sent = event_payload("app_mention", text=f"{HERE} {ASKED}", channel=channel())
    assert refused(desk.send(sent, headers=headers)) == (401, "not_from_slack")


@pytest.mark.parametrize("age_s", [301, 86_400, -301])
def test_a_signature_older_than_five_minutes_is_refused(desk: Desk, age_s: int) -> None:
    sent = event_payload("app_mention", text=f"{HERE} {ASKED}", channel=channel())
    assert refused(desk.send(sent, age_s=age_s)) == (401, "not_from_slack")


@pytest.mark.parametrize("age_s", [240, -240])
def test_a_signature_of_the_last_minutes_is_good(desk: Desk, age_s: int) -> None:
    assert desk.send(event_payload("message", text="lunch?"), age_s=age_s).status_code == 200


@pytest.mark.parametrize("said", ["", "soon", "1" * 13, "-1"])
def test_a_time_that_is_none_is_refused(desk: Desk, said: str) -> None:
    headers = {"X-Slack-Request-Timestamp": said}
    response = desk.send(event_payload("message", text="lunch?"), headers=headers)
    assert refused(response) == (401, "not_from_slack")


@pytest.mark.parametrize("signature", [b"", b"v0=", b"v0=\xe9"])
def test_a_signature_that_is_none_is_refused(desk: Desk, signature: bytes) -> None:
    assert refused(desk.post_raw(b"{}", {"X-Slack-Signature": signature})) == (
        401,
        "not_from_slack",
    )


def test_nothing_is_parsed_before_the_signature_is_checked(desk: Desk) -> None:
    for raw in (b"{", b"\xff\xfe", b"payload=%7B", b'{"type": "url_verification"'):
        sent = desk.post_raw(raw, {"Content-Type": "application/json"})
        assert refused(sent) == (401, "not_from_slack")


def test_a_body_larger_than_anything_that_slack_sends_is_refused(desk: Desk) -> None:
    raw = b" " * 1_000_001
    assert desk.post_raw(raw, sign(raw, SIGNING_SECRET)).status_code == 413


def test_the_address_is_verified_as_slack_asks(desk: Desk) -> None:
    response = desk.send(url_verification("3eZbrw1aB10"))
    assert (response.status_code, response.json()) == (200, {"challenge": "3eZbrw1aB10"})


def test_slack_needs_no_key_and_no_known_name_of_the_server(
    server: tuple[Server, Desk],
) -> None:
    running, desk = server
    host = {"Host": "dateline.ledger.example"}
    assert desk.send(event_payload("message", text="lunch?"), headers=host).status_code == 200
    assert httpx.get(f"{running.url}/v1/sessions", headers=host).status_code == 421


# -- answers ---------------------------------------------------------------------------------------


def test_a_mention_is_answered_in_its_thread_with_numbered_citations(desk: Desk) -> None:
    answer = desk.ask(f"{HERE} {ASKED}", channel=channel())
    assert answer.stream == "stopped"
    assert BLAMED in answer.text
    said = shown(answer)
    assert "*[1]* <https://levant-daily.example/2020/03/16/unknown-group-claims-taji|" in said
    assert "16 March 2020" in said
    assert [block["type"] for block in answer.blocks[-2:]] == ["actions", "context_actions"]


def test_what_stands_in_slack_is_the_answer_that_is_kept(
    desk: Desk, server: tuple[Server, Desk]
) -> None:
    place = channel()
    answer = desk.ask(f"{HERE} {ASKED}", channel=place)
    named = f"slack.T0DESK.{place}.{answer.thread_ts}"
    kept = httpx.get(f"{server[0].url}/v1/sessions/{named}").json()["messages"]
    assert [one["question"] for one in kept] == [ASKED]
    assert plain(answer) == kept[0]["answer"]["answer"]


def test_a_follow_up_in_the_thread_needs_no_mention(desk: Desk) -> None:
    place = channel()
    first = desk.ask(f"{HERE} {ASKED}", channel=place)
    second = desk.ask("And who denied it?", channel=place, thread_ts=first.thread_ts)
    assert second.text.startswith("The US-led coalition")


def test_a_follow_up_that_comes_before_the_answer_waits_for_it(desk: Desk) -> None:
    place = channel()
    ts = desk.say(f"{HERE} {ASKED}", channel=place)
    desk.say("And who denied it?", channel=place, thread_ts=ts)
    desk.reply(ts, channel=place)
    desk.settled()
    assert [one.text[:16] for one in replies(desk.slack, ts, channel=place)] == [
        "Accounts differ.",
        "The US-led coali",
    ]


def test_a_thread_that_the_bot_was_not_asked_in_is_left_alone(desk: Desk) -> None:
    place = channel()
    root = desk.say("Lunch?", channel=place)
    desk.say("Who was blamed for the delay?", channel=place, thread_ts=root)
    desk.settled()
    assert replies(desk.slack, root, channel=place) == []


def test_mentioned_in_the_middle_of_a_thread_the_bot_knows_what_was_said_before(
    desk: Desk, server: tuple[Server, Desk]
) -> None:
    place = channel()
    root = desk.say("Rockets hit Camp Taji &amp; two Americans were killed.", channel=place)
    desk.say("By whom?", channel=place, thread_ts=root)
    answer = desk.ask(f"{HERE} who was blamed for it?", channel=place, thread_ts=root)
    assert BLAMED in answer.text
    named = f"slack.T0DESK.{place}.{root}"
    kept = httpx.get(f"{server[0].url}/v1/sessions/{named}").json()["messages"]
    assert "Taji" in kept[0]["answer"]["standalone_question"]
    # From now on it is a conversation like any other: this one is answered without a mention.
    second = desk.ask("How many Americans were killed at Camp Taji?", channel=place, thread_ts=root)
    assert plain(second).startswith("two")


def test_a_direct_message_is_answered_in_a_thread(desk: Desk) -> None:
    answer = desk.ask(ASKED, channel=DIRECT)
    assert BLAMED in answer.text


def test_no_answer_is_said_so_with_what_to_try_next(desk: Desk) -> None:
    answer = desk.ask(f"{HERE} How do I bake sourdough bread?", channel=channel())
    assert plain(answer) == "The archive does not hold an answer to this question."
    assert "Ask for one fact at a time" in shown(answer)
    assert "Show passages" not in shown(answer)


def test_a_mention_without_a_question_is_helped(desk: Desk) -> None:
    answer = desk.ask(HERE, channel=channel())
    assert answer.text.startswith("Ask me about the articles in our archive")


def test_a_mention_of_nobody_but_people_is_helped(desk: Desk) -> None:
    answer = desk.ask(f"{HERE} <@U0BEN>", channel=channel())
    assert answer.text.startswith("Ask me about the articles in our archive")


def test_a_question_that_is_too_long_is_said_so(desk: Desk) -> None:
    answer = desk.ask(f"{HERE} {'who ' * 1_001}", channel=channel())
    assert answer.text == "I cannot answer that: a question has at most 4,000 characters."


def test_a_slash_command_is_acknowledged_and_answered(desk: Desk) -> None:
    place = channel()
    url = desk.slack.response_url(channel=place)
    assert desk.send(slash_command(ASKED, response_url=url, channel=place)).text == ""
    root = wait_for(lambda: desk.slack.messages(place, bot=True))[0]
    assert root.text == f"<@U0ANNA> asks: {ASKED}"
    assert BLAMED in desk.reply(root.ts, channel=place).text


# -- what is not answered --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("again", "headers"),
    [
        ({}, {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}),
        ({"event_id": "Ev0ANOTHER"}, {"X-Slack-Retry-Num": "2"}),
        ({"event_id": "Ev0ANOTHER"}, {}),
    ],
    ids=["a retry", "a retry with another event id", "another event id and no retry header"],
)
def test_what_came_already_is_not_answered_again(
    desk: Desk, again: dict[str, Any], headers: dict[str, str]
) -> None:
    place = channel()
    ts = desk.slack.say(f"{HERE} {ASKED}", channel=place)
    sent = event_payload("app_mention", text=f"{HERE} {ASKED}", channel=place, ts=ts)
    assert desk.send(sent).status_code == 200
    # Once while it is being answered, and once after.
    for _ in range(2):
        assert desk.send(sent | again, headers=headers).status_code == 200
        desk.reply(ts, channel=place)
    desk.settled()
    assert len(replies(desk.slack, ts, channel=place)) == 1


def test_edits_deletions_and_what_bots_say_are_ignored_also_its_own(desk: Desk) -> None:
    place = channel()
    first = desk.ask(f"{HERE} {ASKED}", channel=place)
    ours: Any = {"user": BOT_USER, "bot_id": BOT_ID, "ts": first.ts}
    sent = [event_payload("message", text="And?", channel=place, thread_ts=first.thread_ts, **ours)]
    for subtype in ("message_changed", "message_deleted", "bot_message"):
        about: Any = {"subtype": subtype, "channel": place, "thread_ts": first.thread_ts}
        sent.append(event_payload("message", text="And who denied it?", **about))
    assert {desk.send(one).status_code for one in sent} == {200}
    desk.settled()
    assert len(replies(desk.slack, first.thread_ts or "", channel=place)) == 1


def test_other_events_are_heard_and_nothing_more(desk: Desk) -> None:
    sent = event_payload("message", text="")
    sent["event"] = {"type": "app_home_opened", "user": "U0ANNA", "channel": DIRECT}
    assert desk.send(sent).status_code == 200


@pytest.mark.parametrize("team", ["T0DESK", "T0OTHER"])
def test_events_that_slack_holds_back_are_warned_of(
    desk: Desk, caplog: pytest.LogCaptureFixture, team: str
) -> None:
    response = desk.send(app_rate_limited(1_518_467_820, team=team))
    assert (response.status_code, response.text) == (200, "")
    told = [one for one in caplog.records if one.name == "dateline.slack"]
    assert [(one.levelname, one.facts) for one in told] == [  # type: ignore[attr-defined]
        (
            "WARNING",
            {"slack": "Slack holds events back", "team": team, "minute": "2018-02-12T20:37:00Z"},
        )
    ]
    assert "verification-token" not in caplog.text


# -- in time ---------------------------------------------------------------------------------------


def test_slack_hears_at_once_however_slow_slack_itself_is(desk: Desk) -> None:
    let_go = desk.slack.hold("chat.postMessage", times=5)
    place = channel()
    # More than are answered at once; the reply to none takes the archive any time.
    asked = [desk.say(HERE, channel=place) for _ in range(5)]
    assert desk.slack.messages(place, bot=True) == []
    let_go.set()
    for ts in asked:
        assert desk.reply(ts, channel=place).text.startswith("Ask me about")


# -- what must be set ------------------------------------------------------------------------------


def test_a_secret_without_a_token_is_told_before_the_server_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DATELINE_SLACK_BOT_TOKEN"):
        create_app(Settings(data_dir=tmp_path, slack_signing_secret=SIGNING_SECRET))


def test_without_the_secret_there_is_no_such_address(copied: Path) -> None:
    paths = [getattr(route, "path", "") for route in create_app(Settings(data_dir=copied)).routes]
    assert [path for path in paths if path.startswith("/slack")] == []


def test_the_description_of_the_api_does_not_know_slack(server: tuple[Server, Desk]) -> None:
    paths = json.loads(httpx.get(f"{server[0].url}/openapi.json").text)["paths"]
    assert [path for path in paths if "slack" in path] == []
