"""An index as the commands use it: open, fed, asked.

>>> with open_data(Path("/tmp/archive")) as opened:
...     opened.index.check().clean
True
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.commands import options

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Engine

    from ingest.pipeline import IngestReport, Pipeline
    from rag.answer import Answerer
    from rag.index import Index
    from rag.settings import Settings
    from rag.types import Answer, Evidence, Question


@dataclass(frozen=True)
class Opened:
    """An open index and the settings it was opened with."""

    index: Index
    settings: Settings

    def answerer(self) -> Answerer:
        """Return an answerer over the index."""
        from rag.wiring import build_answerer

        return build_answerer(self.index, threads=self.settings.threads, settings=self.settings)

    def ask(
        self, question: Question, *, now: datetime, session_id: str | None = None
    ) -> tuple[Evidence, Answer]:
        """Return the answer with its evidence; in a conversation, begun if it is not there.

        Raises: InputError when `session_id` cannot be one.
        """
        answerer = self.answerer()
        if session_id is None:
            evidence = answerer.prepare(question, now=now)
            return evidence, answerer.complete(evidence, now=now)
        from api.asking import Desk
        from api.auth import ANONYMOUS
        from api.schemas.sessions import SessionIn
        from api.stores.sessions import Sessions

        wanted = options.valid(SessionIn, id=session_id)
        sessions = Sessions(self.index.catalog.engine, keep_days=self.settings.keep_days)
        sessions.create(ANONYMOUS, now=now, asked_id=wanted.id)
        desk = Desk(answerer, sessions)
        asked = desk.prepare(question, ANONYMOUS, now=now, session_id=wanted.id)
        return asked.evidence, desk.complete(asked)

    def pipeline(self) -> Pipeline:
        """Return a pipeline into the index."""
        from ingest.pipeline import Pipeline
        from ingest.split import Splitter

        return Pipeline(self.index, Splitter(self.settings.passage_tokens))

    def ingest(self, paths: list[Any], *, quiet: bool) -> IngestReport:
        """Take in what `paths` name, with a progress bar unless `quiet` or piped."""
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        from ingest.read import read

        bar = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.completed} articles"), TimeElapsedColumn())
        with Progress(*columns, console=bar, disable=quiet or not bar.is_terminal) as progress:
            task = progress.add_task("", total=None)
            return self.pipeline().run(read(paths), progress=lambda _: progress.advance(task))


@contextmanager
def open_data(data_dir: Path | None, *, accept: bool = True) -> Iterator[Opened]:
    """Hold the data directory and yield it open; raises what `open_index` raises."""
    from rag.wiring import open_index

    settings = options.settings(data_dir)
    with open_index(settings, accept=accept) as index:
        yield Opened(index, settings)


@contextmanager
def database(data_dir: Path | None, *, make: bool = False) -> Iterator[Engine]:
    """Yield the database beside the archive, without its lock: a server may hold that.

    Raises InputError where there is none, unless `make`: a mistyped folder must not be made.
    """
    from rag.catalog import open_engine
    from rag.errors import InputError

    settings = options.settings(data_dir)
    if settings.database_url is None:
        if make:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        elif not (settings.data_dir / "catalog.sqlite3").exists():
            raise InputError(f"there is no archive in {settings.data_dir}; see --data-dir")
    engine = open_engine(settings.catalog_url)
    try:
        yield engine
    finally:
        engine.dispose()
