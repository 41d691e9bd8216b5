"""Who does the bot's work: threads that take messages from the ledger, and errands beside it.

>>> workers = Workers(ledger, answering.answer, workspaces.only_team)
>>> workers.start(); workers.wake(); workers.close(8.0)
"""

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from api.slack.log import note, note_failure
from api.slack.store import Ledger, Taken, TakenOver
from rag.errors import DependencyError

_THREADS = 4
# Longer than a garbage collection, shorter than the patience of whoever waits after a crash.
LEASE_S = 4.0
_SWEEP_EVERY_S = 600.0


class Workers:
    """A thread that hands out messages, and some that answer them."""

    def __init__(
        self,
        ledger: Ledger,
        answer: Callable[[Taken, threading.Event], None],
        only_team: Callable[[], str | None],
        *,
        lease_s: float = LEASE_S,
        sweep: Callable[[datetime], None] | None = None,
    ) -> None:
        """Answer by `answer` what is in `ledger`, of `only_team` if it returns one.

        Args:
            lease_s: after so long without a sign of life a message is somebody else's.
            sweep: forgets what is old elsewhere, every ten minutes.
        """
        self._ledger = ledger
        self._answer = answer
        self._only_team = only_team
        self._lease_s = lease_s
        self._sweep = sweep
        self._news = threading.Condition()
        self._is_news = False
        self._active: set[Taken] = set()
        self.stopping = threading.Event()
        self._swept_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="slack-hand-out", daemon=True)

    def start(self) -> None:
        """Begin, with what was left behind by whoever worked before."""
        self._thread.start()

    def wake(self) -> None:
        """Look into the ledger now."""
        with self._news:
            self._is_news = True
            self._news.notify()

    def stop(self) -> None:
        """Begin nothing more."""
        self.stopping.set()
        self.wake()

    def close(self, timeout_s: float) -> None:
        """Stop: what is being written is finished or put back, the rest waits for the next one.

        Whoever hangs in Slack is not waited for for ever; the next one takes that up as well.
        """
        self.stop()
        if self._thread.is_alive():
            self._thread.join(max(timeout_s, 0))

    def _run(self) -> None:
        renewed_s = float("-inf")
        # What is being finished is still ours when the rest has stopped.
        while self._active or not self.stopping.is_set():
            try:
                if time.monotonic() - renewed_s >= self._lease_s / 3:
                    renewed_s = time.monotonic()
                    self._look_after()
                while not self.stopping.is_set() and len(self._active) < _THREADS:
                    if not self._hand_out():
                        break
            except DependencyError as exc:
                note_failure("the ledger does not answer", exc)
            except Exception as exc:  # this thread must go on, whatever it meets
                note_failure("handing out failed", exc)
            with self._news:
                if not self._is_news:
                    self._news.wait(self._lease_s / 3)
                self._is_news = False

    def _look_after(self) -> None:
        now = datetime.now(UTC)
        with self._news:
            active = list(self._active)
        self._ledger.renew(active, now=now, lease_s=self._lease_s)
        if time.monotonic() - self._swept_s >= _SWEEP_EVERY_S:
            self._swept_s = time.monotonic()
            self._ledger.sweep(now)
            if self._sweep is not None:
                self._sweep(now)

    def _hand_out(self) -> bool:
        """Give the next message to a thread; return whether there was one."""
        team = self._only_team()
        now = datetime.now(UTC)
        # Another owner each time: what this process lost to itself, having slept, is lost as well.
        owner = secrets.token_hex(8)
        taken = self._ledger.take(owner, now=now, lease_s=self._lease_s, team=team)
        if taken is None:
            return False
        with self._news:
            self._active.add(taken)
        # Daemons: one that sleeps until Slack will hear it again keeps no process from ending.
        threading.Thread(target=self._work, args=(taken,), name="slack-answer", daemon=True).start()
        return True

    def _work(self, taken: Taken) -> None:
        try:
            self._answer(taken, self.stopping)
        except TakenOver:
            note("another process answers", channel=taken.ask.channel, ts=taken.ask.ts)
        except Exception as exc:  # nobody else would hear of it; the lease runs out by itself
            note_failure("answering failed", exc, channel=taken.ask.channel, ts=taken.ask.ts)
        finally:
            with self._news:
                self._active.discard(taken)
                self._is_news = True
                self._news.notify()


class Errands:
    """Does what follows an acknowledgement, so many at once."""

    def __init__(self, most: int) -> None:
        """Have nothing to do yet, and never do more than `most` at once."""
        self._most = most
        self._free = threading.BoundedSemaphore(most)

    def run(self, errand: Callable[[], object]) -> bool:
        """Do `errand`, and log what it raises; return False when there is too much to do."""
        if not self._free.acquire(blocking=False):
            return False
        threading.Thread(target=self._do, args=(errand,), name="slack-errand", daemon=True).start()
        return True

    def close(self, timeout_s: float) -> None:
        """Wait for what was begun, but not for ever."""
        until = time.monotonic() + timeout_s
        for _ in range(self._most):
            if not self._free.acquire(timeout=max(until - time.monotonic(), 0)):
                return

    def _do(self, errand: Callable[[], object]) -> None:
        try:
            errand()
        except Exception as exc:  # nobody else would hear of it
            note_failure("an errand failed", exc)
        finally:
            self._free.release()
