"""Our parts in stock LlamaIndex programs."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Settings as StockSettings
from llama_index.core import VectorStoreIndex
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.instrumentation.events.query import QueryEndEvent, QueryStartEvent
from llama_index.core.instrumentation.events.retrieval import (
    RetrievalEndEvent,
    RetrievalStartEvent,
)
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters
from llama_index.vector_stores.chroma import ChromaVectorStore
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.event_handlers import BaseEventHandler

from rag.answer import Answerer
from rag.catalog import Staged
from rag.embedder import Embedder
from rag.faces import DatelineEmbedding, DatelineQueryEngine, DatelineRetriever
from rag.index import Index
from rag.retrieve import Retriever
from rag.types import Answer, Article, Filters
from rag.wiring import build_answerer

NOW = datetime(2024, 1, 1, tzinfo=UTC)
BRIDGE = Article.create(
    title="Hallow Bridge closes after flood",
    text="The Hallow Bridge was closed on Tuesday after the river rose. Mayor Ida Quell blamed "
    "the water board for the delay.",
    article_id="bridge",
    url="https://ledger.example/bridge",
    author="Nell Orrin",
    published_at=datetime(2021, 5, 4, 6, tzinfo=UTC),
)
ORCHARD = Article.create(
    title="Fire in an orchard",
    text="A fire burned forty trees of the orchard at Senn.",
    article_id="orchard",
    source="courier.example",
)
QUESTION = "Who blamed the water board?"


class Heard(BaseEventHandler):
    """Keeps the events of one thread; what a test before it left running has another."""

    events: list[BaseEvent] = []  # noqa: RUF012 - a pydantic field
    thread: int

    @classmethod
    def class_name(cls) -> str:
        return "Heard"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        if threading.get_ident() == self.thread:
            self.events.append(event)


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: pytest.TempPathFactory,
    open_index: Callable[[Path], Index],
    stage: Callable[[Article], Staged],
) -> Iterator[Index]:
    index = open_index(tmp_path_factory.mktemp("archive"))
    index.put([stage(BRIDGE), stage(ORCHARD)])
    yield index
    index.close()


@pytest.fixture(scope="module")
def answerer(archive: Index) -> Answerer:
    return build_answerer(archive)


@pytest.fixture
def retriever(archive: Index) -> DatelineRetriever:
    return DatelineRetriever(Retriever(archive))


@pytest.fixture
def engine(answerer: Answerer) -> DatelineQueryEngine:
    return DatelineQueryEngine(answerer=answerer, now=lambda: NOW)


@pytest.fixture
def stock(archive: Index, embedder: Embedder) -> VectorStoreIndex:
    """What a program that knows only LlamaIndex makes of our collection."""
    store = ChromaVectorStore(chroma_collection=archive._vectors._collection)
    return VectorStoreIndex.from_vector_store(store, embed_model=DatelineEmbedding(embedder))


def test_a_hit_is_a_node_with_its_source_and_its_place(
    archive: Index, retriever: DatelineRetriever
) -> None:
    [first, *_] = retriever.retrieve(QUESTION)
    [hit, *_] = Retriever(archive).search(QUESTION, k=1)
    node = first.node
    assert isinstance(node, TextNode)
    assert (node.id_, node.ref_doc_id) == (hit.passage.passage_id, "bridge")
    assert BRIDGE.text[node.start_char_idx : node.end_char_idx] == node.text == hit.passage.text
    assert first.score == hit.scores.fused
    assert node.metadata == {
        "article_id": "bridge",
        "title": "Hallow Bridge closes after flood",
        "source": "ledger.example",
        "author": "Nell Orrin",
        "url": "https://ledger.example/bridge",
        "published_at": "2021-05-04T06:00:00Z",
        "content_hash": BRIDGE.content_hash,
    }


def test_a_language_model_is_not_shown_the_hashes_of_a_node(retriever: DatelineRetriever) -> None:
    shown = retriever.retrieve(QUESTION)[0].node.get_content(MetadataMode.LLM)
    assert shown == (
        "title: Hallow Bridge closes after flood\nsource: ledger.example\nauthor: Nell Orrin\n"
        "url: https://ledger.example/bridge\npublished_at: 2021-05-04T06:00:00Z\n\n"
        f"{BRIDGE.text}"
    )


def test_a_retriever_keeps_to_its_number_filters_and_mode(archive: Index) -> None:
    def found(**options: Any) -> list[str | None]:
        nodes = DatelineRetriever(Retriever(archive), **options).retrieve("bridge flood")
        return [node.node.ref_doc_id for node in nodes]

    assert found() == ["bridge", "orchard"]
    assert found(k=1) == ["bridge"]
    assert found(filters=Filters(sources=("courier.example",))) == ["orchard"]
    assert found(mode="bm25") == ["bridge"]


def test_retrieving_beside_an_event_loop_finds_the_same(retriever: DatelineRetriever) -> None:
    assert asyncio.run(retriever.aretrieve(QUESTION)) == retriever.retrieve(QUESTION)


def test_a_stock_query_engine_hands_our_passages_to_its_model(
    retriever: DatelineRetriever,
) -> None:
    response = RetrieverQueryEngine.from_args(retriever, llm=MockLLM()).query(QUESTION)
    # MockLLM says what it was asked.
    assert "Mayor Ida Quell blamed the water board" in str(response)
    assert [node.node.ref_doc_id for node in response.source_nodes] == ["bridge", "orchard"]


def test_a_stock_chat_engine_hands_our_passages_to_its_model(
    retriever: DatelineRetriever,
) -> None:
    # The default memory is a database that nobody closes.
    memory = ChatMemoryBuffer(token_limit=2_000)
    chat = CondensePlusContextChatEngine.from_defaults(
        retriever=retriever, llm=MockLLM(), memory=memory
    )
    chat.chat("What happened to the Hallow Bridge?")
    response = chat.chat(QUESTION)
    assert [node.node.ref_doc_id for node in response.source_nodes] == ["bridge", "orchard"]
    assert "Mayor Ida Quell blamed the water board" in str(response)


def test_a_stock_index_reads_the_nodes_that_our_retriever_returns(
    stock: VectorStoreIndex, retriever: DatelineRetriever
) -> None:
    def nodes(found: list[NodeWithScore]) -> dict[str, dict[str, Any]]:
        return {one.node.id_: one.node.to_dict() for one in found}

    read = stock.as_retriever(similarity_top_k=2).retrieve(QUESTION)
    assert len(read) == 2
    assert nodes(read) == nodes(retriever.retrieve(QUESTION))


def test_a_stock_index_filters_by_source_and_by_seconds_since_1970(
    stock: VectorStoreIndex,
) -> None:
    def found(key: str, value: str | int, operator: Any) -> list[str | None]:
        only = MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=operator)])
        nodes = stock.as_retriever(similarity_top_k=2, filters=only).retrieve(QUESTION)
        return [node.node.ref_doc_id for node in nodes]

    assert found("source", "courier.example", "==") == ["orchard"]
    assert found("published_at", int(datetime(2021, 5, 4, tzinfo=UTC).timestamp()), ">=") == [
        "bridge"
    ]


def test_an_answer_is_a_response_with_the_cited_passages_and_the_answer_object(
    engine: DatelineQueryEngine,
) -> None:
    response = engine.query(QUESTION)
    answer = Answer.model_validate(response.metadata)
    assert str(response) == answer.answer
    assert (answer.answer_status, answer.created_at) == ("answered", NOW)
    [citation, [source]] = [answer.citations[0], response.source_nodes]
    assert source.node.id_ == citation.passage_id
    assert source.score == citation.score
    assert citation.cited_text in source.node.get_content()


def test_a_question_without_an_answer_has_no_source_nodes(engine: DatelineQueryEngine) -> None:
    response = engine.query("How do I bake sourdough bread?")
    assert response.source_nodes == []
    assert response.metadata
    assert response.metadata["answer_status"] == "no_answer"


def test_a_query_engine_keeps_to_its_filters_and_confidence(answerer: Answerer) -> None:
    def reason(**options: Any) -> object:
        engine = DatelineQueryEngine(answerer=answerer, now=lambda: NOW, **options)
        return (engine.query(QUESTION).metadata or {})["abstain_reason"]

    assert reason() is None
    assert reason(min_confidence=1) == "low_confidence"
    assert reason(filters=Filters(sources=("nobody.example",))) == "filtered_out"


def test_asking_beside_an_event_loop_answers_the_same(engine: DatelineQueryEngine) -> None:
    one, other = engine.query(QUESTION), asyncio.run(engine.aquery(QUESTION))
    assert (str(one), one.source_nodes) == (str(other), other.source_nodes)


def test_a_retrieval_is_heard_of(retriever: DatelineRetriever) -> None:
    assert heard_of(lambda: retriever.retrieve(QUESTION)) == [
        RetrievalStartEvent,
        RetrievalEndEvent,
    ]


def test_a_question_and_its_retrieval_are_heard_of(engine: DatelineQueryEngine) -> None:
    assert heard_of(lambda: engine.query(QUESTION)) == [
        QueryStartEvent,
        RetrievalStartEvent,
        RetrievalEndEvent,
        QueryEndEvent,
    ]


def test_importing_and_using_our_faces_leaves_the_global_settings_alone() -> None:
    assert StockSettings._llm is None
    assert StockSettings._embed_model is None


def heard_of(action: Callable[[], object]) -> list[type[BaseEvent]]:
    """Return the kinds of events that `action` sends, in order."""
    root = get_dispatcher("root")
    handler = Heard(events=[], thread=threading.get_ident())
    root.add_event_handler(handler)
    try:
        action()
    finally:
        root.event_handlers.remove(handler)
    return [type(event) for event in handler.events]
