"""The `dateline` command.

Exit codes: 0 done, 1 not good (no answer, another answer, something rejected, gate failed, index
not clean), 2 bad usage, input or settings, 3 something below us is unavailable. Everything heavy is
imported inside the command that needs it, so that `dateline --help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.evals import app as eval_app
from api.commands.feedback import app as feedback_app
from api.commands.keys import app as keys_app
from api.commands.opened import open_data
from api.commands.options import (
    After,
    Articles,
    AsOf,
    Before,
    BundleFile,
    DataDir,
    Json,
    Mode,
    Sources,
    filters,
    settings,
    valid,
)

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from rag.settings import Settings

app = typer.Typer(
    help="Cited answers over an archive of news articles.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.add_typer(eval_app, name="eval")
app.add_typer(feedback_app, name="feedback")
app.add_typer(keys_app, name="keys")

DEMO_QUESTIONS = (
    "Who was blamed for the Taji attack?",
    "How many coalition members were killed at Camp Taji?",
    "How do I bake sourdough bread?",
)


def main() -> None:
    """Run the command line; errors that we raise on purpose become a message and an exit code."""
    from rag.errors import DatelineError, DependencyError

    try:
        app()
    except DatelineError as exc:
        print(f"dateline: {exc}", file=sys.stderr)
        sys.exit(3 if isinstance(exc, DependencyError) else 2)


@app.command()
def demo(
    *,
    page: Annotated[
        bool, typer.Option("--page", help="Then serve them, with the page, until stopped.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Port of the page.")] = None,
    json: Json = False,
) -> None:
    """Load the sample articles into a temporary directory and ask them three questions."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="dateline-") as folder:
        _ask_samples(Path(folder), json=json)
        if page:
            _serve(settings(Path(folder), port=port))


def _ask_samples(folder: Path, *, json: bool) -> None:
    from api.commands.render import show_answer, show_ingest
    from evals.cases import SAMPLE_CORPUS
    from rag.types import Question

    console = _console()
    with open_data(folder) as opened:
        report = opened.ingest([SAMPLE_CORPUS], quiet=json)
        answerer = opened.answerer()
        answers = [answerer.answer(Question(text=q), now=_now()) for q in DEMO_QUESTIONS]
    if json:
        _print_json([answer.model_dump(mode="json") for answer in answers])
        return
    show_ingest(console, report)
    for question, answer in zip(DEMO_QUESTIONS, answers, strict=True):
        console.print()
        show_answer(console, question, answer)
    console.print(
        "\nNow with your own articles (text, HTML, Markdown, JSON, JSONL, PDF, folders of them):\n"
        "  dateline ingest PATH…\n  dateline ask 'your question'\n  dateline serve\n"
        "The page over these samples: dateline demo --page",
        highlight=False,
    )


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or glob patterns.")],
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Take articles in: new ones are added, changed ones replaced, known ones left alone."""
    from api.commands.render import show_ingest

    with open_data(data_dir) as opened:
        report = opened.ingest(paths, quiet=json)
    if json:
        _print_json(report.model_dump(mode="json") | {"counts": report.counts._asdict()})
    else:
        show_ingest(_console(), report)
    raise typer.Exit(1 if report.counts.failed else 0)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question; `-` reads it from stdin.")],
    *,
    data_dir: DataDir = None,
    json: Json = False,
    mode: Mode = "hybrid",
    top_k: Annotated[int, typer.Option(help="Passages to read.")] = 8,
    min_confidence: Annotated[
        float | None, typer.Option(help="0 to 1; 0 answers whenever a passage was found.")
    ] = None,
    after: After = None,
    before: Before = None,
    as_of: AsOf = None,
    source: Sources = None,
    article: Articles = None,
    bundle: BundleFile = None,
    session: Annotated[
        str | None, typer.Option(help="Go on with this conversation, or begin it.")
    ] = None,
) -> None:
    """Answer a question with verified citations."""
    from api.commands import bundles
    from api.commands.render import show_answer
    from rag.types import Question

    asked = valid(
        Question,
        text=sys.stdin.read().strip() if question == "-" else question,
        filters=filters(after, before, as_of, source, article),
        mode=mode,
        top_k=top_k,
        min_confidence=min_confidence,
    )
    with open_data(data_dir) as opened:
        evidence, answer = opened.ask(asked, now=_now(), session_id=session)
    if json and bundle != bundles.STANDARD:
        _print_json(answer.model_dump(mode="json"))
    elif bundle != bundles.STANDARD:
        show_answer(_console(), asked.text, answer)
    if bundle:
        bundles.write(bundle, evidence, answer)
    raise typer.Exit(1 if answer.answer_status == "no_answer" else 0)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A file of `ask --bundle`; `-`: standard input.")],
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Ask a bundle's question again, as of its own time, and say what changed."""
    from api.commands import bundles
    from api.commands.render import show_changes

    old = bundles.read(file)
    with open_data(data_dir) as opened:
        changes = bundles.replay(old, opened.answerer(), opened.index)
    if json:
        _print_json(changes.model_dump(mode="json"))
    else:
        show_changes(_console(), changes)
    raise typer.Exit(0 if changes.same_answer else 1)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    data_dir: DataDir = None,
    json: Json = False,
    mode: Mode = "hybrid",
    k: Annotated[int, typer.Option("-k", "--top-k", help="Passages to show.")] = 8,
    after: After = None,
    before: Before = None,
    as_of: AsOf = None,
    source: Sources = None,
    article: Articles = None,
) -> None:
    """Show the passages that match, without an answer."""
    from api.commands.render import show_hits
    from rag.retrieve import Retriever
    from rag.types import Question

    chosen = filters(after, before, as_of, source, article)
    asked = valid(Question, text=query, filters=chosen, mode=mode, top_k=k)
    with open_data(data_dir) as opened:
        hits = Retriever(opened.index).retrieve(asked, now=_now())
    if json:
        _print_json({"hits": [hit.model_dump(mode="json") for hit in hits]})
    elif hits:
        show_hits(_console(), hits)
    else:
        _console().print("nothing found")
    raise typer.Exit(0 if hits else 1)


@app.command()
def serve(
    *,
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Answer over HTTP, with a page for the browser, until stopped."""
    _serve(settings(data_dir, host=host, port=port))


def _serve(chosen: Settings) -> None:
    import uvicorn

    from api.app import create_app
    from api.auth import Keys
    from api.guards.access import check_exposure
    from api.guards.connections import options
    from api.heaps import few_heaps
    from api.watch import logs

    few_heaps()
    # What keeps the index from opening is better told here than in a server's traceback.
    with open_data(chosen.data_dir) as opened:
        check_exposure(chosen, Keys(opened.index.catalog.engine))
    if sys.stderr.isatty():
        name = "localhost" if chosen.host in ("127.0.0.1", "0.0.0.0", "::1") else chosen.host  # noqa: S104
        print(f"http://{name}:{chosen.port}/ until Ctrl-C", file=sys.stderr)
    logs.configure()
    uvicorn.run(create_app(chosen), **options(chosen))


@app.command()
def check(
    *,
    data_dir: DataDir = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what is wrong.")] = False,
    json: Json = False,
) -> None:
    """Compare catalog, vectors and BM25 with each other."""
    from api.commands.render import show_check

    with open_data(data_dir) as opened:
        report = opened.index.repair() if repair else opened.index.check()
    if json:
        _print_json(report.model_dump(mode="json"))
    else:
        show_check(_console(), report)
    raise typer.Exit(0 if report.clean else 1)


@app.command()
def reindex(*, data_dir: DataDir = None) -> None:
    """Build vectors and BM25 anew from the catalog, with the settings as they are now."""
    with open_data(data_dir, accept=False) as opened:
        count = opened.pipeline().reindex()
    _console().print(f"{count} articles indexed anew", highlight=False)


def _console() -> Console:
    from rich.console import Console

    return Console()


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _print_json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    main()
