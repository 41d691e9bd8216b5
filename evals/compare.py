"""Two runs of the same cases to what got better, what got worse, and whether that can be chance.

>>> compare(baseline, report).worse
('faithfulness',)
"""

from typing import Literal

from pydantic import Field

from rag.types import Value

Verdict = Literal["better", "worse", "same", "unscored"]


class Change(Value):
    """A metric then and now, over the cases that both runs have."""

    metric: str
    slice: str | None = Field(default=None, description="None: all cases")
    old: float | None
    new: float | None
    difference: float | None = Field(description="new minus old")
    low: float | None = Field(description="of the 95 % interval of the difference")
    high: float | None
    p_value: float | None = Field(ge=0, le=1, description="two-sided, of no difference")
    n: int = Field(description="cases that have a value in both runs")
    detectable: float | None = Field(
        description="the least difference that so many cases show four times in five"
    )
    verdict: Verdict


class Flip(Value):
    """A case that went well in one run and not in the other."""

    id: str
    slice: str
    question: str
    is_good: bool = Field(description="now")
    old_answer: str
    new_answer: str


class Comparison(Value):
    """What became of a baseline."""

    changes: tuple[Change, ...]
    slices: tuple[Change, ...] = Field(description="of `accuracy`, slice by slice")
    flips: tuple[Flip, ...] = Field(description="got worse first")
    paired: int
    only_old: tuple[str, ...] = Field(description="ids of cases that are gone")
    only_new: tuple[str, ...]
    under_test: dict[str, tuple[str | None, str | None]] = Field(
        description="index, models, prompts, program that are others: then, now"
    )
    worse: tuple[str, ...] = Field(description="metrics that got worse by more than chance")
