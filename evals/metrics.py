"""Metrics: pure functions from what was observed to a value with its interval.

>>> share([True, True, False, True])
Share(value=0.75, n=4, low=0.301, high=0.954)
"""

import math
from collections.abc import Iterable
from statistics import NormalDist

from pydantic import Field

from rag.types import Value


class Share(Value):
    """How often something was so: value, number observed and 95 % interval, each 0 to 1.

    `value` is None when nothing was observed: an empty share is unscored, not zero.
    """

    value: float | None = Field(ge=0, le=1)
    n: int = Field(ge=0)
    low: float | None = Field(default=None, ge=0, le=1)
    high: float | None = Field(default=None, ge=0, le=1)


def share(observed: Iterable[bool], *, confidence: float = 0.95) -> Share:
    """Return the share of True.

    Source: score interval without continuity correction (Wilson, JASA 22, 1927).
    """
    values = list(observed)
    n = len(values)
    if not n:
        return Share(value=None, n=0)
    p = sum(values) / n
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Share(
        value=round(p, 4),
        n=n,
        low=round(max(0.0, centre - half), 3),
        high=round(min(1.0, centre + half), 3),
    )


def hit_at(ranked: Iterable[str], relevant: Iterable[str], k: int) -> bool:
    """Return whether one of the first `k` distinct ids of `ranked` is in `relevant`."""
    return not set(list(dict.fromkeys(ranked))[:k]).isdisjoint(relevant)


def reciprocal_rank(ranked: Iterable[str], relevant: Iterable[str], k: int = 10) -> float:
    """Return 1 / rank of the first relevant id among the first `k` distinct ones, else 0."""
    wanted = set(relevant)
    first = list(dict.fromkeys(ranked))[:k]
    return next((1 / rank for rank, item in enumerate(first, 1) if item in wanted), 0.0)


def percentile(values: Iterable[float], q: float) -> float | None:
    """Return the `q` quantile (0 to 1) by nearest rank; None when there are no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, math.ceil(q * len(ordered)) - 1 if q else 0)]
