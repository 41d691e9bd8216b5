"""Our parts as LlamaIndex components, for programs that are built with LlamaIndex.

>>> VectorStoreIndex.from_vector_store(store, embed_model=DatelineEmbedding())

A module of its own because importing LlamaIndex costs a second, which answering does without.
"""

from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from rag.embedder import MODEL, Embedder


class DatelineEmbedding(BaseEmbedding):
    """The offline embedding model: float[384], unit length."""

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder | None = None, **options: Any) -> None:
        """Wrap `embedder`, or load one. `options` are BaseEmbedding's, whose types are its own."""
        super().__init__(model_name=MODEL, **options)
        self._embedder = embedder or Embedder()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._embedder.embed(texts).tolist()
        return vectors

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)
