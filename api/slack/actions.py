"""Clicks below an answer: what somebody thinks of it, and the passages that it quotes.

>>> Actions(dateline).clicked(body, team, slack)  # Good answer
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from api.client import Dateline
from api.remarks import REASONS
from api.slack import words
from api.slack.blocks import FEEDBACK, PASSAGES, Block, modal, plain, rated, section
from api.slack.events import session_ids
from api.slack.log import note, warn
from api.slack.passages import passages_view
from api.slack.web import refusal
from rag.errors import DatelineError, NotFound
from rag.types import Answer, Citation, Passage

REASONS_VIEW = "dateline_reasons"
COMMENT = "comment"
_MOST_COMMENT_CHARS = 3_000


# Any in this module: payloads as Slack sends them.
class Click(NamedTuple):
    """What was clicked, by whom and where."""

    action_id: str
    value: str
    trigger_id: str
    team: str
    channel: str
    thread_ts: str
    user: str

    @classmethod
    def of(cls, body: Mapping[str, Any], team: str) -> "Click":
        """Return what Slack sent; `team` is the workspace that the bot is in."""
        action, message = body["actions"][0], body.get("message") or {}
        return cls(
            action_id=action["action_id"],
            value=str(action.get("value") or ""),
            trigger_id=body.get("trigger_id") or "",
            team=team,
            channel=(body.get("channel") or {}).get("id") or "",
            thread_ts=message.get("thread_ts") or message.get("ts") or "",
            user=body["user"]["id"],
        )


class Actions:
    """Does what is clicked, after Slack was told that it came."""

    def __init__(self, dateline: Dateline) -> None:
        """Ask `dateline`."""
        self._dateline = dateline

    def clicked(self, body: Mapping[str, Any], team: str, slack: WebClient) -> None:
        """Keep an opinion, or show passages."""
        click = Click.of(body, team)
        note("click", team=team, channel=click.channel, action=click.action_id)
        if click.action_id == FEEDBACK:
            self._rate(click, slack)
        elif click.action_id == PASSAGES:
            self._show_passages(click, slack)

    def submitted(self, body: Mapping[str, Any], slack: WebClient) -> None:
        """Keep why an answer is bad."""
        view = body["view"]
        if view.get("callback_id") != REASONS_VIEW:
            return
        place = json.loads(view["private_metadata"])
        given = view["state"]["values"]
        chosen = given["reasons"]["reasons"].get("selected_options") or ()
        comment = (given[COMMENT]["comment"].get("value") or "").strip()
        told = self._kept(
            place["message_id"],
            "down",
            reasons=[one["value"] for one in chosen],
            comment=comment or None,
        )
        _whisper(slack, place["channel"], place["thread_ts"], body["user"]["id"], told)

    def _rate(self, click: Click, slack: WebClient) -> None:
        rating, message_id = rated(click.value)
        if rating == "down":
            # The three seconds in which a modal may be opened are shorter than a busy archive.
            self._ask_why(click, message_id, slack)
        told = self._kept(message_id, rating)
        _whisper(slack, click.channel, click.thread_ts, click.user, told)

    def _ask_why(self, click: Click, message_id: str, slack: WebClient) -> None:
        try:
            slack.views_open(trigger_id=click.trigger_id, view=_reasons_view(click, message_id))
        except (SlackApiError, OSError) as exc:
            # The opinion counts without its reasons, too.
            warn("no reasons can be asked for", channel=click.channel, why=refusal(exc))

    def _kept(self, message_id: str, rating: Any, **more: Any) -> str:
        """Keep an opinion, and return what its giver is told."""
        try:
            self._dateline.rate(message_id, rating, **more)
        except NotFound:
            return words.FORGOTTEN
        except DatelineError as exc:
            return words.failure(exc)
        return words.THANKS

    def _show_passages(self, click: Click, slack: WebClient) -> None:
        opened = slack.views_open(trigger_id=click.trigger_id, view=_told_view("Looking them up …"))
        try:
            view = self._passages(click)
        except DatelineError as exc:
            view = _told_view(words.failure(exc))
        try:
            slack.views_update(view_id=opened["view"]["id"], view=view)
        except SlackApiError as exc:
            # Whoever has closed it wants no more of it.
            if refusal(exc) != "not_found":
                raise

    def _passages(self, click: Click) -> Block:
        answer = self._answer(click)
        if answer is None:
            return _told_view(words.FORGOTTEN)
        known = {one.passage_id: one for one in self._read(answer.citations)}
        return passages_view([(one, known.get(one.passage_id)) for one in answer.citations])

    def _answer(self, click: Click) -> Answer | None:
        """Return the answer as it is kept, unless an article that it quotes was deleted."""
        for named in session_ids(click.team, click.channel, click.thread_ts):
            with suppress(NotFound):
                for message in self._dateline.session(named).messages:
                    if message.id == click.value:
                        return message.answer
        return None

    def _read(self, citations: tuple[Citation, ...]) -> list[Passage]:
        found: list[Passage] = []
        for article_id in dict.fromkeys(one.article_id for one in citations):
            try:
                found += self._dateline.passages(article_id)
            except NotFound:
                continue
        return found


def _whisper(slack: WebClient, channel: str, thread_ts: str, user: str, text: str) -> None:
    """Tell one person, where the answer stands, unless they or the bot have left the channel."""
    try:
        slack.chat_postEphemeral(channel=channel, thread_ts=thread_ts, user=user, text=text)
    except (SlackApiError, OSError) as exc:
        # What was clicked is done all the same.
        warn("nobody can be told", channel=channel, why=refusal(exc))


def _told_view(text: str) -> Block:
    return modal("Passages", [section(text)])


def _reasons_view(click: Click, message_id: str) -> Block:
    place = {"message_id": message_id, "channel": click.channel, "thread_ts": click.thread_ts}
    options = [{"text": plain(text), "value": value} for value, text in REASONS.items()]
    reasons = {"type": "checkboxes", "action_id": "reasons", "options": options}
    comment = {
        "type": "plain_text_input",
        "action_id": "comment",
        "multiline": True,
        "max_length": _MOST_COMMENT_CHARS,
    }
    fields = [
        _input("reasons", "What is wrong with it?", reasons),
        _input(COMMENT, "Comment", comment),
    ]
    return modal(
        "Bad answer",
        fields,
        callback_id=REASONS_VIEW,
        private_metadata=json.dumps(place),
        submit=plain("Send"),
    )


def _input(block_id: str, label: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": True,
    }
