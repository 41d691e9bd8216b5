"""Two runs of the same cases to a difference, its interval, and whether it can be chance.

>>> found = difference([Pair((1,), (0,), "a"), Pair((1,), (1,), "b")], seed=0)
>>> found.old, found.new, found.p_value
(1.0, 0.5, 1.0)

A metric of a run is the mean of all values that its cases have, and the difference is that of two
such means. A case that one run answered and the other refused has values on one side only, and
counts there: left out, a build that refuses what is hard would seem to get nothing worse.

Cases of one article rise and fall together, so it is articles (clusters) that are drawn or swapped.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# With 1,999 draws the 2.5 and 97.5 % points are draws themselves, the 50th from either end.
_DRAWS = 1_999
# Swaps that are tried where trying all of them would take more: 2^13 is still less.
_SWAPS = 9_999
_POWER = 0.8

Floats = npt.NDArray[np.float64]


class Pair(NamedTuple):
    """What a metric has of one case in either run; empty where it has nothing."""

    old: Sequence[float]
    new: Sequence[float]
    cluster: str


class Difference(NamedTuple):
    """New minus old, with its 95 % interval."""

    old: float
    new: float
    value: float
    low: float
    high: float
    error: float
    p_value: float


def means(pairs: Sequence[Pair]) -> tuple[float | None, float | None]:
    """Return the mean of all old values and that of all new ones; None where there are none."""
    old, size, new, new_size = _by_cluster(pairs).sum(axis=1).tolist()
    return (old / size if size else None, new / new_size if new_size else None)


def difference(pairs: Sequence[Pair], *, seed: int) -> Difference | None:
    """Return what changed, in whatever order the pairs come; None when a run has no value.

    `error` is the standard error of the difference.
    Source: paired cluster bootstrap, percentile interval (Davison and Hinkley, 1997, sections 3.8
    and 5.3), the same draws for both runs.
    """
    old, new = means(pairs)
    if old is None or new is None:
        return None
    table = _by_cluster(pairs)
    drawn = _drawn(table, seed)
    tail = max(1, round(0.025 * (len(drawn) + 1)))
    return Difference(
        old=old,
        new=new,
        value=new - old,
        low=float(drawn[tail - 1]),
        high=float(drawn[-tail]),
        error=float(np.std(drawn)),
        p_value=_p_value(table, seed),
    )


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return each p-value as it counts when so many are looked at: below 5 %, one in 20 families.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979), as adjusted p-values.
    """
    adjusted, least = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        least = min(1.0, max(least, p_values[name] * (len(p_values) - rank)))
        adjusted[name] = least
    return adjusted


def detectable(error: float, cases: int, *, alpha: float) -> float | None:
    """Return the least difference that is found four times in five, at two-sided level `alpha`.

    None where `cases` are too few to show any. With z the sum of the two normal quantiles it is
    z * error, as for any estimate; but a difference d needs d * cases that changed, so its own
    error is no less than sqrt(d / cases), which makes it at least z * z / cases. That is all there
    is to go by when the runs are alike, and it keeps two changed cases from promising too much.
    Source: Connor, Biometrics 43 (1987), with all that changed having changed one way.
    """
    normal = NormalDist()
    z = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(_POWER)
    least = z * max(error, z / cases) if cases else 1.0
    return least if least < 1 else None


def _by_cluster(pairs: Sequence[Pair]) -> Floats:
    """Return four rows: sum and number of old values, then of new ones; a column a cluster."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for pair in pairs:
        if pair.old or pair.new:
            old, new = found.setdefault(pair.cluster, ([], []))
            old += pair.old
            new += pair.new
    # fsum rounds once: the same values in another order give the same bits.
    rows = [
        (math.fsum(old), len(old), math.fsum(new), len(new))
        for _, (old, new) in sorted(found.items())
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 4).T


def _drawn(table: Floats, seed: int) -> Floats:
    """Return the differences when clusters are drawn again, in ascending order."""
    clusters = table.shape[1]
    rng = np.random.default_rng(seed)
    times = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=_DRAWS)
    # Row by row: equal rows then give equal bits, which a product of matrices does not promise.
    old, old_n, new, new_n = (times.astype(np.float64) @ np.ascontiguousarray(r) for r in table)
    # A draw that holds no value of one run says nothing of a difference.
    usable = (old_n > 0) & (new_n > 0)
    return np.sort(new[usable] / new_n[usable] - old[usable] / old_n[usable])


def _p_value(table: Floats, seed: int) -> float:
    """Return how often runs that are alike differ by so much: two-sided.

    Whichever run a cluster's values are said to come from, runs that are alike would look the same,
    so the runs are swapped cluster by cluster (Noreen, 1989; for ratios such as precision: Yeh,
    COLING 2000). Where every cluster that changed lost or gained one whole value this is McNemar's
    exact test (Psychometrika 12, 1947), and computed as that.
    """
    old, old_n, new, new_n = table[:, (table[:2] != table[2:]).any(axis=0)]
    if len(old) < 2:
        return 1.0
    gained = new - old
    if (old_n == new_n).all() and (abs(gained) == 1).all():
        # Half a second to import, which who compares nothing need not wait.
        from scipy.stats import binomtest

        return float(binomtest(int((gained > 0).sum()), len(gained), 0.5).pvalue)
    return _swapped(table, seed)


def _swapped(table: Floats, seed: int) -> float:
    from scipy.stats import permutation_test

    differs = (table[:2] != table[2:]).any(axis=0)
    base = table[:, ~differs].sum(axis=1)
    changed = int(differs.sum())
    sums = np.concatenate([table[0, differs], table[2, differs]])
    sizes = np.concatenate([table[1, differs], table[3, differs]])
    pooled = (table[0].sum() + table[2].sum()) / (table[1].sum() + table[3].sum())

    def statistic(old: npt.NDArray[np.int64], new: npt.NDArray[np.int64], axis: int) -> Floats:
        values = []
        for picked, at in ((old, 0), (new, 2)):
            total, size = (part[picked].sum(axis=axis) for part in (sums, sizes))
            total, size = total + base[at], size + base[at + 1]
            # A run that a swap leaves without values is taken for neither better nor worse.
            values.append(np.where(size > 0, total / np.maximum(size, 1), pooled))
        found: Floats = values[1] - values[0]
        return found

    found = permutation_test(
        (np.arange(changed), np.arange(changed) + changed),
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_SWAPS,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)
