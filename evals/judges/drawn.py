"""Figures of judges with what the bootstrap draws for them, so that means over sets have intervals.

>>> estimate(balanced_draws([True, True, False, True], [True, False], seed=0))
Interval(value=0.625, low=0.25, high=1.0)

Supported claims and others are drawn apart. Where there are none of one kind there is no figure.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evals.judges.judge import Interval

SAMPLES = 1_000
_AT_ONCE = 50

Floats = npt.NDArray[np.float64]


class Draws(NamedTuple):
    """A value, and what it is when the pairs are drawn again: float64[SAMPLES]."""

    value: float
    drawn: Floats


def balanced_draws(
    of_supported: Sequence[bool], of_others: Sequence[bool], *, seed: int
) -> Draws | None:
    """Return the balanced accuracy: the mean of the shares of True; None without one of them.

    Source: stratified bootstrap (Davison and Hinkley, 1997, section 3.2). How many of n drawn
    again are right is binomial, so nothing has to be drawn one by one.
    """
    if not of_supported or not of_others:
        return None
    rng = np.random.default_rng(seed)
    shares = [float(np.mean(right)) for right in (of_supported, of_others)]
    sizes = [len(of_supported), len(of_others)]
    drawn = [rng.binomial(n, p, SAMPLES) / n for n, p in zip(sizes, shares, strict=True)]
    return Draws(float(np.mean(shares)), np.mean(drawn, axis=0))


def auc_draws(supported: Sequence[float], others: Sequence[float], *, seed: int) -> Draws | None:
    """Return the chance that a supported claim scores above another, ties counting half."""
    if not supported or not others:
        return None
    levels = np.unique(np.concatenate([supported, others]))
    high, low = _counts(levels, supported), _counts(levels, others)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(SAMPLES // _AT_ONCE):
        again = [
            rng.multinomial(int(c.sum()), c / c.sum(), size=_AT_ONCE).astype(float)
            for c in (high, low)
        ]
        drawn.append(_auc(*again))
    return Draws(float(_auc(high[None], low[None])[0]), np.concatenate(drawn))


def mean_draws(sets: Sequence[Draws | None]) -> Draws | None:
    """Return the mean over sets, each counting alike; None if one of them is.

    Each set must have been drawn with a seed of its own.
    """
    known = [one for one in sets if one is not None]
    if not known or len(known) < len(sets):
        return None
    drawn = np.mean([one.drawn for one in known], axis=0)
    return Draws(float(np.mean([one.value for one in known])), drawn)


def estimate(draws: Draws | None) -> Interval:
    """Return the value with its 95 % percentile interval."""
    if draws is None:
        return Interval(value=None)
    low, high = np.quantile(draws.drawn, [0.025, 0.975])
    return Interval(
        value=round(draws.value, 3), low=round(float(low), 3), high=round(float(high), 3)
    )


def _counts(levels: Floats, scores: Sequence[float]) -> Floats:
    return np.bincount(np.searchsorted(levels, scores), minlength=len(levels)).astype(float)


def _auc(high: Floats, low: Floats) -> Floats:
    """Return float64[n], for float64[n, levels] counts of the scores in rising order."""
    below = np.cumsum(low, axis=1) - low / 2
    areas: Floats = (high * below).sum(axis=1) / (high.sum(axis=1) * low.sum(axis=1))
    return areas
