"""How far a judge agrees with people.

>>> found = agreement(OfflineJudge(), load_pairs(SAMPLE_PAIRS), pairs_sha256="…", measured_on=today)
>>> found.overall.balanced_accuracy
Interval(value=0.744, low=0.675, high=0.806)

A verdict that is unscored is neither right nor wrong: it lowers `coverage`, nothing else. The label
of the judge is taken as it is, with no threshold fitted to these pairs.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from pydantic import Field

from evals.judges.controls import LengthThird, Moved, by_length, moved_verdicts
from evals.judges.drawn import Draws, auc_draws, balanced_draws, estimate, mean_draws
from evals.judges.judge import Interval, Judged, JudgeInfo, KnownJudge, judge_all
from evals.judges.pairs import SAMPLE_PAIRS, Pair, load_pairs, sha256_of
from evals.metrics import Estimate, share
from rag.types import Value

MOVED_PAIRS = 100


class SetAgreement(Value):
    """How far a judge agrees with people on one set of pairs."""

    n: int
    unscored: int
    coverage: float = Field(ge=0, le=1, description="share of the pairs that it scored")
    trained_on: bool = Field(description="the judge was trained on these pairs")
    right_of_supported: Estimate = Field(description="of what people call supported, as it says")
    right_of_others: Estimate
    balanced_accuracy: Interval = Field(description="mean of the two; None without one of them")
    auc: Interval = Field(description="chance that a supported claim gets more than another")
    left_out_auc: Interval | None = Field(
        default=None, description="of a twin that was fitted without this set"
    )


class Macro(Value):
    """The mean over sets that hold claims of both kinds, each set counting alike."""

    sets: int
    balanced_accuracy: Interval
    auc: Interval


class Agreement(Value):
    """What is known of a judge, and from which pairs."""

    judge: JudgeInfo
    pairs_sha256: str
    measured_on: date
    overall: SetAgreement = Field(description="all pairs, each counting alike")
    macro: Macro
    held_out: Macro = Field(description="over the sets that the judge was not trained on")
    sets: dict[str, SetAgreement]
    by_length: tuple[LengthThird, ...]
    moved: Moved


class _Drawn(NamedTuple):
    """Agreement on a set, with the bootstrap's draws that the mean over sets needs."""

    found: SetAgreement
    balanced: Draws | None
    auc: Draws | None


def agreement(
    judge: KnownJudge,
    pairs: Sequence[Pair],
    *,
    pairs_sha256: str,
    measured_on: date,
    workers: int = 1,
    moved_pairs: int = MOVED_PAIRS,
    done: Callable[[], None] = lambda: None,
) -> Agreement:
    """Return how far `judge` agrees with the labels of `pairs`.

    Args: workers: pairs judged at once.  moved_pairs: judged twice more, with words beside the
    passage.  done: called after each pair.
    """
    judged = judge_all(judge, pairs, workers=workers, done=done)
    moved = moved_verdicts(judge, judged, moved_pairs, workers=workers, seed=0)
    return measured(judged, judge.info, moved, pairs_sha256=pairs_sha256, measured_on=measured_on)


def sample_agreement(judge: KnownJudge, *, measured_on: date, workers: int = 1) -> Agreement:
    """Return how far `judge` agrees with the labels of the sample pairs; what a report prints."""
    return agreement(
        judge,
        load_pairs(SAMPLE_PAIRS),
        pairs_sha256=sha256_of(SAMPLE_PAIRS),
        measured_on=measured_on,
        workers=workers,
        moved_pairs=0,
    )


def measured(
    judged: Sequence[Judged],
    info: JudgeInfo,
    moved: Moved,
    *,
    pairs_sha256: str,
    measured_on: date,
) -> Agreement:
    """Return the figures for verdicts that were given."""
    names = sorted({item.pair.set for item in judged})
    # Each set has its own luck in the bootstrap, or the interval of their mean would be too wide.
    by_set = {
        name: _on_set([i for i in judged if i.pair.set == name], info, name, seed)
        for seed, name in enumerate(names, 1)
    }
    everything = _on_set(judged, info, None, 0)
    return Agreement(
        judge=info,
        pairs_sha256=pairs_sha256,
        measured_on=measured_on,
        overall=everything.found,
        macro=_macro(by_set.values()),
        held_out=_macro(one for one in by_set.values() if not one.found.trained_on),
        sets={name: one.found for name, one in by_set.items()},
        by_length=by_length(judged),
        moved=moved,
    )


def _on_set(judged: Sequence[Judged], info: JudgeInfo, name: str | None, seed: int) -> _Drawn:
    """Return the agreement on a set; on all of them when it has no name."""
    scored = [item for item in judged if item.verdict.label != "unscored"]
    unscored = len(judged) - len(scored)
    of_supported = [i.says_supported for i in scored if i.pair.supported]
    of_others = [not i.says_supported for i in scored if not i.pair.supported]
    balanced = balanced_draws(of_supported, of_others, seed=seed)
    ranked = _auc(scored, seed)
    names = {item.pair.set for item in judged}
    found = SetAgreement(
        n=len(judged),
        unscored=unscored,
        coverage=round(len(scored) / len(judged), 4) if judged else 0.0,
        trained_on=any(info.knows(one) for one in names),
        right_of_supported=share(of_supported),
        right_of_others=share(of_others),
        balanced_accuracy=estimate(balanced),
        auc=estimate(ranked),
        left_out_auc=info.left_out_auc.get(name) if name else None,
    )
    return _Drawn(found, balanced, ranked)


def _auc(scored: Sequence[Judged], seed: int) -> Draws | None:
    """Return the AUC by probability; None where a verdict comes without one."""
    known = [(i.verdict.probability, i.pair.supported) for i in scored]
    given = [(p, supported) for p, supported in known if p is not None]
    if len(given) < len(known):
        return None
    return auc_draws([p for p, yes in given if yes], [p for p, yes in given if not yes], seed=seed)


def _macro(found: Iterable[_Drawn]) -> Macro:
    sets = [one for one in found if one.balanced]
    return Macro(
        sets=len(sets),
        balanced_accuracy=estimate(mean_draws([one.balanced for one in sets])),
        auc=estimate(mean_draws([one.auc for one in sets])),
    )
