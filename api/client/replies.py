"""What a server's replies mean: values, events of a stream, errors.

>>> failure(404, b'{"detail": "no article has the id \'a1\'"}')
NotFound("no article has the id 'a1'")
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.schemas.answers import ChatAnswer
from api.schemas.events import Retrieved, Started, Written
from rag.errors import (
    Busy,
    ConfigurationError,
    DatelineError,
    DependencyError,
    InputError,
    NotFound,
)
from rag.types import Citation

_Model = TypeVar("_Model", bound=BaseModel)
Event = Started | Retrieved | Citation | Written | ChatAnswer

_MOST_TOLD = 300
_EVENTS: dict[str, type[Event]] = {
    "message.start": Started,
    "retrieval": Retrieved,
    "citation": Citation,
    "message.delta": Written,
    "message.end": ChatAnswer,
}


def event(name: str, data: str) -> Event | None:
    """Return the event of a stream, or None for one that this version does not know.

    Raises: what the server says went wrong.
    """
    if name == "error":
        status = _problem(data).get("status")
        raise failure(status if isinstance(status, int) else 500, data)
    kind = _EVENTS.get(name)
    return None if kind is None else _read(kind, data)


def failure(status: int, sent: bytes | str) -> DatelineError:
    """Return the error that a response means; its message is the server's own."""
    problem = _problem(sent)
    detail = _detail(problem)
    if not detail:
        # Proxies, and other servers than ours, say it in their own way.
        return DependencyError(f"the reply is {status}, not ours: is it a Dateline server?")
    if status == 404:
        return NotFound(detail)
    if status in (401, 403):
        return ConfigurationError(f"{detail} The key is read from DATELINE_API_KEY.")
    if status == 421:
        return ConfigurationError(detail)
    if status == 429 or (status == 503 and problem.get("code") == "busy"):
        return Busy(detail)
    # 408: what was sent came too slowly, and nothing is wrong with it.
    is_ours = 400 <= status < 500 and status != 408
    return InputError(detail) if is_ours else DependencyError(detail)


def is_ours(sent: bytes) -> bool:
    """Return whether it is a Dateline server that refused, and no proxy or other server."""
    return bool(_detail(_problem(sent)))


def _problem(sent: bytes | str) -> dict[str, Any]:  # Any: JSON
    try:
        said = json.loads(sent)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _detail(problem: dict[str, Any]) -> str:
    """Return what a problem says, in one line; of what is no problem nothing."""
    checks = problem.get("checks")
    if isinstance(checks, dict):  # of a server that is not ready
        failed = (f"{name}: {said}" for name, said in checks.items() if said != "ok")
        return "; ".join(failed)[:_MOST_TOLD]
    return str(problem.get("detail") or "")[:_MOST_TOLD]


def as_(kind: type[_Model]) -> Callable[[bytes], _Model]:
    return lambda sent: _read(kind, sent)


def _read(kind: type[_Model], sent: bytes | str) -> _Model:
    """Return what was sent; a newer server may send more than we know."""
    try:
        return kind.model_validate_json(sent, extra="ignore")
    except ValidationError as exc:
        raise DependencyError(
            f"the reply is no {kind.__name__} ({exc.error_count()} fields are not as expected): "
            "is it a Dateline server, and not older than this client?"
        ) from exc
