"""The tools over HTTP, behind the guards of every other route.

>>> endpoint = Endpoint(max_body_bytes=20_000_000)
>>> app.routes.extend(endpoint.routes)
>>> async with endpoint.open(): ...

Each request stands for itself: nothing of a client is kept between two, so any worker answers any
of them. Who asks is whom the guards found, and the tools ask the app in that caller's name.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.client import Dateline
from api.mcp.server import Context, build
from api.mcp.tools import TOOLS


class Endpoint:
    """The ASGI app at `/mcp`, which `routes` lead to; some clients are told `/mcp/`."""

    def __init__(self, max_body_bytes: int) -> None:
        """Serve nothing until it is opened; the guard of bodies has the same limit."""
        self._server = build(_client_of)
        self._max_body_bytes = max_body_bytes
        self._sessions: StreamableHTTPSessionManager | None = None
        self.routes = (Route("/mcp", self), Route("/mcp/", self))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve while the block runs, and end at its end what is still at work."""
        self._sessions = StreamableHTTPSessionManager(
            self._server,
            stateless=True,
            # Our guard of names and origins knows the settings; this one would refuse all others.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=self._max_body_bytes,
        )
        async with self._sessions.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        # Where logs and metrics look it up; FastAPI sets it for routes of its own only.
        scope["route"] = self.routes[0]
        if scope["method"] != "POST":
            # Nothing is ever sent but in reply, so there is no stream to GET and none to DELETE.
            raise HTTPException(405, headers={"Allow": "POST"})
        if self._sessions is None:
            raise RuntimeError("a request came before the app had started")
        await self._sessions.handle_request(scope, receive, send)


def _client_of(context: Context) -> Dateline:
    """Return a client of the app that acts as the caller, and note in the log what is asked."""
    request: Any = context.request  # Any: over HTTP it is Starlette's
    asked = (context.params or {}).get("name")
    request.state.facts.update(mcp=context.method, tool=asked if asked in TOOLS else None)
    client: Dateline = request.app.state.inside(request.state.caller)
    return client
