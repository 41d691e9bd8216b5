"""Catalog, vectors and BM25 as one index: put, delete, search, check, repair.

The order of writing is what makes a crash harmless: the catalog first (`pending`), then the vectors
and the BM25 rows, then the catalog again (`live`), and last the old rows go. A search joins on live
rows, so whatever a crash leaves behind never answers, and `recover` finishes or sweeps it.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from pydantic import computed_field

from rag.catalog import SCHEMA_VERSION, Catalog, Staged
from rag.embedder import Embedder
from rag.errors import ConfigurationError, FingerprintMismatch
from rag.lexical import Bm25, Entry
from rag.nodes import NODES_VERSION
from rag.types import Article, Filters, Passage, RetrievalMode, Value
from rag.vectors import Vectors

Cut = Callable[[Article], Sequence[Passage]]


class Legs(NamedTuple):
    """What each leg found, best first: ids of passages, passages, articles with scores."""

    dense: list[tuple[str, float]]
    passages: list[tuple[str, float]]
    articles: list[tuple[str, float]]


class CheckReport(Value):
    """What `check` compared; every field but the first two should be 0."""

    articles: int
    passages: int
    pending: int
    unswept: int
    vectors_missing: int
    vectors_extra: int
    bm25_passages_missing: int
    bm25_passages_extra: int
    bm25_articles_missing: int
    bm25_articles_extra: int
    spans_wrong: int
    hashes_wrong: int

    @computed_field  # type: ignore[prop-decorator] # pydantic's documented form
    @property
    def clean(self) -> bool:
        """Whether the three stores hold exactly the same live passages."""
        return not any(value for name, value in self if name not in ("articles", "passages"))


class Index:
    """Holds the three stores; searches run beside a write, writes one after the other."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        vectors: Vectors,
        passages: Bm25,
        articles: Bm25,
        embedder: Embedder,
        splitter: str,
    ) -> None:
        """Join the stores. Nothing is checked: see `accept`."""
        self.catalog = catalog
        self.embedder = embedder
        self.lexical = passages
        self._vectors = vectors
        self._articles = articles
        self._writing = threading.RLock()
        self.recipe = (
            f"schema {SCHEMA_VERSION}, splitter {splitter}, embedder {embedder.fingerprint}, "
            f"nodes {NODES_VERSION}"
        )
        self.fingerprint = hashlib.sha256(self.recipe.encode()).hexdigest()[:16]

    def accept(self) -> None:
        """Stamp a new index with our fingerprint, or raise when it carries another one."""
        if not self.is_ours():
            self._stamp()

    def is_ours(self) -> bool:
        """Return whether the index carries our fingerprint; a new one carries none.

        Raises: ConfigurationError, FingerprintMismatch when it carries another one.
        """
        schema = self.catalog.meta("schema_version")
        if schema not in (None, SCHEMA_VERSION):
            raise ConfigurationError(
                f"catalog has schema {schema}, this version of Dateline needs {SCHEMA_VERSION}; "
                "ingest your articles into a new --data-dir"
            )
        recipe = self.catalog.meta("recipe")
        if recipe not in (None, self.recipe):
            raise FingerprintMismatch(
                f"the index was built with «{recipe}», these settings mean «{self.recipe}»; "
                "run `dateline reindex` on this data directory, or restore the settings"
            )
        return recipe is not None

    # -- writing -------------------------------------------------------------------------------

    def put(self, batch: Sequence[Staged]) -> None:
        """Make these versions live and their predecessors retired; a crash at any point is safe."""
        with self._writing:
            # Asked under the lock: another thread may have written the same version meanwhile.
            live = self.catalog.live_hashes([staged.article.article_id for staged in batch])
            fresh = [s for s in batch if live.get(s.article.article_id) != s.article.content_hash]
            if fresh:
                self.catalog.stage(fresh)
                self._write(fresh)
                self.catalog.publish([staged.version for staged in fresh])
                self._sweep()

    def delete(self, article_ids: Sequence[str]) -> list[str]:
        """Remove these articles with all that was derived from them; return those there were."""
        with self._writing:
            removed = self.catalog.withdraw(article_ids)
            self._sweep()
            return removed

    def recover(self) -> None:
        """Finish what an interrupted run left pending, and sweep what it left behind."""
        with self._writing:
            for batch in self.catalog.staged("pending"):
                self._write(batch)
                self.catalog.publish([staged.version for staged in batch])
            self._sweep()

    def rebuild(self, cut: Cut) -> int:
        """Write vectors and BM25 anew from the catalog, passages cut by `cut`; return how many."""
        with self._writing:
            self.catalog.set_meta("recipe", "unfinished reindex")
            for store in (self._vectors, self.lexical, self._articles):
                store.reset()
            # What an interrupted run left pending was cut by the old recipe: cut it anew, too.
            for batch in self.catalog.staged("pending"):
                self.catalog.publish([staged.version for staged in batch])
            done = 0
            for batch in self.catalog.staged("live"):
                fresh = [s._replace(passages=cut(s.article)) for s in batch]
                self.catalog.recut(fresh)
                self._write(fresh)
                done += len(fresh)
            self._stamp()
            self.recover()
            return done

    def repair(self) -> CheckReport:
        """Finish, sweep, write what is missing, remove what is too much; return the new state."""
        with self._writing:
            self.recover()
            passages, articles = self.catalog.live_ids()
            vectors, words, texts = self._stored_ids()
            self._vectors.delete(sorted(vectors - passages))
            self.lexical.delete(sorted(words - passages))
            self._articles.delete(sorted(texts - articles))
            lacking = passages - (vectors & words)
            for batch in self.catalog.staged("live"):
                broken = [
                    staged
                    for staged in batch
                    if staged.article.article_id not in texts
                    or any(p.passage_id in lacking for p in staged.passages)
                ]
                self._write(broken)
            return self.check()

    # -- reading -------------------------------------------------------------------------------

    def search(self, question: str, *, k: int, filters: Filters, mode: RetrievalMode) -> Legs:
        """Return the candidates of each leg, at most `k` each; `mode` may leave legs out."""
        dense: list[tuple[str, float]] = []
        passages: list[tuple[str, float]] = []
        articles: list[tuple[str, float]] = []
        if mode != "bm25":
            dense = self._vectors.search(self.embedder.embed([question])[0], k, filters)
        if mode != "dense":
            passages = self.lexical.search(question, k, filters)
            articles = self._articles.search(question, k, filters)
        return Legs(dense, passages, articles)

    def check(self) -> CheckReport:
        """Compare the stores with the catalog, and every passage and hash with its article."""
        passages, articles = self.catalog.live_ids()
        vectors, words, texts = self._stored_ids()
        counts = self.catalog.counts()
        spans = hashes = 0
        for staged in chain.from_iterable(self.catalog.staged("live")):
            article = staged.article
            spans += sum(
                p.text != article.text[p.start_char_index : p.end_char_index] or not p.text
                for p in staged.passages
            )
            hashes += article.computed_hash() != article.content_hash
        return CheckReport(
            **counts._asdict(),
            vectors_missing=len(passages - vectors),
            vectors_extra=len(vectors - passages),
            bm25_passages_missing=len(passages - words),
            bm25_passages_extra=len(words - passages),
            bm25_articles_missing=len(articles - texts),
            bm25_articles_extra=len(texts - articles),
            spans_wrong=spans,
            hashes_wrong=hashes,
        )

    def vectors_stored(self) -> int:
        """Return how many passages have a vector, those being written or swept included."""
        return self._vectors.count()

    def close(self) -> None:
        """Release the stores' files and connections."""
        self._vectors.close()
        self.catalog.close()

    # -- private -------------------------------------------------------------------------------

    def _write(self, batch: Sequence[Staged]) -> None:
        passages = [passage for staged in batch for passage in staged.passages]
        articles = {s.article.article_id: s.article for s in batch}
        if passages:
            texts = [embedded_text(articles[p.article_id].title, p.text) for p in passages]
            self._vectors.upsert(passages, articles, self.embedder.embed(texts))
            self.lexical.replace(
                Entry(p.passage_id, articles[p.article_id], text)
                for p, text in zip(passages, texts, strict=True)
            )
        self._articles.replace(
            Entry(a.article_id, a, embedded_text(a.title, a.text)) for a in articles.values()
        )

    def _sweep(self) -> None:
        passages = self.catalog.leftovers()
        gone = self.catalog.gone_articles()
        if passages:
            self._vectors.delete(passages)
            self.lexical.delete(passages)
        if gone:
            self._articles.delete(gone)
        self.catalog.sweep(passages)

    def _stored_ids(self) -> tuple[set[str], set[str], set[str]]:
        return self._vectors.ids(), self.lexical.ids(), self._articles.ids()

    def _stamp(self) -> None:
        self.catalog.set_meta("schema_version", SCHEMA_VERSION)
        self.catalog.set_meta("recipe", self.recipe)


def embedded_text(title: str, text: str) -> str:
    """Return what is embedded and indexed for a passage: its headline says what it is about."""
    return f"{title}. {text}"
