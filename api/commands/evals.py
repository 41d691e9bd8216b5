"""`dateline eval`: gold questions to a fresh index, yours or a server, and a gate on what comes.

Exit codes: 0 passed, 1 worse, 2 no valid measurement, 3 the server asked cannot be reached.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from api.commands import goldsets, options
from api.commands.evaltarget import Asked, asking
from api.commands.options import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evals.cases import Case
    from evals.gate import Gate
    from evals.results import Fingerprints, Report

app = typer.Typer(invoke_without_command=True)
app.command("validate")(goldsets.validate)
app.command("init")(goldsets.init)
app.command("judge")(goldsets.judge)


class _How(NamedTuple):
    """How they are put, and who scores the answers."""

    concurrency: int
    cache: Path | None
    max_failed: float
    prices: tuple[float, float] | None
    judge_url: str | None
    judge_model: str | None
    judge_votes: int
    judges: Path | None


class _Gated(NamedTuple):
    """What the run has to stand up to."""

    thresholds: Path | None
    baseline: Path | None
    update_baseline: bool
    same_system: bool


class _Written(NamedTuple):
    """The files that are asked for."""

    html: Path | None
    markdown: Path | None
    junit: Path | None


@app.callback()
def eval_(
    context: typer.Context,
    gold: Annotated[
        Path | None, typer.Option("--set", help="Gold questions: JSONL, CSV, TSV or SQuAD.")
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(help="Articles they are asked of; repeatable.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Ask the index that lives here, instead of a fresh one.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Ask the Dateline server at this URL.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="DATELINE_API_KEY", help="Key of that server.")
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(help="When “last week” is counted from (default: the newest article)."),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Questions at once.")] = 2,
    cache: Annotated[
        Path | None, typer.Option(help="File of replies: an interrupted run goes on from it.")
    ] = None,
    max_failed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of cases that may fail in a valid run.")
    ] = 0.05,
    prices: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Price of a million prompt tokens, and of as many completion tokens."),
    ] = None,
    judge_url: Annotated[
        str | None,
        typer.Option(help="OpenAI-compatible URL of a judge (key: DATELINE_LLM_API_KEY)."),
    ] = None,
    judge_model: Annotated[str | None, typer.Option(help="The model there.")] = None,
    judge_votes: Annotated[int, typer.Option(min=1, help="Votes of it for a verdict.")] = 3,
    judges: Annotated[
        Path | None, typer.Option(help="Records of judges (default: those of Dateline).")
    ] = None,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file of the gate.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="An earlier run to compare with, case by case.")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write this run to the baseline's file.")
    ] = False,
    same_system: Annotated[
        bool, typer.Option("--same-system", help="Refuse a baseline of another build or index.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with every case.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a pull request's comment.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Put gold questions to a fresh index of the sample articles, or yours, and gate on it.

    Exit codes: 0 passed, 1 worse (than a threshold or the baseline), 2 no valid measurement, 3 the
    server that is asked cannot be reached.
    """
    if context.invoked_subcommand:
        return
    _need_extra()
    asked = Asked(gold, corpus, data_dir, url, api_key, now)
    how = _How(concurrency, cache, max_failed, prices, judge_url, judge_model, judge_votes, judges)
    gated = _Gated(thresholds, baseline, update_baseline, same_system)
    written = _Written(html, markdown, junit)
    _check(asked, written, gated)
    report, gate = _evaluated(asked, how, gated, quiet=as_json)
    _show(report, gate, written, as_json=as_json)
    if update_baseline and baseline:
        _keep(baseline, report, gate)
    from evals.gate import EXIT_CODES

    raise typer.Exit(EXIT_CODES[gate.outcome])


def _evaluated(asked: Asked, how: _How, gated: _Gated, *, quiet: bool) -> tuple[Report, Gate]:
    """Return what the run came to. All that can be refused is refused before anybody is asked."""
    from evals.baseline import alike, read_baseline
    from evals.cases import SAMPLE_SET, load
    from evals.compare import compare
    from evals.gate import THRESHOLDS, decide, limits, missed

    cases = load(asked.gold or SAMPLE_SET)
    compared = gated.baseline if not gated.update_baseline else None
    old = read_baseline(compared) if compared else None
    thresholds = gated.thresholds or (None if asked.gold else THRESHOLDS)
    known = limits(thresholds, {case.slice for case in cases}) if thresholds else []

    def check(made_with: Fingerprints) -> None:
        if old:
            alike(old, made_with, same_system=gated.same_system)

    report = _reported(cases, asked, how, check, quiet=quiet)
    comparison = compare(old, report, same_system=gated.same_system) if old else None
    failed = missed(report, known)
    gate = decide(report, failed, comparison, max_failed_share=how.max_failed, known=known)
    return report, gate


def _reported(
    cases: list[Case],
    asked: Asked,
    how: _How,
    check: Callable[[Fingerprints], None],
    *,
    quiet: bool,
) -> Report:
    """Return the report of a run, once `check` lets it begin."""
    from api.commands.judging import build_judge
    from evals.cache import Cache
    from evals.judges.judge import RememberingJudge
    from evals.judges.records import JUDGES, judge_report
    from evals.metrics import Prices
    from evals.run import run
    from evals.summary import fingerprints, summary

    prices = how.prices
    cost = options.valid(Prices, prompt=prices[0], completion=prices[1]) if prices else None
    judge = build_judge(how.judge_url, how.judge_model, votes=how.judge_votes, prices=prices)
    about = judge_report(judge, today=datetime.now(UTC).date(), path=how.judges or JUDGES)
    with closing(Cache(how.cache)) as replies, asking(asked, quiet=quiet) as target:
        system = target.system()
        made_with = fingerprints(cases, system, judge.info.fingerprint)
        check(made_with)
        began = time.monotonic()
        with _progress(len(cases), quiet) as advance:
            results = run(
                cases,
                target,
                RememberingJudge(judge, replies),
                concurrency=how.concurrency,
                cache=replies,
                prices=cost,
                max_failed_share=how.max_failed,
                system=system,
                progress=advance,
            )
        elapsed_s = time.monotonic() - began
    return summary(results, made_with=made_with, judge=about, elapsed_s=elapsed_s)


def _keep(baseline: Path, report: Report, gate: Gate) -> None:
    """Write the run to the baseline's file, unless it is no measurement."""
    from evals.baseline import baseline_of, write_baseline

    if gate.invalid:
        _say(f"baseline {baseline} not written: this is no valid measurement")
    else:
        write_baseline(baseline, baseline_of(report, now=datetime.now(UTC)))
        _say(f"baseline {baseline} written: {report.cases} cases")


def _check(asked: Asked, written: _Written, gated: _Gated) -> None:
    """Raise for what would only show after the run, when it has cost time and money."""
    from evals.baseline import read_baseline
    from rag.errors import InputError

    baseline, update = gated.baseline, gated.update_baseline
    if update and not baseline:
        raise InputError("--update-baseline needs the file: --baseline FILE")
    if update and baseline and baseline.exists():
        try:
            read_baseline(baseline)
        except InputError as exc:
            raise InputError(
                f"{baseline} exists and is no baseline that can be read: name another file, or "
                "delete it if it is an old one"
            ) from exc
    for path in (*written, baseline):
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise InputError(f"{path} cannot be written: name a file in a folder that exists")
    if asked.gold is None and (asked.corpus or asked.data_dir):
        raise InputError("name the questions that are asked of these articles: --set FILE")
    if asked.url and asked.now:
        raise InputError("a server has a clock of its own: --now cannot be used with --url")


def _say(text: str) -> None:
    print(f"dateline: {text}", file=sys.stderr)


def _show(report: Report, gate: Gate, written: _Written, *, as_json: bool) -> None:
    """Print the report and write the files that are asked for."""
    from rich.console import Console

    from api.commands.render_eval import show_report
    from evals.reports.junit import to_junit
    from evals.reports.page import to_html
    from evals.reports.report import to_json, to_markdown

    for path, form in zip(written, (to_html, to_markdown, to_junit), strict=True):
        if path is not None:
            _write(path, form(report, gate))
    if as_json:
        sys.stdout.write(to_json(report, gate))
    else:
        show_report(Console(), report, gate)


def _write(path: Path, text: str) -> None:
    from rag.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from exc


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[object], None]]:
    """Yield what advances a bar, which is shown on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Console(stderr=True)
    with Progress(console=bar, disable=quiet or not bar.is_terminal) as progress:
        task = progress.add_task("asking", total=total)
        yield lambda _: progress.advance(task)


def _need_extra() -> None:
    """Raise unless the libraries of the harness are installed."""
    from rag.errors import ConfigurationError

    try:
        import ir_measures  # noqa: F401 - only whether it is there
        import scipy  # noqa: F401
    except ImportError as exc:
        raise ConfigurationError(
            "the evaluation harness is an extra: pip install 'dateline[evals]'"
        ) from exc
