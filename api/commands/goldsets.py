"""`dateline eval validate`, `init` and `judge`: what an evaluation stands on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from evals.cases import Case
    from evals.gold.validate import Validation
    from rag.types import Article

_MOST_TOLD = 20


def validate(
    gold: Annotated[Path, typer.Argument(help="Gold questions: JSONL, SQuAD, CSV or TSV.")],
    *,
    corpus: Annotated[
        list[str] | None, typer.Option(help="Articles they are asked of; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a set of gold questions holds and all that is wrong with it.

    With the articles also whether each quote stands in them letter for letter. Exit code 2 when the
    set cannot be run; warnings alone are 0.
    """
    from evals import cases
    from evals.gold import formats
    from evals.gold.validate import validate as validation

    found = cases.read(gold)
    own = formats.articles(gold) if corpus is None else []
    report = validation(found, _articles(corpus) if corpus else own or None)
    if as_json:
        _print_json(report.model_dump(mode="json") | {"valid": report.valid})
    else:
        _tell_validation(report)
    raise typer.Exit(0 if report.valid else 2)


def init(
    articles: Annotated[list[str], typer.Argument(help="Files, folders or glob patterns.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write, as JSON Lines.")],
    questions: Annotated[int, typer.Option(min=1, help="How many questions at most.")] = 30,
    seed: Annotated[int, typer.Option(help="Another seed drafts other questions.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Draft gold questions from your articles, for you to read, mend and delete.

    By rules for English, without a language model; a fifth of them ask what no article answers.
    """
    from evals.gold.draft import draft
    from rag.errors import InputError

    if out.exists() and not force:
        raise InputError(f"{out} exists; name another file, or say --force to lose what is in it")
    cases = draft(_articles(articles), questions=questions, seed=seed)
    if not cases:
        raise InputError("no sentence of these articles made a question; write them by hand")
    lines = [case.model_dump_json(exclude_defaults=True) + "\n" for case in cases]
    try:
        out.write_text("".join(lines), encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{out} cannot be written: {exc.strerror}") from exc
    _tell_drafted(out, cases, asked=questions)


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
    from api.commands.judging import measure, show_measured

    found = measure(
        pairs, llm_url, llm_model, votes=votes, prices=prices, limit=limit, quiet=as_json
    )
    if record:
        from evals.judges.records import write_record

        write_record(found.agreement, record)
    if as_json:
        sys.stdout.write(json.dumps(found.model_dump(mode="json"), indent=2) + "\n")
    else:
        show_measured(found)
    # What was never scored says nothing about the judge.
    raise typer.Exit(0 if found.agreement.overall.coverage else 2)


def _tell_validation(report: Validation) -> None:
    from rich.table import Table
    from rich.text import Text

    console = _console()
    table = Table("slice", "answerable", "unanswerable", box=None, header_style="dim")
    for name, count in report.slices.items():
        table.add_row(Text(name), str(count.answerable), str(count.unanswerable))
    table.add_row("all", str(report.answerable), str(report.unanswerable), style="bold")
    console.print(table)
    if report.articles is not None:
        console.print(f"compared with {report.articles} articles", highlight=False)
    if report.unreviewed:
        console.print(f"{report.unreviewed} cases are drafts that nobody has reviewed")
    for label, style, found in (
        ("problem", "red", report.problems),
        ("warning", "yellow", report.warnings),
    ):
        for one in found[:_MOST_TOLD]:
            console.print(Text.assemble((f"{label} ", style), str(one)), soft_wrap=True)
        if len(found) > _MOST_TOLD:
            console.print(f"and {len(found) - _MOST_TOLD} more {label}s", highlight=False)
    console.print(Text("valid", "green") if report.valid else Text("not valid", "red"))


def _tell_drafted(out: Path, cases: list[Case], *, asked: int) -> None:
    console = _console()
    without = sum(not case.answerable for case in cases)
    console.print(
        f"{len(cases)} questions drafted into {out}, {without} of them without an answer"
        + (f" ({asked} were asked for; the articles gave no more)" if len(cases) < asked else ""),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        "They were made by rules and some are stilted, ambiguous or wrong: read each one, then mend"
        ' it or delete it,\nand take "not reviewed" out of its provenance. Look them over with\n'
        f"  dateline eval validate {out} --corpus ARTICLES",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _articles(paths: list[str]) -> Iterator[Article]:
    """Yield the articles of `paths`; what cannot be read is told on standard error."""
    from ingest.read import Rejected, read

    for item in read(paths):
        if isinstance(item, Rejected):
            line = f", line {item.line}" if item.line else ""
            print(f"dateline: {item.file}{line}: {item.reason}", file=sys.stderr)
        else:
            yield item.article


def _console() -> Console:
    from rich.console import Console

    return Console()


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
