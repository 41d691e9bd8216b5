"""Metrics: pure functions from what was observed to a value with its interval.

>>> share([True, True, False, True])
Share(value=0.75, n=4, low=0.301, high=0.954)
"""

import math
import random
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist, fmean

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


def token_f1(answer: str, gold: str) -> float:
    """Return the F1 of the words two short answers share, 0 to 1; case and articles do not count.

    Source: the official script of SQuAD (Rajpurkar et al., EMNLP 2016).
    """
    said, wanted = normalised(answer), normalised(gold)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted)) if shared else float(said == wanted)


def normalised(text: str) -> list[str]:
    """Return the words of `text` as SQuAD and MRQA compare them: no case, marks or articles."""
    plain = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\b(?:a|an|the)\b", " ", plain).split()


class Mean(Value):
    """A mean with its 95 % interval; `n` values in `clusters` that may not be independent."""

    value: float
    low: float
    high: float
    n: int
    clusters: int


def mean(values: Mapping[str, Sequence[float]], *, seed: int = 0, samples: int = 1_000) -> Mean:
    """Return the mean of all values, its interval by drawing whole clusters (keys) again.

    Source: cluster bootstrap, percentile interval (Davison and Hinkley, 1997, section 3.8).
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    sums = [(sum(group), len(group)) for group in values.values() if group]
    drawn = []
    for _ in range(samples):
        again = rng.choices(sums, k=len(sums))
        drawn.append(sum(total for total, _ in again) / sum(n for _, n in again))
    drawn.sort()
    return Mean(
        value=round(fmean(v for group in values.values() for v in group), 4),
        low=round(drawn[int(0.025 * samples)], 4),
        high=round(drawn[int(0.975 * samples)], 4),
        n=sum(n for _, n in sums),
        clusters=len(sums),
    )


class RiskCoverage(Value):
    """How many answers are wrong (risk) when only the surest share (coverage) is given.

    `area`, 0 to 1, lower is better: the mean risk over all coverages; None without questions.
    """

    points: tuple[tuple[float, float], ...] = Field(description="(coverage, risk), 0 to 1 each")
    area: float | None
    n: int


def risk_coverage(scored: Iterable[tuple[float, bool]], *, steps: int = 20) -> RiskCoverage:
    """Return the curve for (confidence, right) of questions that have an answer.

    Source: El-Yaniv and Wiener, JMLR 11 (2010); the area is AURC (Geifman et al., ICLR 2019).
    """
    # What is equally sure is given together; wrong first, so that order flatters nobody.
    ordered = sorted(scored, key=lambda item: (-item[0], item[1]))
    if not ordered:
        return RiskCoverage(points=(), area=None, n=0)
    wrong, risks = 0, []
    for given, (_, right) in enumerate(ordered, 1):
        wrong += not right
        risks.append(wrong / given)
    n = len(ordered)
    cuts = sorted({max(1, round(n * step / steps)) for step in range(1, steps + 1)})
    points = tuple((round(cut / n, 3), round(risks[cut - 1], 3)) for cut in cuts)
    return RiskCoverage(points=points, area=round(fmean(risks), 4), n=n)


def percentile(values: Iterable[float], q: float) -> float | None:
    """Return the `q` quantile (0 to 1) by nearest rank; None when there are no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, math.ceil(q * len(ordered)) - 1 if q else 0)]
