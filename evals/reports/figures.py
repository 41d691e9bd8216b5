"""How every face of a report says its numbers, its verdicts and other people's text.

>>> number(0.8634), interval(0.81, 0.9012), difference(-0.02)
('0.863', '0.810–0.901', '−0.020')
"""

import re
from typing import Literal

from evals.compare import Change
from evals.gate import Failure, Gate
from evals.results import CaseResult, Fingerprints, is_good

Verdict = Literal["right", "wrong", "false answer", "refused", "false refusal", "failed"]

# What a reader does not see and a program may choke on: control characters but tab and line ends,
# zero-width and bidirectional ones, surrogates, tag characters, what XML forbids. ZWJ and ZWNJ
# stay: several scripts are written with them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
NOTHING = "–"
# The metrics that are read first.
MAIN = (
    "accuracy",
    "right_when_answered",
    "faithfulness",
    "citation_recall",
    "citations_verified",
    "attribution_right",
    "false_answer_rate",
    "false_abstain_rate",
)


def legible(text: str) -> str:
    """Return `text` with what no reader sees shown as its code point, so that nothing is hidden."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def one_line(text: str) -> str:
    """Return `text` legible, on one line."""
    return " ".join(legible(text).split())


def number(value: float | None) -> str:
    """Return a metric's value; what was not observed is unscored, never zero."""
    return "unscored" if value is None else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """Return the ends of an interval."""
    return NOTHING if low is None or high is None else f"{low:.3f}–{high:.3f}"


def difference(value: float | None) -> str:
    """Return a difference with its sign."""
    return NOTHING if value is None else f"{value:+.3f}".replace("-", "−")


def change_interval(change: Change) -> str:
    """Return the ends of a difference's interval, each with its sign."""
    if change.low is None or change.high is None:
        return NOTHING
    return f"{difference(change.low)} to {difference(change.high)}"


def milliseconds(value: float | None) -> str:
    """Return a time to answer."""
    return NOTHING if value is None else f"{value:,.0f} ms"


def words(name: str) -> str:
    """Return a metric's or a status's name as words."""
    return name.replace("_", " ")


def miss(failure: Failure) -> str:
    """Return what a failure of the gate is."""
    where = f" in slice {one_line(failure.slice)}" if failure.slice is not None else ""
    side = "at least" if failure.at_least else "at most"
    return (
        f"{failure.metric}{where} is {number(failure.value)}, should be {side} "
        f"{failure.threshold:g}"
    )


def decline(change: Change) -> str:
    """Return by how much a metric is not what it was."""
    return (
        f"{change.metric} went from {number(change.old)} to {number(change.new)} "
        f"({difference(change.difference)}, {change_interval(change)}, n {change.n})"
    )


def worse(gate: Gate) -> list[Change]:
    """Return the changes of the metrics that got worse by more than chance."""
    changes = gate.comparison.changes if gate.comparison else ()
    return [change for change in changes if change.metric in gate.worse]


def has_passed(gate: Gate) -> bool:
    """Return whether the build may ship."""
    return gate.outcome == "passed"


def verdict(gate: Gate) -> str:
    """Return the outcome of a run in one sentence."""
    if gate.outcome == "invalid":
        return f"No valid measurement: {'; '.join(gate.invalid)}"
    reasons = []
    if gate.failures:
        count = len(gate.failures)
        reasons.append(f"{count} threshold{'s' if count > 1 else ''} missed")
    if gate.worse:
        reasons.append(f"worse than the baseline in {', '.join(map(words, gate.worse))}")
    if reasons:
        return f"Failed: {'; '.join(reasons)}"
    if not gate.limits and not gate.comparison:
        return "Measured; nothing was gated: there are neither thresholds nor a baseline"
    held = ["every threshold holds"] if gate.limits else []
    held += ["nothing is worse than the baseline"] if gate.comparison else []
    return f"Passed: {', '.join(held)}"


def outcome(result: CaseResult) -> Verdict:
    """Return how a case went, a word for each way to go wrong."""
    if result.outcome == "failed":
        return "failed"
    if result.outcome == "refused":
        return "false refusal" if result.answerable else "refused"
    if not result.answerable:
        return "false answer"
    return "right" if is_good(result) else "wrong"


def said(result: CaseResult) -> str:
    """Return what was answered, or what kept it from being answered."""
    if result.answer is None:
        return f"error: {result.error or 'unknown'}"
    return result.answer.answer


def expected(result: CaseResult) -> str:
    """Return what should have been said."""
    if not result.answerable:
        return "no answer: the archive holds none"
    return " or ".join(f"“{gold}”" for gold in result.golds) or "an answer"


def made_with(prints: Fingerprints) -> list[tuple[str, str]]:
    """Return what was measured with what, by name."""
    return [(name, str(value)) for name, value in prints if value is not None]
