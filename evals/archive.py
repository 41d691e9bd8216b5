"""An archive to ask: articles in an index of their own, or an index that is there.

>>> with library(read([SAMPLE_CORPUS])) as target:
...     target.ask(Question(text="Who was blamed for the Taji attack?"), insist=False)
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from evals.gold.formats import articles
from evals.targets import Library
from ingest.pipeline import IngestReport, Pipeline
from ingest.read import Read, Rejected
from ingest.split import Splitter
from rag.errors import InputError
from rag.index import Index
from rag.settings import Settings
from rag.wiring import build_answerer, open_index

Advance = Callable[[Read | Rejected], None]


@contextmanager
def library(
    corpus: Iterable[Read | Rejected] | None = None,
    *,
    settings: Settings | None = None,
    now: datetime | None = None,
    advance: Advance = lambda _: None,
) -> Iterator[Library]:
    """Yield a target over `corpus`, which is read into a fresh index, or over the settings' index.

    Args: advance: called with each article that is read.
    Raises: InputError when nothing of `corpus` can be read; what `open_index` raises.
    """
    chosen = settings or Settings()
    if corpus is None:
        if not chosen.data_dir.exists():
            raise InputError(f"there is no index at {chosen.data_dir}: `dateline ingest` makes one")
        with open_index(chosen) as index:
            if not index.catalog.counts().articles:
                raise InputError(f"the index at {chosen.data_dir} holds no article")
            yield _asking(index, chosen, now)
        return
    with tempfile.TemporaryDirectory(prefix="dateline-") as folder:
        # A catalog elsewhere, which the environment may name, is somebody's archive.
        fresh = {"data_dir": Path(folder), "database_url": None}
        chosen = chosen.model_copy(update=fresh)
        with open_index(chosen) as index:
            pipeline = Pipeline(index, Splitter(chosen.passage_tokens))
            _checked(pipeline.run(corpus, progress=advance))
            yield _asking(index, chosen, now)


def brought_by(gold: Path, options: str) -> list[Read]:
    """Return the articles that a gold set brings along, as SQuAD files do.

    Raises: InputError that names the `options` which say what it is asked of, if it brings none.
    """
    own = articles(gold)
    if not own:
        raise InputError(
            f"{gold} brings no articles of its own: name what it is asked of with {options}"
        )
    return [Read(article=article, origin=str(gold), alone=False) for article in own]


def _asking(index: Index, settings: Settings, now: datetime | None) -> Library:
    answerer = build_answerer(index, threads=settings.threads, settings=settings)
    llm = (
        settings.llm_model,
        settings.llm_url,
        settings.llm_max_tokens,
        settings.llm_context_tokens,
    )
    return Library(answerer, index, now=now, llm=repr(llm) if settings.llm_url else "")


def _checked(report: IngestReport) -> None:
    """Raise unless all was read: what is asked about half a corpus measures the other half."""
    if report.errors:
        listed = "; ".join(f"{e.file}: {e.reason}" for e in report.errors[:5])
        raise InputError(f"the corpus was not read as a whole: {listed}")
    if not report.counts.created:
        raise InputError("no article was read: name files or folders of articles as the corpus")
