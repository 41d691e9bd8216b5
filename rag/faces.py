"""Our parts as LlamaIndex components, for programs that are built with LlamaIndex.

>>> retriever = DatelineRetriever(Retriever(index), k=4)
>>> RetrieverQueryEngine.from_args(retriever, llm=llm).query("Who was blamed?")
>>> VectorStoreIndex.from_vector_store(store, embed_model=DatelineEmbedding())

A module of its own because importing LlamaIndex costs a second, which answering does without.
Retrieval and answering send LlamaIndex's instrumentation events, as its own components do.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined] # no __all__
from llama_index.core.instrumentation.events.query import QueryEndEvent, QueryStartEvent
from llama_index.core.instrumentation.events.retrieval import (
    RetrievalEndEvent,
    RetrievalStartEvent,
)
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import Field, PrivateAttr

from rag.answer import Answerer
from rag.embedder import MODEL, Embedder
from rag.nodes import node_fields
from rag.retrieve import Retriever
from rag.types import Answer, Evidence, Filters, Hit, Question, RetrievalMode


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


class DatelineRetriever(BaseRetriever):
    """Passages of live articles as nodes, best first; a score is `Scores.fused`, 0 and up."""

    def __init__(
        self,
        retriever: Retriever,
        *,
        k: int = 8,
        filters: Filters = Filters(),  # noqa: B008 - frozen
        mode: RetrievalMode = "hybrid",
        callback_manager: CallbackManager | None = None,
    ) -> None:
        """Return at most `k` nodes that pass `filters`, at most three of one article."""
        super().__init__(callback_manager=callback_manager)
        self._retriever = retriever
        self._k = k
        self._filters = filters
        self._mode = mode

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._retriever.search(
            query_bundle.query_str, k=self._k, filters=self._filters, mode=self._mode
        )
        return [node_of(hit, score=hit.scores.fused) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class DatelineQueryEngine(CustomQueryEngine):
    """Answers with verified citations.

    The response has the text of the answer, the cited passages as `source_nodes`, in order of first
    citation and with the probability that the quote answers as score, and the whole answer object
    as JSON in `metadata`.
    """

    answerer: Answerer
    now: Callable[[], datetime] = Field(description="the clock: aware UTC, stamps each answer")
    filters: Filters = Filters()
    mode: RetrievalMode = "hybrid"
    top_k: int = 8
    min_confidence: float | None = None

    def custom_query(self, query_str: str) -> Response:
        """Return the answer to `query_str`."""
        now = self.now()
        # CustomQueryEngine sends no events, unlike every other query engine.
        dispatcher = get_dispatcher(__name__)
        dispatcher.event(QueryStartEvent(query=query_str))
        dispatcher.event(RetrievalStartEvent(str_or_query_bundle=query_str))
        evidence = self.answerer.prepare(self._question(query_str), now=now)
        nodes = [node_of(hit, score=hit.scores.fused) for hit in evidence.hits]
        dispatcher.event(RetrievalEndEvent(str_or_query_bundle=query_str, nodes=nodes))
        answer = self.answerer.complete(evidence, now=now)
        response = _response(answer, evidence)
        dispatcher.event(QueryEndEvent(query=query_str, response=response))
        return response

    async def acustom_query(self, query_str: str) -> Response:
        """Return the answer to `query_str` without holding up the event loop."""
        return await asyncio.to_thread(self.custom_query, query_str)

    def _question(self, text: str) -> Question:
        return Question(
            text=text,
            filters=self.filters,
            mode=self.mode,
            top_k=self.top_k,
            min_confidence=self.min_confidence,
        )


def node_of(hit: Hit, *, score: float) -> NodeWithScore:
    """Return `hit` as a node, the same that a stock `ChromaVectorStore` reads in our collection."""
    fields = node_fields(hit.passage, hit.article)
    return NodeWithScore(node=TextNode.from_dict(fields, text=hit.passage.text), score=score)


def _response(answer: Answer, evidence: Evidence) -> Response:
    hits = {hit.passage.passage_id: hit for hit in _read(evidence)}
    cited: dict[str, NodeWithScore] = {}
    for citation in answer.citations:
        node = node_of(hits[citation.passage_id], score=citation.score)
        cited.setdefault(citation.passage_id, node)
    metadata = answer.model_dump(mode="json")
    return Response(response=answer.answer, source_nodes=list(cited.values()), metadata=metadata)


def _read(evidence: Evidence) -> Iterable[Hit]:
    yield from evidence.hits
    yield from (reading.hit for reading in evidence.readings)
