"""Failures as OpenAI's clients expect them, on the routes that those clients call.

>>> enveloped(422, "invalid_input", "…", [("/messages/0/role", "Input should be 'user'")])[1].error
OpenAIError(message="messages[0].role: Input should be 'user'", type='invalid_request_error', …)
"""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field

from rag.types import Value

_ROUTES = ("/v1/chat/completions", "/v1/models")
_MAX_TOLD = 3
# Codes that programs match on have OpenAI's names; the others are those of our problems.
_CODES = {
    "unauthorized": "invalid_api_key",
    "rate_limited": "rate_limit_exceeded",
    "invalid_input": "invalid_value",
}


class OpenAIError(Value):
    """What went wrong."""

    message: str
    type: str = Field(description="invalid_request_error, requests (too many) or server_error")
    param: str | None = Field(description="the parameter to change, such as messages[0].content")
    code: str = Field(description="stable; match on it, not on message")


class Envelope(Value):
    """A failure of a route that OpenAI's clients call."""

    error: OpenAIError


class Enveloped(NamedTuple):
    """An envelope and its status, which is not always that of the problem."""

    status: int
    body: Envelope


def is_enveloped(path: str) -> bool:
    """Return whether failures at `path` are sent in OpenAI's envelope."""
    return path in _ROUTES or path.startswith(tuple(f"{route}/" for route in _ROUTES))


def enveloped(
    status: int, code: str, detail: str, errors: Sequence[tuple[str, str]] = ()
) -> Enveloped:
    """Return a failure in OpenAI's envelope; `errors` are JSON pointers and what is wrong there."""
    named = [(_param(pointer), message) for pointer, message in errors]
    told = "; ".join(f"{name}: {said}" if name else said for name, said in named[:_MAX_TOLD])
    error = OpenAIError(
        message=told or detail,
        type=_type(status),
        param=named[0][0] if named else None,
        code=_CODES.get(code, code),
    )
    # OpenAI answers 400 where RFC 9110 has 422, and its clients' classes go by that.
    return Enveloped(400 if status == 422 else status, Envelope(error=error))


def _type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return "requests" if status == 429 else "invalid_request_error"


def _param(pointer: str) -> str | None:
    """Return a JSON pointer as OpenAI writes it: messages[0].content."""
    name = ""
    for part in pointer.split("/")[1:]:
        plain = part.replace("~1", "/").replace("~0", "~")
        name += f"[{plain}]" if plain.isdecimal() else f".{plain}" if name else plain
    return name or None
