"""Other programs over the same articles, with the same embedder, as their own documentation has it.

>>> built = haystack(articles, Embedder(), hybrid=True)
>>> built.rank("Who was blamed?")[0]
Found(article_id='939c2087f838c537', text='Officials blamed the Kataib …')

LlamaIndex with Chroma: the starter tutorial's `VectorStoreIndex` and `as_query_engine`; `hybrid`
is its BM25 retriever and reciprocal-rank fusion. Haystack: the components of its "Get Started" page
and, for `hybrid`, of its hybrid-retrieval tutorial without the reranker, for which no model is at
hand. txtai: `examples/rag_quickstart.py`; `hybrid` is its option of that name. Sizes are each
program's defaults unless said otherwise. `headline` puts an article's headline before each of its
pieces, as Dateline does; LlamaIndex does it with metadata by default.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from rag.embedder import Embedder, Vectors
from rag.errors import ConfigurationError
from rag.types import Article

INSTALL = "pip install 'dateline[peers]'"
# How many passages are ranked, by each program and by each leg of a hybrid one.
DEPTH = 50
# What each documentation's retrieval for answers returns by default: 2, 10 and 3. Ten pieces of
# Haystack's do not fit the 2,048 tokens of the small model.
LLAMA_INDEX_TOP_K, HAYSTACK_TOP_K, TXTAI_TOP_K = 2, 4, 3


class Found(NamedTuple):
    """A passage of an article, as the program keeps it."""

    article_id: str
    text: str


class Llm(NamedTuple):
    """A language model behind an OpenAI-compatible URL."""

    url: str
    model: str
    max_tokens: int
    context_tokens: int
    timeout_s: float


Rank = Callable[[str], list[Found]]
Say = Callable[[str], str]


class Built(NamedTuple):
    """A program whose index is filled."""

    rank: Rank
    passages: int
    answer_with: Callable[[Llm], Say]


# By the name that is asked for: the modules that it needs.
NEEDED = {
    "llamaindex": ("llama_index.retrievers.bm25", "llama_index.llms.openai_like"),
    "haystack": ("haystack",),
    "txtai": ("txtai", "openai"),
}


def require(names: Sequence[str]) -> None:
    """Raise ConfigurationError, with what to install, when one of `names` cannot be built."""
    missing = [module for name in names for module in NEEDED[name] if not _is_installed(module)]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)} is not installed: {INSTALL}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False


def llama_index(
    articles: Sequence[Article],
    embedder: Embedder,
    folder: Path,
    *,
    chunk_tokens: int = 1_024,
    overlap_tokens: int = 200,
    hybrid: bool = False,
) -> Built:
    """Return stock LlamaIndex on a Chroma of its own in `folder`."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from rag.faces import DatelineEmbedding

    documents = [
        Document(text=a.text, id_=a.article_id, metadata={"title": a.title}) for a in articles
    ]
    splitter = SentenceSplitter(chunk_size=chunk_tokens, chunk_overlap=overlap_tokens)
    nodes = splitter.get_nodes_from_documents(documents)
    client = chromadb.PersistentClient(str(folder), ChromaSettings(anonymized_telemetry=False))
    store = ChromaVectorStore(
        chroma_collection=client.create_collection("stock", embedding_function=None)
    )
    index = VectorStoreIndex(
        nodes,
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=DatelineEmbedding(embedder),
    )

    def retriever(k: int) -> Any:  # Any: importing its type costs seconds
        dense = index.as_retriever(similarity_top_k=DEPTH if hybrid else k)
        return _fused(dense, nodes, k) if hybrid else dense

    deep = retriever(DEPTH)
    return Built(
        lambda question: [
            Found(str(hit.node.ref_doc_id), hit.node.get_content())
            for hit in deep.retrieve(question)
        ],
        len(nodes),
        lambda llm: _query_engine(retriever(LLAMA_INDEX_TOP_K), llm),
    )


def _fused(dense: Any, nodes: Any, k: int) -> Any:  # Any: importing their types costs seconds
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
    from llama_index.retrievers.bm25 import BM25Retriever

    return QueryFusionRetriever(
        [dense, BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=DEPTH)],
        llm=MockLLM(),  # not asked: one query is the question itself
        num_queries=1,
        mode=FUSION_MODES.RECIPROCAL_RANK,
        similarity_top_k=k,
        use_async=False,
    )


def _query_engine(retriever: Any, llm: Llm) -> Say:
    from llama_index.core.query_engine import RetrieverQueryEngine
    from llama_index.llms.openai_like import OpenAILike

    model = OpenAILike(
        model=llm.model,
        api_base=llm.url,
        api_key="unused",
        is_chat_model=True,
        temperature=0.0,
        max_tokens=llm.max_tokens,
        context_window=llm.context_tokens,
        timeout=llm.timeout_s,
    )
    engine = RetrieverQueryEngine.from_args(retriever, llm=model)

    def say(question: str) -> str:
        # In a thread of its own: in the main one it makes an event loop that nobody closes.
        return str(asyncio.run(asyncio.to_thread(engine.query, question)))

    return say


def haystack(
    articles: Sequence[Article],
    embedder: Embedder,
    *,
    dense: bool = True,
    bm25: bool = False,
    headline: bool = False,
) -> Built:
    """Return Haystack on its store in memory; both legs are joined by reciprocal-rank fusion."""
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    whole = [Document(id=a.article_id, content=a.text, meta={"title": a.title}) for a in articles]
    pieces = [
        replace(
            piece,
            content=(f"{piece.meta['title']}. " if headline else "") + piece.content,
            meta=piece.meta | {"piece": piece.content},
        )
        for piece in DocumentSplitter().run(documents=whole)["documents"]
    ]
    vectors = embedder.embed([piece.content for piece in pieces]).tolist()
    pieces = [replace(p, embedding=vector) for p, vector in zip(pieces, vectors, strict=True)]
    store = InMemoryDocumentStore()
    store.write_documents(pieces)
    by_vector = InMemoryEmbeddingRetriever(store, top_k=DEPTH)
    by_words = InMemoryBM25Retriever(store, top_k=DEPTH)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def retrieve(question: str) -> list[Any]:  # Any: its Document, which may not be installed
        legs = []
        if dense:
            asked = embedder.embed([question])[0].tolist()
            legs.append(by_vector.run(query_embedding=asked)["documents"])
        if bm25:
            legs.append(by_words.run(query=question)["documents"])
        joined: list[Any] = joiner.run(documents=legs)["documents"] if len(legs) > 1 else legs[0]
        return joined

    return Built(
        lambda question: [
            Found(hit.meta["source_id"], hit.meta["piece"]) for hit in retrieve(question)
        ],
        len(pieces),
        lambda llm: _haystack_answers(lambda question: retrieve(question)[:HAYSTACK_TOP_K], llm),
    )


def _haystack_answers(retrieve: Callable[[str], list[Any]], llm: Llm) -> Say:
    from haystack.components.builders import ChatPromptBuilder
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    instruction = (
        "Given these documents, answer the question.\nDocuments:\n"
        "{% for doc in documents %}\n{{ doc.content }}\n{% endfor %}"
    )
    template = [ChatMessage.from_system(instruction), ChatMessage.from_user("{{question}}")]
    builder = ChatPromptBuilder(template=template, required_variables="*")
    generator = OpenAIChatGenerator(
        api_key=Secret.from_token("unused"),
        model=llm.model,
        api_base_url=llm.url,
        timeout=llm.timeout_s,
        generation_kwargs={"max_tokens": llm.max_tokens, "temperature": 0.0},
    )

    def say(question: str) -> str:
        prompt = builder.run(documents=retrieve(question), question=question)["prompt"]
        return generator.run(messages=prompt)["replies"][0].text or ""

    return say


def txtai(
    articles: Sequence[Article],
    embedder: Embedder,
    *,
    hybrid: bool = False,
    headline: bool = False,
) -> Built:
    """Return a txtai embeddings database of the sections of the articles."""
    from txtai import Embeddings
    from txtai.pipeline import Segmentation

    def transform(texts: Sequence[str]) -> Vectors:
        return embedder.embed(texts)

    sections = Segmentation(sections=True)
    pieces = [Found(a.article_id, piece) for a in articles for piece in sections(a.text)]
    title_of = {a.article_id: f"{a.title}. " if headline else "" for a in articles}
    embeddings = Embeddings(method="external", transform=transform, content=True, hybrid=hybrid)
    embeddings.index(enumerate(title_of[piece.article_id] + piece.text for piece in pieces))
    return Built(
        lambda question: [pieces[int(hit["id"])] for hit in embeddings.search(question, DEPTH)],
        len(pieces),
        lambda llm: _txtai_answers(embeddings, llm),
    )


def _txtai_answers(embeddings: Any, llm: Llm) -> Say:  # Any: txtai may not be installed
    from openai import OpenAI
    from txtai import RAG

    client = OpenAI(base_url=llm.url, api_key="unused", timeout=llm.timeout_s)

    # txtai reaches servers through LiteLLM, which looks for a price list on the network when it is
    # imported; a function that takes the same messages is its documented other way.
    def model(prompts: Sequence[Any]) -> list[str]:
        written = [
            client.chat.completions.create(
                model=llm.model, messages=prompt, max_tokens=llm.max_tokens, temperature=0.0
            )
            for prompt in prompts
        ]
        return [reply.choices[0].message.content or "" for reply in written]

    answers = RAG(
        embeddings,
        model,
        system="You are a friendly assistant",
        template="Answer the following question using the provided context.\n\n"
        "Question:\n{question}\n\nContext:\n{context}\n",
        context=TXTAI_TOP_K,
        output="flatten",
    )
    return lambda question: str(answers(question))
