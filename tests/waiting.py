"""What must come is waited for, however long a shared machine stands still meanwhile.

>>> wait_for(lambda: slack.called("auth.test"))
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# No measure of speed: what has not come by then never will.
PATIENCE_S = 60.0


def wait_for(true: Callable[[], T | None]) -> T:
    """Return what `true` returns once that is true; fail where it does not become so."""
    until = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < until, f"not so within {PATIENCE_S} s"
        time.sleep(0.01)
    return found
