"""What fails the gate: a metric on the wrong side of its threshold."""

from rag.types import Value


class Failure(Value):
    """A metric on the wrong side of its threshold; `slice` None: over all cases."""

    metric: str
    slice: str | None = None
    value: float | None
    threshold: float
    at_least: bool
    reason: str = ""
