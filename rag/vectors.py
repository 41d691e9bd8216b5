"""Passages in Chroma, nearest by cosine; the only module that imports chromadb.

>>> Vectors(Path("/tmp/x/chroma")).count()
0

Chroma answers with ids and distances; texts come from the catalog. Documents and nodes are stored
all the same, so that a stock LlamaIndex `ChromaVectorStore` can read the collection.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.api import ClientAPI
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError

from rag.catalog import epoch_ceil_s, epoch_s
from rag.errors import DependencyError
from rag.nodes import node_fields
from rag.types import ArticleMeta, Filters, Passage

COLLECTION = "passages"


class Vectors:
    """Holds the Chroma client; the directory belongs to this process alone (chroma #7040)."""

    def __init__(self, directory: Path) -> None:
        """Open the collection in `directory`, creating it when it is new."""
        directory.mkdir(parents=True, exist_ok=True)
        try:
            self._client = _client(directory)
            try:
                self._collection = self._client.get_or_create_collection(
                    COLLECTION,
                    # Without this Chroma would download a model at the first query by text.
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
                )
            except ChromaError:
                self.close()
                raise
        except ChromaError as exc:
            raise DependencyError(f"vector store {directory} cannot be opened: {exc}") from exc

    def count(self) -> int:
        """Return how many passages are stored."""
        return self._collection.count()

    def upsert(
        self,
        passages: Sequence[Passage],
        articles: Mapping[str, ArticleMeta],
        vectors: npt.NDArray[np.float32],
    ) -> None:
        """Store the passages under their ids. `vectors` is float32[n, d], row i for passage i.

        `add` would silently keep the old row of an id that exists, so this never adds.
        """
        for start in range(0, len(passages), self._batch):
            part = passages[start : start + self._batch]
            self._collection.upsert(
                ids=[passage.passage_id for passage in part],
                embeddings=vectors[start : start + self._batch],
                documents=[passage.text for passage in part],
                metadatas=[_metadata(p, articles[p.article_id]) for p in part],
            )

    def delete(self, passage_ids: Sequence[str]) -> None:
        """Remove these passages; ids that are not there are ignored."""
        for start in range(0, len(passage_ids), self._batch):
            self._collection.delete(ids=list(passage_ids[start : start + self._batch]))

    def search(
        self, vector: npt.NDArray[np.float32], k: int, filters: Filters
    ) -> list[tuple[str, float]]:
        """Return up to `k` (passage id, cosine), nearest first. `vector` is float32[d], unit."""
        if () in (filters.sources, filters.article_ids):
            # Any of none: Chroma refuses an empty list.
            return []
        found = self._collection.query(
            query_embeddings=vector[np.newaxis],
            n_results=k,
            where=_where(filters),
            include=["distances"],
        )
        distances = found["distances"] or [[]]
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], distances[0], strict=True)]

    def ids(self) -> set[str]:
        """Return the id of every stored passage."""
        return set(self._pages())

    def reset(self) -> None:
        """Remove everything."""
        self._client.delete_collection(COLLECTION)
        self._collection = self._client.create_collection(
            COLLECTION,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
        )

    def close(self) -> None:
        """Release the files."""
        # ClientAPI does not declare it; every client that PersistentClient returns has it.
        self._client.close()  # type: ignore[attr-defined]

    @property
    def _batch(self) -> int:
        # One call takes so many rows and raises above.
        return self._client.get_max_batch_size()

    def _pages(self) -> Iterator[str]:
        offset = 0
        while page := self._collection.get(limit=self._batch, offset=offset, include=[])["ids"]:
            yield from page
            offset += len(page)


def _client(directory: Path) -> ClientAPI:
    """Return a client of the directory; what fails leaves nothing to whoever opens it next."""
    settings = ChromaSettings(anonymized_telemetry=False, allow_reset=False)
    try:
        return chromadb.PersistentClient(str(directory), settings)
    except ChromaError:
        # Chroma 1.5.9 keeps what could not be started and hands it out as if it had; what has
        # users is another's, and was started.
        if str(directory) not in SharedSystemClient._identifier_to_refcount:
            SharedSystemClient._identifier_to_system.pop(str(directory), None)
        raise


def _metadata(passage: Passage, article: ArticleMeta) -> dict[str, str | int]:
    """Return what can be filtered by, and the rest as LlamaIndex's `node_to_metadata_dict` has it.

    A key without a value is left out: Chroma has no null. The rest is one string and has no keys of
    its own, because Chroma stores each string twice, once in an index: 1,000 passages take 14.0 MB,
    14.8 MB with title, address, hash and offsets as keys, too, 13.2 MB with those keys alone.
    """
    values: dict[str, str | int | None] = {
        "article_id": passage.article_id,
        "ref_doc_id": passage.article_id,
        "source": article.source,
        # Chroma compares numbers only.
        "published_at": epoch_s(article.published_at) if article.published_at else None,
        "_node_type": "TextNode",
        "_node_content": json.dumps(
            node_fields(passage, article), ensure_ascii=False, separators=(",", ":")
        ),
    }
    return {key: value for key, value in values.items() if value is not None}


def _where(filters: Filters) -> Any:  # Any: chromadb's Where is a recursive TypedDict union
    tests: list[dict[str, Any]] = []
    if filters.published_after is not None:
        tests.append({"published_at": {"$gte": epoch_ceil_s(filters.published_after)}})
    if filters.published_before is not None:
        tests.append({"published_at": {"$lt": epoch_ceil_s(filters.published_before)}})
    if filters.as_of is not None:
        tests.append({"published_at": {"$lte": epoch_s(filters.as_of)}})
    if filters.sources is not None:
        tests.append({"source": {"$in": list(filters.sources)}})
    if filters.article_ids is not None:
        tests.append({"article_id": {"$in": list(filters.article_ids)}})
    if len(tests) > 1:
        return {"$and": tests}
    return tests[0] if tests else None
