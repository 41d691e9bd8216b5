"""How an answer gets into Slack when something is in its way; the archive's part is scripted."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from slack_sdk import WebClient
from sqlalchemy import text

from api.slack import reply, threads, web, words
from api.slack.app import Bot
from api.slack.blocks import PASSAGES
from api.slack.events import Ask, Us, asked_in
from api.slack.store import Begun, Ledger, Taken, TakenOver
from rag.catalog import open_engine
from rag.errors import Busy, ConfigurationError, DependencyError, InputError
from rag.types import Turn
from tests.slackbots import DIRECT, HERE, dispatch, finished, plain, replies, shown, texts
from tests.slackmessages import Message
from tests.slackpayloads import block_action, event_payload, new_ts
from tests.slackscripts import VOID, ScriptedDateline, bot_of, made
from tests.slackserver import SlackServer
from tests.slackworkspace import BOT_TOKEN
from tests.waiting import wait_for

LONG = "In meeting {} the council decided nothing at all about the old bridge. "


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def ask(bot: Bot, slack: SlackServer, question: str = "who?", channel: str = "C0DESK") -> str:
    """Ask in a channel, and return the ts of the question."""
    ts = slack.say(f"{HERE} {question}", channel=channel)
    kind = "message" if channel.startswith("D") else "app_mention"
    sent = event_payload(kind, text=f"{HERE} {question}", channel=channel, ts=ts)
    assert dispatch(bot, sent) == 200
    return ts


def answered(
    slack: SlackServer, play: ScriptedDateline, folder: Path, *, lease_s: float = 0.6
) -> Message:
    """Ask, and return the answer when there is nothing more to do."""
    with bot_of(slack, play, folder, lease_s=lease_s) as bot:
        ts = ask(bot, slack)
        wait_for(lambda: left(folder) == [("done", None)])
    return replies(slack, ts)[0]


def left(folder: Path) -> list[tuple[str, str | None]]:
    """Return what the ledger still knows of messages: state and words."""
    engine = open_engine(f"sqlite:///{folder / 'ledger.sqlite3'}")
    with engine.connect() as connection:
        found = connection.execute(text("select state, ask from slack_events order by created_us"))
        rows = [(row[0], row[1]) for row in found]
    engine.dispose()
    return rows


def put_back_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let nobody wait for what is put back; return for how many seconds it would have been."""
    pauses: list[int] = []
    put_back = Ledger.put_back

    def at_once(ledger: Ledger, taken: Taken, *, due: datetime) -> None:
        now = datetime.now(UTC)
        pauses.append(round((due - now).total_seconds()))
        put_back(ledger, taken, due=now)

    monkeypatch.setattr(Ledger, "put_back", at_once)
    return pauses


def test_a_piece_is_shown_when_it_comes_and_the_rest_is_added(
    slack: SlackServer, tmp_path: Path
) -> None:
    first_is_seen = threading.Event()
    play = ScriptedDateline(["It burned. ", first_is_seen.wait, "Nobody was hurt."])
    with bot_of(slack, play, tmp_path) as bot:
        ts = ask(bot, slack)
        message = wait_for(lambda: replies(slack, ts))[0]
        assert (message.stream, plain(message)) == ("open", "It burned. ")
        first_is_seen.set()
        assert plain(finished(slack, ts)) == "It burned. Nobody was hurt."
    assert [piece.strip("\u2060") for piece in message.pieces] == [
        "It burned. ",
        "Nobody was hurt.",
    ]
    started = slack.called("chat.startStream")[0].args
    assert (started["recipient_user_id"], started["recipient_team_id"]) == ("U0ANNA", "T0DESK")


def test_many_pieces_are_few_calls(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline([f"{number} " for number in range(300)])
    message = answered(slack, play, tmp_path)
    assert plain(message).split() == [str(number) for number in range(300)]
    assert len(slack.called("chat.appendStream")) <= 2


def test_two_processes_that_hear_of_the_same_message_give_one_answer(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(["It burned. ", lambda: time.sleep(0.1), "Nobody was hurt."])
    with bot_of(slack, play, tmp_path) as one, bot_of(slack, play, tmp_path) as other:
        ts = slack.say("who?")
        for number, bot in enumerate((one, other, one, other)):
            again = {"text": f"{HERE} who?", "ts": ts, "event_id": f"Ev{number}"}
            assert dispatch(bot, event_payload("app_mention", **again)) == 200
        wait_for(lambda: left(tmp_path) == [("done", None)])
    assert [plain(one) for one in replies(slack, ts)] == ["It burned. Nobody was hurt."]
    assert len(play.asked) == 1


@pytest.mark.parametrize("kinds", [("message",), ("message", "app_mention")])
def test_a_mention_with_a_file_is_answered_once_whether_slack_tells_of_it_once_or_twice(
    slack: SlackServer, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    play = ScriptedDateline(["It burned."])
    with bot_of(slack, play, tmp_path) as bot:
        ts = slack.say("who?")
        about = {"text": f"{HERE} who?", "ts": ts}
        for kind in kinds:
            sent = event_payload(kind, **about)
            sent["event"]["subtype"] = "file_share"
            assert dispatch(bot, sent) == 200
        wait_for(lambda: left(tmp_path) == [("done", None)])
    assert [plain(one) for one in replies(slack, ts)] == ["It burned."]


def test_a_question_below_the_help_needs_no_mention(slack: SlackServer, tmp_path: Path) -> None:
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        root = ask(bot, slack, "")
        assert finished(slack, root).text == words.HELP
        ts = slack.say("who?", thread_ts=root)
        dispatch(bot, event_payload("message", text="who?", ts=ts, thread_ts=root))
        assert plain(finished(slack, root, number=1)) == "It burned."


def test_where_no_conversations_are_kept_there_are_no_buttons_that_need_one(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = ScriptedDateline(["It burned."])
    monkeypatch.setattr(play, "begin_session", Mock(side_effect=InputError("keeps none")))
    message = answered(slack, play, tmp_path)
    assert plain(message) == "It burned."
    assert message.blocks == []


def test_words_are_deleted_when_they_are_answered(slack: SlackServer, tmp_path: Path) -> None:
    answered(slack, ScriptedDateline(["It burned."]), tmp_path)
    assert left(tmp_path) == [("done", None)]


@pytest.mark.parametrize(
    "why",
    ["unknown_method", "missing_scope", "not_allowed_token_type", "channel_type_not_supported"],
)
def test_without_streams_the_answer_is_posted_and_updated(
    slack: SlackServer, tmp_path: Path, why: str
) -> None:
    slack.fail("chat.startStream", why)
    play = ScriptedDateline(["It burned <b>. ", "Nobody was hurt."])
    message = answered(slack, play, tmp_path)
    assert message.stream is None
    assert message.blocks[0]["text"]["text"] == "It burned &lt;b&gt;. Nobody was hurt."
    assert len(replies(slack, message.thread_ts or "")) == 1


def test_text_that_becomes_void_does_not_stay(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline(["It burned. ", VOID, "It did not burn."])
    message = answered(slack, play, tmp_path)
    assert "It burned" not in shown(message)
    assert message.blocks[0]["text"]["text"] == "It did not burn."
    assert len(replies(slack, message.thread_ts or "")) == 1


def test_an_answer_that_differs_from_what_was_streamed_replaces_it(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(["It burned."], answer="It burned [unsupported].")
    message = answered(slack, play, tmp_path)
    assert message.blocks[0]["text"]["text"] == "It burned [unsupported]."
    assert "It burned." not in shown(message)


@pytest.mark.parametrize("sentences", [60, 180, 400])
def test_an_oversize_answer_is_whole_and_in_order(
    slack: SlackServer, tmp_path: Path, sentences: int
) -> None:
    whole = [LONG.format(number) for number in range(sentences)]
    with bot_of(slack, ScriptedDateline(whole), tmp_path) as bot:
        ts = ask(bot, slack)
        wait_for(lambda: left(tmp_path) == [("done", None)])
    found = replies(slack, ts)
    said = " ".join(shown(message) for message in found)
    places = [said.find(f"meeting {number} the") for number in range(sentences)]
    assert -1 not in places
    assert places == sorted(places)
    assert len(found) == (1 if sentences == 60 else len(found)) >= 1
    # The buttons come once, with the last one.
    kinds = [[block["type"] for block in message.blocks] for message in found]
    assert [("context_actions" in one) for one in kinds] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("away", ["rate_limit", "crash"])
def test_of_an_oversize_answer_that_is_taken_up_again_no_part_comes_twice(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    put_back_at_once(monkeypatch)
    slack.hang("chat.postMessage", 0)  # the second part comes through
    if away == "crash":
        slack.crash("chat.postMessage", times=2)
    else:
        slack.rate_limit("chat.postMessage", retry_after=60)
    whole = [LONG.format(number) for number in range(340)]
    with bot_of(slack, ScriptedDateline(whole), tmp_path, lease_s=30) as bot:
        ts = ask(bot, slack)
        wait_for(lambda: left(tmp_path) == [("done", None)])
    found = replies(slack, ts)
    said = " ".join(text for message in found for text in texts(message.blocks))
    assert [said.count(f"meeting {number} the") for number in range(340)] == [1] * 340
    assert len(found) == 3


def test_parts_of_an_answer_that_was_not_kept_go_when_the_next_one_is_shorter(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back_at_once(monkeypatch)
    slack.hang("chat.postMessage", 0)
    slack.rate_limit("chat.postMessage", retry_after=60)
    play = ScriptedDateline([LONG.format(number) for number in range(340)])
    play.steps.append(lambda: setattr(play, "steps", ["It burned."]))
    monkeypatch.setattr(play, "begin_session", Mock(side_effect=InputError("keeps none")))
    message = answered(slack, play, tmp_path, lease_s=30)
    assert message.blocks[0]["text"]["text"] == "It burned."
    assert len(replies(slack, message.thread_ts or "")) == 1


def test_a_stream_that_slack_ended_is_written_over(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline(["It burned. ", slack.end_streams, "Nobody was hurt."])
    message = answered(slack, play, tmp_path)
    assert message.blocks[0]["text"]["text"] == "It burned. Nobody was hurt."


def test_a_stream_that_takes_no_more_is_written_over(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply, "_EVERY_S", 0)
    slack.fail("chat.appendStream", "msg_too_long")
    play = ScriptedDateline(["It burned. ", "Nobody was hurt."])
    message = answered(slack, play, tmp_path)
    assert message.stream == "stopped"
    assert message.blocks[0]["text"]["text"] == "It burned. Nobody was hurt."


def test_an_answer_that_its_reader_stopped_is_not_gone_on_with(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(
        ["It burned. ", lambda: slack.end_streams(by_user=True), VOID, "It did not."]
    )
    with bot_of(slack, play, tmp_path) as bot:
        ts = ask(bot, slack)
        wait_for(lambda: left(tmp_path) == [("done", None)])
    assert [plain(one) for one in replies(slack, ts)] == ["It burned. "]
    assert play.hung_up == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Busy("…"), "Many questions are being answered right now. Please ask again in a minute."),
        (
            DependencyError("…"),
            "The archive does not answer right now. Please ask again in a few minutes.",
        ),
        (
            ConfigurationError("the key was revoked"),
            "Something went wrong on our side, and whoever runs me can find it in the log.",
        ),
    ],
)
def test_a_failure_of_the_archive_is_said_in_a_friendly_way(
    slack: SlackServer, tmp_path: Path, error: Exception, said: str
) -> None:
    message = answered(slack, ScriptedDateline([error]), tmp_path)
    assert message.text == said


def test_in_a_thread_that_may_be_anybodys_a_failure_of_the_archive_is_not_told(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(["It burned."])
    play.session_error = DependencyError("down")
    with bot_of(slack, play, tmp_path) as bot:
        root = slack.say("Lunch?")
        dispatch(bot, event_payload("message", text="where?", thread_ts=root))
        finished(slack, ask(bot, slack))
        wait_for(lambda: len(left(tmp_path)) == 2 and left(tmp_path)[1] == ("done", None))
    assert replies(slack, root) == []
    assert left(tmp_path)[0][0] == "pending"


def test_what_cannot_be_written_down_is_left_to_slack_which_sends_it_again(
    slack: SlackServer, tmp_path: Path
) -> None:
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = slack.say("who?")
        sent = event_payload("app_mention", text=f"{HERE} who?", ts=ts)
        engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
        with engine.begin() as connection:
            connection.execute(text("alter table slack_events rename to away"))
        assert dispatch(bot, sent) == 500
        with engine.begin() as connection:
            connection.execute(text("alter table away rename to slack_events"))
        engine.dispose()
        assert dispatch(bot, sent) == 200
        assert plain(finished(slack, ts)) == "It burned."


def test_a_failure_in_the_middle_of_an_answer_replaces_its_beginning(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(["It burned. ", DependencyError("cut")])
    message = answered(slack, play, tmp_path)
    assert message.text.startswith("The archive does not answer right now.")


def test_slacks_rate_limits_are_obeyed(slack: SlackServer, tmp_path: Path) -> None:
    slack.rate_limit("chat.startStream", retry_after=1)
    message = answered(slack, ScriptedDateline(["It burned."]), tmp_path)
    assert plain(message) == "It burned."
    calls = slack.called("chat.startStream")
    assert [call.error for call in calls] == ["ratelimited", None]
    assert calls[1].at_s - calls[0].at_s >= 1


def test_whoever_is_to_wait_long_is_put_back_and_answered_later(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.rate_limit("chat.startStream", retry_after=3_600)
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        first, second = ask(bot, slack), ask(bot, slack)
        done = wait_for(lambda: replies(slack, first) or replies(slack, second))
        assert plain(finished(slack, done[0].thread_ts or "")) == "It burned."
        wait_for(lambda: sorted(state for state, _ in left(tmp_path)) == ["done", "pending"])


def test_a_page_in_place_of_a_reply_is_tried_again_and_not_logged(
    slack: SlackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    slack.fail("chat.startStream", "unknown_method")
    slack.fail("chat.postMessage", "Received a response: <html>who?</html>", times=1)
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ask(bot, slack)
        wait_for(lambda: '"outcome": "put back", "why": "internal_error"' in caplog.text)
        assert left(tmp_path)[0][0] == "pending"
    assert "<html>" not in caplog.text


def test_an_answer_that_is_ready_when_the_bot_is_stopped_is_shown(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline([])
    with bot_of(slack, play, tmp_path) as bot:
        play.steps = ["It burned.", lambda: bot.stopping.wait(60)]
        ts = ask(bot, slack)
        wait_for(lambda: replies(slack, ts))
    assert [plain(one) for one in replies(slack, ts)] == ["It burned."]
    assert left(tmp_path) == [("done", None)]


def test_an_archive_that_goes_away_with_the_bot_costs_no_answer(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline([])
    with bot_of(slack, play, tmp_path) as bot:
        closing = DependencyError("the app has stopped")
        play.steps = ["It bur", lambda: bot.stopping.wait(60), closing]
        ts = ask(bot, slack)
        wait_for(lambda: replies(slack, ts))
    assert left(tmp_path)[0][0] == "pending"
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path):
        wait_for(lambda: left(tmp_path) == [("done", None)])
    assert [one.blocks[0]["text"]["text"] for one in replies(slack, ts)] == ["It burned."]


def test_a_second_attempt_knows_what_was_said_in_the_thread_as_well(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline([])
    root = slack.say("Rockets hit Camp Taji.")
    with bot_of(slack, play, tmp_path) as bot:
        play.steps = ["It bur", lambda: bot.stopping.wait(60), "ned."]
        ts = slack.say(f"{HERE} by whom?", thread_ts=root)
        about = {"text": f"{HERE} by whom?", "ts": ts, "thread_ts": root}
        dispatch(bot, event_payload("app_mention", **about))
        wait_for(lambda: replies(slack, root))
    play.steps = ["It burned."]
    with bot_of(slack, play, tmp_path):
        wait_for(lambda: left(tmp_path) == [("done", None)])
    said = (Turn(question="Rockets hit Camp Taji.", answer=None),)
    assert [one["history"] for one in play.asked] == [said, said]


def in_thread(bot: Bot, slack: SlackServer, root: str, question: str, *, number: int = 0) -> None:
    """Ask in a thread that others began, and wait for the answer."""
    ts = slack.say(f"{HERE} {question}", thread_ts=root)
    about = {"text": f"{HERE} {question}", "ts": ts, "thread_ts": root}
    assert dispatch(bot, event_payload("app_mention", **about)) == 200
    finished(slack, root, number=number)


def test_of_a_thread_that_slack_does_not_show_whole_the_part_counts_that_it_shows(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_PAGE", 2)
    slack.hang("conversations.replies", 0)
    slack.rate_limit("conversations.replies", retry_after=60)
    play = ScriptedDateline(["It burned."])
    root = slack.say("Rockets hit Camp Taji.")
    for reply_to_it in ("Two Americans died.", "Lunch?"):
        slack.say(reply_to_it, thread_ts=root)
    with bot_of(slack, play, tmp_path) as bot:
        in_thread(bot, slack, root, "by whom?")
    first, second = Turn(question="Rockets hit Camp Taji."), Turn(question="Two Americans died.")
    assert play.asked[0]["history"] == (first, second)


def test_what_was_deleted_is_no_part_of_what_was_said(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline(["It burned."])
    root = slack.workspace.show(Tombstone("C0DESK", new_ts(), "U0ANNA")).ts
    slack.say("Rockets hit Camp Taji.", thread_ts=root)
    with bot_of(slack, play, tmp_path) as bot:
        in_thread(bot, slack, root, "by whom?")
    assert play.asked[0]["history"] == (Turn(question="Rockets hit Camp Taji."),)


def test_a_thread_that_was_begun_under_another_key_goes_on_when_the_bot_is_mentioned_in_it(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(["It burned."])
    with bot_of(slack, play, tmp_path, lease_s=30) as bot:
        root = ask(bot, slack)
        finished(slack, root)
        play.replace_key()
        before = len(replies(slack, root))
        # Whose the conversation is, nobody tells: it may be anybody's, and is left alone.
        dispatch(bot, event_payload("message", text="and when?", thread_ts=root))
        in_thread(bot, slack, root, "and when?", number=before)
        ts = slack.say("and where?", thread_ts=root)
        dispatch(bot, event_payload("message", text="and where?", ts=ts, thread_ts=root))
        last = finished(slack, root, number=before + 1)
        wait_for(lambda: {state for state, _ in left(tmp_path)} == {"done"})
        button = {"type": "button", "action_id": PASSAGES, "value": "msg_scripted"}
        clicked = {"ts": last.ts, "thread_ts": root}
        dispatch(bot, block_action(button, message=clicked, response_url=slack.response_url()))
        wait_for(lambda: slack.called("views.update"))
    assert slack.views[-1].get("callback_id") == "dateline_passages_shown"
    named = f"slack.T0DESK.C0DESK.{root}"
    assert [one["session_id"] for one in play.asked] == [named, f"{named}.2", f"{named}.2"]
    assert [one["question"] for one in play.asked] == ["who?", "and when?", "and where?"]
    assert last.blocks[-1]["type"] == "context_actions"
    assert len(replies(slack, root)) == 3


class Tombstone(Message):
    """What Slack keeps of a deleted message that others replied to."""

    def json(self) -> dict[str, Any]:
        left = {"subtype": "tombstone", "user": "USLACKBOT", "hidden": True}
        return super().json() | left | {"text": "This message was deleted."}


def test_slack_that_is_down_for_a_moment_is_asked_again(slack: SlackServer, tmp_path: Path) -> None:
    slack.crash("chat.startStream", status=503)
    assert plain(answered(slack, ScriptedDateline(["It burned."]), tmp_path)) == "It burned."


def test_slack_that_is_down_for_minutes_costs_no_answer(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.fail("chat.startStream", "internal_error", times=9)
    pauses = put_back_at_once(monkeypatch)
    message = answered(slack, ScriptedDateline(["It burned."]), tmp_path)
    assert plain(message) == "It burned."
    assert pauses == [10, 10, 10, 16, 32, 60, 60, 60, 60]


@pytest.mark.parametrize("after_s", [0, 60], ids=["cut off", "timed out"])
@pytest.mark.parametrize("method", ["chat.startStream", "chat.postMessage"])
def test_a_message_that_slack_did_not_tell_of_is_the_one_that_is_written_into(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, after_s: float
) -> None:
    put_back_at_once(monkeypatch)
    monkeypatch.setattr(web, "_TIMEOUT_S", 1)
    if method == "chat.postMessage":
        slack.fail("chat.startStream", "unknown_method")
    slack.lose(method, after_s=after_s)
    message = answered(
        slack, ScriptedDateline(["It burned. ", "Nobody was hurt."]), tmp_path, lease_s=30
    )
    assert len(replies(slack, message.thread_ts or "")) == 1
    assert message.stream != "open"
    assert message.blocks[0]["text"]["text"] == "It burned. Nobody was hurt."


def test_a_part_of_an_answer_that_slack_did_not_tell_of_comes_once(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back_at_once(monkeypatch)
    slack.lose("chat.postMessage")
    whole = [LONG.format(number) for number in range(340)]
    message = answered(slack, ScriptedDateline(whole), tmp_path, lease_s=30)
    found = replies(slack, message.thread_ts or "")
    said = " ".join(text for message in found for text in texts(message.blocks))
    assert [said.count(f"meeting {number} the") for number in range(340)] == [1] * 340


def test_what_slack_did_not_tell_of_is_not_taken_for_another_answer_in_the_thread(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back_at_once(monkeypatch)
    slack.hang("chat.startStream", 0)
    slack.lose("chat.startStream", times=2)
    second_is_asked = threading.Event()
    play = ScriptedDateline([second_is_asked.wait, "It burned."])
    with bot_of(slack, play, tmp_path, lease_s=30) as bot:
        root = ask(bot, slack)
        slack.say("Thanks!", thread_ts=root)
        ts = slack.say(f"{HERE} and when?", thread_ts=root)
        about = {"text": f"{HERE} and when?", "ts": ts, "thread_ts": root}
        dispatch(bot, event_payload("app_mention", **about))
        second_is_asked.set()
        wait_for(lambda: left(tmp_path) == [("done", None)] * 2)
    first, second = replies(slack, root)
    assert (plain(first), first.edits) == ("It burned.", 0)
    assert second.blocks[0]["text"]["text"] == "It burned."


def test_an_answer_that_is_older_than_what_slack_tells_of_late_is_left_as_it_is(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back_at_once(monkeypatch)
    slack.rate_limit("chat.startStream", retry_after=60)
    root, ts, old_ts = (f"{int(time.time()) - days * 86_400}.000100" for days in (4, 3, 2))
    slack.workspace.show(Message("C0DESK", root, "U0ANNA", "Hm."))
    old = Message("C0DESK", old_ts, "U0DATELINE", "It did not burn.", root, bot_id="B0DATELINE")
    slack.workspace.show(old)
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path, lease_s=30) as bot:
        about = {"text": f"{HERE} who?", "ts": ts, "thread_ts": root}
        assert dispatch(bot, event_payload("app_mention", **about)) == 200
        wait_for(lambda: left(tmp_path) == [("done", None)])
    assert slack.called("conversations.replies")[-1].args["oldest"] == ts
    assert [plain(one) for one in replies(slack, root)] == ["It did not burn.", "It burned."]


@pytest.mark.parametrize("found", [True, False])
def test_whoever_was_too_slow_deletes_its_message_unless_another_one_goes_on_with_it(
    slack: SlackServer, tmp_path: Path, found: bool
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    ledger, ts, now = Ledger(engine), slack.say("who?"), datetime.now(UTC)
    asked = asked_in(event_payload("app_mention", text=f"{HERE} who?", ts=ts), Us("U0DATELINE", ""))
    assert isinstance(asked, Ask)
    ledger.keep(asked, now=now)
    slow = ledger.take("slow", now=now, lease_s=0)
    other = ledger.take("other", now=now, lease_s=60)
    assert slow is not None
    assert other is not None

    def note(begun: Begun) -> None:
        if found:
            ledger.note_begun(other, begun)
        ledger.note_begun(slow, begun)

    with pytest.raises(TakenOver):
        reply.Reply(WebClient(BOT_TOKEN, base_url=slack.url), asked, note).add("It burned.")
    assert len(replies(slack, ts)) == found
    engine.dispose()


@pytest.mark.parametrize("number", [0, 1])
def test_a_message_that_was_found_and_then_deleted_by_whoever_was_too_slow_is_written_anew(
    slack: SlackServer, number: int
) -> None:
    ts, client = slack.say("who?"), WebClient(BOT_TOKEN, base_url=slack.url)
    asked = asked_in(event_payload("app_mention", text=f"{HERE} who?", ts=ts), Us("U0DATELINE", ""))
    assert isinstance(asked, Ask)
    slow: dict[str, Any] = {"channel": "C0DESK", "thread_ts": ts, "text": "slow"}
    found = [str(client.chat_postMessage(**slow)["ts"]) for _ in range(3)]
    noted: list[Begun] = []

    def note(begun: Begun) -> None:
        noted.append(begun)
        if len(noted) == len(found):
            client.chat_delete(channel="C0DESK", ts=found[number])

    answer = made("".join(LONG.format(meeting) for meeting in range(340)))
    reply.Reply(client, asked, note, lost=lambda: found).finish(answer, "", "who?")
    written = replies(slack, ts)
    said = " ".join(text for message in written for text in texts(message.blocks))
    places = [said.find(f"meeting {meeting} the") for meeting in range(340)]
    assert -1 not in places
    assert places == sorted(places)
    assert len(written) == 3
    assert (noted[-1].ts, *noted[-1].more) == tuple(one.ts for one in written)


def test_where_the_thread_cannot_be_read_the_answer_comes_nevertheless(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back_at_once(monkeypatch)
    slack.lose("chat.startStream")
    slack.fail("conversations.replies", "missing_scope")
    message = answered(slack, ScriptedDateline(["It burned."]), tmp_path, lease_s=30)
    assert plain(replies(slack, message.thread_ts or "")[-1]) == "It burned."


def test_a_channel_that_the_bot_was_taken_out_of_is_given_up(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.leave("C0DESK")
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ask(bot, slack)
        wait_for(lambda: left(tmp_path) == [("done", None)])
    assert slack.messages(bot=True) == []


def test_a_revoked_token_is_told_once_and_its_work_given_up(
    slack: SlackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        finished(slack, ask(bot, slack))
        slack.revoke()
        for _ in range(3):
            ask(bot, slack)
        wait_for(lambda: all(row == ("done", None) for row in left(tmp_path)))
    assert caplog.text.count("the bot token is not valid any more") == 1
    assert BOT_TOKEN not in caplog.text


def test_in_a_direct_message_it_streams_as_well(slack: SlackServer, tmp_path: Path) -> None:
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = ask(bot, slack, channel=DIRECT)
        assert plain(finished(slack, ts, channel=DIRECT)) == "It burned."
