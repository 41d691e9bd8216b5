"""What a run of the harness came to, on a terminal. Text of others is printed as text."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.compare import Change, Comparison
from evals.gate import Gate
from evals.metrics import Estimate, RiskCoverage
from evals.reports.figures import (
    NOTHING,
    change_interval,
    decline,
    difference,
    has_passed,
    interval,
    milliseconds,
    miss,
    number,
    one_line,
    verdict,
    worse,
)
from evals.results import JudgeReport, Report

MAX_COLUMNS = 140
MAX_FAILED = 5
_STYLES = {"better": "green", "worse": "red"}


def show_report(
    console: Console,
    report: Report,
    gate: Gate,
) -> None:
    """Print metrics and slices with their intervals, the judge, what flipped, and the gate."""
    if not console.is_terminal:
        # A pipe has no width; Rich would cut the table at 80 columns.
        console.width = max(console.width, MAX_COLUMNS)
    comparison = gate.comparison
    changes = {change.metric: change for change in comparison.changes} if comparison else None
    _table(console, "metric", report.metrics, changes)
    moved = {c.slice or "": c for c in comparison.slices} if comparison else None
    by_slice = {n: found["accuracy"] for n, found in report.slices.items() if "accuracy" in found}
    if by_slice:
        console.print()
        _table(console, "accuracy by slice", by_slice, moved)
    _draw(console, report.risk_coverage)
    _say(console, Text(_judged(report.judge), "dim"))
    _say(console, Text(_counts(report), "dim"))
    _flips(console, comparison)
    for result in [r for r in report.results if r.outcome == "failed"][:MAX_FAILED]:
        _say(
            console,
            Text.assemble(
                ("! ", "red"), f"{one_line(result.id)} failed: {one_line(result.error or '')}"
            ),
        )
    if advised := ", ".join(gate.advisory):
        _say(console, Text(f"advisory, for nobody knows how good the judge is: {advised}", "dim"))
    for failure in gate.failures:
        _say(console, Text.assemble(("✗ ", "red"), miss(failure)))
    for change in worse(gate):
        _say(console, Text.assemble(("▼ ", "red"), decline(change)))
    style = "green" if has_passed(gate) else "bold red"
    _say(console, Text(verdict(gate), style))


def _table(
    console: Console,
    title: str,
    shares: dict[str, Estimate],
    changes: dict[str, Change] | None,
) -> None:
    """Print what was observed of each; what nothing is known of is left out."""
    table = Table(title, "value", "95 % interval", "n", box=None, header_style="dim")
    if changes is not None:
        for column in ("difference", "95 % interval", "detectable", ""):
            table.add_column(column)
    for name, share in shares.items():
        if share.n == 0:
            continue
        cells = [number(share.value), interval(share.low, share.high), str(share.n)]
        # A name is text: Rich would take brackets in it for its markup.
        row = [Text(one_line(name)), *map(Text, cells)]
        if changes is not None:
            row += _compared(changes.get(name))
        table.add_row(*row)
    console.print(table)
    unscored = [name for name, share in shares.items() if share.n == 0]
    if unscored:
        _say(console, Text(f"unscored: {', '.join(map(one_line, unscored))}", "dim"))


def _compared(change: Change | None) -> list[Text]:
    if change is None:
        return [Text(NOTHING), Text(NOTHING), Text(NOTHING), Text("not in the baseline", "dim")]
    detectable = NOTHING if change.detectable is None else f"{change.detectable:.3f}"
    said = Text(change.verdict, _STYLES.get(change.verdict, "dim"))
    return [
        Text(difference(change.difference)),
        Text(change_interval(change)),
        Text(detectable),
        said,
    ]


def _draw(console: Console, curve: RiskCoverage) -> None:
    """Print how many answers are wrong when only the surest are given, a bar for each tenth."""
    if curve.area is None:
        return
    _say(console, Text(f"\nwrong among the surest answers, area {curve.area:.3f}"))
    for coverage, risk in curve.points[1::2]:
        _say(console, Text(f"{coverage:5.0%} {'█' * round(40 * risk)} {risk:.2f}"))
    console.print()


def _judged(judge: JudgeReport | None) -> str:
    if judge is None:
        return "no judge: sentences are unscored"
    known = ", ".join(
        f"{one_line(name)} {number(share.value)} ({interval(share.low, share.high)}, n {share.n})"
        for name, share in judge.balanced_accuracy.items()
    )
    accuracy = f"balanced accuracy {known}" if known else "its own accuracy is not known"
    return f"judge {one_line(judge.name)}: {accuracy}{' · advisory' if judge.is_advisory else ''}"


def _counts(report: Report) -> str:
    spent = f" · {report.total_tokens:,} tokens" if report.total_tokens else ""
    spent += f" · cost {report.cost:.4f}" if report.cost is not None else ""
    return (
        f"{report.cases} cases in {report.elapsed_s:.1f} s: {report.answered} answered, "
        f"{report.refused} refused, {report.failed} failed · "
        f"p50 {milliseconds(report.latency_p50_ms)} · p95 {milliseconds(report.latency_p95_ms)}"
        f"{spent} · index {one_line(report.made_with.index or 'unknown')}"
    )


def _flips(console: Console, comparison: Comparison | None) -> None:
    """Print the questions that went well in one run only, with both answers."""
    for flip in comparison.flips if comparison else ():
        mark = ("▲ ", "green") if flip.is_good else ("▼ ", "red")
        head = Text.assemble(
            mark, (one_line(flip.question), "bold"), (f"  {one_line(flip.id)}", "dim")
        )
        _say(console, head)
        _say(console, Text(f"    was: {one_line(flip.old_answer)}"))
        _say(console, Text(f"    is:  {one_line(flip.new_answer)}"))


def _say(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=not console.is_terminal, highlight=False)
