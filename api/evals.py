"""`dateline eval`: gold questions to a fresh index or yours, and a gate on what came of them.

Exit codes: 0 passed, 1 worse, 2 not a valid measurement.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.opened import open_data
from api.options import Json

app = typer.Typer(invoke_without_command=True)


@app.callback()
def eval_(
    context: typer.Context,
    gold: Annotated[Path | None, typer.Option("--set", help="Gold questions as JSONL.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Articles they are asked of.")] = None,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file of the gate.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Put gold questions to a fresh index of the sample articles, or yours, and gate on it."""
    if context.invoked_subcommand:
        return
    import tempfile

    from rich.console import Console

    from api.render import show_report
    from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, load
    from evals.run import THRESHOLDS, failures, run, summary

    cases = load(gold or SAMPLE_SET)
    with (
        tempfile.TemporaryDirectory(prefix="dateline-") as folder,
        open_data(Path(folder)) as opened,
    ):
        opened.ingest([corpus or SAMPLE_CORPUS], quiet=as_json)
        fetch = opened.index.catalog.get
        results = run(cases, opened.answerer(), fetch, now=datetime.now(UTC))
        report = summary(results, index_fingerprint=opened.index.fingerprint)
    failed = failures(report, thresholds or THRESHOLDS)
    if as_json:
        gate = {"failures": [failure.model_dump() for failure in failed]}
        value = report.model_dump(mode="json") | gate
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    else:
        show_report(Console(), report, failed)
    raise typer.Exit(1 if failed else 0)


@app.command()
def judge(
    pairs: Annotated[Path, typer.Argument(help="JSONL: premise, claim, supported; set, if any.")],
    llm_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible URL; default: our support model.")
    ] = None,
    llm_model: Annotated[str | None, typer.Option(help="The model there.")] = None,
    votes: Annotated[int, typer.Option(help="Votes of it for each verdict.")] = 3,
    prices: Annotated[
        tuple[float, float] | None,
        typer.Option(help="What a million tokens of prompt and of completion cost."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Pairs to draw; default: all.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write the figures into this file of records.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Measure how far a judge agrees with people, by set, on pairs that they labelled.

    Up to 100 pairs are judged twice more, with words of another passage beside the passage.
    """
    from api.judging import measure, show_measured

    found = measure(
        pairs, llm_url, llm_model, votes=votes, prices=prices, limit=limit, quiet=as_json
    )
    if record:
        from evals.records import write_record

        write_record(found.agreement, record)
    if as_json:
        sys.stdout.write(json.dumps(found.model_dump(mode="json"), indent=2) + "\n")
    else:
        show_measured(found)
    # What was never scored says nothing about the judge.
    raise typer.Exit(0 if found.agreement.overall.coverage else 2)
