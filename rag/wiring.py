"""Builds the parts from Settings; the only module that knows which part needs which.

>>> with open_index(Settings(data_dir="/tmp/archive")) as index:
...     index.check().clean
True
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.trace import Tracer

from rag.answer import Answerer
from rag.catalog import Catalog
from rag.embedder import Embedder
from rag.errors import ConfigurationError
from rag.generate import Writer
from rag.index import Index
from rag.lexical import Bm25
from rag.llm import BoundedLLM, Limits
from rag.lock import DataDirectory
from rag.overlap import SentenceCounts
from rag.prompts import CHARS_PER_TOKEN
from rag.reader import SpanReader, load_weights
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.spans import SpanModel
from rag.support import SupportJudge
from rag.vectors import Vectors

if TYPE_CHECKING:
    import httpx


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


def build_answerer(
    index: Index,
    *,
    threads: int = 0,
    settings: Settings | None = None,
    tracer: Tracer | None = None,
) -> Answerer:
    """Return the answerer over `index` that Dateline ships with.

    `threads` passages are read side by side; 0: one a core. A language model writes the answers
    when `settings` name one. `tracer` makes the spans of the stages.
    """
    writer = build_writer(settings, tracer) if settings else None
    reader = build_reader(index, threads=threads)
    return Answerer(index, Retriever(index), reader, writer, tracer=tracer)


def build_writer(settings: Settings, tracer: Tracer | None = None) -> Writer | None:
    """Return what writes answers with the language model that `settings` name; None without one.

    Raises: ConfigurationError when the extra `llm` is not installed.
    """
    if not settings.llm_url:
        return None
    return Writer(
        build_llm(settings),
        SupportJudge(threads=settings.threads),
        prompt_chars=CHARS_PER_TOKEN * (settings.llm_context_tokens - settings.llm_max_tokens),
        tracer=tracer,
    )


def build_llm(settings: Settings) -> BoundedLLM:
    """Return the client of the server that `settings` name; nothing is sent yet.

    Raises: ConfigurationError when the extra `llm` is not installed.
    """
    try:
        from llama_index.llms.openai_like import OpenAILike
    except ImportError as exc:
        raise ConfigurationError(
            "DATELINE_LLM_URL is set, but the extra for it is not installed: "
            "pip install 'dateline[llm]'"
        ) from exc
    http = _llm_http(settings)
    llm = OpenAILike(
        model=settings.llm_model or "",
        api_base=settings.llm_url or "",
        # The key is added below this: LlamaIndex shows this field in its repr and its events.
        api_key="unused",
        http_client=http.client,
        is_chat_model=True,
        temperature=0.0,
        max_tokens=settings.llm_max_tokens,
        max_retries=settings.llm_retries,
        context_window=settings.llm_context_tokens,
        additional_kwargs={
            "timeout": http.client.timeout,
            "stream_options": {"include_usage": True},
        },
    )
    limits = Limits(
        concurrency=settings.llm_concurrency,
        wait_s=settings.llm_wait_s,
        total_s=settings.llm_total_timeout_s,
    )
    return BoundedLLM(llm, limits, hang_up=http.hang_up)


class _Http(NamedTuple):
    """A client for HTTP, and what closes the response that the calling thread has open."""

    client: "httpx.Client"
    hang_up: Callable[[], None]


def _llm_http(settings: Settings) -> _Http:
    """Return a client that sends the key, with the settings' timeouts."""
    import httpx

    key = settings.llm_api_key
    open_here = threading.local()

    def authorised(request: httpx.Request) -> httpx.Request:
        request.headers.pop("Authorization", None)
        if key:
            request.headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        return request

    def opened(response: httpx.Response) -> None:
        open_here.response = response

    def hang_up() -> None:
        if hasattr(open_here, "response"):
            open_here.response.close()

    client = httpx.Client(
        auth=authorised,
        timeout=httpx.Timeout(settings.llm_read_timeout_s, connect=settings.llm_connect_timeout_s),
        # A new connection for each answer costs nothing beside it, and none is left open behind.
        limits=httpx.Limits(max_keepalive_connections=0),
        event_hooks={"response": [opened]},
    )
    return _Http(client, hang_up)


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
