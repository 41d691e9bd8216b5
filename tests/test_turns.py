"""Who holds a turn, and for how long: never somebody who still sends or has hung up."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from rag.settings import Settings
from tests.test_api_chat import BRIDGE
from tests.test_streams import Served, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("data")
    yield from serve(Settings(data_dir=folder, queue_wait_s=0.5, concurrency=1))


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(served.url).port or 80), timeout=10)


def head(path: str, kind: str, length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}")
    return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()


BEGUN = {
    "application/json": b'{"title": "',
    "multipart/form-data; boundary=x": b"--x\r\nContent-Disposition: form-",
}


@pytest.mark.parametrize("kind", BEGUN)
def test_uploads_that_stall_hold_up_no_other_writer(served: Served, kind: str) -> None:
    with ExitStack() as opened:
        for _ in range(3):  # one more than there are turns
            stalled = opened.enter_context(connected(served))
            stalled.sendall(head("/v1/documents", kind, 900) + BEGUN[kind])
        # Answered behind them: what they sent has been read by then.
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        added = httpx.post(f"{served.url}/v1/documents", json=BRIDGE)
        assert added.status_code in (200, 201)
        assert httpx.delete(f"{served.url}/v1/documents/bridge").status_code == 200
