"""A run as JSON, Markdown, JUnit XML and a terminal's table."""

import io
import json

import junitparser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from api.commands.render_eval import show_report
from evals.compare import Flip
from evals.gate import Failure
from evals.reports.figures import legible, one_line, outcome
from evals.reports.junit import to_junit
from evals.reports.report import MAX_FLIPS, code, to_json, to_markdown
from evals.results import Report
from tests.results_made import (
    MISSED,
    RESULTS,
    answer,
    case,
    change,
    citation,
    claim,
    comparison,
    gated,
    refusal,
    report,
)

MARKDOWN = """\
## ❌ Failed: 1 threshold missed; worse than the baseline in accuracy

- ❌ `accuracy` is **0.667**, should be at least 0.7
- ❌ accuracy went from 1.000 to 0.667 (−0.333, −0.600 to −0.100, n 3)

4 cases: 2 answered, 1 refused, 1 failed · p50 20 ms, p95 31 ms · 0.1 s in all

| metric | value | 95 % interval | n | difference | 95 % interval | detectable |  |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| `accuracy` | 0.667 | 0.000–1.000 | 3 | −0.333 | −0.600 to −0.100 | 0.300 | ❌ worse |
| `status_right` | unscored | – | 0 | – | – | – | not in the baseline |

**Slices that moved**

| slice | metric | was | is | difference | 95 % interval | n |  |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| `when` | `accuracy` | 1.000 | 0.667 | −0.333 | −0.600 to −0.100 | 3 | ❌ worse |

**Flipped questions:** 1 got worse, 0 got better

<details><summary>❌ <code>And when?</code></summary>

- case `ferry-2`, slice `when`
- was: `2 January. [1]`
- is: `Dana Reyes, said Harbour Post. [1]`

</details>

**Judge:** `support` (`1f3c77aa0912`): `pairs` balanced accuracy 0.861 (0.826–0.891, n 420), AUC \
0.930.

<details><summary>What it was made with</summary>

- cases: `c1`
- corpus: `a1`
- scorers: `s1`
- index: `i1`
- models: `m2`
- program: `0.1.0`
- target: `library`
- models was `m1`, is `m2`
- 3 cases in both runs, 1 only in the baseline, 0 new

</details>
"""
NASTY = (
    "`@ops` | [x](http://e.example) <img src=x onerror=alert(1)> \\| ``` "
    "</details>\n\n# #1 \u202e\0"
)


def flip(text: str) -> Flip:
    return Flip(
        id=text or "x", slice=text, question=text, is_good=False, old_answer=text, new_answer=text
    )


def parsed(text: str) -> list[Token]:
    """Return the tokens of Markdown as GitHub reads it, those inside of lines too."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [part for token in tokens for part in (token, *(token.children or ()))]


def test_a_comment_for_a_pull_request_says_the_verdict_first() -> None:
    assert to_markdown(report(), gated(MISSED, comparison())) == MARKDOWN


def test_a_run_that_passes_says_so() -> None:
    found = to_markdown(report(judge=None), gated())
    assert found.splitlines()[0] == "## ✅ Passed: every threshold holds"
    assert "**Judge:** none: no sentence was scored." in found
    assert "Flipped" not in found


def test_a_judge_of_unknown_accuracy_is_said_to_be_advisory() -> None:
    made = report()
    assert made.judge
    unknown = made.judge.model_copy(update={"balanced_accuracy": {}, "is_advisory": True})
    found = to_markdown(made.model_copy(update={"judge": unknown}), gated())
    assert "its agreement with people has not been measured. **Advisory:** it decides" in found


def test_a_comment_stays_under_the_limit_of_a_comment() -> None:
    flips = (flip("long " * 2_000),) * 200
    found = to_markdown(report(), gated(MISSED, comparison(flips=flips)))
    assert len(found) < 65_536
    assert f"… and {200 - MAX_FLIPS} more in the page" in found


@given(st.text())
@example(NASTY)
@example("\\")
@example("a``b`")
def test_no_text_breaks_out_of_a_comment(text: str) -> None:
    found = to_markdown(
        report(slices={}),
        gated((), comparison(flips=(flip(text),), slices=(change(slice=text),))),
    )
    calm = parsed(to_markdown(report(slices={}), gated((), comparison(flips=(flip("x"),)))))
    tokens = parsed(found)
    kinds = {token.type for token in tokens}
    assert kinds <= {token.type for token in calm}
    assert not kinds & {"link_open", "image", "html_inline"}
    # Its only HTML is ours: two foldings, opened and closed.
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert [block[:9] for block in blocks] == ["<details>", "</details", "<details>", "</details"]
    assert blocks[0].count("<") == 5
    cells = [token.type for token in tokens].count("td_open")
    assert cells == 2 * 8 + 8


@given(st.text(max_size=300))
@example(NASTY)
def test_a_span_of_code_holds_the_text_and_nothing_else(text: str) -> None:
    shown = one_line(text).replace("|", "¦")
    tokens = [token for token in parsed(f"- {code(text)}") if token.type == "code_inline"]
    assert [token.content for token in tokens] == ([shown] if shown else [])


def test_what_is_not_seen_is_shown() -> None:
    assert legible("a\u202eb\0c\U000e0041\td\n") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+E0041⟩\td\n"
    # Words of several scripts are joined by these.
    assert legible("می\u200cخواهم 👩\u200d🚒") == "می\u200cخواهم 👩\u200d🚒"


def test_json_holds_the_gate_and_the_whole_report() -> None:
    found = json.loads(to_json(report(), gated(MISSED, comparison())))
    assert Report.model_validate(found["report"]) == report()
    assert found["gate"] == {
        "passed": False,
        "verdict": "Failed: 1 threshold missed; worse than the baseline in accuracy",
        "outcome": "worse",
        "invalid": [],
        "worse": ["accuracy"],
        "advisory": [],
        "limits": [limit.model_dump() for limit in gated().limits],
        "failures": [MISSED[0].model_dump()],
    }
    assert found["comparison"]["worse"] == ["accuracy"]
    assert json.loads(to_json(report(), gated()))["comparison"] is None


@given(st.text())
@example(NASTY)
@example("\ud800")
def test_any_answer_survives_json(text: str) -> None:
    made = report(case(answer=answer(answer=text), question=text))
    written = to_json(made, gated()).encode()
    assert Report.model_validate(json.loads(written)["report"]) == made


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "right"),
        ({"right": False}, "wrong"),
        ({"answerable": False, "right": None}, "false answer"),
        ({"outcome": "refused", "right": None}, "false refusal"),
        ({"outcome": "refused", "answerable": False, "right": None}, "refused"),
        ({"outcome": "failed", "answer": None}, "failed"),
    ],
)
def test_each_way_to_go_wrong_has_its_word(fields: dict[str, object], word: str) -> None:
    assert outcome(case(**fields)) == word


def test_junit_has_a_test_for_each_question_and_each_threshold() -> None:
    floor = Failure(metric="accuracy", slice="when", value=None, threshold=0.5, at_least=True)
    text = to_junit(report(), gated((*MISSED, floor), comparison()))
    found = junitparser.JUnitXml.fromstring(text.encode())
    assert (found.tests, found.failures, found.errors) == (8, 4, 1)
    assert [(suite.name, [test.name for test in suite]) for suite in found] == [
        (
            "gate",
            [
                "threshold of accuracy",
                "threshold of status_right",
                "threshold of accuracy in slice when",
                "no worse: accuracy",
            ],
        ),
        ("who", ["ferry-1", "ferry-3"]),
        ("when", ["ferry-2"]),
        ("none", ["moon-1"]),
    ]
    results = {test.name: test.result[0] for suite in found for test in suite if test.result}
    assert {name: (type(one).__name__, one.message) for name, one in results.items()} == {
        "threshold of accuracy": ("Failure", "accuracy is 0.667, should be at least 0.7"),
        "threshold of accuracy in slice when": (
            "Failure",
            "accuracy in slice when is unscored, should be at least 0.5",
        ),
        "no worse: accuracy": (
            "Failure",
            "accuracy went from 1.000 to 0.667 (−0.333, −0.600 to −0.100, n 3)",
        ),
        "ferry-3": ("Error", "error: the server did not answer in 30 s"),
        "ferry-2": ("Failure", "wrong: should say “2 January”"),
    }
    assert results["ferry-2"].text == (
        "question: And when?\nshould say: “2 January”\nsaid: Dana Reyes, said Harbour Post. [1]\n"
        "[1] Harbour Post: Dana Reyes launched the ferry.\nconfidence 0.400, 31 ms"
    )


def test_junit_of_a_run_that_went_well_has_no_failure() -> None:
    found = junitparser.JUnitXml.fromstring(to_junit(report(case()), gated()).encode())
    assert (found.tests, found.failures, found.errors) == (3, 0, 0)


@given(st.text())
@example(NASTY)
@example("]]>\ufffe\x1b")
def test_junit_can_be_parsed_whatever_was_said(text: str) -> None:
    said = answer(answer=text, citations=(citation(cited_text=text, source=None),))
    wrong = case(id=text, slice=text, question=text, right=False, answer=said, golds=(text,))
    failed = case(id="f", outcome="failed", error=text, answer=None, right=None)
    xml = to_junit(report(wrong, failed), gated())
    found = junitparser.JUnitXml.fromstring(xml.encode())
    # In a build that passes a wrong answer is told, and turns no server red.
    assert (found.tests, found.failures, found.skipped, found.errors) == (4, 0, 1, 1)
    tests = [test for suite in found for test in suite if test.result]
    assert one_line(text) in {test.name for test in tests}
    lines = f"said: {legible(text)}"
    assert any(lines.replace("\r", "\n") in _text(test).replace("\r", "\n") for test in tests)


def _text(test: junitparser.TestCase) -> str:
    return str(test.result[0].text)


def shown(made: Report, *args: object) -> str:
    console = Console(file=io.StringIO(), width=100)
    show_report(console, made, *args)  # type: ignore[arg-type]  # the two that may follow
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_a_terminal_shows_the_verdict_last() -> None:
    assert (
        shown(report(), gated(MISSED, comparison()))
        == """\
 metric    value  95 % interval  n  difference  95 % interval     detectable
 accuracy  0.667  0.000–1.000    3  −0.333      −0.600 to −0.100  0.300       worse
unscored: status_right

 accuracy by slice  value  95 % interval  n  difference  95 % interval     detectable
 who                0.667  0.000–1.000    3  −0.333      −0.600 to −0.100  0.300       same

wrong among the surest answers, area 0.250
 100% ████████████████████ 0.50

judge support: balanced accuracy pairs 0.861 (0.826–0.891, n 420)
4 cases in 0.1 s: 2 answered, 1 refused, 1 failed · p50 20 ms · p95 31 ms · index i1
▼ And when?  ferry-2
    was: 2 January. [1]
    is:  Dana Reyes, said Harbour Post. [1]
! ferry-3 failed: the server did not answer in 30 s
✗ accuracy is 0.667, should be at least 0.7
▼ accuracy went from 1.000 to 0.667 (−0.333, −0.600 to −0.100, n 3)
Failed: 1 threshold missed; worse than the baseline in accuracy"""
    )


def test_a_terminal_without_a_baseline_shows_no_difference() -> None:
    found = shown(report(*RESULTS[:1], slices={}), gated())
    assert found.splitlines()[0] == " metric    value  95 % interval  n"
    assert found.splitlines()[-1] == "Passed: every threshold holds"


def test_markup_of_others_is_text_on_a_terminal() -> None:
    found = shown(report(), gated((), comparison(flips=(flip("[red]x[/red] \x1b[31m"),), worse=())))
    assert "[red]x[/red] ⟨U+001B⟩[31m" in found
    assert "\x1b" not in found


def test_refusals_are_never_zero() -> None:
    made = report(case(outcome="refused", answer=refusal(), right=None, claims=()))
    assert "| `status_right` | unscored | – | 0 |" in to_markdown(made, gated())
    assert claim().support == "supported"
