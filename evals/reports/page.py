"""A run as one HTML page that needs nothing else: no network, no library, no font.

>>> Path("report.html").write_text(to_html(report, gate), encoding="utf-8")

Everything that others wrote is escaped by the template; the only script is named by its hash, so
that no browser runs another one.
"""

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evals.compare import Change, Comparison
from evals.gate import Gate
from evals.reports import figures, plots
from evals.results import METRICS, CaseResult, Report, Supported
from rag.types import Citation

_HERE = Path(__file__).parent
# A sign beside each word, so that colour is never all that tells them apart.
SIGNS: dict[str, tuple[str, str]] = {
    "right": ("✓", "good"),
    "refused": ("✓", "good"),
    "wrong": ("✗", "bad"),
    "false answer": ("✗", "bad"),
    "false refusal": ("○", "warn"),
    "failed": ("!", "bad"),
    "supported": ("✓", "good"),
    "contradicted": ("✗", "bad"),
    "unsupported": ("○", "warn"),
    "uncited": ("○", "warn"),
    "unscored": ("·", "muted"),
    "better": ("▲", "good"),
    "worse": ("▼", "bad"),
    "same": ("=", "muted"),
}
# The worst that is said of an answer's sentences comes first.
_WORST: tuple[Supported, ...] = (
    "contradicted",
    "unsupported",
    "uncited",
    "unscored",
    "supported",
)


def to_html(
    report: Report,
    gate: Gate,
    *,
    title: str = "Dateline evaluation",
) -> str:
    """Return the page: verdict, metrics, plots, and every case to sort, filter and read."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    comparison = gate.comparison
    pages = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Hides nothing from a reader, whatever a template prints.
        finalize=lambda value: figures.legible(value) if type(value) is str else value,
    )
    pages.globals.update(figures=figures, signs=SIGNS, worst=worst, link=link)
    return pages.get_template("page.html.j2").render(
        title=title,
        report=report,
        gate=gate,
        failures=gate.failures,
        comparison=comparison,
        passed=figures.has_passed(gate),
        cards=[name for name in figures.MAIN if name in report.metrics],
        about={metric.name: metric for metric in METRICS},
        changes={change.metric: change for change in comparison.changes} if comparison else {},
        moved=_moved(comparison),
        rows=_rows(report, comparison),
        choices=_choices(report),
        drawn=_drawn(report, comparison),
        **_inlined(),
    )


def worst(result: CaseResult) -> Supported | None:
    """Return the worst that is said of a sentence of the answer; None: nothing was judged."""
    found = {claim.support for claim in result.claims}
    return next((support for support in _WORST if support in found), None)


def link(citation: Citation) -> str | None:
    """Return the address of the article where a browser may be sent to it, else None."""
    try:
        return citation.url if urlsplit(citation.url or "").scheme in ("http", "https") else None
    except ValueError:
        return None


def _rows(report: Report, comparison: Comparison | None) -> list[dict[str, Any]]:
    """Return each case with what became of it."""
    flips = {flip.id: flip for flip in comparison.flips} if comparison else {}
    return [
        {
            "number": number,
            "case": result,
            "verdict": figures.outcome(result),
            "flip": flips.get(result.id),
            "checks": {check.index: check for check in result.citations},
        }
        for number, result in enumerate(report.results, 1)
    ]


def _choices(report: Report) -> dict[str, Counter[str]]:
    """Return what the cases can be filtered by, and how many there are of each."""
    results = report.results
    return {
        "verdict": Counter(figures.outcome(result) for result in results),
        "slice": Counter(result.slice for result in results),
        "status": Counter(r.answer.answer_status for r in results if r.answer),
        "sentences": Counter(found for result in results if (found := worst(result))),
    }


def _moved(comparison: Comparison | None) -> dict[str, Change]:
    """Return what became of each slice's accuracy."""
    return {change.slice or "": change for change in comparison.slices} if comparison else {}


def _drawn(report: Report, comparison: Comparison | None) -> list[dict[str, str]]:
    """Return the plots that there is something to draw in, as SVG with its caption."""
    times = [result.latency_ms for result in report.results if result.latency_ms is not None]
    p50, p95 = report.latency_p50_ms, report.latency_p95_ms
    curve, bins = report.risk_coverage, report.reliability
    by_slice = {
        name: found["accuracy"] for name, found in report.slices.items() if "accuracy" in found
    }
    made = []
    if curve.points:
        caption = f"Wrong among the surest answers: area {figures.number(curve.area)}"
        made.append((plots.risk_coverage(curve, now=_now(report)), "Risk and coverage", caption))
    if bins.bins:
        caption = f"Distance of confidence from what is right: {figures.number(bins.error)}"
        made.append((plots.reliability(bins), "Reliability", caption))
    if times:
        caption = f"p50 {figures.milliseconds(p50)}, p95 {figures.milliseconds(p95)}"
        made.append((plots.latencies(times, p50=p50, p95=p95), "Time to answer", caption))
    if by_slice:
        made.append((plots.slices(by_slice), "Accuracy by slice", "Number of cases in brackets"))
    if comparison and any(change.difference is not None for change in comparison.changes):
        caption = f"{comparison.paired} cases in both runs"
        made.append((plots.differences(comparison.changes), "Against the baseline", caption))
    return [
        {"title": title, "caption": caption, "svg": plots.draw(spec, f"{title}. {caption}")}
        for spec, title, caption in made
    ]


def _now(report: Report) -> tuple[float, float] | None:
    """Return the coverage and the risk that the run's own threshold came to."""
    refused = report.metrics.get("false_abstain_rate")
    right = report.metrics.get("right_when_answered")
    if refused is None or right is None or refused.value is None or right.value is None:
        return None
    return 1 - refused.value, 1 - right.value


def _inlined() -> dict[str, str]:
    """Return style and script with their hashes, by which a browser knows them from others."""
    style, script = ((_HERE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return {
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
