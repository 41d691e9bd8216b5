"""The client that waits for its replies.

>>> Dateline("http://127.0.0.1:8321").ask("Who was blamed?").answer_status
'answered'
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
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
Events = Generator[Event, None, None]


def _waiting(make: Callable[P, Call[T]]) -> Callable[Concatenate["Dateline", P], T]:
    def method(self: "Dateline", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._sent(make(*args, **kwargs))

    return shown(method, make, reply_of(make))


def _listing(
    make: Callable[P, Call[Page[T]]],
) -> Callable[Concatenate["Dateline", P], Iterator[T]]:
    def method(self: "Dateline", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        call = make(*args, **kwargs)
        while True:
            page = self._sent(call)
            yield from page.rows
            if page.next_cursor is None:
                return
            call = call.behind(page.next_cursor)

    return shown(method, make, GenericAlias(Iterator, row_of(make)))


def _streaming(
    make: Callable[P, Call[T]],
) -> Callable[Concatenate["Dateline", P], Events]:
    def method(self: "Dateline", /, *args: P.args, **kwargs: P.kwargs) -> Events:
        following = Following(make(*args, **kwargs), self._peer)
        while not following.is_over:
            try:
                with self._events(following.call) as source:
                    for sent in source.iter_sse():
                        yield from following.take(sent)
            except (httpx.RequestError, SSEError, NotFound) as exc:
                following.broke(exc)
            following.ended()

    return shown(method, make, Events)


class Dateline:
    """A server, or an archive in this process; safe to use from several threads.

    `stream` yields `Started`, `Retrieved`, `Citation` and `Written` as they come and the answer
    last; closing it hangs up, and the server stops working on the answer.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Speak to the server at `url`; raises InputError when that is no HTTP address.

        Args:
            api_key: sent as a bearer token, `dl_…`.
            timeout_s: how long a reply, or the next piece of one, may take.
            retries: how often the same request is sent again.
            transport: another way than the network.
        """
        self._peer = Peer(url, api_key=api_key, timeout_s=timeout_s, retries=retries)
        again = RetryTransport(transport or httpx.HTTPTransport(**self._peer.network()))
        self._http = httpx.Client(transport=again, **self._peer.options())

    ask = _waiting(calls.ask)
    stream = _streaming(calls.ask)
    search = _waiting(calls.search)
    article = _waiting(calls.article)
    passages = _waiting(calls.passages)
    articles = _listing(calls.articles)
    outlets = _waiting(calls.outlets)
    citation = _waiting(calls.citation)
    add = _waiting(calls.add)
    begin_session = _waiting(calls.begin_session)
    session = _waiting(calls.session)
    sessions = _listing(calls.sessions)
    rename_session = _waiting(calls.rename_session)
    delete_session = _waiting(calls.delete_session)
    rate = _waiting(calls.rate)
    ready = _waiting(calls.ready)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._peer.url

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the connections."""
        self.close()

    def _sent(self, call: Call[T]) -> T:
        try:
            response = self._http.request(**self._peer.request(call))
        except httpx.RequestError as exc:
            raise self._peer.unreached(exc) from exc
        return self._peer.read(call, response)

    @contextmanager
    def _events(self, call: Call[Any]) -> Iterator[EventSource]:
        with self._http.stream(**self._peer.request(call, stream=True)) as response:
            if not response.is_success:
                response.read()
                raise self._peer.refused(response)
            yield EventSource(response)
