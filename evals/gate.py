"""Whether a build may ship: thresholds, a baseline, and whether the measurement is one.

>>> decide(report, failures(report), comparison).outcome
'passed'
"""

import math
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from evals.compare import Comparison
from evals.hints import nearest
from evals.results import METRICS, Report, advisory
from evals.run import MAX_FAILED_SHARE
from rag.errors import InputError
from rag.types import Value

THRESHOLDS = Path(__file__).parent / "thresholds.toml"
Outcome = Literal["passed", "worse", "invalid"]
EXIT_CODES: dict[Outcome, int] = {"passed": 0, "worse": 1, "invalid": 2}
# Of the whole run, not of its cases: less is better of each.
_SHARES = {"risk_coverage_area", "calibration_error"}
_AMOUNTS = {"latency_p50_ms", "latency_p95_ms", "cost"}
_LOWER = {metric.name for metric in METRICS if metric.better == "lower"} | _SHARES | _AMOUNTS
_OF_SLICES = [metric.name for metric in METRICS]
_KNOWN = [*_OF_SLICES, *sorted(_SHARES | _AMOUNTS)]


class Failure(Value):
    """A metric on the wrong side of its threshold; `slice` None: over all cases."""

    metric: str
    slice: str | None = None
    value: float | None
    threshold: float
    at_least: bool


class Limit(Value):
    """A threshold: at least so much, or at most."""

    metric: str
    slice: str | None
    threshold: float
    at_least: bool


class Gate(Value):
    """Whether a build may ship, and all that speaks against it."""

    outcome: Outcome
    invalid: tuple[str, ...] = Field(default=(), description="why this is no measurement")
    limits: tuple[Limit, ...] = Field(default=(), description="all thresholds that there are")
    failures: tuple[Failure, ...] = ()
    worse: tuple[str, ...] = Field(default=(), description="metrics that got worse than before")
    advisory: tuple[str, ...] = Field(
        default=(), description="metrics of a judge whose accuracy is unknown: they stop nothing"
    )
    comparison: Comparison | None = None


def limits(path: Path, slices: Collection[str]) -> list[Limit]:
    """Return the thresholds of a TOML file; nothing has to be run to know that they mean something.

    The file has [min] and [max] over all cases, and [slice.NAME.min] and [slice.NAME.max].
    Raises: InputError when the file cannot be read, or names what does not exist.
    """
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"thresholds {path} cannot be read: {exc}") from exc
    try:
        return list(_limits(known, slices))
    except InputError as exc:
        raise InputError(f"thresholds {path}: {exc}") from exc


def failures(report: Report, path: Path = THRESHOLDS) -> list[Failure]:
    """Return the thresholds of a file that are missed; a missing value misses.

    Raises: InputError as `limits` does.
    """
    return missed(report, limits(path, report.slices))


def missed(report: Report, known: Iterable[Limit]) -> list[Failure]:
    """Return the thresholds that are missed."""
    values = [(limit, _value(report, limit.slice, limit.metric)) for limit in known]
    return [
        Failure(value=value, **limit.model_dump())
        for limit, value in values
        if value is None or (value < limit.threshold if limit.at_least else value > limit.threshold)
    ]


def decide(
    report: Report,
    failed: Sequence[Failure],
    comparison: Comparison | None = None,
    *,
    max_failed_share: float = MAX_FAILED_SHARE,
    known: Sequence[Limit] = (),
) -> Gate:
    """Return whether the build may ship, with every reason why not."""
    invalid = tuple(_invalid(report, failed, comparison, max_failed_share))
    excused = advisory(report)
    worse = tuple(m for m in (comparison.worse if comparison else ()) if m not in excused)
    missed = tuple(failure for failure in failed if failure.metric not in excused)
    outcome: Outcome = "invalid" if invalid else "worse" if worse or missed else "passed"
    return Gate(
        outcome=outcome,
        invalid=invalid,
        limits=tuple(known),
        failures=missed,
        worse=worse,
        advisory=excused,
        comparison=comparison,
    )


def _invalid(
    report: Report,
    failed: Sequence[Failure],
    comparison: Comparison | None,
    max_failed_share: float,
) -> Iterator[str]:
    """Yield what keeps the run from being a measurement."""
    if report.failed == report.cases or report.failed > max_failed_share * report.cases:
        yield f"{report.failed} of {report.cases} cases failed, at most {max_failed_share:.0%} may"
    # Who refuses everything has nothing that could be right; that is worse, and was measured.
    if not report.answered and report.refused:
        return
    for failure in failed:
        if failure.value is None and failure.metric not in advisory(report):
            yield f"{failure.metric}{_of(failure.slice)} has a threshold but no value"
    for name in comparison.lost if comparison else ():
        yield f"{name} had a value in the baseline and has none"


def _limits(known: Mapping[str, Any], slices: Collection[str]) -> Iterator[Limit]:
    _check_names(known, ("min", "max", "slice"), "section")
    yield from _of_section(None, known)
    parts = known.get("slice", {})
    _check_names(parts, list(slices), "slice")
    for name, section in parts.items():
        _check_names(section, ("min", "max"), "section")
        yield from _of_section(name, section)


def _of_section(slice_: str | None, section: Mapping[str, Any]) -> Iterator[Limit]:
    for side, at_least in (("min", True), ("max", False)):
        bounds = section.get(side, {})
        _check_names(bounds, _OF_SLICES if slice_ else _KNOWN, "metric")
        for metric, threshold in bounds.items():
            if at_least == (metric in _LOWER):
                other = "max" if at_least else "min"
                raise InputError(f"{metric} is no better for being so: it belongs in [{other}]")
            _check_number(metric, threshold)
            yield Limit(metric=metric, slice=slice_, threshold=threshold, at_least=at_least)


def _value(report: Report, slice_: str | None, metric: str) -> float | None:
    if metric == "risk_coverage_area":
        return report.risk_coverage.area
    if metric == "calibration_error":
        return report.reliability.error
    if metric in _AMOUNTS:
        found: float | None = getattr(report, metric)
        return found
    return (report.slices[slice_] if slice_ else report.metrics)[metric].value


def _check_number(metric: str, threshold: Any) -> None:  # Any: what TOML holds
    # A bool is an int, and NaN is below and above nothing: either would let everything pass.
    most = math.inf if metric in _AMOUNTS else 1
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not is_number or not 0 <= threshold <= most:
        raise InputError(f"{metric} = {threshold!r}: a number from 0 to {most} is expected")


def _check_names(given: Any, known: Collection[str], kind: str) -> None:  # Any: what TOML holds
    if not isinstance(given, Mapping):
        raise InputError(f"a {kind} table is expected, not {given!r}")
    for name in given:
        if name not in known:
            raise InputError(f"no {kind} {name}{nearest(name, known)}")


def _of(slice_: str | None) -> str:
    return f" of slice {slice_}" if slice_ else ""
