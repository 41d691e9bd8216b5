"""How often each key, else each address, may ask.

>>> rates = Rates.of("60/minute;1000/hour")
>>> rates.hit("key:3f9c0a1b2d4e").refused
False

What `limits` keeps in memory it never forgets whole: a caller's name stays when its requests have
left the window. So the callers are counted here, and the one that was quiet longest is forgotten.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from fastapi import Request, Response
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import ANONYMOUS, INSIDE, Caller
from api.errors import rate_limited, respond
from rag.errors import ConfigurationError

# Health is asked by machines that must always get an answer; Slack signs what it sends, and all its
# workspaces come from a few addresses.
EXEMPT = ("/healthz", "/readyz", "/slack/events")
MAX_CALLERS = 2_000


class Standing(NamedTuple):
    """Where a caller stands after asking; `headers` say it in the fields of the IETF draft."""

    refused: bool
    retry_after_s: int
    headers: Mapping[str, str]


class Rates:
    """Counts the requests of callers; one thread only, which is the event loop's."""

    def __init__(self, items: Sequence[RateLimitItem], *, max_callers: int = MAX_CALLERS) -> None:
        """Let each caller ask as often as `items` allow, in any window of their length."""
        self._items = items
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._callers: OrderedDict[str, None] = OrderedDict()
        self._max_callers = max_callers
        self._policy = ", ".join(f'"{i}";q={i.amount};w={i.get_expiry()}' for i in items)

    @classmethod
    def of(cls, said: str, *, max_callers: int = MAX_CALLERS) -> Self:
        """Return the limits that are meant; `off` means none. Raises ConfigurationError."""
        if said.strip() == "off":
            return cls((), max_callers=max_callers)
        try:
            items = parse_many(said)
        except ValueError as exc:
            raise ConfigurationError(
                f"DATELINE_RATE_LIMIT={said!r} cannot be read: write 600/minute, "
                "10/second;1000/hour, or off"
            ) from exc
        if not all(item.amount and item.get_expiry() for item in items):
            raise ConfigurationError(f"DATELINE_RATE_LIMIT={said!r} allows nothing; write off")
        return cls(items, max_callers=max_callers)

    def hit(self, caller: str) -> Standing:
        """Count a request of the caller unless it is refused; refused ones do not count."""
        if not self._items:
            return Standing(refused=False, retry_after_s=0, headers={})
        self._remember(caller)
        # All are tested before one is charged, which is safe because nothing runs in between.
        refused = not all(self._limiter.test(item, caller) for item in self._items)
        if not refused:
            for item in self._items:
                self._limiter.hit(item, caller)
        return self._standing(caller, refused=refused)

    def _standing(self, caller: str, *, refused: bool) -> Standing:
        now = time.time()
        left: list[str] = []
        waits = [1]
        for item in self._items:
            stats = self._limiter.get_window_stats(item, caller)
            reset_s = min(max(math.ceil(stats.reset_time - now), 1), item.get_expiry())
            left.append(f'"{item}";r={max(stats.remaining, 0)};t={reset_s}')
            if stats.remaining <= 0:
                waits.append(reset_s)
        headers = {"RateLimit-Policy": self._policy, "RateLimit": ", ".join(left)}
        return Standing(refused, max(waits), headers)

    def _remember(self, caller: str) -> None:
        self._callers[caller] = None
        self._callers.move_to_end(caller)
        while len(self._callers) > self._max_callers:
            quiet, _ = self._callers.popitem(last=False)
            for item in self._items:
                # The storage's own thread may be at this entry just now.
                with self._storage.locks[item.key_for(quiet)]:
                    self._limiter.clear(item, quiet)


class RateLimit:
    """Answers 429 to a caller who asks too often, and tells the others how much is left."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        """Count what goes to `app`."""
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        # What the app asks itself was counted where it came in.
        is_own = INSIDE in scope
        if scope["type"] != "http" or is_own or scope["path"] in EXEMPT:
            await self._app(scope, receive, send)
            return
        caller: Caller = scope["state"].get("caller", ANONYMOUS)
        standing = self._rates.hit(f"key:{caller.key_id}" if caller.key_id else address(scope))
        if standing.refused:
            response = refusal(Request(scope), standing)
            await response(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(standing.headers)
            await send(message)

        await self._app(scope, receive, told)


def refusal(request: Request, standing: Standing) -> Response:
    """Return the response to a caller who asks too often."""
    headers = {**standing.headers, "Retry-After": str(standing.retry_after_s)}
    return respond(request, rate_limited(standing.retry_after_s), headers)


def address(scope: Scope) -> str:
    """Return the network address that a request is counted for.

    Of IPv6 that is the first half, because whoever has one address there has 2^64 of them.
    """
    host = (scope.get("client") or ("", 0))[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        # A test client, a Unix socket, or nonsense that a trusted proxy passed on: one caller.
        return "address:unknown"
    if parsed.version == 4:
        return f"address:{parsed}"
    if parsed.ipv4_mapped:
        return f"address:{parsed.ipv4_mapped}"
    return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
