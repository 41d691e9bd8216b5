"""So many requests at work at once, so many waiting, and a clear "come back later" for the rest.

>>> admission = Admission(running=4, waiting=64, wait_s=10)
>>> async with admission.turn():
...     answer = await to_thread(work)

A server that takes in everything answers nobody: each answer gets its share of the cores, until all
of them have timed out.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rag.errors import Busy


class Admission:
    """Counts who is at work and who waits; used from one event loop."""

    def __init__(
        self,
        *,
        running: int,
        waiting: int,
        wait_s: float,
        on_refused: Callable[[], None] = lambda: None,
    ) -> None:
        """Let `running` work, and `waiting` wait for at most `wait_s`; tell of who is refused."""
        self._turns = asyncio.Semaphore(running)
        self._most_waiting = waiting
        self._wait_s = wait_s
        self.running = 0
        self.waiting = 0
        self._on_refused = on_refused

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn. Raises Busy when too many wait, or when none came up in time."""
        await self.take()
        try:
            yield
        finally:
            self.give()

    async def take(self) -> None:
        """Take a turn, which `give` gives back. Raises Busy."""
        if self._turns.locked() and self.waiting >= self._most_waiting:
            self._on_refused()
            raise Busy(f"{self.running} requests are at work and {self.waiting} wait")
        self.waiting += 1
        try:
            await asyncio.wait_for(self._turns.acquire(), self._wait_s)
        except TimeoutError as exc:
            self._on_refused()
            raise Busy(f"no turn came up in {self._wait_s:g} s") from exc
        finally:
            self.waiting -= 1
        self.running += 1

    def give(self) -> None:
        """Give the turn to whoever waits longest."""
        self.running -= 1
        self._turns.release()
