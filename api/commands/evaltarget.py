"""Whom `dateline eval` asks: a server, the index that is there, or a fresh one of some articles.

>>> with asking(Asked(gold, None, None, "http://127.0.0.1:8321", None, None), quiet=True) as target:
...     target.system().target
'http://127.0.0.1:8321'
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from api.commands import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evals.targets import Target
    from ingest.read import Read, Rejected


class Asked(NamedTuple):
    """Whom the questions are put to, of what."""

    gold: Path | None
    corpus: list[str] | None
    data_dir: Path | None
    url: str | None
    api_key: str | None
    now: str | None


@contextmanager
def asking(asked: Asked, *, quiet: bool) -> Iterator[Target]:
    """Yield whom to ask: a server, an index, or a fresh index of what the set is about."""
    from rich.console import Console

    from evals.archive import library
    from evals.targets import Server
    from rag.errors import InputError

    places = (asked.corpus, asked.data_dir, asked.url)
    if sum(place is not None for place in places) > 1:
        raise InputError("--corpus, --data-dir and --url exclude each other: name one place to ask")
    if asked.url:
        with closing(Server(asked.url, api_key=asked.api_key)) as server:
            yield server
        return
    now = options.filters(None, None, asked.now, None, None).as_of
    corpus = None if asked.data_dir else _corpus(asked)
    bar = Console(stderr=True)
    with (
        bar.status("reading the articles…") if not quiet and bar.is_terminal else _nothing(),
        library(corpus, settings=options.settings(asked.data_dir), now=now) as target,
    ):
        yield target


def _corpus(asked: Asked) -> Iterable[Read | Rejected]:
    """Return the articles that are named, else those that the set brings, else the sample's."""
    from evals.archive import brought_by
    from evals.cases import SAMPLE_CORPUS
    from ingest.read import read

    if asked.corpus:
        return read(asked.corpus)
    if asked.gold is None:
        return read([SAMPLE_CORPUS])
    return brought_by(asked.gold, "--corpus, --data-dir or --url")


@contextmanager
def _nothing() -> Iterator[None]:
    yield
