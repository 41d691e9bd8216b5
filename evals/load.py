"""Many clients at once against a real server: no error, no growth, and an index that is right.

>>> report = measure(clients=50, seconds=60)
>>> print(table(report)); report.failures
()

The server is a process of its own over a fresh copy of the sample archive. Of its memory the
resident set is told, from `/proc`, so that this runs on Linux.
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx

from evals.cases import SAMPLE_CORPUS, SAMPLE_SET
from evals.cases import load as cases
from evals.metrics import percentile
from evals.traffic import KINDS, Call, Client

# More in the second half is a leak. What is kept on purpose, the last answers that were streamed,
# fills up to some 8 MiB.
MAX_GROWTH_MIB = 16.0
WARM_UP_S = 10.0
_STARTS_WITHIN_S = 60
_STOPS_WITHIN_S = 10
_SAMPLED_EVERY_S = 0.5
_MOST_TOLD = 10


class Memory(NamedTuple):
    """The server's resident set at a moment, counted from the first request."""

    at_s: float
    mib: float


class Row(NamedTuple):
    """The requests of one kind; times are those of the good ones."""

    kind: str
    requests: int
    good: int
    statuses: dict[int, int]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Report(NamedTuple):
    """What a run showed."""

    clients: int
    elapsed_s: float
    rows: tuple[Row, ...]
    memory: tuple[Memory, ...]
    wrong: tuple[str, ...]
    tracebacks: int
    exit_code: int | None
    stopped_s: float
    check: str
    check_code: int
    load_averages: tuple[float, float, float]

    @property
    def growth_mib(self) -> float:
        """How much the second half added to the memory."""
        return self.second_half[-1].mib - self.second_half[0].mib

    @property
    def slope_mib_min(self) -> float:
        """The slope of the memory in the second half, by least squares."""
        half = self.second_half
        at = sum(m.at_s for m in half) / len(half)
        mib = sum(m.mib for m in half) / len(half)
        spread = sum((m.at_s - at) ** 2 for m in half)
        return 60 * sum((m.at_s - at) * (m.mib - mib) for m in half) / spread if spread else 0.0

    @property
    def second_half(self) -> tuple[Memory, ...]:
        """The memory since the middle, and only when the server was warm."""
        last = self.memory[-1]
        return tuple(m for m in self.memory if m.at_s >= max(last.at_s / 2, WARM_UP_S)) or (last,)

    @property
    def failures(self) -> tuple[str, ...]:
        """All that must not be."""
        found = list(self.wrong)
        if self.tracebacks:
            found.append(f"{self.tracebacks} errors in the server's log that nobody foresaw")
        if self.exit_code not in (0, -signal.SIGTERM):
            found.append(f"the server ended with {self.exit_code} after {self.stopped_s:.1f} s")
        if self.check_code:
            found.append(f"`dateline check` ended with {self.check_code}: {self.check}")
        if self.growth_mib > MAX_GROWTH_MIB:
            found.append(f"memory grew by {self.growth_mib:.1f} MiB in the second half")
        return tuple(found)


class Server(NamedTuple):
    """A server that runs."""

    process: subprocess.Popen[bytes]
    url: str

    def memory_mib(self) -> float:
        """Return the resident set."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


def bench(*, clients: int, seconds: float) -> None:
    """Print the table of a run; exit with 1 when something in it must not be."""
    report = measure(clients=clients, seconds=seconds)
    print(table(report))
    if report.failures:
        sys.exit(1)


def measure(*, clients: int, seconds: float, seed: int = 7) -> Report:
    """Return what `clients` saw in so many seconds, and how the server and its index came out."""
    with tempfile.TemporaryDirectory(prefix="dateline-load-") as name:
        folder = Path(name)
        _dateline(folder, "ingest", str(SAMPLE_CORPUS), check=True)
        with _served(folder) as server:
            began = time.monotonic()
            calls, memory = asyncio.run(_driven(server, clients, seconds, seed))
            elapsed_s = time.monotonic() - began
            exit_code, stopped_s = _stopped(server)
        checked = _dateline(folder, "check")
        log = (folder / "log").read_text()
    wrong = Counter(call.wrong for call in calls if call.wrong)
    return Report(
        clients=clients,
        elapsed_s=elapsed_s,
        rows=tuple(_row(kind, [call for call in calls if call.kind == kind]) for kind in KINDS),
        memory=tuple(memory),
        wrong=tuple(f"{count} × {what}" for what, count in wrong.most_common()),
        # A traceback is printed by what does not know our log, frames are in its lines.
        tracebacks=log.count("Traceback (most recent call last)") + log.count('"frames":'),
        exit_code=exit_code,
        stopped_s=stopped_s,
        check=" ".join((checked.stdout + checked.stderr).split()),
        check_code=checked.returncode,
        load_averages=os.getloadavg(),
    )


def table(report: Report) -> str:
    """Return the report as text."""
    total = sum(row.requests for row in report.rows)
    lines = [
        f"{report.clients} clients, {report.elapsed_s:.1f} s: {total} requests, "
        f"{total / report.elapsed_s:.1f} a second",
        f"{'':8}{'n':>7}{'good':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}  statuses",
    ]
    for row in report.rows:
        times = "".join(
            f"{'-' if ms is None else round(ms):>9}" for ms in (row.p50_ms, row.p95_ms, row.p99_ms)
        )
        told = ", ".join(f"{status}: {n}" for status, n in sorted(row.statuses.items()))
        lines.append(f"{row.kind:8}{row.requests:>7}{row.good:>7}{times}  {told}")
    warm = next((m for m in report.memory if m.at_s >= WARM_UP_S), report.memory[-1])
    lines += [
        f"memory: {report.memory[0].mib:.0f} MiB at the start, {warm.mib:.0f} after "
        f"{warm.at_s:.0f} s, {report.memory[-1].mib:.0f} at the end; in the second half "
        f"{report.growth_mib:+.1f} MiB (at most {MAX_GROWTH_MIB:.0f}), "
        f"{report.slope_mib_min:+.1f} a minute",
        f"SIGTERM: exit code {report.exit_code} after {report.stopped_s:.1f} s; "
        f"`dateline check`: {report.check_code}, {report.check}",
        "load averages at the end: {:.2f} {:.2f} {:.2f}".format(*report.load_averages),
        *(f"FAILED: {failure}" for failure in report.failures[:_MOST_TOLD]),
    ]
    return "\n".join(lines)


async def _driven(
    server: Server, clients: int, seconds: float, seed: int
) -> tuple[list[Call], list[Memory]]:
    """Let the clients work side by side and watch the memory meanwhile."""
    questions = [case.question for case in cases(SAMPLE_SET) if not case.history]
    deleted: set[str] = set()
    began = time.monotonic()
    memory: list[Memory] = []

    async def watch() -> None:
        while True:
            memory.append(Memory(time.monotonic() - began, server.memory_mib()))
            await asyncio.sleep(_SAMPLED_EVERY_S)

    async def work(number: int) -> list[Call]:
        async with httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as http:
            client = Client(http, Random(f"{seed}/{number}"), questions, deleted)  # noqa: S311
            return await client.run(began + seconds)

    watching = asyncio.create_task(watch())
    done = await asyncio.gather(*(work(number) for number in range(clients)))
    watching.cancel()
    memory.append(Memory(time.monotonic() - began, server.memory_mib()))
    return [call for calls in done for call in calls], memory


def _row(kind: str, calls: Sequence[Call]) -> Row:
    times = [call.elapsed_s * 1_000 for call in calls if call.is_good]
    return Row(
        kind=kind,
        requests=len(calls),
        good=len(times),
        statuses=dict(Counter(call.status for call in calls)),
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        p99_ms=percentile(times, 0.99),
    )


@contextmanager
def _served(folder: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = _command(folder, "serve", "--host", "127.0.0.1", "--port", str(port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        _await_ready(server, folder / "log")
        yield server
    finally:
        process.kill()
        process.wait()


def _await_ready(server: Server, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while server.process.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2_000:]}")


def _stopped(server: Server) -> tuple[int | None, float]:
    """Return the exit code after SIGTERM, None when the server did not stop, and the seconds."""
    began = time.monotonic()
    server.process.terminate()
    try:
        code: int | None = server.process.wait(_STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        code = None
    return code, time.monotonic() - began


def _dateline(
    folder: Path, *arguments: str, check: bool = False
) -> subprocess.CompletedProcess[str]:
    command = _command(folder, *arguments)
    return subprocess.run(command, check=check, capture_output=True, text=True)  # noqa: S603


def _command(folder: Path, *arguments: str) -> list[str]:
    """Return a command on the archive in `folder`.

    `env` gives it what has no option: here all clients have one address, which the limit would
    count as one, and a catalog elsewhere, which the environment may name, is somebody's archive.
    """
    data = folder / "data"
    chosen = ("DATELINE_RATE_LIMIT=off", "DATELINE_AUTH=auto")
    catalog = f"DATELINE_DATABASE_URL=sqlite:///{data / 'catalog.sqlite3'}"
    dateline = [sys.executable, "-m", "api.cli", *arguments, "--data-dir", str(data)]
    return ["/usr/bin/env", *chosen, catalog, *dateline]
