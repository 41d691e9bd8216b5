"""What a judge is for the harness: something that gives verdicts, and can be told from others.

>>> judge = OfflineJudge()
>>> judge.judge("Three died.", "The attack killed three.").label
'supported'
>>> judge.info.name, judge.info.deterministic
('dateline-support', True)

A figure that a judge gave is worth what the judge is worth. So each has a fingerprint, which
changes when its verdicts may, and `evals.judges.records` knows how far the judge of that
fingerprint agrees with people.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import Field

from evals.cache import Cache, key_of
from evals.judges.pairs import SAMPLE_PAIRS, Pair, load_pairs
from rag.onnx import MODELS, load_card
from rag.support import SupportJudge, Verdict, align, model_pair
from rag.training.pairs import TRAINABLE
from rag.types import Value

# What of its card changes a verdict; the rest says how good it is.
_WEIGHTS = ("supported", "contradicted", "threshold", "sha256")
_TOKENIZER = "tokenizer.json"
_BIGRAM_THRESHOLD = 0.5


class Interval(Value):
    """A value with its 95 % interval, each 0 to 1; None where nothing could be scored."""

    value: float | None
    low: float | None = None
    high: float | None = None


class JudgeInfo(Value):
    """Which judge it is."""

    name: str
    fingerprint: str = Field(description="sha256: of all that changes its verdicts")
    deterministic: bool = Field(description="the same pair gets the same verdict each time")
    trained_on: tuple[str, ...] = Field(
        default=(), description="how the names of the sets begin whose pairs it was trained on"
    )
    left_out_auc: dict[str, Interval] = Field(
        default={}, description="set -> AUC of a twin fitted without that set"
    )

    def knows(self, name: str) -> bool:
        """Return whether the judge was trained on the set called `name`."""
        return bool(self.trained_on) and name.startswith(self.trained_on)


class KnownJudge(Protocol):
    """A `rag.verify.Judge` that says which one it is."""

    @property
    def info(self) -> JudgeInfo:
        """Which judge it is."""
        ...

    def judge(self, claim: str, premise: str) -> Verdict:
        """Return what `premise` says about `claim`."""
        ...


class Judged(NamedTuple):
    """A pair with the verdict on it."""

    pair: Pair
    verdict: Verdict

    @property
    def says_supported(self) -> bool:
        """Whether the judge calls the claim supported."""
        return self.verdict.label == "supported"


class OfflineJudge:
    """The support judge that answers are verified with: deterministic, offline, free."""

    def __init__(self, card: Path = MODELS / "support.json", *, threads: int = 0) -> None:
        """Load the model of `card`. Args: threads: as `SupportJudge` has it."""
        self._support = SupportJudge(card, threads=threads)
        self.info = support_info(card)

    def judge(self, claim: str, premise: str) -> Verdict:
        """Return what `premise` says about `claim`."""
        return self._support.judge(claim, premise)


class RememberingJudge:
    """A judge whose verdicts are kept: those of a language model cost money and may differ."""

    def __init__(self, judge: KnownJudge, cache: Cache) -> None:
        """Ask `judge` what `cache` does not hold."""
        self._judge = judge
        self._cache = cache
        self.info = judge.info

    def judge(self, claim: str, premise: str) -> Verdict:
        """Return the first verdict again."""
        key = key_of("verdict", self.info.fingerprint, claim, premise)
        made = self._cache.get_or_make(
            key,
            lambda: self._judge.judge(claim, premise).model_dump_json(),
            # A verdict that did not come may come the next time.
            keep=lambda made: Verdict.model_validate_json(made).label != "unscored",
        )
        return Verdict.model_validate_json(made)


class BigramJudge:
    """The baseline: a claim is as well supported as its pairs of words stand in the passage.

    Source: n-gram coverage (Grusky et al., NAACL 2018), a strong baseline where summaries copy.
    """

    info = JudgeInfo(
        name="bigram-overlap",
        fingerprint=f"sha256:{hashlib.sha256(b'bigram-overlap 1 0.5').hexdigest()}",
        deterministic=True,
    )

    def judge(self, claim: str, premise: str) -> Verdict:
        """Return the share of the claim's bigrams in the premise as probability."""
        wanted = _bigrams(claim)
        if not wanted:
            return Verdict(label="unscored", probability=None, reasons=(), evidence="")
        share = len(wanted & _bigrams(premise)) / len(wanted)
        label = "supported" if share >= _BIGRAM_THRESHOLD else "unsupported"
        reasons = (f"{share:.0%} of its pairs of words stand in the passage",)
        return Verdict(label=label, probability=share, reasons=reasons, evidence="")


def judge_all(
    judge: KnownJudge,
    pairs: Sequence[Pair],
    *,
    workers: int = 1,
    done: Callable[[], None] = lambda: None,
) -> list[Judged]:
    """Return each pair with its verdict, in order."""

    def judged(pair: Pair) -> Judged:
        verdict = judge.judge(pair.claim, pair.premise)
        done()
        return Judged(pair, verdict)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(judged, pairs))


def support_info(card: Path = MODELS / "support.json") -> JudgeInfo:
    """Return which judge the card is of, without loading its model.

    The rules have no version that somebody must remember to raise: they are known by what they
    find in the sample pairs, so that a change to any of them that shows there is another judge.
    """
    stored = load_card(card)
    made_of = {
        "weights": {name: stored.get(name) for name in _WEIGHTS},
        "tokenizer": hashlib.sha256((MODELS / _TOKENIZER).read_bytes()).hexdigest(),
        "rules": _rules(load_pairs(SAMPLE_PAIRS)),
    }
    text = json.dumps(made_of, sort_keys=True)
    left_out = stored.get("leave_one_source_out", {})
    return JudgeInfo(
        name="dateline-support",
        fingerprint=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        deterministic=True,
        trained_on=TRAINABLE,
        left_out_auc={
            name: Interval(value=value, low=low, high=high)
            for name, (value, low, high, *_) in left_out.items()
            if name.startswith(TRAINABLE)
        },
    )


def _rules(pairs: Sequence[Pair]) -> str:
    """Return the hash of what the rules find, and of what they give the model to read."""
    found = hashlib.sha256()
    for pair in pairs:
        for aligned in align(pair.claim, pair.premise):
            row = [round(float(value), 6) for value in aligned.comparison.row()]
            found.update(json.dumps([*model_pair(aligned), row]).encode())
    return found.hexdigest()


def _bigrams(text: str) -> set[tuple[str, str]]:
    words = ("".join(c if c.isalnum() else " " for c in text.lower())).split()
    return set(pairwise(words))
