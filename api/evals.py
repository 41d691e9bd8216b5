"""`dateline eval`: gold questions to a fresh index, yours or a server, and a gate on what came of it.

Exit codes: 0 passed, 1 worse, 2 no valid measurement.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import options
from api.options import Json

if TYPE_CHECKING:
    from evals.results import CaseResult, Report
    from evals.targets import Target

app = typer.Typer(invoke_without_command=True)


@app.callback()
def eval_(
    context: typer.Context,
    gold: Annotated[Path | None, typer.Option("--set", help="Gold questions.")] = None,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Articles they are asked of; repeatable.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Ask the index that is here instead of a fresh one.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Ask the Dateline server at this address.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="DATELINE_API_KEY", help="Its key.", show_envvar=True)
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(help="The time that “last week” counts from (default: the newest article's)."),
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
        typer.Option(help="Cost of a million prompt and completion tokens."),
    ] = None,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file of the gate.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Put gold questions to a fresh index of the sample articles, or yours, and gate on it."""
    if context.invoked_subcommand:
        return
    from rich.console import Console

    from api.render import show_report
    from evals.cache import Cache
    from evals.cases import SAMPLE_SET, load
    from evals.run import THRESHOLDS, failures, run
    from evals.score import Prices
    from evals.summary import fingerprints, summary
    from rag.support import SupportJudge

    cases = load(gold or SAMPLE_SET)
    judge = SupportJudge(threads=1)
    with _target(corpus, data_dir, url, api_key, now, quiet=as_json) as target:
        began = time.monotonic()
        with _progress(len(cases), quiet=as_json) as advance:
            results = run(
                cases,
                target,
                judge,
                concurrency=concurrency,
                cache=Cache(cache),
                prices=Prices(*prices) if prices else None,
                max_failed_share=max_failed,
                progress=advance,
            )
        report = summary(
            results,
            made_with=fingerprints(cases, target.system(), "support"),
            judge=None,
            elapsed_s=time.monotonic() - began,
        )
    sys.stdout.write(report.model_dump_json(indent=1) if as_json else "")
