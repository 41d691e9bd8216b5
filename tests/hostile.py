"""A real `dateline serve` in a process of its own, and sockets that abuse it."""

import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.commands import dateline

# What takes 15 and 60 seconds in earnest takes one and two here.
SERVE = """
import sys
from api import cli
from api.guards import connections
connections.HEAD_S, connections.STALLED_S = 1.0, 2.0
sys.argv = ["dateline", "serve", "--port", sys.argv[1], "--data-dir", sys.argv[2]]
cli.main()
"""


class Served(NamedTuple):
    """A running server and how to come in."""

    process: subprocess.Popen[bytes]
    port: int
    token: str
    log: Path
    own_sockets: int = 0

    def connect(self, *, receive_bytes: int = 0) -> socket.socket:
        """Return an open connection, with a small window where that is asked for."""
        made = socket.socket()
        made.settimeout(15)
        if receive_bytes:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.connect(("127.0.0.1", self.port))
        return made

    def head(self, line: str, *headers: str) -> bytes:
        """Return the head of a request that has a key."""
        said = ("Host: localhost", f"Authorization: Bearer {self.token}", *headers)
        return "\r\n".join((f"{line} HTTP/1.1", *said, "", "")).encode("latin-1")

    def ready(self) -> int:
        """Return the status of `/readyz`."""
        url = f"http://127.0.0.1:{self.port}/readyz"
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)

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
def served(folder: Path) -> Iterator[Served]:
    """Start a server with one key over an archive in `folder`; stop it at the end."""
    data_dir = folder / "data"
    token = dateline("keys", "create", "t", "--scope", "admin", "--data-dir", data_dir).out.strip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chosen = {"DATELINE_RATE_LIMIT": "off", "DATELINE_BODY_TIMEOUT_S": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(port), str(data_dir)],
            env={**os.environ, **chosen},
            stdout=log,
            stderr=log,
        )
        server = Served(process, port, token, folder / "log")
        try:
            _wait(server)
            time.sleep(0.3)  # until the connection that asked is closed
            yield server._replace(own_sockets=server.connections())
        finally:
            process.terminate()
            process.wait(20)


def _wait(server: Served) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert server.process.poll() is None, server.log.read_text()
        try:
            if server.ready() == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(server.log.read_text())


def exchange(server: Served, sent: bytes) -> list[int]:
    """Send bytes and return the statuses of all that is answered until the server closes."""
    with server.connect() as connection:
        # It may close before all is sent; what it said before can still be read.
        with suppress(ConnectionError):
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
