"""One message in Slack, and what Slack refuses to put into it.

>>> text_of({"text": "hello"})
'hello'
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from tests import slacklimits
from tests.slackpayloads import APP

# Any below: JSON that came over HTTP, or goes there.
_MARKDOWN_CHARS = 12_000
_TEXT_CHARS = 40_000


class Refused(Exception):
    """The method answers ok=false with this error."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = messages


@dataclass
class Message:
    """One message as it stands now; `text` holds what was streamed, too."""

    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str | None = None
    blocks: list[Any] = field(default_factory=list)
    stream: Literal["open", "stopped", "expired", "stopped_by_user"] | None = None
    only_for: str | None = None
    bot_id: str | None = None
    edits: int = 0
    pieces: list[str] = field(default_factory=list)
    in_chunks: bool | None = None

    def json(self) -> dict[str, Any]:
        """Return the message as `conversations.replies` does."""
        said = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        return (
            said
            | ({"thread_ts": self.thread_ts} if self.thread_ts else {})
            | ({"bot_id": self.bot_id, "app_id": APP} if self.bot_id else {})
            | ({"blocks": self.blocks} if self.blocks else {})
        )


def checked(blocks: Any) -> list[Any]:
    """Return the blocks of a message as they are; raise Refused where Slack would."""
    if blocks is None:
        return []
    if found := slacklimits.problems(blocks, "message"):
        raise Refused("invalid_blocks", *found)
    if slacklimits.text_size(blocks) > slacklimits.TEXT_PER_MESSAGE:
        raise Refused("msg_blocks_too_long")
    return list(blocks)


def required(args: dict[str, Any], *names: str) -> dict[str, Any]:
    missing = [f"[ERROR] missing required field: {name}" for name in names if not args.get(name)]
    if missing:
        raise Refused("invalid_arguments", *missing)
    return args


def text_of(args: dict[str, Any]) -> str:
    text, markdown = args.get("text") or "", args.get("markdown_text") or ""
    if markdown and (text or args.get("blocks")):
        raise Refused("markdown_text_conflict")
    if len(markdown) > _MARKDOWN_CHARS or len(text) > _TEXT_CHARS:
        raise Refused("msg_too_long")
    if not (text or markdown or args.get("blocks")):
        raise Refused("no_text")
    return text or markdown


def stream(message: Message, args: dict[str, Any]) -> None:
    """Add to a streamed message what the call brings."""
    chunks, text = args.get("chunks"), args.get("markdown_text")
    if chunks is None and text is None:
        return
    in_chunks = chunks is not None
    if message.in_chunks not in (None, in_chunks):
        raise Refused("streaming_mode_mismatch")
    pieces = [c.get("text", "") for c in chunks if c["type"] == "markdown_text"] if chunks else []
    if text is not None:
        pieces.append(text)
    added = "".join(pieces)
    if len(message.text) + len(added) > _MARKDOWN_CHARS:
        raise Refused("msg_too_long")
    message.in_chunks = in_chunks
    message.text += added
    message.pieces += [added] if added else []
