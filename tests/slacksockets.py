"""Slack's end of Socket Mode: a real WebSocket server that an app connects to.

>>> with SocketMode() as sockets:
...     client.connect()  # to sockets.new_url()
...     sockets.send_envelope("events_api", event_payload("app_mention")).took_s < 3
True
"""

import json
import threading
import time
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.slackpayloads import APP
from tests.waiting import wait_for


class Ack(NamedTuple):
    """How an app acknowledged an envelope."""

    envelope_id: str
    took_s: float
    payload: Any  # JSON


class SocketMode:
    """The connections of an app, the newest of which gets the envelopes."""

    def __init__(self) -> None:
        self._links: list[ServerConnection] = []
        self._acks: dict[str, Ack] = {}
        self._sent_s: dict[str, float] = {}

    def __enter__(self) -> "SocketMode":
        self._server = serve(self._linked, "127.0.0.1", 0, compression=None)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)

    def new_url(self) -> str:
        """Return where an app may connect."""
        port = self._server.socket.getsockname()[1]
        return f"ws://127.0.0.1:{port}/link/?ticket={uuid4()}&app_id={APP}"

    def wait_connected(self, *, links: int = 1) -> None:
        """Wait until so many connections are open."""
        wait_for(lambda: len(self._links) >= links)

    def send_envelope(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        envelope_id: str | None = None,
        retry_attempt: int = 0,
    ) -> Ack:
        """Send events_api, slash_commands or interactive, and return how it was acknowledged.

        Fails where it was not within a minute. To deliver again as Slack does, send the same
        payload with a `retry_attempt`.
        """
        envelope_id = envelope_id or str(uuid4())
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            reason = "timeout" if retry_attempt else ""
            envelope |= {"retry_attempt": retry_attempt, "retry_reason": reason}
        self.wait_connected()
        self._acks.pop(envelope_id, None)
        self._sent_s[envelope_id] = time.monotonic()
        self._links[-1].send(json.dumps(envelope))
        return wait_for(lambda: self._acks.get(envelope_id))

    def disconnect(self) -> None:
        """Ask the app to connect anew, as Slack does every few hours, and close the old one."""
        old = self._links[-1]
        old.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        wait_for(lambda: self._links and self._links[-1] is not old)
        old.close()

    def drop(self) -> None:
        """Cut the connection without a word."""
        with suppress(OSError):
            self._links[-1].socket.shutdown(2)

    def _linked(self, link: ServerConnection) -> None:
        count, about = len(self._links) + 1, {"app_id": APP}
        hello = {"type": "hello", "num_connections": count, "connection_info": about}
        link.send(json.dumps(hello))
        self._links.append(link)
        with suppress(ConnectionClosed):
            for message in link:
                told = json.loads(message)
                took_s = time.monotonic() - self._sent_s[told["envelope_id"]]
                ack = Ack(told["envelope_id"], took_s, told.get("payload"))
                self._acks[ack.envelope_id] = ack
        self._links.remove(link)
