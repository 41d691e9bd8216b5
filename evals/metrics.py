"""Metrics: pure functions from what was observed to a value with its interval.

>>> share([True, True, False, True])
Estimate(value=0.75, n=4, low=0.301, high=0.954, clusters=None)
"""

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist, fmean

import numpy as np
from pydantic import Field

from rag.types import Usage, Value


class Estimate(Value):
    """A share or a mean: value, number observed and 95 % interval.

    `value` is None when nothing was observed: what is empty is unscored, not zero.
    """

    value: float | None
    n: int = Field(ge=0)
    low: float | None = None
    high: float | None = None
    clusters: int | None = Field(
        default=None, description="groups that the values come in, where these are not independent"
    )


def share(observed: Iterable[bool], *, confidence: float = 0.95) -> Estimate:
    """Return the share of True, 0 to 1.

    Source: score interval without continuity correction (Wilson, JASA 22, 1927).
    """
    values = list(observed)
    n = len(values)
    if not n:
        return Estimate(value=None, n=0)
    p = sum(values) / n
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(
        value=round(p, 4),
        n=n,
        low=round(max(0.0, centre - half), 3),
        high=round(min(1.0, centre + half), 3),
    )


def reciprocal_rank(ranked: Iterable[str], relevant: Iterable[str], k: int = 10) -> float:
    """Return 1 / rank of the first relevant id among the first `k` distinct ones, else 0."""
    wanted = set(relevant)
    first = list(dict.fromkeys(ranked))[:k]
    return next((1 / rank for rank, item in enumerate(first, 1) if item in wanted), 0.0)


def exact_match(answer: str, gold: str) -> bool:
    """Return whether two short answers are the same words; case, punctuation, articles aside.

    Source: the official scripts of SQuAD (Rajpurkar et al., EMNLP 2016) and MRQA (Fisch et al.,
    2019), which compare alike.
    """
    return normalised(answer) == normalised(gold)


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


def mean(values: Mapping[str, Sequence[float]], *, seed: int = 0, samples: int = 1_000) -> Estimate:
    """Return the mean of all values, its interval by drawing whole clusters (keys) again.

    Source: cluster bootstrap, percentile interval (Davison and Hinkley, 1997, section 3.8).
    """
    groups = [group for group in values.values() if group]
    if not groups:
        return Estimate(value=None, n=0)
    sums = np.array([sum(group) for group in groups], dtype=np.float64)
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(len(groups), size=(samples, len(groups)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    return Estimate(
        value=round(float(sums.sum() / sizes.sum()), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
        n=int(sizes.sum()),
        clusters=len(groups),
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


class Reliability(Value):
    """How often answers of each confidence are right: (mean confidence, share right, n) a bin.

    `error`, 0 to 1, lower is better: the mean distance of the two, weighed by n.
    """

    bins: tuple[tuple[float, float, int], ...]
    error: float | None
    n: int


def reliability(scored: Iterable[tuple[float, bool]], *, bins: int = 10) -> Reliability:
    """Return the bins for (confidence, right), as many in each as may be.

    Source: expected calibration error (Naeini et al., AAAI 2015) with bins of equal size (Nixon et
    al., CVPR workshops 2019).
    """
    ordered = sorted(scored)
    n = len(ordered)
    found = []
    for chunk in np.array_split(
        np.array(ordered, dtype=np.float64).reshape(n, 2), min(bins, n) or 1
    ):
        if len(chunk):
            surety, right = chunk.mean(axis=0)
            found.append((round(float(surety), 3), round(float(right), 3), len(chunk)))
    error = sum(abs(surety - right) * size for surety, right, size in found) / n if n else None
    return Reliability(bins=tuple(found), error=None if error is None else round(error, 4), n=n)


def percentile(values: Iterable[float], q: float) -> float | None:
    """Return the `q` quantile (0 to 1) by nearest rank; None when there are no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, math.ceil(q * len(ordered)) - 1 if q else 0)]


class Prices(Value):
    """What a million tokens cost, in any one currency."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)

    def of(self, usage: Usage) -> float:
        """Return what `usage` cost."""
        spent = usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion
        return spent / 1_000_000
