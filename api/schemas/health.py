"""What the server says of itself.

>>> Health().status
'ok'
"""

from typing import Literal

from pydantic import Field

from rag.types import Value


class Health(Value):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class QueueState(Value):
    """How busy the server is with questions."""

    waiting: int = Field(description="questions that wait for a turn")
    running: int = Field(description="questions being answered")


class Readiness(Value):
    """Whether questions can be answered, and what is the matter otherwise."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str] = Field(description="ok, or what is wrong and what to do")
    queue: QueueState
    articles: int | None
    passages: int | None
