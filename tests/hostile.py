"""A real `dateline serve` in a process of its own, and sockets that abuse it."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from tests.commands import dateline
from tests.waiting import PATIENCE_S

# What takes 15, 60 and 30 seconds in earnest: for a client that may stand still in the middle of
# what it sends, and for one that is to be given up.
SERVE = """
import sys
from api import cli
from api.guards import connections
from tests.waiting import PATIENCE_S
connections.HEAD_S, connections.STALLED_S = map(float, sys.argv[3:])
sys.argv = ["dateline", "serve", "--port", sys.argv[1], "--data-dir", sys.argv[2]]
cli.main()
"""
PATIENT = ("120", "120", "120")
HASTY = ("1", "2", "1")


class Served(NamedTuple):
    """A running server and how to come in."""

    process: subprocess.Popen[bytes]
    port: int
    token: str
    log: Path
    own_sockets: int = 0
    is_hasty: bool = False

    def connect(self, *, receive_bytes: int = 0) -> socket.socket:
        """Return an open connection, with a small window where that is asked for."""
        made = socket.socket()
        made.settimeout(PATIENCE_S)
        if receive_bytes:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            made.connect(("127.0.0.1", self.port))
        except OSError:
            made.close()
            raise
        return made

    def head(self, line: str, *headers: str) -> bytes:
        """Return the head of a request that has a key."""
        said = ("Host: localhost", f"Authorization: Bearer {self.token}", *headers)
        return "\r\n".join((f"{line} HTTP/1.1", *said, "", "")).encode("latin-1")

    def ready(self) -> int:
        """Return the status of `/readyz`, 0 where there is none."""
        request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return next(iter(exchange(self, request)), 0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still: it takes what is sent meanwhile at once, when it goes on."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def memory_bytes(self) -> int:
        """Return what the process holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def connections(self) -> int:
        """Return how many sockets it has open, besides those that it had without any client."""
        held = 0
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed just now
                held += str(link.readlink()).startswith("socket:")
        return held - self.own_sockets


@contextmanager
def served(folder: Path, *, is_hasty: bool = False) -> Iterator[Served]:
    """Start a server with one key over an archive in `folder`; stop it at the end."""
    data_dir = folder / "data"
    token = dateline("keys", "create", "t", "--scope", "admin", "--data-dir", data_dir).out.strip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    head_s, stalled_s, body_s = HASTY if is_hasty else PATIENT
    chosen = {"DATELINE_RATE_LIMIT": "off", "DATELINE_BODY_TIMEOUT_S": body_s}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(port), str(data_dir), head_s, stalled_s],
            env={**os.environ, **chosen},
            stdout=log,
            stderr=log,
        )
        server = Served(process, port, token, folder / "log", is_hasty=is_hasty)
        try:
            _wait(server)
            yield server._replace(own_sockets=server.connections())
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait(server: Served) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert server.process.poll() is None, server.log.read_text()
        # The connection that asked is closed on both sides by then.
        with suppress(OSError):
            if server.ready() == 200:
                return
        time.sleep(0.1)
    raise AssertionError(server.log.read_text())


def exchange(server: Served, sent: bytes) -> list[int]:
    """Send bytes and return the statuses of all that is answered until the server closes."""
    with server.connect() as connection:
        # It may close before all is sent; what it said before can still be read.
        with server.paused() if server.is_hasty else nullcontext(), suppress(ConnectionError):
            connection.sendall(sent)
        return statuses(rest(connection))


def rest(connection: socket.socket) -> bytes:
    """Return everything until the server closes."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def statuses(received: bytes) -> list[int]:
    """Return the statuses in what a server sent."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def reset(connection: socket.socket) -> None:
    """Cut the connection at once, as a crashing client does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
