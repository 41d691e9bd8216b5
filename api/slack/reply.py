"""An answer on its way into a thread: streamed where Slack lets us, else posted and updated.

>>> reply = Reply(slack, ask, note)
>>> reply.add("Kataib Hezbollah, ")  # chat.startStream
>>> reply.finish(answer, "", "who?")  # chat.stopStream with citations and buttons

What stands in Slack in the end is the answer object: where what was streamed is not its text, the
message is written over.
"""

import time
from collections.abc import Callable, Sequence

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from api.slack import blocks, mrkdwn
from api.slack.blocks import Block
from api.slack.events import Ask
from api.slack.store import Begun, TakenOver, Way
from api.slack.web import has_no_place, is_gone, refusal, wait_s
from rag.types import Answer

# Slack takes 12,000 characters at a time; an answer that is longer comes whole at the end.
_LONGEST_STREAM_CHARS = 11_000
_LONGEST_TEXT_CHARS = 3_900
# chat.update may be called some fifty times a minute, chat.appendStream twice as often.
_EVERY_S = 1.0
_UNSHOWN = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long")


class StoppedByUser(Exception):
    """Somebody pressed the button that ends an answer: no more of it is wanted."""


class Reply:
    """Writes into one thread; used by one thread of ours.

    Every method may raise SlackApiError, StoppedByUser, and TakenOver of what remembers.
    """

    def __init__(
        self,
        slack: WebClient,
        ask: Ask,
        note: Callable[[Begun], None],
        begun: Begun | None = None,
        lost: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Answer `ask`; `note` remembers the messages that are begun, `begun` those from before.

        `lost` finds those that Slack took before without our hearing of it, oldest first.
        """
        self._slack = slack
        self._ask = ask
        self._note = note
        self._streams = False
        self._begun = begun
        self._lost = lost
        self._text = ""
        self._shown = ""
        self._shown_s = float("-inf")
        if begun and begun.way == "stream":
            self._stop_quietly()

    def add(self, text: str) -> None:
        """Show a further piece, at once or together with the next one."""
        self._text += text
        is_due = time.monotonic() - self._shown_s >= _EVERY_S
        if is_due and self._text and len(self._text) <= _LONGEST_STREAM_CHARS:
            self._show()

    def void(self) -> None:
        """Take back all pieces so far; what is shown of them stays until there are others."""
        self._text = ""
        if self._streams:
            # A stream only grows.
            self._stop_quietly()

    def finish(self, answer: Answer, filters: str, question: str, *, kept: bool = True) -> None:
        """Make the message the answer, with its citations, and with buttons where it is kept."""
        messages = blocks.answer_messages(answer, filters, question, kept=kept)
        if self._streams and len(messages) == 1 and self._text == answer.answer:
            rest = answer.answer.removeprefix(self._shown)
            footer = blocks.footer_blocks(answer, filters, question, kept=kept)
            if len(answer.answer) <= _LONGEST_STREAM_CHARS and self._stopped(rest, footer):
                return
        if self._streams:
            self._stop_quietly()
        text = blocks.fallback_text(answer)
        self._put(text, messages[0])
        for number, message in enumerate(messages[1:], 1):
            self._send(text, message, number)
        self._drop(len(messages))

    def say(self, text: str) -> None:
        """Write `text` (mrkdwn) in place of an answer."""
        if self._streams:
            self._stop_quietly()
        self._put(text, None)
        self._drop(1)

    def _show(self) -> None:
        self._shown_s = time.monotonic()
        if self._begun is None:
            self._recall()
        if self._begun is None:
            self._begin()
        elif self._streams:
            self._append()
        else:
            self._put(mrkdwn.shortened(mrkdwn.escape(self._text), _LONGEST_TEXT_CHARS), None)
        self._shown = self._text

    def _append(self) -> None:
        piece = mrkdwn.markdown(self._text.removeprefix(self._shown))
        try:
            self._slack.chat_appendStream(
                channel=self._ask.channel, ts=self._parts[0], markdown_text=piece
            )
        except SlackApiError as exc:
            self._bear(exc)
            # It has ended by itself, as they do after some minutes, or takes no more.
            self._stop_quietly()

    def _begin(self) -> None:
        try:
            said = self._slack.chat_startStream(
                channel=self._ask.channel,
                thread_ts=self._ask.thread_ts,
                recipient_user_id=self._ask.user,
                recipient_team_id=self._ask.user_team,
                markdown_text=mrkdwn.markdown(self._text),
            )
        except SlackApiError as exc:
            self._bear(exc)
            # A plan, a kind of channel or a server that has no streams.
            self._put(mrkdwn.shortened(mrkdwn.escape(self._text), _LONGEST_TEXT_CHARS), None)
            return
        self._streams = True
        self._noted("stream", said["ts"])

    def _stopped(self, rest: str, footer: list[Block]) -> bool:
        """End the stream with what is missing; return whether Slack took it."""
        try:
            self._slack.chat_stopStream(
                channel=self._ask.channel,
                ts=self._parts[0],
                markdown_text=mrkdwn.markdown(rest) or None,
                blocks=footer or None,
            )
        except SlackApiError as exc:
            self._bear(exc)
            return False
        return True

    def _stop_quietly(self) -> None:
        """End the stream; one that has ended by itself, as they do after a while, is fine, too."""
        self._streams = False
        self._end(self._parts[0])

    def _end(self, ts: str) -> None:
        try:
            self._slack.chat_stopStream(channel=self._ask.channel, ts=ts)
        except SlackApiError as exc:
            self._bear(exc)

    def _bear(self, exc: SlackApiError) -> None:
        """Raise again what no other way of writing would help against."""
        if refusal(exc) == "stopped_by_user":
            raise StoppedByUser from exc
        if is_gone(exc) or wait_s(exc) is not None or has_no_place(exc):
            raise exc

    def _put(self, text: str, layout: list[Block] | None) -> None:
        """Write over the message that was begun, or begin one."""
        try:
            self._send(text, layout)
        except SlackApiError as exc:
            if refusal(exc) not in _UNSHOWN:
                raise
            # Better without buttons than not at all.
            self._send(mrkdwn.shortened(text, _LONGEST_TEXT_CHARS), None)

    def _send(self, text: str, layout: list[Block] | None, number: int = 0) -> None:
        """Write the message of that number, each of which is remembered before the next."""
        if number == len(self._parts):
            self._recall()
        if number == len(self._parts):
            self._noted("post", self._post(text, layout))
            return
        try:
            # Without `blocks` those from before would stay.
            self._slack.chat_update(
                channel=self._ask.channel, ts=self._parts[number], text=text, blocks=layout or []
            )
        except SlackApiError as exc:
            if refusal(exc) != "message_not_found":
                raise
            # Whoever was too slow for it deleted it, after it had been found in the thread.
            self._forget(number)
            self._send(text, layout, number)

    def _forget(self, number: int) -> None:
        parts = self._parts[:number] + self._parts[number + 1 :]
        before, self._begun = self._begun, None
        if before and parts:
            self._begun = before._replace(ts=parts[0], more=parts[1:])

    def _recall(self) -> None:
        """Take up what an earlier attempt wrote: once, before anything more is begun."""
        lost, self._lost = self._lost, tuple
        for ts in lost():
            self._noted("stream", ts)
            # Slack refuses to end what is no stream, or has ended by itself, which is as good.
            self._end(ts)

    def _drop(self, kept: int) -> None:
        """Delete what continues the answer of an earlier attempt, which was longer."""
        for ts in self._parts[kept:]:
            try:
                self._slack.chat_delete(channel=self._ask.channel, ts=ts)
            except SlackApiError as exc:
                self._bear(exc)

    def _post(self, text: str, layout: list[Block] | None) -> str:
        said = self._slack.chat_postMessage(
            channel=self._ask.channel,
            thread_ts=self._ask.thread_ts,
            text=text,
            blocks=layout,
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(said["ts"])

    @property
    def _parts(self) -> tuple[str, ...]:
        return (self._begun.ts, *self._begun.more) if self._begun else ()

    def _noted(self, way: Way, ts: str) -> None:
        before = self._begun
        self._begun = before._replace(more=(*before.more, ts)) if before else Begun(way, ts)
        try:
            self._note(self._begun)
        except TakenOver as exc:
            # Somebody else writes the answer: into this message if it was found in the thread.
            if ts not in exc.parts:
                self._slack.chat_delete(channel=self._ask.channel, ts=ts)
            raise
