"""Texts in a BM25 index on disk, best match first; the only module that imports tantivy.

>>> index = Bm25(Path("/tmp/x/bm25"))
>>> index.replace([Entry("p1", "a1", "Rockets hit the base.")])
>>> index.search("rocket", 10, Filters())
[('p1', 0.287...)]

Questions are analysed, never parsed: no character of a question is query syntax.

Source: BM25 with k1 1.2 and b 0.75 (Robertson and Zaragoza, 2009), as Tantivy fixes them.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import tantivy
from tantivy import FieldType, Filter, Occur, Query, TextAnalyzerBuilder, Tokenizer

from rag.catalog import epoch_ceil_s, epoch_s
from rag.errors import DependencyError
from rag.types import ArticleMeta, Filters

_HEAP_BYTES = 32_000_000
_ANALYZER = "english"
_PRIOR_TEXTS, _PRIOR_HOLDING = 100, 2


class Entry(NamedTuple):
    """A text to find by its words, under an id, with what filters need of its article."""

    id: str
    article: ArticleMeta
    text: str


class Bm25:
    """Holds one Tantivy index; a change is visible to searches when its call returns."""

    def __init__(self, directory: Path) -> None:
        """Open the index in `directory`, creating it when it is new."""
        directory.mkdir(parents=True, exist_ok=True)
        try:
            self._index = tantivy.Index(_schema(), str(directory))
        except (ValueError, OSError) as exc:
            raise DependencyError(f"BM25 index {directory} cannot be opened: {exc}") from exc
        self._analyzer = _analyzer()
        self._index.register_tokenizer(_ANALYZER, self._analyzer)

    def count(self) -> int:
        """Return how many texts are stored."""
        return self._index.searcher().num_docs

    def replace(self, entries: Iterable[Entry]) -> None:
        """Store the texts under their ids, in place of what was there."""
        writer = self._index.writer(_HEAP_BYTES, num_threads=1)
        for entry in entries:
            writer.delete_documents_by_term("id", entry.id)
            writer.add_document(_document(entry))
        self._finish(writer)

    def delete(self, ids: Iterable[str]) -> None:
        """Remove these texts; ids that are not there are ignored."""
        writer = self._index.writer(_HEAP_BYTES, num_threads=1)
        for item in ids:
            writer.delete_documents_by_term("id", item)
        self._finish(writer)

    def search(self, question: str, k: int, filters: Filters) -> list[tuple[str, float]]:
        """Return up to `k` (id, BM25 score), best first; empty when no word is known."""
        words = [
            (Occur.Should, Query.term_query(self._index.schema, "text", term))
            for term in sorted(set(self.terms(question)))
        ]
        if not words:
            return []
        query = Query.boolean_query(
            [(Occur.Must, Query.boolean_query(words)), *self._must(filters)]
        )
        searcher = self._index.searcher()
        found = searcher.search(query, k, count=False).hits
        # Equal scores come in the order of segments, which differs from run to run: settle by id.
        ranked = ((str(searcher.doc(address)["id"][0]), float(score)) for score, address in found)
        return sorted(ranked, key=lambda item: (-item[1], item[0]))

    def terms(self, text: str) -> list[str]:
        """Return the stems that `text` is indexed by, in order, stop words left out."""
        return self._analyzer.analyze(text)

    def rarity(self, terms: Collection[str]) -> dict[str, float]:
        """Return each term's inverse document frequency (0 and up), as BM25 has it but smoothed.

        As if a hundred more texts were stored, of which two hold the term: in an archive of three
        articles what they are about would otherwise count for nothing.
        """
        searcher = self._index.searcher()
        n = searcher.num_docs + _PRIOR_TEXTS
        frequency = {t: searcher.doc_freq("text", t) + _PRIOR_HOLDING for t in terms}
        return {t: math.log(1 + (n - df + 0.5) / (df + 0.5)) for t, df in frequency.items()}

    def ids(self) -> set[str]:
        """Return the id of every stored text."""
        searcher = self._index.searcher()
        found = searcher.search(Query.all_query(), max(1, searcher.num_docs), count=False).hits
        return {str(searcher.doc(address)["id"][0]) for _, address in found}

    def reset(self) -> None:
        """Remove everything."""
        writer = self._index.writer(_HEAP_BYTES, num_threads=1)
        writer.delete_all_documents()
        self._finish(writer)

    def _finish(self, writer: tantivy.IndexWriter) -> None:
        writer.commit()
        # Also waits for merges, so that the writer's lock file is free for the next call.
        writer.wait_merging_threads()
        self._index.reload()

    def _must(self, filters: Filters) -> list[tuple[Occur, Query]]:
        after, before, as_of = filters.published_after, filters.published_before, filters.as_of
        tests: list[Query] = []
        if after is not None:
            tests.append(self._dates(lowest=epoch_ceil_s(after)))
        if before is not None:
            tests.append(self._dates(highest=epoch_ceil_s(before) - 1))
        if as_of is not None:
            tests.append(self._dates(highest=epoch_s(as_of)))
        if filters.sources is not None:
            tests.append(self._any("source", filters.sources))
        if filters.article_ids is not None:
            tests.append(self._any("article_id", filters.article_ids))
        return [(Occur.Must, Query.const_score_query(test, 0.0)) for test in tests]

    def _dates(self, *, lowest: int | None = None, highest: int | None = None) -> Query:
        return Query.range_query(
            self._index.schema, "published_at", FieldType.Integer, lowest, highest
        )

    def _any(self, field: str, values: Sequence[str]) -> Query:
        return Query.term_set_query(self._index.schema, field, list(values))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the stem that texts holding `word` are indexed by, also where it is a stop word."""
    return "".join(_stemmer().analyze(word)) or word


@lru_cache(maxsize=1)
def _stemmer() -> tantivy.TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase())
    return builder.filter(Filter.ascii_fold()).filter(Filter.stemmer("english")).build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("article_id", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("published_at", indexed=True, fast=True)
    builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    return builder.build()


def _analyzer() -> tantivy.TextAnalyzer:
    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(40))
        .filter(Filter.lowercase())
        .filter(Filter.ascii_fold())
        .filter(Filter.stopword("english"))
        .filter(Filter.stemmer("english"))
        .build()
    )


def _document(entry: Entry) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("id", entry.id)
    document.add_text("article_id", entry.article.article_id)
    document.add_text("text", entry.text)
    if entry.article.source is not None:
        document.add_text("source", entry.article.source)
    if entry.article.published_at is not None:
        document.add_integer("published_at", epoch_s(entry.article.published_at))
    return document
