"""What a run came to, kept to compare later runs with: one line a case, so that a diff is readable.

>>> baseline = read_baseline(Path("evals/baseline.json"))
>>> pairing(baseline, report).paired[:2]
('taji-001', 'taji-002')
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from evals.results import METRICS, CaseResult, Fingerprints, Outcome, Report, is_good
from rag.errors import InputError
from rag.types import UtcTime, Value

# Of the cases of a baseline, what must be there unchanged for the rest to stand for them.
LEAST_PAIRED = 0.9
_MOST_CHARS = 300
_UPDATE = "write a new baseline with --update-baseline once you know why"


class KeptCase(Value):
    """Of a case, what a comparison needs."""

    id: str
    case_hash: str | None
    cluster: str = Field(description="article it is asked of, or its own id")
    slice: str
    question: str
    outcome: Outcome
    is_good: bool
    answer: str = Field(description="its first 300 characters")
    values: dict[str, tuple[float, ...]] = Field(description="by metric; none: left out")


class Baseline(Value):
    """A run to compare with."""

    object: Literal["dateline.baseline"] = "dateline.baseline"
    format_version: Literal[1] = 1
    created_at: UtcTime
    made_with: Fingerprints
    judge: str | None
    cases: tuple[KeptCase, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        # A merge of two branches that both wrote a baseline leaves such a file.
        if len({case.id for case in self.cases}) < len(self.cases):
            raise ValueError("a case stands twice")
        return self


class Pairing(NamedTuple):
    """Which cases can be compared."""

    paired: tuple[str, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    changed: tuple[str, ...]
    failed: tuple[str, ...]


def kept(result: CaseResult) -> KeptCase:
    """Return what is kept of a case."""
    values = {metric.name: tuple(round(v, 4) for v in metric.of(result)) for metric in METRICS}
    said = result.answer.answer if result.answer else result.error or ""
    return KeptCase(
        id=result.id,
        case_hash=result.case_hash,
        cluster=result.article_id or result.id,
        slice=result.slice,
        question=result.question,
        outcome=result.outcome,
        is_good=is_good(result),
        answer=said[:_MOST_CHARS],
        values={name: several for name, several in values.items() if several},
    )


def baseline_of(report: Report, *, now: datetime) -> Baseline:
    """Return what is kept of a run; cases in order of id."""
    cases = sorted((kept(result) for result in report.results), key=lambda case: case.id)
    judge = report.judge.name if report.judge else None
    return Baseline(created_at=now, made_with=report.made_with, judge=judge, cases=tuple(cases))


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write `baseline` as JSON, a line a case; what was there before stays until all is written."""
    head = baseline.model_dump(mode="json", exclude={"cases"})
    cases = ",\n".join(_line(_short(case)) for case in baseline.cases)
    text = _line(head).removesuffix("}") + ',"cases":[\n' + cases + "\n]}\n"
    half = path.with_name(f"{path.name}.part")
    try:
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)  # noqa: PTH105 - the same call
    except OSError as exc:
        half.unlink(missing_ok=True)
        raise InputError(f"baseline {path} cannot be written: {exc.strerror}") from exc


def read_baseline(path: Path) -> Baseline:
    """Return a baseline. Raises InputError when it cannot be read."""
    try:
        return Baseline.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise InputError(
            f"there is no baseline {path}; write one with --update-baseline --baseline {path}"
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"baseline {path} cannot be read: {exc}") from exc
    except ValidationError as exc:
        raise InputError(f"{path} is no baseline of this version; {_UPDATE}") from exc


def pairing(baseline: Baseline, report: Report, *, same_system: bool = False) -> Pairing:
    """Return the cases that both runs measured alike.

    What measures must be the same: articles, judge and metrics, and nine in ten of the cases. What
    is measured may be another: index, models, prompts and program are what a comparison is about,
    unless `same_system` says that nothing may have changed.

    Raises: InputError that names what is unlike.
    """
    alike(baseline, report.made_with, same_system=same_system)
    found = _paired(baseline, report)
    # What fails now is for the gate to judge; what failed then leaves nothing to compare with.
    failed_then = {case.id for case in baseline.cases if case.outcome == "failed"}
    usable = {*found.paired, *found.failed} - failed_then
    if len(usable) < LEAST_PAIRED * len(baseline.cases):
        raise InputError(
            f"of the baseline's {len(baseline.cases)} cases only {len(usable)} are here "
            f"unchanged ({len(found.changed)} edited, {len(found.only_old)} gone, "
            f"{len(failed_then)} failed then); {_UPDATE}"
        )
    return found


def alike(baseline: Baseline, made_with: Fingerprints, *, same_system: bool = False) -> None:
    """Raise InputError unless both runs measure with the same, which can be told before a run."""
    names = ["corpus", "scorers"]
    if same_system:
        names += ["index", "models", "prompts", "program", "target"]
    for name in names:
        old, new = getattr(baseline.made_with, name), getattr(made_with, name)
        if old != new:
            raise InputError(
                f"the baseline was made with another {name}: {old or 'not known'}, now "
                f"{new or 'not known'}; nothing can be concluded from a comparison; {_UPDATE}"
            )


def under_test(baseline: Baseline, report: Report) -> dict[str, tuple[str | None, str | None]]:
    """Return what is another in the two runs and may be: then, now."""
    names = ("index", "models", "prompts", "program", "target")
    pairs = {n: (getattr(baseline.made_with, n), getattr(report.made_with, n)) for n in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _paired(baseline: Baseline, report: Report) -> Pairing:
    old = {case.id: case for case in baseline.cases}
    new = {result.id: result for result in report.results}
    both = old.keys() & new.keys()
    # Without hashes, the fingerprint of the whole set has to say that nothing was edited.
    same_set = baseline.made_with.cases == report.made_with.cases
    same = {
        name
        for name in both
        if (known := old[name].case_hash) == new[name].case_hash and (known or same_set)
    }
    failed = {name for name in same if "failed" in (old[name].outcome, new[name].outcome)}
    return Pairing(
        paired=tuple(sorted(same - failed)),
        only_old=tuple(sorted(old.keys() - new.keys())),
        only_new=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(both - same)),
        failed=tuple(sorted(failed)),
    )


def _short(case: KeptCase) -> dict[str, object]:
    # 1 for 1.0: most values are, and a file of this size is read in pull requests.
    values = {
        name: [int(value) if value.is_integer() else value for value in several]
        for name, several in case.values.items()
    }
    return case.model_dump(mode="json") | {"values": values}


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
