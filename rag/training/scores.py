"""How well scores tell supported claims from others: AUC with its interval, reliability.

>>> auc([0.9, 0.8, 0.2], [True, False, False])
1.0
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_DRAWS = 300


class Auc(NamedTuple):
    """Chance that a supported claim scores above another; 95 % interval by bootstrap."""

    value: float
    low: float
    high: float
    supported: int
    others: int


def auc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Return the chance that a positive scores above a negative, ties counting half."""
    values, labels = np.asarray(scores, dtype=float), np.asarray(positive, dtype=bool)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = int(labels.sum())
    others = len(labels) - n
    return float((ranks[labels].sum() - n * (n + 1) / 2) / (n * others))


def with_interval(scores: Sequence[float], positive: Sequence[bool], *, seed: int = 0) -> Auc:
    """Return the AUC with its interval; supported and other claims are drawn apart."""
    values, labels = np.asarray(scores, dtype=float), np.asarray(positive, dtype=bool)
    yes, no = values[labels], values[~labels]
    rng = np.random.default_rng(seed)
    marks = np.arange(len(values)) < len(yes)
    draws = [
        auc(
            np.concatenate([rng.choice(yes, len(yes)), rng.choice(no, len(no))]).tolist(),
            marks.tolist(),
        )
        for _ in range(_DRAWS)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Auc(
        round(auc(values.tolist(), labels.tolist()), 3),
        round(float(low), 3),
        round(float(high), 3),
        len(yes),
        len(no),
    )


def reliability(
    probabilities: npt.NDArray[np.float64],
    positive: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64],
    *,
    bins: int = 10,
) -> list[dict[str, float]]:
    """Return, for each tenth of the scale, the mean probability and how often it was right."""
    at = np.clip((probabilities * bins).astype(int), 0, bins - 1)
    return [
        {
            "probability": round(
                float(np.average(probabilities[at == b], weights=weights[at == b])), 3
            ),
            "supported": round(float(np.average(positive[at == b], weights=weights[at == b])), 3),
            "n": int((at == b).sum()),
        }
        for b in range(bins)
        if (at == b).any()
    ]
