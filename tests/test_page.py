"""The HTML page of a run: what it holds, that nothing in it is others' markup, and in a browser."""

import base64
import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree, html

from evals.metrics import Estimate, Reliability, RiskCoverage
from evals.reports import plots
from evals.reports.figures import legible
from evals.reports.page import link, to_html, worst
from evals.results import CaseResult, Report
from rag.types import Turn
from tests.results_made import (
    ACCURACY,
    JUDGE,
    MISSED,
    RESULTS,
    answer,
    case,
    change,
    citation,
    claim,
    comparison,
    gated,
    report,
)

NASTY = "</script><img src=x onerror=alert(1)>\"'>{{ 7*7 }}<!--\u202e\0\x1b]]>"


@pytest.fixture(scope="module")
def page() -> str:
    return to_html(report(), gated(MISSED, comparison()))


def unplotted(*results: CaseResult, **fields: object) -> Report:
    """Return a report that nothing can be drawn of: plots take their time."""
    calm = [result.model_copy(update={"latency_ms": None}) for result in results]
    nothing: dict[str, object] = {
        "risk_coverage": RiskCoverage(points=(), area=None, n=0),
        "reliability": Reliability(bins=(), error=None, n=0),
        "slices": {},
    }
    return report(*calm, **(nothing | fields))


def filled(text: str) -> Report:
    """Return a report that holds `text` wherever a caller, an article or a model can put it."""
    said = answer(
        answer=text,
        short_answer=text,
        standalone_question=text,
        note=text,
        model=text,
        citations=(citation(cited_text=text, title=text.replace("\0", ""), attributed_to=text),),
    )
    judge = JUDGE.model_copy(update={"name": text, "balanced_accuracy": {text: ACCURACY}})
    asked = case(
        id=text,
        slice=text,
        question=text,
        golds=(text,),
        history=(Turn(question=text.replace("\0", "")),),
        answer=said,
        claims=(claim(text=text, reasons=(text,)),),
    )
    failed = case(id="f", outcome="failed", error=text, answer=None)
    return unplotted(asked, failed, judge=judge)


def outline(page: str) -> Counter[tuple[str, tuple[str, ...]]]:
    """Return how often each tag stands in `page` with which attributes."""
    tree = html.document_fromstring(page)
    return Counter((str(node.tag), tuple(sorted(node.attrib))) for node in tree.iter())


def items(tree: html.HtmlElement, name: str) -> list[html.HtmlElement]:
    """Return the items of the list of a class."""
    return [item for found in tree.find_class(name) for item in found.findall("li")]


def text_of(node: html.HtmlElement) -> str:
    return " ".join(node.text_content().split())


def test_the_verdict_and_what_fails_stand_first(page: str) -> None:
    tree = html.document_fromstring(page)
    assert text_of(tree.find(".//h1")) == (
        "✗ Failed: 1 threshold missed; worse than the baseline in accuracy"
    )
    assert [text_of(item) for item in items(tree, "gate")] == [
        "✗ accuracy is 0.667, should be at least 0.7",
        "▼ accuracy went from 1.000 to 0.667 (−0.333, −0.600 to −0.100, n 3)",
    ]
    assert tree.findtext(".//title") == "Dateline evaluation: failed"


def test_a_run_that_passes_has_no_list_of_failures() -> None:
    tree = html.document_fromstring(to_html(unplotted(*RESULTS), gated()))
    assert text_of(tree.find(".//h1")) == "✓ Passed: every threshold holds"
    assert tree.find_class("gate") == []
    assert tree.xpath("//select[@name='change']") == []


def test_every_question_has_a_row_with_all_that_was_said(page: str) -> None:
    tree = html.document_fromstring(page)
    bodies = tree.get_element_by_id("cases").findall("tbody")
    rows = [body.find("tr").findall("td") for body in bodies]
    assert [[text_of(cell) for cell in row] for row in rows] == [
        ["Who launched the ferry? ferry-1", "who", "✓ right", "answered", "0.90",
         "✓ supported 1/1", "20 ms"],
        ["And when? ferry-2 · ▼ worse than the baseline", "when", "✗ wrong", "answered", "0.40",
         "✗ contradicted 0/1", "31 ms"],
        ["Who owns the Moon? moon-1", "none", "✓ refused", "no answer", "0.10", "–", "12 ms"],
        ["Who launched the ferry? ferry-3", "who", "! failed", "failed", "–", "–", "–"],
    ]  # fmt: skip
    second = bodies[1]
    assert text_of(second.find_class("history")[0]) == (
        "Who launched the ferry?Dana Reyes, said Harbour Post. [1]"
    )
    assert [text_of(item) for item in items(second, "golds")] == ["2 January"]
    assert [text_of(item) for item in second.find_class("answer")] == [
        "Dana Reyes, said Harbour Post. [1]",
        "2 January. [1]",
    ]
    assert text_of(second.find_class("claims")[0]) == (
        "Dana Reyes, said Harbour Post. [1] ✗ contradicted 0.02 by [1] · the quoted characters "
        "alone: ○ unsupported a date that no passage holds"
    )
    assert text_of(second.find_class("citations")[0]) == (
        "[1] A new ferry Dana Reyes launched the ferry. said by Dana Reyes ✓ right Harbour Post · "
        "2026-01-02 · article ✓ verified · ferry characters 10–40 · score 0.90"
    )
    assert text_of(bodies[3].find_class("answer")[0]) == ("the server did not answer in 30 s")


def test_a_quote_keeps_its_characters() -> None:
    quoted = "It said:\n  “no  more” & <less>."
    made = unplotted(case(answer=answer(citations=(citation(cited_text=quoted),))))
    tree = html.document_fromstring(to_html(made, gated()))
    assert tree.find(".//blockquote").text == quoted


def test_only_the_pages_own_script_and_style_run(page: str) -> None:
    tree = html.document_fromstring(page)
    (script,), (style,) = tree.findall(".//script"), tree.findall(".//style")
    (policy,) = tree.findall(".//meta[@http-equiv='Content-Security-Policy']")
    assert policy.get("content") == (
        f"default-src 'none'; style-src '{_hash(style.text)}'; script-src '{_hash(script.text)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    names = {name for node in tree.iter() for name in node.attrib}
    assert not {name for name in names if name.startswith("on")} | names & {"style", "src"}


def test_the_page_fetches_nothing(page: str) -> None:
    tree = html.document_fromstring(page)
    assert "url(" not in page
    assert "@import" not in page
    assert not {node.tag for node in tree.iter()} & {"link", "img", "iframe", "object", "base"}
    targets = {node.get("href") for node in tree.iter() if node.get("href")}
    assert {target for target in targets if not str(target).startswith("#")} == {
        "https://harbour.example/ferry"
    }


@given(st.text())
@example(NASTY)
@example("<b>")
@example("&lt;b>")
def test_no_text_becomes_markup(text: str) -> None:
    made = to_html(filled(text), gated(), title="Run")
    assert outline(made) == outline(to_html(filled("calm"), gated()))
    tree = html.document_fromstring(made)
    shown = legible(text).replace("\r\n", "\n").replace("\r", "\n")
    # A browser reads these two as the template wrote them, line ends aside.
    assert (tree.find_class("answer")[0].text or "").replace("\r", "\n") == shown.replace(
        "\r", "\n"
    )
    assert (tree.find(".//blockquote").text or "").replace("\r", "\n") == shown


def test_what_no_reader_sees_is_shown() -> None:
    made = to_html(filled("a\u202eb\0c\u200bd"), gated())
    assert not re.search("[\u202e\0\u200b]", made)
    assert html.document_fromstring(made).find(".//blockquote").text == (
        "a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩d"
    )


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://a.example/b", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_only_addresses_of_web_pages_are_links(url: str | None, followed: bool) -> None:
    assert (link(citation(url=url)) is not None) == followed


def test_the_worst_sentence_of_an_answer_names_it() -> None:
    both = (claim(support="supported"), claim(support="unsupported"))
    assert worst(case(claims=both)) == "unsupported"
    assert worst(case(claims=())) is None


def test_every_plot_is_drawn_and_named(page: str) -> None:
    tree = html.document_fromstring(page)
    assert [text_of(caption) for caption in tree.findall(".//figcaption")] == [
        "Risk and coverage Wrong among the surest answers: area 0.250",
        "Reliability Distance of confidence from what is right: 0.250",
        "Time to answer p50 20 ms, p95 31 ms",
        "Accuracy by slice Number of cases in brackets",
        "Against the baseline 3 cases in both runs",
    ]
    labels = [svg.get("aria-label") for svg in tree.findall(".//figure/svg")]
    assert labels[2] == "Time to answer. p50 20 ms, p95 31 ms"
    assert len(labels) == 5


def test_a_plot_follows_the_colours_of_the_page() -> None:
    curve = RiskCoverage(points=((0.5, 0.0), (1.0, 0.5)), area=0.25, n=2)
    svg = plots.draw(plots.risk_coverage(curve, now=(0.5, 0.1)), "Risk")
    assert "var(--blue)" in svg
    assert ">this run<" in svg
    fixed = set(re.findall(r'(?:fill|stroke)="(?!var|none)([^"]+)"', svg))
    assert fixed == set()


def test_names_of_slices_are_text_in_a_plot() -> None:
    svg = plots.draw(plots.slices({NASTY: Estimate(value=0.5, n=3, low=0.1, high=0.9)}), NASTY)
    tree = etree.fromstring(svg.encode())
    assert tree.get("aria-label") == legible(NASTY)
    assert not tree.xpath("//*[local-name()='img' or local-name()='script']")
    texts = ["".join(node.itertext()) for node in tree.iter("{*}text")]
    assert any(text.startswith("</script><img") for text in texts)


def test_one_slow_question_leaves_the_others_to_be_seen() -> None:
    found = plots.latencies([10.0, 20.0, 30_000.0], p50=20.0, p95=25.0)
    bars = found["layer"][0]
    assert bars["data"]["values"] == [{"ms": 10.0}, {"ms": 20.0}]
    assert bars["encoding"]["x"]["title"] == "milliseconds to answer; 1 took more than 50"


def test_a_difference_that_is_not_known_is_not_drawn() -> None:
    found = plots.differences([change(), change(metric="mrr_at_8", difference=None)])
    assert [row["name"] for row in found["layer"][1]["data"]["values"]] == ["accuracy"]


def _hash(text: str | None) -> str:
    assert text
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:  # Any: playwright is not among what is installed for tests
    """A real browser, where this machine has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if program is None:
        pytest.skip("no Chromium is installed")
    flags = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync"
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=flags.split())
        yield opened
        opened.close()


def test_the_page_sorts_filters_and_opens_in_a_browser(
    browser: Any, page: str, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    noted: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: noted.append(message.text))
    tab.on("pageerror", lambda error: noted.append(str(error)))
    tab.on("request", lambda request: noted.append(request.url))
    tab.goto(file.as_uri())

    def shown() -> list[str]:
        bodies = tab.query_selector_all("#cases tbody:not([hidden])")
        return [body.get_attribute("data-id") for body in bodies]

    tab.click("[data-sort=confidence]")
    assert shown() == ["moon-1", "ferry-2", "ferry-1", "ferry-3"]
    assert tab.get_attribute("th.confidence", "aria-sort") == "ascending"
    tab.click("[data-sort=confidence]")
    assert shown() == ["ferry-1", "ferry-2", "moon-1", "ferry-3"]
    tab.select_option("[name=verdict]", "wrong")
    tab.get_by_text("1 of 4 questions").wait_for()
    assert shown() == ["ferry-2"]
    tab.focus("tbody[data-id=ferry-2] button")
    tab.keyboard.press("Enter")
    assert tab.is_visible("tbody[data-id=ferry-2] blockquote")
    assert tab.url.endswith("#verdict=wrong&sort=-confidence&open=ferry-2")
    # The address alone brings the same view.
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    assert shown() == ["ferry-2"]
    assert tab.is_visible("tbody[data-id=ferry-2] blockquote")
    tab.click("[type=reset]")
    tab.fill("[name=q]", "MOON owns")
    tab.get_by_text("1 of 4 questions").wait_for()
    assert shown() == ["moon-1"]
    assert [note for note in noted if not note.startswith((file.as_uri(), "about:"))] == []


def test_text_of_others_runs_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(to_html(filled(NASTY), gated()), encoding="utf-8")
    noted: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: noted.append(message.text))
    tab.on("dialog", lambda dialog: noted.append(dialog.message))
    tab.goto(file.as_uri())
    tab.click("#unfold")
    assert noted == []
    assert tab.query_selector_all("img") == []
    assert tab.query_selector("blockquote").text_content() == legible(NASTY)
