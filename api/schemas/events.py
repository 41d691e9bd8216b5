"""The events of a stream, in the order in which they come; the answer object comes before the last.

>>> Written(text="Kataib Hezbollah [1]", replaces=False).text
'Kataib Hezbollah [1]'
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.answers import FoundPassage
from rag.types import Value

MEDIA_TYPE = "text/event-stream"
# What OpenAPI says of one event; the data of each kind are JSON of the models below.
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "event": {
            "type": "string",
            "enum": [
                "message.start",
                "retrieval",
                "citation",
                "message.delta",
                "message.end",
                "error",
                "done",
            ],
        },
        "data": {"type": "string"},
    },
}


class Started(Value):
    """The first event: what is known before anything is written."""

    id: str = Field(description="the answer's; GET /v1/chat/{id}/events takes the stream up again")
    object: Literal["chat.answer"] = "chat.answer"
    session_id: str | None
    created_at: datetime
    model: str = Field(description="who is asked to write")
    standalone_question: str
    request_id: str


class Retrieved(Value):
    """The second event: the passages that were read."""

    passages: tuple[FoundPassage, ...]


class Written(Value):
    """A piece of the text."""

    text: str
    replaces: bool = Field(description="all text before this piece is void, and so are citations")


class Done(Value):
    """The last event: nothing follows."""
