"""Who is spoken to and how, for both kinds of client: what is tried again, how streams go on.

>>> Peer("http://127.0.0.1:8321", api_key=None, timeout_s=60, retries=3).url
'http://127.0.0.1:8321'
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx
from httpx_retries import Retry
from httpx_sse import ServerSentEvent

from api.client import calls, replies
from api.client.address import Address, Through
from api.client.calls import Call
from api.client.replies import Event
from api.schemas.events import Started
from rag.errors import Busy, DatelineError, DependencyError, InputError, NotFound

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8321"
_JSON = "application/json"
_CONNECT_TIMEOUT_S = 5.0
# For all the pauses before one request is sent again.
_PATIENCE_S = 60.0
_BACKOFF_S = 0.5
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_CUT_OFF = (*_UNREACHED, httpx.NetworkError, httpx.RemoteProtocolError)
_PROXY_FAILED = (502, 504)
_COME_BACK = (429, 503)


class Peer:
    """Who is spoken to and how, the same for both kinds of client."""

    def __init__(self, url: str, *, api_key: str | None, timeout_s: float, retries: int) -> None:
        self._address = Address.of(url, api_key=api_key)
        self.url = self._address.url
        self.retries = retries
        # Known when the network is used.
        self._through: Through | None = None
        self._timeout_s = timeout_s
        # One that cannot have arrived may always be sent again, the others only where that is safe.
        self._unreached = self._retry(_UNREACHED, _COME_BACK)
        self._cut_off = self._retry(_CUT_OFF, (*_COME_BACK, *_PROXY_FAILED))

    def network(self) -> dict[str, Any]:  # Any: httpx's own options
        """Return how the network is gone through. Raises ConfigurationError."""
        self._through = self._address.through()
        return {
            "proxy": self._through and self._through.proxy,
            "verify": self._address.certificates(),
        }

    def options(self) -> dict[str, Any]:
        return {
            "base_url": self._address.base,
            "headers": self._address.headers,
            "timeout": httpx.Timeout(self._timeout_s, connect=_CONNECT_TIMEOUT_S),
        }

    def request(self, call: Call[Any], *, stream: bool = False) -> dict[str, Any]:
        """Return what httpx sends. Raises InputError when that cannot be sent."""
        return {
            "method": call.method,
            "url": _target(call),
            "content": None if call.body is None else _json(call.body, stream=stream),
            "headers": call.headers
            if call.body is None
            else {"Content-Type": _JSON, **call.headers},
            "extensions": {"retry": self._cut_off if call.repeatable else self._unreached},
        }

    def read(self, call: Call[T], response: httpx.Response) -> T:
        """Return what the reply says. Raises what it means when it is a refusal."""
        if not response.is_success:
            raise self.refused(response)
        return call.read(response.content)

    def refused(self, response: httpx.Response) -> DatelineError:
        """Return the error that a reply means, all of which was read."""
        if response.has_redirect_location:
            # Not followed: a key must not go where nobody sent it.
            elsewhere = response.headers["Location"][:200]
            return DependencyError(f"{self.url} sends its callers to {elsewhere}: ask there?")
        # What comes through a tunnel is the server's own.
        is_readable = self._address.base.scheme == "http"
        if self._through and is_readable and not replies.is_ours(response.content):
            said = f"{response.status_code} {response.reason_phrase}".strip()
            return DependencyError(
                f"{self._through} replies {said} in the place of {self.url}, or what it reached "
                f"is no Dateline server; {self._past_it()}"
            )
        return replies.failure(response.status_code, response.content)

    def unreached(self, exc: Exception) -> DependencyError:
        """Return the error that a broken connection means."""
        why = exc if str(exc) else type(exc).__name__
        if self._through is None:
            return DependencyError(f"{self.url} does not answer: {why}")
        if self._through.has_failed(exc):
            return DependencyError(
                f"{self._through} does not lead to {self.url}: {why}; {self._past_it()}"
            )
        return DependencyError(
            f"{self.url} does not answer by way of {self._through}: {why}; {self._past_it()}"
        )

    def _past_it(self) -> str:
        return f"to go without the proxy, name {self._address.bypass} in no_proxy"

    def _retry(self, exceptions: tuple[type[Exception], ...], statuses: tuple[int, ...]) -> Retry:
        return _Patience(
            total=self.retries,
            allowed_methods=("GET", "POST", "PATCH", "DELETE"),
            status_forcelist=statuses,
            retry_on_exceptions=exceptions,
            backoff_factor=_BACKOFF_S,
            max_backoff_wait=_PATIENCE_S,
            total_timeout=_PATIENCE_S,
        )


class _Patience(Retry):
    """Ends where a server asks for more of it, instead of knocking again before it is time.

    Inherits, because that is how `httpx_retries` is told.
    """

    def parse_retry_after(self, retry_after: str) -> float:
        """Return for how long to wait. Raises Busy."""
        wait_s = super().parse_retry_after(retry_after)
        if wait_s > _PATIENCE_S - self.elapsed_sleep:
            raise Busy(f"the server is busy, and asks to come back in {wait_s:,.0f} s")
        return wait_s


class Following:
    """How far a stream was read, and how it goes on when its connection breaks."""

    def __init__(self, call: Call[Any], peer: Peer) -> None:
        self.call = call
        self.is_over = False
        self._peer = peer
        self._message_id = ""
        self._last_event_id = ""
        self._breaks = 0
        self._why: Exception = ConnectionError("the stream ended too early")

    def take(self, sent: ServerSentEvent) -> Iterator[Event]:
        """Yield what came, if it is known. Raises what the server says went wrong."""
        self._last_event_id = sent.id or self._last_event_id
        # What follows the whole answer is nothing that is worth another connection.
        self.is_over = self.is_over or sent.event in ("message.end", "done")
        event = replies.event(sent.event, sent.data)
        if isinstance(event, Started):
            self._message_id = event.id
        if event is not None:
            yield event

    def broke(self, exc: Exception) -> None:
        """Note why the connection is gone. Raises what does not go on.

        A server that was started anew does not know the answer that the old one had begun; that is
        no NotFound to whoever asked a question.
        """
        if isinstance(exc, NotFound):
            raise DependencyError(str(exc)) if self._breaks else exc
        self._why = exc

    def ended(self) -> None:
        """Go on where it ended, unless it is over. Raises DependencyError: it broke too often."""
        if self.is_over:
            return
        self._breaks += 1
        if not self._message_id or self._breaks > self._peer.retries:
            raise self._peer.unreached(self._why) from self._why
        self.call = calls.resumed(self._message_id, self._last_event_id)


def _target(call: Call[Any]) -> httpx.URL:
    try:
        return httpx.URL(call.path, params=call.params) if call.params else httpx.URL(call.path)
    except httpx.InvalidURL as exc:
        raise InputError(f"{call.path} cannot be asked for: {exc}") from exc


def _json(body: Mapping[str, Any], *, stream: bool) -> bytes:
    try:
        said = {**body, "stream": True} if stream else body
        return json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as exc:  # a lone surrogate, or no number
        raise InputError(f"this cannot be sent as JSON: {exc}") from exc
