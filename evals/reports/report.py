"""A run as JSON and as Markdown for a pull request: the verdict first, then what it rests on.

>>> to_markdown(report, gate).splitlines()[0]
'## ✅ Passed: every threshold holds'
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from evals.compare import Change, Comparison
from evals.gate import Gate
from evals.reports.figures import (
    NOTHING,
    change_interval,
    decline,
    difference,
    has_passed,
    interval,
    made_with,
    milliseconds,
    number,
    one_line,
    verdict,
    words,
    worse,
)
from evals.results import JudgeReport, Report

# GitHub refuses comments of more than 65,536 characters: the rest is in the page.
MAX_FLIPS = 30
MAX_ANSWER = 400
_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(report: Report, gate: Gate) -> str:
    """Return the gate's outcome, the comparison and the whole report, which can be read back."""
    value = {
        "gate": {
            "passed": has_passed(gate),
            "verdict": verdict(gate),
            **gate.model_dump(mode="json", exclude={"comparison"}),
        },
        "comparison": gate.comparison and gate.comparison.model_dump(mode="json"),
        "report": report.model_dump(mode="json"),
    }
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # Half a character is no text that a file can hold, but JSON has a way to write it.
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def to_markdown(report: Report, gate: Gate) -> str:
    """Return a comment for a pull request.

    Text of articles, questions and answers stands in code: nothing in it links, mentions or ends a
    table.
    """
    mark = "✅" if has_passed(gate) else "❌"
    parts = [
        [f"## {mark} {verdict(gate)}"],
        _gate(gate),
        [_counts(report)],
        _metrics(report, gate.comparison),
        _slices(gate.comparison),
        _flips(gate.comparison),
        [f"**Judge:** {judged_by(report.judge)}"],
        _made_with(report, gate.comparison),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def judged_by(judge: JudgeReport | None) -> str:
    """Return who judged the sentences, and how often people agree with that judge."""
    if judge is None:
        return "none: no sentence was scored."
    sets = [
        f"{code(name)} balanced accuracy {number(share.value)} "
        f"({interval(share.low, share.high)}, n {share.n})"
        + (f", AUC {number(judge.auc[name].value)}" if name in judge.auc else "")
        for name, share in judge.balanced_accuracy.items()
    ]
    known = "; ".join(sets) or "its agreement with people has not been measured"
    advisory = " **Advisory:** it decides nothing." if judge.is_advisory else ""
    return f"{code(judge.name)} ({code(judge.fingerprint[:12])}): {known}.{advisory}"


def code(text: str, *, limit: int = MAX_ANSWER) -> str:
    """Return `text` as code of GitHub's Markdown, which it cannot end, link or mention from."""
    flat = _cut(one_line(text), limit)
    if not flat:
        return NOTHING
    # A bar ends a table's cell even in code; a fence is longer than every run of ticks inside.
    flat = flat.replace("|", "¦")
    ticks = "`" * (1 + max((len(run) for run in _runs(flat)), default=0))
    pad = " " if "`" in (flat[0], flat[-1]) else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _runs(text: str) -> Iterator[str]:
    return (run for run in "".join(c if c == "`" else " " for c in text).split())


def _gate(gate: Gate) -> list[str]:
    missed = [
        f"- ❌ {code(failure.metric)}{_inside(failure.slice)} is **{number(failure.value)}**, "
        f"should be {'at least' if failure.at_least else 'at most'} {failure.threshold:g}"
        for failure in gate.failures
    ]
    return missed + [f"- ❌ {decline(change)}" for change in worse(gate)]


def _inside(name: str | None) -> str:
    return "" if name is None else f" in slice {code(name)}"


def _counts(report: Report) -> str:
    spent = [f"{report.total_tokens:,} tokens"] if report.total_tokens else []
    spent += [f"cost {report.cost:.4f}"] if report.cost is not None else []
    facts = [
        f"{report.cases} cases: {report.answered} answered, {report.refused} refused, "
        f"{report.failed} failed",
        f"p50 {milliseconds(report.latency_p50_ms)}, p95 {milliseconds(report.latency_p95_ms)}",
        f"{report.elapsed_s:.1f} s in all",
    ]
    return " · ".join(facts + spent)


def _metrics(report: Report, comparison: Comparison | None) -> list[str]:
    columns = ["metric", "value", "95 % interval", "n"]
    by_name = {change.metric: change for change in comparison.changes} if comparison else {}
    if comparison:
        columns += ["difference", "95 % interval", "detectable", ""]
    rows = []
    for name, share in report.metrics.items():
        cells = [code(name), number(share.value), interval(share.low, share.high), str(share.n)]
        if comparison:
            cells += _compared(by_name.get(name))
        rows.append(cells)
    return _table(columns, rows)


def _compared(change: Change | None) -> list[str]:
    if change is None:
        return [NOTHING, NOTHING, NOTHING, "not in the baseline"]
    mark = {"better": "✅ better", "worse": "❌ worse"}.get(change.verdict, change.verdict)
    detectable = NOTHING if change.detectable is None else f"{change.detectable:.3f}"
    return [difference(change.difference), change_interval(change), detectable, mark]


def _slices(comparison: Comparison | None) -> list[str]:
    moved = [c for c in comparison.slices if c.verdict in ("better", "worse")] if comparison else []
    if not moved:
        return []
    columns = ["slice", "metric", "was", "is", "difference", "95 % interval", "n", ""]
    rows = [
        [
            code(change.slice or ""),
            code(change.metric),
            number(change.old),
            number(change.new),
            difference(change.difference),
            change_interval(change),
            str(change.n),
            _compared(change)[-1],
        ]
        for change in moved
    ]
    return ["**Slices that moved**", "", *_table(columns, rows)]


def _flips(comparison: Comparison | None) -> list[str]:
    if not comparison or not comparison.flips:
        return []
    lost = sum(not flip.is_good for flip in comparison.flips)
    won = len(comparison.flips) - lost
    lines = [f"**Flipped questions:** {lost} got worse, {won} got better"]
    for flip in comparison.flips[:MAX_FLIPS]:
        mark = "✅" if flip.is_good else "❌"
        # GitHub reads a summary as HTML, so it is escaped, and `code` keeps mentions quiet there.
        title = f"<code>{escape(_cut(one_line(flip.question), MAX_ANSWER))}</code>"
        lines += [
            "",
            f"<details><summary>{mark} {title}</summary>",
            "",
            f"- case {code(flip.id)}, slice {code(flip.slice)}",
            f"- was: {code(flip.old_answer)}",
            f"- is: {code(flip.new_answer)}",
            "",
            "</details>",
        ]
    if left := len(comparison.flips) - MAX_FLIPS:
        lines += ["", f"… and {left} more in the page"] if left > 0 else []
    return lines


def _made_with(report: Report, comparison: Comparison | None) -> list[str]:
    lines = ["<details><summary>What it was made with</summary>", ""]
    lines += [f"- {name}: {code(value)}" for name, value in made_with(report.made_with)]
    if comparison:
        lines += [
            f"- {words(name)} was {code(old or NOTHING)}, is {code(new or NOTHING)}"
            for name, (old, new) in comparison.under_test.items()
        ]
        only = f"{len(comparison.only_old)} only in the baseline, {len(comparison.only_new)} new"
        lines.append(f"- {comparison.paired} cases in both runs, {only}")
    return [*lines, "", "</details>"]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table of Markdown; what is not ours in a cell is code already."""
    head = [_row(columns), _row(["---"] + ["---:"] * (len(columns) - 1))]
    return head + [_row(row) for row in rows]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
