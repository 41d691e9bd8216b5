"""Articles into the index: new ones are written, changed ones replaced, known ones left alone.

>>> report = Pipeline(index, Splitter(200)).run(read(["articles/"]))
>>> report.counts
Counts(seen=31, created=31, updated=0, unchanged=0, retired=0, failed=0)

Running it again is a no-op; running it again after a crash finishes what the crash cut short.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from pydantic import Field

from ingest.read import Read, Rejected
from ingest.split import Splitter
from rag.catalog import Staged
from rag.index import Index
from rag.types import Article, Value

BATCH_ARTICLES = 32

Status = Literal["created", "updated", "unchanged", "duplicate"]


class Outcome(Value):
    """What became of one article."""

    article_id: str
    status: Status
    duplicate_of: str | None = None
    passages: int
    content_hash: str


class Counts(NamedTuple):
    """How many articles were seen, and what became of them."""

    seen: int
    created: int
    updated: int
    unchanged: int
    retired: int
    failed: int


class IngestReport(Value):
    """What a run did; nothing that was seen is missing from it."""

    counts: Counts
    passages: int = Field(description="written in this run")
    errors: tuple[Rejected, ...]
    retired: tuple[str, ...] = Field(description="articles whose file now holds another one")
    elapsed_s: float


class _Seen(NamedTuple):
    """What a run remembers of an article: not its text, an archive is larger than the memory."""

    content_hash: str
    origin: str
    alone: bool


class Pipeline:
    """Writes into one index."""

    def __init__(self, index: Index, splitter: Splitter) -> None:
        """Write into `index` the passages that `splitter` cuts."""
        self._index = index
        self._splitter = splitter

    def run(
        self,
        items: Iterable[Read | Rejected],
        *,
        progress: Callable[[Read | Rejected], None] = lambda _: None,
    ) -> IngestReport:
        """Take in all of `items`, telling `progress` of each once it is safe; report at the end.

        A rejected item is reported and the rest goes on. Of two different articles with one id the
        first stays and the second is reported, so that the order of files never flips an answer.
        When all is written, articles whose file now holds another one are removed.
        """
        began = time.perf_counter()
        self._index.recover()
        statuses: Counter[Status] = Counter()
        passages = 0
        errors: list[Rejected] = []
        files: dict[str, str] = {}
        first: dict[str, _Seen] = {}
        for batch in _batches(items):
            good, bad = _apart(batch, first)
            errors += bad
            written = self._write([item.article for item in good], [_sole(item) for item in good])
            files |= {item.origin: item.article.article_id for item in good if item.alone}
            statuses.update(outcome.status for outcome in written)
            passages += sum(o.passages for o in written if o.status != "unchanged")
            for item in batch:
                progress(item)
        retired = self._retire_moved(files, first)
        counts = Counts(
            seen=statuses.total() + len(errors),
            created=statuses["created"],
            updated=statuses["updated"],
            unchanged=statuses["unchanged"],
            retired=len(retired),
            failed=len(errors),
        )
        return IngestReport(
            counts=counts,
            passages=passages,
            errors=tuple(errors),
            retired=tuple(retired),
            elapsed_s=round(time.perf_counter() - began, 3),
        )

    def put(self, article: Article) -> Outcome:
        """Take in one article."""
        self._index.recover()
        [outcome] = self._write([article], [None])
        if outcome.status != "unchanged":
            return outcome
        known = len(self._index.catalog.passages_of(article.article_id))
        return outcome.model_copy(update={"passages": known})

    def reindex(self) -> int:
        """Cut, embed and index everything in the catalog anew; return how many articles."""
        return self._index.rebuild(self._splitter.cut)

    def _write(self, articles: Sequence[Article], origins: Sequence[str | None]) -> list[Outcome]:
        """Put what is new or changed; `origins` names the file that an article is alone in."""
        known = self._index.catalog.live_hashes([article.article_id for article in articles])
        staged: dict[str, Staged] = {}
        outcomes = []
        for article, origin in zip(articles, origins, strict=True):
            before = known.get(article.article_id)
            status: Status = "updated" if before else "created"
            if article.content_hash == before or article.article_id in staged:
                status = "unchanged"
            else:
                cut = self._splitter.cut(article)
                staged[article.article_id] = Staged(article, cut, origin)
            outcomes.append(
                Outcome(
                    article_id=article.article_id,
                    status=status,
                    passages=0 if status == "unchanged" else len(cut),
                    content_hash=article.content_hash,
                )
            )
        self._index.put(list(staged.values()))
        return outcomes

    def _retire_moved(self, files: Mapping[str, str], first: Mapping[str, _Seen]) -> list[str]:
        """Remove articles whose file, theirs alone, now holds another; return their ids.

        `files` names the article of each file that holds one; `first` all articles of the run:
        those are somewhere, even when files were renamed or changed places.
        """
        catalog = self._index.catalog
        moved = sorted(set().union(*catalog.live_from(list(files)).values()) - first.keys())
        self._index.delete(moved)
        catalog.set_origins({i: seen.origin if seen.alone else None for i, seen in first.items()})
        return moved


def _sole(item: Read) -> str | None:
    return item.origin if item.alone else None


def _apart(
    batch: Sequence[Read | Rejected], first: dict[str, _Seen]
) -> tuple[list[Read], list[Rejected]]:
    """Part what may be written from what may not. `first` holds the run's articles by id."""
    good: list[Read] = []
    bad: list[Rejected] = []
    for item in batch:
        if isinstance(item, Rejected):
            bad.append(item)
            continue
        seen = _Seen(item.article.content_hash, item.origin, item.alone)
        earlier = first.setdefault(item.article.article_id, seen)
        if earlier.content_hash == seen.content_hash:
            good.append(item)
        else:
            bad.append(_clash(item, earlier))
    return good, bad


def _clash(item: Read, earlier: _Seen) -> Rejected:
    same = item.article.url or item.article.article_id
    return Rejected(
        file=item.origin,
        reason=f"another article of this run is {same} already ({earlier.origin}); keep one of "
        "them, or give each an id or a url of its own",
    )


def _batches(items: Iterable[Read | Rejected]) -> Iterator[list[Read | Rejected]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH_ARTICLES)):
        yield batch
