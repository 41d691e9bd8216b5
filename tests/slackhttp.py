"""HTTP as Slack speaks it: forms or JSON come in, a status, headers and JSON go out.

>>> read_args("application/x-www-form-urlencoded", 'blocks=%5B%5D&ts=1.2')
{'blocks': [], 'ts': '1.2'}
"""

import json
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

# Any: JSON.
Args = dict[str, Any]


class Reply(NamedTuple):
    """What goes back."""

    status: int
    text: str
    headers: dict[str, str]


# In place of a reply: the connection ends.
HANG_UP = Reply(0, "", {})
# From a path, what was sent with it and the token, to the reply.
Answer = Callable[[str, Args, str | None], Reply]


def listening(answer: Answer) -> ThreadingHTTPServer:
    """Return a server on a free port, not yet running, which answers by `answer`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            args = read_args(self.headers.get("Content-Type", ""), raw)
            kind, _, value = self.headers.get("Authorization", "").partition(" ")
            if kind == "Basic":
                client_id, _, secret = b64decode(value).decode().partition(":")
                args |= {"client_id": client_id, "client_secret": secret}
            token = args.pop("token", None) or (value if kind == "Bearer" and value else None)
            self._send(answer(urlsplit(self.path).path, args, token))

        def _send(self, reply: Reply) -> None:
            if reply is HANG_UP:
                self.close_connection = True
                return
            raw = reply.text.encode()
            with suppress(ConnectionError):  # whoever asked went away
                self.send_response(reply.status)
                for name, value in (reply.headers | {"Content-Length": str(len(raw))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    return made


def read_args(content_type: str, raw: str) -> Args:
    """Return the arguments in a body; in a form, some are JSON."""
    if "json" in content_type:
        args: Args = json.loads(raw)
        return args
    sent: Args = dict(parse_qsl(raw, keep_blank_values=True))
    for name in sent.keys() & {"blocks", "chunks", "view", "metadata"}:
        sent[name] = json.loads(sent[name])
    return sent
