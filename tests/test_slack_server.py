"""The stand-in for Slack, against Slack's own SDK: what it refuses, and what a person would see."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from tests.slacklimits import problems, view_problems
from tests.slackpayloads import (
    ANNA,
    BOT_ID,
    BOT_USER,
    CHANNEL,
    TEAM,
    block_action,
    body,
    event_payload,
    sign,
    slash_command,
    trigger_id,
)
from tests.slackserver import SlackServer
from tests.slackworkspace import APP_TOKEN, BOT_TOKEN, CLIENT_ID, CLIENT_SECRET
from tests.waiting import wait_for

RECIPIENT = {"recipient_user_id": ANNA, "recipient_team_id": TEAM}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
SECRET = "signing-secret"  # noqa: S105


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> WebClient:
    return WebClient(BOT_TOKEN, base_url=slack.url)


def refused(call: Any, **args: Any) -> SlackResponse:  # Any: a method of the client
    with pytest.raises(SlackApiError) as raised:
        call(**args)
    response: SlackResponse = raised.value.response
    return response


def test_it_says_who_the_bot_is(client: WebClient) -> None:
    told = client.auth_test()
    assert (told["team_id"], told["user_id"], told["bot_id"]) == (TEAM, BOT_USER, BOT_ID)


def test_a_posted_message_stands_in_its_thread_and_can_be_changed(
    slack: SlackServer, client: WebClient
) -> None:
    root = slack.say("who was blamed?")
    ts = client.chat_postMessage(channel=CHANNEL, text="a", thread_ts=root, blocks=[SECTION])["ts"]
    client.chat_update(channel=CHANNEL, ts=ts, text="b", blocks=[])
    [asked, answered] = slack.messages()
    assert (asked.ts, asked.text, asked.user) == (root, "who was blamed?", ANNA)
    assert (answered.thread_ts, answered.text, answered.blocks, answered.edits) == (
        root,
        "b",
        [],
        1,
    )
    told = client.conversations_replies(channel=CHANNEL, ts=root)
    assert [message["text"] for message in told["messages"]] == ["who was blamed?", "b"]


def test_a_message_can_be_deleted_by_whoever_wrote_it(
    slack: SlackServer, client: WebClient
) -> None:
    theirs = slack.say("who?")
    ours = client.chat_postMessage(channel=CHANNEL, text="a")["ts"]
    client.chat_delete(channel=CHANNEL, ts=ours)
    assert refused(client.chat_delete, channel=CHANNEL, ts=theirs)["error"] == "cant_delete_message"
    assert [message.text for message in slack.messages()] == ["who?"]


def test_a_thread_comes_in_pages(slack: SlackServer, client: WebClient) -> None:
    root = slack.say("0")
    for number in (1, 2):
        slack.say(str(number), thread_ts=root)
    pages = client.conversations_replies(channel=CHANNEL, ts=root, limit=2)
    assert [[m["text"] for m in page["messages"]] for page in pages] == [["0", "1"], ["2"]]


def test_a_stream_shows_its_pieces_and_then_its_blocks(
    slack: SlackServer, client: WebClient
) -> None:
    root = slack.say("who?")
    stream = client.chat_stream(channel=CHANNEL, thread_ts=root, buffer_size=1, **RECIPIENT)
    stream.append(markdown_text="**Kataib** ")
    stream.append(markdown_text="Hezbollah")
    assert slack.messages(bot=True)[0].stream == "open"
    stream.stop(blocks=[SECTION])
    [message] = slack.messages(bot=True)
    assert (message.text, message.pieces) == (
        "**Kataib** Hezbollah",
        ["**Kataib** ", "Hezbollah"],
    )
    assert (message.stream, message.thread_ts, message.blocks) == ("stopped", root, [SECTION])


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"thread_ts": ""}, "invalid_arguments"),
        ({"recipient_user_id": None}, "missing_recipient_user_id"),
        ({"recipient_team_id": None}, "missing_recipient_team_id"),
        ({"markdown_text": "a" * 12_001}, "msg_too_long"),
        ({"channel": "nowhere"}, "channel_not_found"),
    ],
)
def test_a_stream_is_refused(
    slack: SlackServer, client: WebClient, given: dict[str, Any], error: str
) -> None:
    args: dict[str, Any] = {"channel": CHANNEL, "thread_ts": "1.2", **RECIPIENT} | given
    assert refused(client.chat_startStream, **args)["error"] == error
    assert slack.messages() == []


def test_a_direct_message_needs_no_recipient(client: WebClient) -> None:
    assert client.chat_startStream(channel="D0ANNA", thread_ts="1.2")["ok"]


def test_a_stream_takes_no_more_than_twelve_thousand_characters_in_all(client: WebClient) -> None:
    started = client.chat_startStream(channel="D0ANNA", thread_ts="1.2", markdown_text="a" * 7_000)
    place = {"channel": "D0ANNA", "ts": started["ts"]}
    more = refused(client.chat_appendStream, **place, markdown_text="a" * 5_001)
    assert more["error"] == "msg_too_long"


def test_a_stream_stays_of_its_kind(client: WebClient) -> None:
    ts = client.chat_startStream(channel="D0ANNA", thread_ts="1.2", markdown_text="a")["ts"]
    chunks = [{"type": "markdown_text", "text": "b"}]
    more = refused(client.chat_appendStream, channel="D0ANNA", ts=ts, chunks=chunks)
    assert more["error"] == "streaming_mode_mismatch"


@pytest.mark.parametrize(
    ("by_user", "error"),
    [(False, "message_not_in_streaming_state"), (True, "stopped_by_user")],
)
def test_a_stream_that_ended_takes_nothing(
    slack: SlackServer, client: WebClient, by_user: bool, error: str
) -> None:
    ts = client.chat_startStream(channel="D0ANNA", thread_ts="1.2")["ts"]
    assert refused(client.chat_update, channel="D0ANNA", ts=ts, text="b")["error"] == (
        "streaming_state_conflict"
    )
    slack.end_streams(by_user=by_user)
    place = {"channel": "D0ANNA", "ts": ts}
    assert refused(client.chat_appendStream, **place, markdown_text="b")["error"] == error
    assert refused(client.chat_stopStream, **place)["error"] == error
    assert client.chat_update(**place, text="whole")["text"] == "whole"


def test_blocks_that_slack_refuses_are_refused_with_the_reason(client: WebClient) -> None:
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "a" * 3_001}}
    told = refused(client.chat_postMessage, channel=CHANNEL, text="a", blocks=[SECTION, long])
    assert told["error"] == "invalid_blocks"
    assert told["response_metadata"]["messages"] == [
        "blocks[1]: text: must be less than 3001 characters"
    ]
    many = [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 2_500}}] * 5
    told = refused(client.chat_postMessage, channel=CHANNEL, text="a", blocks=many)
    assert told["error"] == "msg_blocks_too_long"


BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
LONG_BUTTON = BUTTON | {"text": {"type": "plain_text", "text": "a" * 76}, "value": "a" * 2_001}
THUMB = {"text": {"type": "plain_text", "text": "Good"}, "value": "up"}
THUMBS = {"type": "feedback_buttons", "positive_button": THUMB, "negative_button": {}}


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ({"type": "heading"}, ["unsupported type heading"]),
        ({"type": "section"}, ["text: or fields must be there"]),
        (
            {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
            ["text: must be more than 0 characters"],
        ),
        ({"type": "divider", "color": "red"}, ["invalid additional property color"]),
        (
            {"type": "header", "text": {"type": "mrkdwn", "text": "a"}},
            ["text: must be of type plain_text"],
        ),
        (
            {"type": "header", "text": {"type": "plain_text", "text": "a" * 151}},
            ["text: must be less than 151 characters"],
        ),
        (
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}] * 11},
            ["elements: 1 to 10 items allowed"],
        ),
        (
            {"type": "actions", "elements": [LONG_BUTTON]},
            ["text: must be less than 76 characters", "value: must be less than 2001 characters"],
        ),
        (
            {"type": "actions", "elements": [BUTTON, BUTTON]},
            ["elements: action_id is not unique"],
        ),
        (
            {"type": "context_actions", "elements": [THUMBS]},
            ["text: must be of type plain_text", "value: is missing"],
        ),
    ],
)
def test_each_limit_of_a_block_is_known(block: dict[str, Any], found: list[str]) -> None:
    assert problems([block], "message") == [f"blocks[0]: {one}" for one in found]


def test_blocks_are_counted_and_named_once() -> None:
    assert problems([{"type": "divider"}] * 51, "message") == [
        "blocks: no more than 50 items allowed"
    ]
    twice = [{"type": "divider", "block_id": "a"}] * 2
    assert problems(twice, "modal") == ["blocks: block_id is not unique"]


def test_a_modal_opens_within_three_seconds_of_the_click(
    slack: SlackServer, client: WebClient
) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Passages"}, "blocks": []}
    client.views_open(trigger_id=trigger_id(), view=view)
    assert slack.views == [view]
    late = f"{time.monotonic() - 3.1:.3f}.1337.trigger"
    assert refused(client.views_open, trigger_id=late, view=view)["error"] == "expired_trigger_id"
    long = view | {"title": {"type": "plain_text", "text": "a" * 25}}
    assert view_problems(long) == ["title: must be less than 25 characters"]
    told = refused(client.views_open, trigger_id=trigger_id(), view=long)
    assert told["error"] == "invalid_arguments"


def test_a_response_url_takes_five_answers(slack: SlackServer) -> None:
    url = slack.response_url()
    webhook = WebhookClient(url)
    assert webhook.send(text="for you").status_code == 200
    assert webhook.send(text="for all", response_type="in_channel").status_code == 200
    assert [(m.text, m.only_for) for m in slack.messages()] == [
        ("for you", ANNA),
        ("for all", None),
    ]
    for _ in range(3):
        webhook.send(text="more")
    assert webhook.send(text="too much").status_code == 404


def test_a_response_url_changes_the_message_that_was_clicked(
    slack: SlackServer, client: WebClient
) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="a")["ts"]
    WebhookClient(slack.response_url(ts=ts)).send(text="b", replace_original=True)
    assert [message.text for message in slack.messages()] == ["b"]


def test_it_fails_as_it_is_told(slack: SlackServer, client: WebClient) -> None:
    slack.fail("chat.startStream", "unknown_method")
    slack.fail("users.info", "missing_scope", times=1)
    start: dict[str, Any] = {"channel": "D0ANNA", "thread_ts": "1.2"}
    for _ in range(2):
        assert refused(client.chat_startStream, **start)["error"] == "unknown_method"
    assert refused(client.users_info, user=ANNA)["error"] == "missing_scope"
    assert client.users_info(user=ANNA)["user"]["name"] == "anna"
    slack.mend("chat.startStream")
    assert client.chat_startStream(**start)["ok"]
    assert [call.error for call in slack.calls] == [
        "unknown_method",
        "unknown_method",
        "missing_scope",
        None,
        None,
    ]


def test_a_rate_limit_says_how_long_to_wait(slack: SlackServer, client: WebClient) -> None:
    slack.rate_limit("chat.postMessage", retry_after=7)
    told = refused(client.chat_postMessage, channel=CHANNEL, text="a")
    assert (told.status_code, told.headers["Retry-After"]) == (429, "7")
    assert told["error"] == "ratelimited"
    assert slack.messages() == []
    assert client.chat_postMessage(channel=CHANNEL, text="a")["ok"]


def test_it_breaks_and_it_hangs(slack: SlackServer, client: WebClient) -> None:
    slack.crash("auth.test", status=503)
    assert refused(client.auth_test).status_code == 503
    slack.hang("auth.test", 0.3)
    before = time.monotonic()
    client.auth_test()
    assert time.monotonic() - before >= 0.3


def test_tokens_are_those_of_a_workspace(slack: SlackServer, client: WebClient) -> None:
    slack.revoke()
    assert refused(client.auth_test)["error"] == "token_revoked"
    assert refused(client.auth_test, token="xoxb-other")["error"] == "invalid_auth"  # noqa: S106
    slack.add_team("T0OTHER", "xoxb-other", code="code-1")
    slack.leave("C0QUIET")
    told = client.oauth_v2_access(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, code="code-1")
    assert (told["access_token"], told["team"]["id"]) == ("xoxb-other", "T0OTHER")
    away = refused(client.chat_postMessage, channel="C0QUIET", text="a", token="xoxb-other")  # noqa: S106
    assert away["error"] == "not_in_channel"
    again = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": "code-1"}
    assert refused(client.oauth_v2_access, **again)["error"] == "invalid_code"


@pytest.fixture
def linked(slack: SlackServer) -> Iterator[list[SocketModeRequest]]:
    """The requests that an app got, each of which it acknowledged."""
    got: list[SocketModeRequest] = []

    def acknowledge(app: Any, request: SocketModeRequest) -> None:  # Any: as the SDK has it
        got.append(request)
        said = {"text": "working"} if request.accepts_response_payload else None
        app.send_socket_mode_response(SocketModeResponse(request.envelope_id, said))

    web = WebClient(base_url=slack.url)
    app = SocketModeClient(APP_TOKEN, web_client=web, ping_interval=0.05)
    app.socket_mode_request_listeners.append(acknowledge)
    app.connect()
    yield got
    # The SDK's close sits out some seconds of silence, unless it is woken.
    app.auto_reconnect_enabled = False
    slack.drop()
    app.closed = True
    app.enqueue_message("{}")
    app.close()


def test_an_envelope_is_acknowledged(slack: SlackServer, linked: list[SocketModeRequest]) -> None:
    payload = event_payload("app_mention", text="who?")
    ack = slack.send_envelope("events_api", payload, retry_attempt=1)
    assert ack.took_s < 3
    [request] = linked
    assert (request.type, request.payload) == ("events_api", payload)
    assert (request.retry_attempt, request.retry_reason) == (1, "timeout")
    command = slash_command("help", response_url=slack.response_url())
    assert slack.send_envelope("slash_commands", command).payload == {"text": "working"}


def test_an_app_comes_back_after_its_connection_ended(
    slack: SlackServer, linked: list[SocketModeRequest]
) -> None:
    slack.wait_connected()
    slack.disconnect()
    slack.send_envelope("events_api", event_payload("message", text="a"))
    slack.drop()
    wait_for(lambda: len(slack.called("apps.connections.open")) == 3)
    slack.wait_connected()
    slack.send_envelope("events_api", event_payload("message", text="b"))
    assert [request.payload["event"]["text"] for request in linked] == ["a", "b"]


def test_what_was_delivered_was_signed() -> None:
    payload = event_payload("message", text="who?", channel="D0ANNA", thread_ts="1.2")
    raw, kind = body(payload)
    assert (json.loads(raw), kind) == (payload, "application/json")
    verifier = SignatureVerifier(SECRET)
    assert verifier.is_valid_request(raw, sign(raw, SECRET))
    assert not verifier.is_valid_request(raw, sign(raw, "other"))
    assert not verifier.is_valid_request(raw, sign(raw, SECRET, int(time.time()) - 301))
    assert (payload["event"]["channel_type"], payload["event"]["thread_ts"]) == ("im", "1.2")


def test_changes_are_told_as_slack_tells_them() -> None:
    edited = event_payload("message", text="after", subtype="message_changed")["event"]
    assert (edited["message"]["text"], edited["previous_message"]["text"]) == ("after", "before")
    gone = event_payload("message", text="gone", ts="7.1", subtype="message_deleted")["event"]
    assert (gone["deleted_ts"], "text" in gone) == ("7.1", False)
    other = event_payload("message", text="beep", subtype="bot_message")["event"]
    assert (other["bot_id"], "user" in other) == ("B0OTHER", False)
    own = event_payload("message", text="mine", user=BOT_USER, bot_id=BOT_ID)["event"]
    assert (own["user"], own["bot_id"]) == (BOT_USER, BOT_ID)


def test_a_click_and_a_command_are_forms(slack: SlackServer) -> None:
    click = block_action(
        {"type": "button", "action_id": "dateline_passages", "value": "msg_1"},
        message={"ts": "7.1", "thread_ts": "6.1"},
        response_url=slack.response_url(ts="7.1"),
    )
    assert (click["container"]["message_ts"], click["container"]["thread_ts"]) == ("7.1", "6.1")
    assert body(click)[0].startswith(b"payload=%7B%22type%22%3A+%22block_actions%22")
    command = slash_command("ask who?", response_url=slack.response_url())
    assert b"command=%2Fdateline&text=ask+who%3F" in body(command)[0]
