"""What Slack's events mean to the bot, case by case; the README's table is made of these names."""

from typing import Any

import pytest

from api.schemas.sessions import SessionIn
from api.slack.events import Ask, Us, asked_in, session_id, words_after_mention
from tests.slackpayloads import ANNA, BOT_ID, BOT_USER, CHANNEL, TEAM, event_payload

US = Us(BOT_USER, BOT_ID)
ROOT, TS = "1700000000.000100", "1700000009.000200"
IM = "D0ANNA"
HERE = f"<@{BOT_USER}>"


# Any: JSON.
def payload(kind: str, text: str, *, subtype: str | None = None, **more: Any) -> dict[str, Any]:
    sent = event_payload(kind, text=text, ts=TS, subtype=subtype, **more)
    sent["event"] |= {"subtype": subtype} if subtype else {}
    return sent


# Any: JSON. The kind of what is answered, or why it is left alone.
MEANT: dict[str, tuple[dict[str, Any], str]] = {
    "a mention in a channel": (payload("app_mention", f"{HERE} who was blamed?"), "mention"),
    "a mention in a thread": (
        payload("app_mention", f"{HERE} who was blamed?", thread_ts=ROOT),
        "mention",
    ),
    "the same mention, sent as a message, too": (
        payload("message", f"{HERE} who was blamed?"),
        "mention",
    ),
    "a mention with a file": (
        payload("message", f"{HERE} who was blamed?", subtype="file_share"),
        "mention",
    ),
    "a mention among several in a direct message": (
        payload("message", f"{HERE} who was blamed?", channel_type="mpim"),
        "mention",
    ),
    "a message among several in a direct message": (
        payload("message", "lunch?", channel_type="mpim"),
        "not in a thread",
    ),
    "a direct message": (payload("message", "who was blamed?", channel=IM), "direct"),
    "a direct message that mentions the bot": (
        payload("message", f"{HERE} who was blamed?", channel=IM),
        "direct",
    ),
    "the same one, sent as a mention, too": (
        payload("app_mention", f"{HERE} who was blamed?", channel=IM),
        "comes as a message",
    ),
    "a message in a thread": (payload("message", "and when?", thread_ts=ROOT), "thread"),
    "a message in a thread, shown in the channel, too": (
        payload("message", "and when?", thread_ts=ROOT, subtype="thread_broadcast"),
        "thread",
    ),
    "a message in a thread with a file": (
        payload("message", "and when?", thread_ts=ROOT, subtype="file_share"),
        "thread",
    ),
    "a message in a thread to somebody else": (
        payload("message", "<@U0BEN> and when?", thread_ts=ROOT),
        "to somebody else",
    ),
    "a message in a thread to a group": (
        payload("message", "<!subteam^S0EDITORS|@editors> and when?", thread_ts=ROOT),
        "to somebody else",
    ),
    "a message in a thread to all who are here": (
        payload("message", "<!here> lunch?", thread_ts=ROOT),
        "to somebody else",
    ),
    "a message in a thread that begins with a date": (
        payload("message", "<!date^1583971200^{date}|12 March>, and when?", thread_ts=ROOT),
        "thread",
    ),
    "a message in a thread about somebody else": (
        payload("message", "does <@U0BEN> know when?", thread_ts=ROOT),
        "thread",
    ),
    "a message in a channel": (payload("message", "lunch?"), "not in a thread"),
    "the first message of a thread": (
        payload("message", "lunch?", thread_ts=TS),
        "not in a thread",
    ),
    "an edit": (
        payload("message", "and when?", thread_ts=ROOT, subtype="message_changed"),
        "edit or delete",
    ),
    "an edit that adds a mention": (
        payload("app_mention", f"{HERE} when?", edited={"user": ANNA, "ts": TS}),
        "edit or delete",
    ),
    "a deletion": (
        payload("message", "and when?", thread_ts=ROOT, subtype="message_deleted"),
        "edit or delete",
    ),
    "a message of another bot": (
        payload("message", "breaking", thread_ts=ROOT, subtype="bot_message"),
        "bot",
    ),
    "a mention by another bot": (
        payload("app_mention", f"{HERE} hello", bot_id="B0OTHER"),
        "bot",
    ),
    "the bot's own message": (
        payload("message", "Kataib Hezbollah", thread_ts=ROOT, user=BOT_USER, bot_id=BOT_ID),
        "self",
    ),
    "somebody joins": (
        payload("message", "has joined", thread_ts=ROOT, subtype="channel_join"),
        "subtype",
    ),
    "a hidden message": (payload("message", "?", thread_ts=ROOT, hidden=True), "subtype"),
    "a reaction": (payload("message", "") | {"event": {"type": "reaction_added"}}, "another event"),
    "an event of nobody": (payload("message", "when?", channel=IM, user=""), "incomplete"),
    "a payload without an event": ({"type": "event_callback"}, "another event"),
}


@pytest.mark.parametrize("case", MEANT)
def test_an_event_means_a_question_or_nothing(case: str) -> None:
    sent, meant = MEANT[case]
    asked = asked_in(sent, US)
    assert (asked.kind if isinstance(asked, Ask) else asked) == meant


def test_a_mention_in_a_thread_is_asked_whole() -> None:
    asked = asked_in(payload("app_mention", f"{HERE}: who was <b>?", thread_ts=ROOT), US)
    assert asked == Ask(
        team=TEAM,
        enterprise=None,
        channel=CHANNEL,
        ts=TS,
        type="app_mention",
        kind="mention",
        thread_ts=ROOT,
        user=ANNA,
        user_team=TEAM,
        text="who was <b>?",
    )
    assert not asked.opens_thread


def test_a_mention_that_is_sent_twice_is_the_same_both_times() -> None:
    about = {"text": f"{HERE} who?", "thread_ts": ROOT}
    once = asked_in(payload("message", **about), US)
    assert asked_in(payload("app_mention", **about), US) == once


def test_a_mention_in_a_channel_opens_a_thread_of_its_own() -> None:
    asked = asked_in(payload("app_mention", HERE), US)
    assert isinstance(asked, Ask)
    assert (asked.thread_ts, asked.opens_thread, asked.text) == (TS, True, "")


def test_in_a_channel_of_two_companies_the_workspace_is_the_one_that_let_the_bot_in() -> None:
    sent = payload("app_mention", f"{HERE} who?") | {"team_id": "T0THEIRS"}
    sent["event"]["user_team"] = "T0THEIRS"
    asked = asked_in(sent, US)
    assert isinstance(asked, Ask)
    assert (asked.team, asked.user_team) == (TEAM, "T0THEIRS")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HERE} who?", "who?"),
        (f"hey <@{BOT_USER}|dateline>, who?", "hey  , who?"),
        (f"who? {HERE}", "who?"),
        (f"{HERE}, who?", "who?"),
        ("<@U0BEN> who?", "<@U0BEN> who?"),
    ],
)
def test_the_mention_of_the_bot_is_no_part_of_a_question(text: str, words: str) -> None:
    assert words_after_mention(text, BOT_USER) == words


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("T0DESK", "C0DESK", ROOT), f"slack.T0DESK.C0DESK.{ROOT}"),
        (("T" * 30, "C" * 30, ROOT), "slack.c88e490b11951c2c1ff8079c480421913ac8757f"),
        (("T/..", "C0DESK", ROOT), "slack.e2825d64b8e807b27b4f62375233959ab7498d83"),
    ],
)
def test_a_thread_has_the_same_conversation_everywhere(
    place: tuple[str, str, str], name: str
) -> None:
    assert SessionIn(id=session_id(*place)).id == name
