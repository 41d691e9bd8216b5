"""Who may come in: decided from the head of a request, before any of its body is read.

>>> needed("DELETE", "/v1/documents/a1")
'write'

Without keys only this machine is served, and its browsers are the danger: a page from elsewhere can
have its own name point at 127.0.0.1 (DNS rebinding) or post blindly. So the names that the server
answers to are checked then, and the origin of whatever changes something.
"""

import ipaddress
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asgi

from api import errors
from api.auth import ANONYMOUS, INSIDE, NOTED_EVERY_S, Caller, Found, Keys, Scope
from api.guards.rates import EXEMPT, Rates, address, refusal
from rag.errors import ConfigurationError, DatelineError, DependencyError
from rag.settings import Settings

logger = logging.getLogger("dateline.api")

Mode = Literal["auto", "on", "off"]

# Whoever lets Slack's bot in is asked by Slack who that is.
_INSTALLS = ("/slack/install", "/slack/oauth_redirect")
_OPEN = frozenset(("/", "/favicon.ico", "/docs", "/openapi.json", *EXEMPT, *_INSTALLS))
_READS = ("/v1/chat", "/v1/search", "/v1/sessions", "/v1/feedback", "/mcp")
_SAFE = ("GET", "HEAD", "OPTIONS")
NOBODY = Caller(None, frozenset())
# Beyond this many refusals a minute an address hears 429; with a valid key it is let in even then.
FAILURES = "30/minute"
# Starlette's test client calls the server so; no public name is without a dot.
_NAMES_HERE = ("localhost", "testserver")


class Policy(NamedTuple):
    """What the operator chose."""

    mode: Mode
    allowed_hosts: Sequence[str]
    cors_origins: Sequence[str]


class _Locks(NamedTuple):
    """How many threads may read and write keys, apart from those that answer questions."""

    find: CapacityLimiter
    note: CapacityLimiter


def needed(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs; None where everyone may come."""
    if path in _OPEN or path.startswith("/web/"):
        return None
    if method in _SAFE or path.startswith(_READS):
        return "read"
    if method == "DELETE" and path.rstrip("/") == "/v1/documents":
        return "admin"
    return "write"


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is this machine's own: 127.0.0.0/8, ::1, localhost."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_exposure(settings: Settings, keys: Keys) -> None:
    """Refuse to serve what nobody guards; raises ConfigurationError.

    A warning is logged where the operator wants it open.
    """
    made = settings.auth != "off" and keys.ever()
    if settings.auth == "on" and not made:
        raise ConfigurationError(
            "DATELINE_AUTH=on asks for keys and there is none: make one with "
            "`dateline keys create NAME --scope read --scope write`"
        )
    if is_loopback(settings.host) or made:
        return
    if settings.auth == "auto":
        raise ConfigurationError(
            f"{settings.host} can be reached from other machines and there is no API key. Either "
            "make one with `dateline keys create NAME --scope read --scope write`, or set "
            "DATELINE_AUTH=off where something before the server decides who may come in"
        )
    logger.warning(
        "DATELINE_AUTH=off: everyone who reaches %s:%d may read, write and delete",
        settings.host,
        settings.port,
    )


class Access:
    """Finds the caller of each request, or refuses it; `state.caller` is who asks."""

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        """Guard `app`, whose `state.keys` are set when it has started."""
        self._app = app
        self._policy = policy
        self._allowed = frozenset(host.lower() for host in policy.allowed_hosts)
        self._failures = Rates.of(FAILURES)
        self._asked_for = policy.mode == "on"
        self._noted: dict[str, datetime] = {}
        self._locks = _Locks(CapacityLimiter(4), CapacityLimiter(1))

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        keys: Keys = scope["app"].state.keys
        try:
            found = await self._found(request, keys)
        except DatelineError as exc:
            response = await errors.respond_to(request, exc)
            await response(scope, receive, send)
            return
        refused = self._refused(request, found)
        if refused:
            await refused(scope, receive, send)
            return
        request.state.caller = found.caller
        await self._app(scope, receive, send)
        if found.note_use and found.key_id:
            await self._note_use(keys, found.key_id)

    async def _found(self, request: Request, keys: Keys) -> Found:
        """Return who asks; where no keys are asked for, that is ANONYMOUS."""
        path = _path(request)
        if INSIDE in request.scope:
            return Found(request.scope[INSIDE], key_id=request.scope[INSIDE].key_id)
        if path in EXEMPT or self._policy.mode == "off":
            return Found(ANONYMOUS)
        if not self._asked_for:
            # It stays so: a key is never deleted, only revoked.
            self._asked_for = await to_thread.run_sync(keys.ever, limiter=self._locks.find)
        if not self._asked_for:
            return Found(ANONYMOUS)
        if needed(request.method, path) is None:
            return Found(NOBODY)
        sent = request.headers.getlist("authorization")
        scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
        if scheme.lower() != "bearer":
            return Found(None, "malformed" if sent else "missing")
        now = datetime.now(UTC)
        return await to_thread.run_sync(
            lambda: keys.find(token.strip(), now=now), limiter=self._locks.find
        )

    def _refused(self, request: Request, found: Found) -> Response | None:
        facts: dict[str, object] = request.state.facts
        if found.key_id:
            facts["key"] = found.key_id
        if not self._goes_by(request, guarded=self._asked_for or self._policy.mode == "off"):
            return errors.respond(request, errors.wrong_host())
        if found.caller is None:
            facts["refused"] = found.refusal
            return self._unauthorized(request)
        if found.caller is ANONYMOUS and self._foreign(request):
            return errors.respond(request, errors.foreign_origin())
        scope = needed(request.method, _path(request))
        if scope is None or found.caller.may(scope):
            return None
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        return errors.respond(request, errors.forbidden(scope), {"WWW-Authenticate": challenge})

    def _unauthorized(self, request: Request) -> Response:
        standing = self._failures.hit(address(request.scope))
        if standing.refused:
            return refusal(request, standing)
        return errors.respond(request, errors.unauthorized(), {"WWW-Authenticate": "Bearer"})

    def _goes_by(self, request: Request, *, guarded: bool) -> bool:
        """Return whether the server answers to the name that the request calls it by."""
        host = _host(request.headers.get("host", ""))
        # What checks health often knows only an address; HTTP/1.0 has no Host.
        if not host or _path(request) in EXEMPT or host in self._allowed:
            return True
        if guarded and not self._allowed:
            return True
        return is_loopback(host) or host in _NAMES_HERE or host.endswith(".localhost")

    def _foreign(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        if origin is None or request.method in _SAFE or origin in self._policy.cors_origins:
            return False
        return urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()

    async def _note_use(self, keys: Keys, key_id: str) -> None:
        now = datetime.now(UTC)
        noted = self._noted.get(key_id)
        if noted and (now - noted).total_seconds() < NOTED_EVERY_S:
            # Being written, perhaps behind a long write of articles: one is enough to wait for it.
            return
        self._noted[key_id] = now
        try:
            await to_thread.run_sync(
                lambda: keys.note_use(key_id, now=now), limiter=self._locks.note
            )
        except DependencyError as exc:
            # The answer is out already, and a missing note harms nobody.
            logger.warning("%s", exc)


def _path(request: Request) -> str:
    # What the router decides by; request.url is put together with what the Host header says.
    path: str = request.scope["path"]
    return path


def _host(header: str) -> str:
    """Return the name in a Host header, without its port."""
    name, bracket, _ = header.lower().partition("]")
    return name + bracket if bracket else name.partition(":")[0]
