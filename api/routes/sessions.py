"""Conversations: begun, listed, read, renamed and forgotten.

POST /v1/sessions {"title": "Taji"}
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.cursors import NO_CURSOR, decoded, encoded
from api.deps import Asker, Served, SessionId
from api.errors import responses
from api.schemas.sessions import (
    Conversation,
    SessionIn,
    SessionInfo,
    SessionList,
    SessionQuery,
    SessionTitle,
)
from rag.errors import InputError

router = APIRouter(prefix="/v1/sessions", tags=["sessions"], responses=responses(422, 500, 503))
_CREATED: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    201: {"model": SessionInfo, "description": "Begun; 200 when it was there before"}
}


@router.post("", responses=_CREATED | responses(400, 413))
def create(asked: SessionIn, services: Served, caller: Asker, response: Response) -> SessionInfo:
    """Begin a conversation; questions that name its id are understood from those before them."""
    info, is_new = services.sessions.create(
        caller, now=datetime.now(UTC), title=asked.title, asked_id=asked.id
    )
    response.status_code = 201 if is_new else 200
    return info


@router.get("")
def list_sessions(
    query: Annotated[SessionQuery, Query()], services: Served, caller: Asker
) -> SessionList:
    """List the caller's conversations, last used first."""
    before = None if query.cursor is None else _place(query.cursor)
    # One more than asked for tells whether there is a next page.
    found = services.sessions.page(
        caller, now=datetime.now(UTC), limit=query.limit + 1, before=before
    )
    shown = tuple(found[: query.limit])
    more = len(found) > query.limit
    cursor = encoded("{} {}".format(*services.sessions.place(shown[-1]))) if more else None
    return SessionList(sessions=shown, next_cursor=cursor)


@router.get("/{session_id}", responses=responses(404))
def get(session_id: SessionId, services: Served, caller: Asker) -> Conversation:
    """Return the conversation with its questions and answers, oldest first."""
    return services.sessions.get(session_id, caller, now=datetime.now(UTC))


@router.patch("/{session_id}", responses=responses(400, 404, 413))
def rename(
    session_id: SessionId, wanted: SessionTitle, services: Served, caller: Asker
) -> SessionInfo:
    """Give the conversation another title."""
    return services.sessions.rename(session_id, wanted.title, caller, now=datetime.now(UTC))


@router.delete("/{session_id}", status_code=204, responses=responses(404))
def delete(session_id: SessionId, services: Served, caller: Asker) -> None:
    """Forget the conversation, its answers, and what was said of them."""
    services.sessions.delete(session_id, caller, now=datetime.now(UTC))
    services.streams.forget_session(session_id)


def _place(cursor: str) -> tuple[int, str]:
    at, _, session_id = decoded(cursor).partition(" ")
    if not at.isdecimal() or len(at) > 18 or not session_id:
        raise InputError(NO_CURSOR)
    return int(at), session_id
