"""`dateline serve`, and `demo`: the sample articles asked, and served with the page.

dateline demo --page
dateline serve --data-dir archive --port 8321
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opened import open_data
from api.commands.options import DataDir, Json, now, print_json, settings

if TYPE_CHECKING:
    from rag.settings import Settings

DEMO_QUESTIONS = (
    "Who was blamed for the Taji attack?",
    "How many coalition members were killed at Camp Taji?",
    "How do I bake sourdough bread?",
)


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
    from api.commands.render import show_answer, show_ingest, terminal
    from evals.cases import SAMPLE_CORPUS
    from rag.types import Question

    console = terminal()
    with open_data(folder) as opened:
        report = opened.ingest([SAMPLE_CORPUS], quiet=json)
        answerer = opened.answerer()
        answers = [answerer.answer(Question(text=q), now=now()) for q in DEMO_QUESTIONS]
    if json:
        print_json([answer.model_dump(mode="json") for answer in answers])
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
