"""The client of programs with an event loop.

>>> (await AsyncDateline("http://127.0.0.1:8321").ask("Who was blamed?")).answer_status
'answered'
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import GenericAlias, TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx
from httpx_retries import RetryTransport
from httpx_sse import EventSource, SSEError

from api.client import calls
from api.client.calls import Call, Page
from api.client.methods import reply_of, row_of, shown
from api.client.peer import DEFAULT_URL, Following, Peer
from api.client.replies import Event
from rag.errors import NotFound

P = ParamSpec("P")
T = TypeVar("T")
Events = AsyncGenerator[Event, None]


def _awaiting(
    make: Callable[P, Call[T]],
) -> Callable[Concatenate["AsyncDateline", P], Coroutine[Any, Any, T]]:
    async def method(self: "AsyncDateline", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._sent(make(*args, **kwargs))

    return shown(method, make, reply_of(make))


def _listing_async(
    make: Callable[P, Call[Page[T]]],
) -> Callable[Concatenate["AsyncDateline", P], AsyncIterator[T]]:
    async def method(
        self: "AsyncDateline", /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[T]:
        call = make(*args, **kwargs)
        while True:
            page = await self._sent(call)
            for row in page.rows:
                yield row
            if page.next_cursor is None:
                return
            call = call.behind(page.next_cursor)

    return shown(method, make, GenericAlias(AsyncIterator, row_of(make)))


def _streaming_async(
    make: Callable[P, Call[T]],
) -> Callable[Concatenate["AsyncDateline", P], Events]:
    async def method(self: "AsyncDateline", /, *args: P.args, **kwargs: P.kwargs) -> Events:
        following = Following(make(*args, **kwargs), self._peer)
        while not following.is_over:
            try:
                async with self._events(following.call) as source:
                    async for sent in source.aiter_sse():
                        for event in following.take(sent):
                            yield event
            except (httpx.RequestError, SSEError, NotFound) as exc:
                following.broke(exc)
            following.ended()

    return shown(method, make, Events)


class AsyncDateline:
    """As `Dateline`, for programs with an event loop."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """As `Dateline`."""
        self._peer = Peer(url, api_key=api_key, timeout_s=timeout_s, retries=retries)
        again = RetryTransport(transport or httpx.AsyncHTTPTransport(**self._peer.network()))
        self._http = httpx.AsyncClient(transport=again, **self._peer.options())

    ask = _awaiting(calls.ask)
    stream = _streaming_async(calls.ask)
    search = _awaiting(calls.search)
    article = _awaiting(calls.article)
    passages = _awaiting(calls.passages)
    articles = _listing_async(calls.articles)
    outlets = _awaiting(calls.outlets)
    citation = _awaiting(calls.citation)
    add = _awaiting(calls.add)
    begin_session = _awaiting(calls.begin_session)
    session = _awaiting(calls.session)
    sessions = _listing_async(calls.sessions)
    rename_session = _awaiting(calls.rename_session)
    delete_session = _awaiting(calls.delete_session)
    rate = _awaiting(calls.rate)
    ready = _awaiting(calls.ready)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._peer.url

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the connections."""
        await self.close()

    async def _sent(self, call: Call[T]) -> T:
        try:
            response = await self._http.request(**self._peer.request(call))
        except httpx.RequestError as exc:
            raise self._peer.unreached(exc) from exc
        return self._peer.read(call, response)

    @asynccontextmanager
    async def _events(self, call: Call[Any]) -> AsyncIterator[EventSource]:
        async with self._http.stream(**self._peer.request(call, stream=True)) as response:
            if not response.is_success:
                await response.aread()
                raise self._peer.refused(response)
            yield EventSource(response)
