"""`/dateline`, and clicks below an answer; what the archive says is scripted or the samples'."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_bolt import BoltRequest

from api.slack import web, words
from api.slack.commands import read
from rag.errors import DependencyError
from rag.types import Filters
from tests.browsing import Server
from tests.slackbots import (
    DIRECT,
    HERE,
    Desk,
    dispatch,
    finished,
    plain,
    replies,
    settings_of,
    shown,
    texts,
)
from tests.slackmessages import Message
from tests.slackpayloads import CHANNEL, block_action, event_payload, slash_command
from tests.slackscripts import ScriptedDateline, bot_of
from tests.slackserver import SlackServer
from tests.waiting import wait_for

ASKED = "Who was blamed for the Taji attack?"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ("help", "")),
        ("help", ("help", "")),
        ("Help", ("help", "")),
        ("ask", ("help", "")),
        ("ask who was blamed?", ("ask", "who was blamed?")),
        ("who was blamed?", ("ask", "who was blamed?")),
        ("help for whom was sent?", ("ask", "help for whom was sent?")),
        ("ask ask whom?", ("ask", "ask whom?")),
        ("filters", ("filters", "")),
        ("filters off", ("filters", "off")),
        ("Filters after:2020-03-01  source:x", ("filters", "after:2020-03-01  source:x")),
    ],
)
def test_what_is_typed_is_a_command_or_a_question(text: str, meant: tuple[str, str]) -> None:
    assert read(text) == meant


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def typed(slack: SlackServer, text: str, channel: str = CHANNEL) -> dict[str, Any]:  # Any: a form
    return slash_command(text, response_url=slack.response_url(channel=channel), channel=channel)


def told(slack: SlackServer, number: int = 0) -> Message:
    """Return what the bot said without being asked in a message."""
    found = wait_for(lambda: slack.messages(bot=True)[number:])
    message: Message = found[0]
    return message


def test_a_question_is_posted_and_answered_in_its_thread(
    slack: SlackServer, tmp_path: Path
) -> None:
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        assert dispatch(bot, typed(slack, "ask who &lt;b&gt;?")) == 200
        asked = told(slack)
        assert asked.text == "<@U0ANNA> asks: who &lt;b&gt;?"
        assert plain(finished(slack, asked.ts)) == "It burned."


def test_a_question_reaches_the_archive_as_it_was_typed(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline(["It burned."])
    question = "who wrote *that* of ~_Dune_~ at https://ledger.example/a?b=1&c=2 :fire: <b>?"
    with bot_of(slack, play, tmp_path) as bot:
        sent = question.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        dispatch(bot, typed(slack, f"ask {sent} "))
        finished(slack, told(slack).ts)
    assert [one["question"] for one in play.asked] == [question]


def test_a_follow_up_to_a_command_needs_no_mention(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline(["It burned."])
    with bot_of(slack, play, tmp_path) as bot:
        dispatch(bot, typed(slack, "who?"))
        root = told(slack).ts
        finished(slack, root)
        dispatch(bot, event_payload("message", text="and when?", thread_ts=root))
        wait_for(lambda: len(replies(slack, root)) == 2)
    assert [one["question"] for one in play.asked] == ["who?", "and when?"]
    assert {one["session_id"] for one in play.asked} == {f"slack.T0DESK.C0DESK.{root}"}


def test_where_the_bot_may_not_write_it_says_so_to_whoever_asked(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.leave(CHANNEL)
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        sent = typed(slack, "who?")
        slack.workspace.not_in.clear()
        slack.fail("chat.postMessage", "not_in_channel")
        assert dispatch(bot, sent) == 200
        said = told(slack)
    assert (said.text, said.only_for) == (words.NOT_HERE, "U0ANNA")


def test_slack_that_fails_in_between_is_told(slack: SlackServer, tmp_path: Path) -> None:
    slack.fail("chat.postMessage", "fatal_error")
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        assert dispatch(bot, typed(slack, "who?")) == 200
        assert told(slack).text == words.FAILED


def test_help_is_for_whoever_asked_for_it(slack: SlackServer, tmp_path: Path) -> None:
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        dispatch(bot, typed(slack, "help"))
        said = told(slack)
    assert (said.text, said.only_for) == (words.HELP, "U0ANNA")


def test_filters_hold_for_their_channel_and_are_shown_below_its_answers(
    slack: SlackServer, tmp_path: Path
) -> None:
    play = ScriptedDateline(["It burned."])
    wanted = Filters(published_after="2020-03-01", sources=("jpost.com",))
    with bot_of(slack, play, tmp_path) as bot:
        dispatch(bot, typed(slack, "filters after:2020-03-01 source:jpost.com"))
        said = told(slack)
        assert said.only_for is None
        assert said.text == (
            "<@U0ANNA> changed this. In this channel these articles may answer: "
            "`after:2020-03-01 source:jpost.com`"
        )
        ts = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=ts))
        assert "after:2020-03-01 source:jpost" in shown(finished(slack, ts))
        ts = slack.say("who?", channel=DIRECT)
        dispatch(bot, event_payload("message", text="who?", ts=ts, channel=DIRECT))
        finished(slack, ts, channel=DIRECT)
    assert [one["filters"] for one in play.asked] == [wanted, Filters()]


def test_filters_outlive_the_process_and_end_when_they_are_turned_off(
    slack: SlackServer, tmp_path: Path
) -> None:
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        dispatch(bot, typed(slack, "filters as_of:2020-03-13"))
        told(slack)
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        dispatch(bot, typed(slack, "filters"))
        assert told(slack, 1).text.endswith("may answer: `as_of:2020-03-13`")
        dispatch(bot, typed(slack, "filters off"))
        assert "All articles may answer in this channel." in told(slack, 2).text
        assert bot.ledger.filters("T0DESK", CHANNEL) == Filters()


def test_filters_that_cannot_be_read_are_told_and_change_nothing(
    slack: SlackServer, tmp_path: Path
) -> None:
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        dispatch(bot, typed(slack, "filters until:2020"))
        said = told(slack)
        assert said.text.startswith("there is no filter 'until'")
        assert said.only_for == "U0ANNA"
        assert bot.ledger.filters("T0DESK", CHANNEL) == Filters()


def test_a_command_is_acknowledged_while_slack_hangs(slack: SlackServer, tmp_path: Path) -> None:
    let_go = slack.hold("chat.postMessage", times=20)
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        for _ in range(20):
            assert dispatch(bot, typed(slack, "who?")) == 200
            assert slack.messages(bot=True) == []
        let_go.set()


def test_a_click_that_comes_when_there_is_too_much_to_do_is_not_dropped_in_silence(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.hang("chat.postMessage", 0.5, times=16)
    thumb = {"type": "feedback_buttons", "action_id": "dateline_feedback", "value": "up msg_1"}
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        for _ in range(16):
            assert dispatch(bot, typed(slack, "who?")) == 200
        sent = block_action(thumb, message={"ts": "1.1"}, response_url=slack.response_url())
        assert dispatch(bot, sent) == 200
        said = wait_for(lambda: [one for one in slack.messages() if one.only_for])[0]
        assert said.text == words.BUSY
        view = {"callback_id": "dateline_reasons", "type": "modal"}
        submitted = {
            "type": "view_submission",
            "user": {"id": "U0ANNA"},
            "team": {"id": "T0DESK"},
            "view": view,
        }
        heard = bot.dispatch(BoltRequest(body=submitted, mode="socket_mode"))
    kept_open = {"response_action": "errors", "errors": {"comment": words.BUSY}}
    assert json.loads(heard.body) == kept_open


# -- clicks, on real answers -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(copied: Path) -> Iterator[tuple[Server, Desk]]:
    with SlackServer() as slack, Server(copied, **settings_of(slack)) as running:
        desk = Desk(slack, running.url, copied)
        yield running, desk
        desk.close()


@pytest.fixture(scope="module")
def answer(served: tuple[Server, Desk]) -> Message:
    return served[1].ask(f"{HERE} {ASKED}")


def element(message: Message, action_id: str) -> dict[str, Any]:  # Any: JSON
    found = [one for block in message.blocks for one in block.get("elements", ())]
    return next(one for one in found if one.get("action_id") == action_id)


def click(desk: Desk, message: Message, action: dict[str, Any]) -> None:  # Any: JSON
    url = desk.slack.response_url(ts=message.ts)
    sent = block_action(action, message=message.json(), response_url=url)
    assert desk.send(sent).status_code == 200


def thumb(desk: Desk, message: Message, which: str) -> None:
    buttons = element(message, "dateline_feedback")
    value = buttons[f"{which}_button"]["value"]
    click(
        desk,
        message,
        {"type": "feedback_buttons", "action_id": "dateline_feedback", "value": value},
    )


def whispers(desk: Desk) -> list[str]:
    return [one.text for one in desk.slack.messages() if one.only_for == "U0ANNA"]


def opinion(served: tuple[Server, Desk], message: Message) -> Any:  # Any: JSON
    named = f"slack.T0DESK.C0DESK.{message.thread_ts}"
    kept = httpx.get(f"{served[0].url}/v1/sessions/{named}").json()
    return kept["messages"][0]["feedback"]


def test_a_good_answer_is_noted_and_its_reader_thanked(
    served: tuple[Server, Desk], answer: Message
) -> None:
    desk, before = served[1], len(whispers(served[1]))
    thumb(desk, answer, "positive")
    wait_for(lambda: len(whispers(desk)) > before)
    assert whispers(desk)[-1] == words.THANKS
    assert opinion(served, answer)["rating"] == "up"


def test_a_bad_answer_is_noted_with_what_is_wrong_with_it(
    served: tuple[Server, Desk], answer: Message
) -> None:
    desk, before = served[1], len(whispers(served[1]))
    thumb(desk, answer, "negative")
    wait_for(lambda: len(whispers(desk)) > before)
    assert opinion(served, answer)["rating"] == "down"
    view = desk.slack.views[-1]
    assert view["title"]["text"] == "Bad answer"
    chosen = {"selected_options": [{"value": "wrong"}, {"value": "outdated"}]}
    given = {"reasons": {"reasons": chosen}, "comment": {"comment": {"value": " It was Iran. "}}}
    submitted = {
        "type": "view_submission",
        "user": {"id": "U0ANNA"},
        "team": {"id": "T0DESK"},
        "view": view | {"id": "V1", "state": {"values": given}},
    }
    assert desk.send_form(submitted).status_code == 200
    wait_for(lambda: len(whispers(desk)) > before + 1)
    assert opinion(served, answer) == {
        "rating": "down",
        "reasons": ["wrong", "outdated"],
        "comment": "It was Iran.",
        "citation_index": None,
    }


def test_passages_are_shown_around_each_quotation(
    served: tuple[Server, Desk], answer: Message
) -> None:
    desk = served[1]
    click(desk, answer, element(answer, "dateline_passages"))
    wait_for(lambda: desk.slack.called("views.update"))
    assert desk.slack.called("views.update")[-1].error is None
    view = desk.slack.views[-1]
    quotes = [block for block in view["blocks"] if block["type"] == "rich_text"]
    assert len(quotes) == 4
    said = "\n".join(texts(view["blocks"]))
    assert "American officials have blamed Kataib Hezbollah for the first attack" in said
    # What stands around the quotation in its article.
    assert len(said) > 2_000


def test_passages_of_an_answer_that_is_not_kept_any_more_are_not_there(
    served: tuple[Server, Desk], answer: Message
) -> None:
    desk, before = served[1], len(served[1].slack.called("views.update"))
    gone = element(answer, "dateline_passages") | {"value": "msg_0"}
    click(desk, answer, gone)
    wait_for(lambda: len(desk.slack.called("views.update")) > before)
    assert desk.slack.views[-1]["blocks"][0]["text"]["text"] == words.FORGOTTEN


@pytest.mark.parametrize(("why", "told"), [("not_found", []), ("fatal_error", [words.FAILED])])
def test_passages_that_were_closed_before_they_came_are_no_failure(
    slack: SlackServer, tmp_path: Path, why: str, told: list[str]
) -> None:
    slack.fail("views.update", why)
    button = {"type": "button", "action_id": "dateline_passages", "value": "msg_scripted"}
    with bot_of(slack, ScriptedDateline(["It burned."]), tmp_path) as bot:
        ts = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=ts))
        message = finished(slack, ts).json()
        sent = block_action(button, message=message, response_url=slack.response_url())
        assert dispatch(bot, sent) == 200
    assert [call.error for call in slack.called("views.update")] == [why]
    assert [one.text for one in slack.messages() if one.only_for] == told


def test_an_opinion_counts_when_its_reasons_cannot_be_asked_for(
    served: tuple[Server, Desk], answer: Message
) -> None:
    desk, before = served[1], len(whispers(served[1]))
    desk.slack.fail("views.open", "expired_trigger_id", times=1)
    thumb(desk, answer, "negative")
    wait_for(lambda: len(whispers(desk)) > before)
    assert whispers(desk)[-1] == words.THANKS


def test_an_opinion_counts_when_slack_does_not_answer_either(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_TIMEOUT_S", 0.2)
    slack.hang("views.open", 0.5, times=5)
    thumb = {"type": "feedback_buttons", "action_id": "dateline_feedback", "value": "down msg_1"}
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        sent = block_action(thumb, message={"ts": "1.1"}, response_url=slack.response_url())
        assert dispatch(bot, sent) == 200
        said = wait_for(lambda: [one for one in slack.messages() if one.only_for])[0]
    assert said.text == words.THANKS


def test_an_opinion_that_is_kept_is_no_failure_where_nobody_can_be_thanked(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.fail("chat.postEphemeral", "user_not_in_channel")
    thumb = {"type": "feedback_buttons", "action_id": "dateline_feedback", "value": "up msg_1"}
    with bot_of(slack, ScriptedDateline([]), tmp_path) as bot:
        sent = block_action(thumb, message={"ts": "1.1"}, response_url=slack.response_url())
        assert dispatch(bot, sent) == 200
    assert len(slack.called("chat.postEphemeral")) == 1
    assert slack.messages() == []


def test_an_opinion_that_cannot_be_kept_is_told(slack: SlackServer, tmp_path: Path) -> None:
    play = ScriptedDateline(["It burned."])
    with bot_of(slack, play, tmp_path) as bot:
        ts = slack.say("who?")
        dispatch(bot, event_payload("app_mention", text=f"{HERE} who?", ts=ts))
        message = finished(slack, ts)
        play.rate_error = DependencyError("…")
        action = {"type": "feedback_buttons", "action_id": "dateline_feedback"}
        sent = block_action(
            action | {"value": "up msg_scripted"},
            message=message.json(),
            response_url=slack.response_url(),
        )
        assert dispatch(bot, sent) == 200
        said = wait_for(lambda: [one for one in slack.messages() if one.only_for])[0]
    assert said.text.startswith("The archive does not answer right now.")
    assert said.thread_ts == ts
