"""What a fresh `dateline ask --url` costs besides the server's work.

    python -m evals.bench cold

A stand-in for the server sends a real answer at once and notes how long that took; the rest of the
process's life is the command's own. Beside it the bare interpreter, and curl where there is one, in
turns, so that whatever else the machine does hits all of them; processor time shows how much.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

# What somebody waits for without noticing that he waits.
MOST_OWN_S = 0.4
ASKED = "dateline ask --url"
QUESTION = "Who was blamed for the Taji attack?"


class Spent(NamedTuple):
    """What one process took, in seconds: of the clock, and of a processor."""

    wall_s: float
    cpu_s: float


def bench(answer: bytes, *, runs: int) -> None:
    """Print the medians of fresh processes that are sent `answer`."""
    with _answering(answer) as (url, sent_s):
        commands = {
            "bare python": [sys.executable, "-c", "pass"],
            "dateline --help": [sys.executable, "-m", "api.cli", "--help"],
            ASKED: [sys.executable, "-m", "api.cli", "ask", QUESTION, "--url", url],
        }
        if curl := shutil.which("curl"):
            commands["curl"] = [curl, "-s", "-d", "{}", f"{url}/v1/chat"]
        # The first of each reads its files from the disk.
        spent = {name: times[1:] for name, times in _in_turns(commands, runs=1 + runs).items()}
        server_s = statistics.median(sent_s)
    for name, times in spent.items():
        wall, cpu = sorted(one.wall_s for one in times), sorted(one.cpu_s for one in times)
        print(
            f"{name:20} wall {statistics.median(wall):.3f} s ({wall[0]:.3f} to {wall[-1]:.3f}), "
            f"cpu {statistics.median(cpu):.3f} s ({cpu[0]:.3f} to {cpu[-1]:.3f})"
        )
    own_s = statistics.median(one.wall_s for one in spent[ASKED]) - server_s
    verdict = "within" if own_s <= MOST_OWN_S else "over"
    print(f"own overhead of {ASKED}, median of {runs}: {own_s:.3f} s, {verdict} {MOST_OWN_S} s")
    print(f"the server's part, subtracted: {server_s * 1_000:.1f} ms")


def _in_turns(commands: dict[str, list[str]], *, runs: int) -> dict[str, list[Spent]]:
    spent: dict[str, list[Spent]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            spent[name].append(_spent(command))
    return spent


def _spent(command: Sequence[str]) -> Spent:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(wall_s, cpu_s)


@contextmanager
def _answering(answer: bytes) -> Iterator[tuple[str, list[float]]]:
    """Yield the address of a server that answers whatever is asked, and what each reply took."""
    sent_s: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            began = time.perf_counter()
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            sent_s.append(time.perf_counter() - began)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent_s
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
