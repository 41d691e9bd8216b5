"""Builds the parts from Settings; the only module that knows which part needs which.

>>> with open_index(Settings(data_dir="/tmp/archive")) as index:
...     index.check().clean
True
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rag.answer import Answerer
from rag.catalog import Catalog
from rag.embedder import Embedder
from rag.index import Index
from rag.lexical import Bm25
from rag.lock import DataDirectory
from rag.overlap import SentenceCounts
from rag.reader import SpanReader, load_weights
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.spans import SpanModel
from rag.vectors import Vectors


@contextmanager
def open_index(settings: Settings, *, accept: bool = True) -> Iterator[Index]:
    """Hold the data directory and yield its index; `accept=False` leaves a mismatch to the caller.

    Raises: IndexInUse, FingerprintMismatch, ConfigurationError, DependencyError.
    """
    directory = DataDirectory(settings.data_dir)
    try:
        index = _build(settings)
        try:
            if accept:
                index.accept()
            yield index
        finally:
            index.close()
    finally:
        directory.close()


def build_answerer(index: Index, *, threads: int = 0) -> Answerer:
    """Return the answerer over `index` that Dateline ships with.

    `threads` passages are read side by side; 0: one a core.
    """
    return Answerer(index, Retriever(index), build_reader(index, threads=threads))


def build_reader(index: Index, *, threads: int = 0) -> SpanReader:
    """Return the reader that Dateline ships with; words are as rare as they are in `index`."""
    counts = SentenceCounts(index.lexical)
    return SpanReader(counts, SpanModel(threads=threads), load_weights())


def _build(settings: Settings) -> Index:
    return Index(
        catalog=Catalog(settings.catalog_url),
        vectors=Vectors(settings.data_dir / "chroma"),
        passages=Bm25(settings.data_dir / "bm25" / "passages"),
        articles=Bm25(settings.data_dir / "bm25" / "articles"),
        embedder=Embedder(threads=settings.threads),
        splitter=settings.splitter,
    )
