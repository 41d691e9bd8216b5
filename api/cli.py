"""The `dateline` command.

Exit codes: 0 done, 1 not good (no answer, another answer, something rejected, gate failed, index
not clean, output that cannot be written), 2 bad usage, input or settings, 3 something below us is
unavailable. Everything heavy is imported inside the command that needs it, so that
`dateline --help` answers at once.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

from api.commands import asking
from api.commands.chat import chat
from api.commands.late import late
from api.commands.mcp import mcp
from api.commands.opened import open_data
from api.commands.options import DataDir, Json, now, print_json, settings

if TYPE_CHECKING:
    from rich.console import Console

    from rag.settings import Settings

# Commands with commands of their own, and the modules that have them as `app`.
GROUPS = {
    "eval": "api.commands.evals",
    "feedback": "api.commands.feedback",
    "keys": "api.commands.keys",
    "slack": "api.commands.slack",
}

# Commands that are over in a moment, and more objects than a question to a server makes.
SHORT = ("ask", "search")
_MANY_OBJECTS = 150_000

app = typer.Typer(
    cls=late(GROUPS),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

DEMO_QUESTIONS = (
    "Who was blamed for the Taji attack?",
    "How many coalition members were killed at Camp Taji?",
    "How do I bake sourdough bread?",
)


def _version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dateline {version('dateline')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback obeys it
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Cited answers over an archive of news articles."""
    if ctx.invoked_subcommand in SHORT:
        _leave_garbage()


def _leave_garbage() -> None:
    """Look for garbage seldom, and not when Python ends: there is none among what is imported.

    Looking is a sixth of a short command.
    """
    gc.set_threshold(_MANY_OBJECTS)
    atexit.register(gc.freeze)


def main() -> None:
    """Run the command line; errors that we raise on purpose become a message and an exit code."""
    from rag.errors import DatelineError, DependencyError

    _prepare_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except Unwritten as exc:
        # What is left of it would be tried again at the end.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 until the end
        # Whoever reads no further wants to hear no more, as Typer and Rich have it, too.
        if exc.errno != errno.EPIPE:
            print(f"dateline: the output cannot be written: {exc.strerror}", file=sys.stderr)
        sys.exit(1)
    except DatelineError as exc:
        # It may hold words of a server.
        from api.commands.render import shown

        print(f"dateline: {shown(str(exc))}", file=sys.stderr)
        sys.exit(3 if isinstance(exc, DependencyError) else 2)


def _prepare_streams() -> None:
    """Have all three, which whoever started us may have closed, and let no letter end a command."""
    # The lowest number is taken first, so that none of our files becomes one of them.
    nothing = Path(os.devnull)
    sys.stdin = sys.stdin or nothing.open(encoding="utf-8")
    sys.stdout = sys.stdout or nothing.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nothing.open("w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        # Not all encodings have a ✓: those of old terminals, and of pipes on Windows.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = cast("TextIO", _Output(sys.stdout))


class Unwritten(OSError):
    """Standard output takes no more: its disk is full, or its reader is gone."""


class _Output:
    """Standard output, whose failures are told from those of all other files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # Any: whatever the stream has
        return getattr(self._stream, name)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise Unwritten(exc.errno, exc.strerror) from exc


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
        print_json(report.model_dump(mode="json") | {"counts": report.counts._asdict()})
    else:
        show_ingest(_console(), report)
    raise typer.Exit(1 if report.counts.failed else 0)


app.command()(asking.ask)
app.command()(chat)
app.command()(asking.search)
app.command()(asking.replay)


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


app.command()(mcp)


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
        print_json(report.model_dump(mode="json"))
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
    from api.commands.render import terminal

    return terminal()


if __name__ == "__main__":
    main()
