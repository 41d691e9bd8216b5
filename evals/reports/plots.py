"""The plots of a report as SVG, drawn from Vega-Lite specs that are plain values.

>>> draw(latencies([12.0, 30.5], p50=12.0, p95=30.5), "Time to answer")[:24]
'<svg role="img" aria-lab'

Colours are variables of the page's style sheet, so that a plot follows light and dark.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from evals.compare import Change
from evals.metrics import Estimate, Reliability, RiskCoverage
from evals.reports.figures import one_line, words

# Vega-Lite's specs are JSON.
Spec = dict[str, Any]

WIDTH, HEIGHT = 320, 200
MAX_ROWS = 60
_SHARE = [0, 1]
_PARTS = re.compile(r' (?:role="graphics-[a-z]+"|aria-roledescription="[a-z ]+")')
_CONFIG: Spec = {
    "aria": False,
    "background": None,
    "font": "inherit",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "gridColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "domainColor": "var(--muted)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "tickCount": 5,
    },
    "legend": {
        "labelColor": "var(--muted)",
        "labelFontSize": 11,
        "orient": "bottom",
        "title": None,
        "symbolSize": 60,
    },
}


def draw(spec: Spec, label: str) -> str:
    """Return the SVG of `spec`, to be read to those who cannot see it as `label`."""
    import vl_convert

    # The plot is one image to a screen reader; Vega names the parts without saying what they are.
    svg = _PARTS.sub("", vl_convert.vegalite_to_svg({"config": _CONFIG} | spec))
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(one_line(label))}" ', 1)


def risk_coverage(curve: RiskCoverage, *, now: tuple[float, float] | None) -> Spec:
    """Return how many are wrong at each coverage; `now` is where the threshold stands."""
    values = [{"coverage": coverage, "risk": risk} for coverage, risk in curve.points]
    line = {"type": "line", "color": "var(--blue)", "point": {"color": "var(--blue)", "size": 22}}
    layers: list[Spec] = [
        {
            "data": {"values": values},
            "mark": line,
            "encoding": {
                "x": _axis("coverage", "share answered, the surest first", domain=_SHARE),
                "y": _axis("risk", "share wrong"),
            },
        }
    ]
    if now is not None:
        point = {"coverage": round(now[0], 3), "risk": round(now[1], 3), "is": "this run"}
        layers += _labelled_point(point)
    return _sized({"layer": layers})


def reliability(found: Reliability) -> Spec:
    """Return how often answers of each confidence are right, beside what it should be."""
    values = [{"sure": sure, "right": right, "n": n} for sure, right, n in found.bins]
    even = [{"sure": 0, "right": 0}, {"sure": 1, "right": 1}]
    place = {
        "x": _axis("sure", "mean confidence", domain=_SHARE),
        "y": _axis("right", "share right", domain=_SHARE),
    }
    return _sized(
        {
            "layer": [
                {
                    "data": {"values": even},
                    "mark": {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4]},
                    "encoding": place,
                },
                {
                    "data": {"values": values},
                    "mark": {
                        "type": "line",
                        "color": "var(--blue)",
                        "point": {"color": "var(--blue)", "size": 40},
                    },
                    "encoding": place,
                },
            ]
        }
    )


def latencies(times_ms: Sequence[float], *, p50: float | None, p95: float | None) -> Spec:
    """Return how many questions took how long, the median and the slowest twentieth marked."""
    # One question that waited for a server would squeeze all others into one bar.
    limit = max(times_ms, default=0.0) if p95 is None else 2 * p95
    drawn = [{"ms": value} for value in times_ms if value <= limit]
    left_out = len(times_ms) - len(drawn)
    more = f"; {left_out} took more than {limit:,.0f}" if left_out else ""
    x = _axis("ms", f"milliseconds to answer{more}") | {"bin": {"maxbins": 30}}
    bars = {
        "data": {"values": drawn},
        "mark": {"type": "bar", "color": "var(--blue)", "binSpacing": 1},
        "encoding": {"x": x, "y": {"aggregate": "count", "title": "questions"}},
    }
    median = [] if p50 is None else _marked(p50, f"p50 {p50:,.0f}", align="right", dx=3)
    slow = [] if p95 is None else _marked(p95, f"p95 {p95:,.0f}", align="left", dx=-3)
    return _sized({"layer": [bars, *median, *slow]})


def slices(by_slice: Mapping[str, Estimate]) -> Spec:
    """Return a metric slice by slice with its intervals, best first."""
    scored = [(name, share) for name, share in by_slice.items() if share.value is not None]
    scored.sort(key=lambda item: -(item[1].value or 0.0))
    values = [
        {
            "name": f"{one_line(name)} ({share.n})",
            "value": share.value,
            "low": share.low,
            "high": share.high,
        }
        for name, share in scored[:MAX_ROWS]
    ]
    x = _axis("value", "value, 95 % interval", domain=_SHARE)
    point = {"type": "point", "filled": True, "color": "var(--blue)", "size": 50, "opacity": 1}
    return _rows(values, x, [{"mark": point, "encoding": {"x": x}}])


def differences(changes: Sequence[Change]) -> Spec:
    """Return how far each metric is from the baseline, with its intervals about zero."""
    values = [
        {
            "name": words(change.metric),
            "value": change.difference,
            "low": change.low,
            "high": change.high,
            "verdict": change.verdict,
        }
        for change in changes
        if change.difference is not None
    ]
    x = _axis("value", "difference to the baseline, 95 % interval")
    said = ["better", "same", "worse"]
    colours = ["var(--good)", "var(--muted)", "var(--bad)"]
    shapes = ["triangle-up", "circle", "triangle-down"]
    zero = {
        "data": {"values": [{"value": 0}]},
        "mark": {"type": "rule", "color": "var(--ink)"},
        "encoding": {"x": {"field": "value", "type": "quantitative"}},
    }
    point = {
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
        "encoding": {
            "x": x,
            "color": {"field": "verdict", "scale": {"domain": said, "range": colours}},
            "shape": {"field": "verdict", "scale": {"domain": said, "range": shapes}},
        },
    }
    return _rows(values, x, [point], below=[zero])


def _rows(values: list[Spec], x: Spec, marks: list[Spec], below: Sequence[Spec] = ()) -> Spec:
    """Return a line for each value, from its low to its high end, under `marks`."""
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 150, "grid": False, "ticks": False, "domain": False},
    }
    bounds = {
        "mark": {"type": "rule", "color": "var(--muted)", "strokeWidth": 2},
        "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}},
    }
    own: Spec = {"data": {"values": values}, "encoding": {"y": y}, "layer": [bounds, *marks]}
    return {"width": WIDTH - 100, "height": {"step": 20}, "layer": [*below, own]}


def _sized(spec: Spec) -> Spec:
    return {"width": WIDTH, "height": HEIGHT} | spec


def _axis(field: str, title: str, *, domain: list[int] | None = None) -> Spec:
    scale = {"domain": domain} if domain else {"zero": True}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale}


def _marked(value: float, label: str, **text: Any) -> list[Spec]:
    """Return an upright line at `value` with its label above."""
    data = {"data": {"values": [{"ms": value, "is": label}]}}
    x = {"x": {"field": "ms", "type": "quantitative"}}
    rule = {"type": "rule", "color": "var(--ink)", "strokeDash": [4, 3]}
    return [
        data | {"mark": rule, "encoding": x},
        data | {"mark": _text(y=-7, **text), "encoding": x | {"text": {"field": "is"}}},
    ]


def _labelled_point(point: Spec) -> list[Spec]:
    place = {
        "x": {"field": "coverage", "type": "quantitative"},
        "y": {"field": "risk", "type": "quantitative"},
    }
    diamond = {"type": "point", "shape": "diamond", "filled": True, "size": 110, "opacity": 1}
    data = {"data": {"values": [point]}}
    text = place | {"text": {"field": "is"}}
    return [
        data | {"mark": diamond | {"color": "var(--ink)"}, "encoding": place},
        data | {"mark": _text(align="left", dx=8, dy=10), "encoding": text},
    ]


def _text(**mark: Any) -> Spec:
    return {"type": "text", "color": "var(--ink)", "fontSize": 11} | mark
