"""What the client asks of a server, and how it reads what comes back: values, without I/O.

>>> ask("Who was blamed?").path
'/v1/chat'

Each function of the client is one `Call` here, which `sync.py` and `asynchronous.py` send. The
models of rarer replies are imported when somebody asks for one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from api.client.replies import as_
from api.schemas.answers import ChatAnswer, FoundPassage, SearchResponse
from rag.types import (
    Article,
    ArticleMeta,
    Filters,
    Passage,
    RetrievalMode,
    Turn,
)

if TYPE_CHECKING:
    from api.schemas.documents import ArticleIn, ResolvedCitation, SourceInfo
    from api.schemas.health import Readiness
    from api.schemas.sessions import Conversation, FeedbackKept, SessionInfo
    from ingest.pipeline import Outcome

T = TypeVar("T")
Include = Literal["passages", "scores", "bundle"]

EVERYTHING = Filters()
_PAGE = 200


class Call(NamedTuple, Generic[T]):
    """One request, and what its reply becomes."""

    method: str
    path: str
    read: Callable[[bytes], T]
    body: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}
    repeatable: bool = True
    """Whether it may be sent again when nobody knows if it arrived."""

    def behind(self, cursor: str) -> "Call[T]":
        """Return the call for the next page of a list."""
        return self._replace(params={**self.params, "cursor": cursor})


class Page(NamedTuple, Generic[T]):
    """A part of a list, and where the next one begins."""

    rows: Sequence[T]
    next_cursor: str | None


def ask(
    question: str,
    *,
    session_id: str | None = None,
    history: Sequence[Turn] = (),
    filters: Filters = EVERYTHING,
    mode: RetrievalMode = "hybrid",
    top_k: int = 8,
    min_confidence: float | None = None,
    include: Sequence[Include] = (),
) -> Call[ChatAnswer]:
    """Answer a question; in the conversation `session_id`, or behind the turns in `history`.

    With `include` the answer brings the `passages` that were read, their `scores`, the `bundle`.
    Raises: InputError, NotFound (no such session), Busy, DependencyError, ConfigurationError (key).
    """
    said: dict[str, Any] = {"message": question}
    if history:
        said = {"messages": [*_messages(history), {"role": "user", "content": question}]}
    body = {
        **said,
        "session_id": session_id,
        "filters": filters.model_dump(mode="json", exclude_none=True),
        "retrieval": {"mode": mode, "top_k": top_k, "min_confidence": min_confidence},
        "include": list(include),
    }
    # A conversation would have the question twice.
    return Call("POST", "/v1/chat", as_(ChatAnswer), body, repeatable=session_id is None)


def search(
    query: str, *, k: int = 8, filters: Filters = EVERYTHING, mode: RetrievalMode = "hybrid"
) -> Call[tuple[FoundPassage, ...]]:
    """Return the passages nearest to `query`, best first, without an answer."""
    chosen = filters.model_dump(mode="json", exclude_none=True)
    body = {"query": query, "k": k, "filters": chosen, "mode": mode}
    return Call("POST", "/v1/search", lambda sent: as_(SearchResponse)(sent).hits, body)


def article(article_id: str) -> Call[Article]:
    """Return an article with its text, to which all offsets refer. Raises NotFound."""
    return Call("GET", f"/v1/documents/{_part(article_id)}", as_(Article))


def passages(article_id: str) -> Call[tuple[Passage, ...]]:
    """Return the passages of an article, in order. Raises NotFound."""
    from api.schemas.documents import PassageList

    path = f"/v1/documents/{_part(article_id)}/passages"
    return Call("GET", path, lambda sent: as_(PassageList)(sent).passages)


def articles(
    filters: Filters = EVERYTHING, *, order: Literal["id", "newest"] = "id"
) -> Call[Page[ArticleMeta]]:
    """Yield what is known of every article that passes, without its text, in order of id.

    With `newest` those that were published last come first, and undated ones at the end.
    """
    from api.schemas.documents import DocumentList

    def read(sent: bytes) -> Page[ArticleMeta]:
        page = as_(DocumentList)(sent)
        # An empty list lets nothing pass, and stands in no address: the server has heard of none.
        if () in (filters.sources, filters.article_ids):
            return Page((), None)
        return Page(page.documents, page.next_cursor)

    chosen = filters.model_dump(mode="json", exclude_none=True)
    names = {"sources": "source", "article_ids": "article_id"}
    params = {names.get(name, name): value for name, value in chosen.items()}
    # A server that is older than this client knows no other order, and is not asked for one.
    sorted_by = {} if order == "id" else {"order": order}
    return Call("GET", "/v1/documents", read, params={"limit": _PAGE, **sorted_by, **params})


def outlets() -> Call[tuple["SourceInfo", ...]]:
    """Return the outlets of the archive, those with most articles first."""
    from api.schemas.documents import SourceList

    return Call("GET", "/v1/sources", lambda sent: as_(SourceList)(sent).sources)


def citation(citation_id: str) -> Call["ResolvedCitation"]:
    """Return a quotation as it was cited, and whether its article changed. Raises NotFound."""
    from api.schemas.documents import ResolvedCitation

    return Call("GET", f"/v1/citations/{_part(citation_id)}", as_(ResolvedCitation))


def add(one: "ArticleIn") -> Call["Outcome"]:
    """Take an article in, and return what became of it."""
    from ingest.pipeline import Outcome

    return Call("POST", "/v1/documents", as_(Outcome), one.model_dump(mode="json"))


def begin_session(
    session_id: str | None = None, *, title: str | None = None
) -> Call["SessionInfo"]:
    """Begin a conversation, or return the caller's own of that id. Raises InputError."""
    from api.schemas.sessions import SessionInfo

    body = {"id": session_id, "title": title}
    repeatable = session_id is not None
    return Call("POST", "/v1/sessions", as_(SessionInfo), body, repeatable=repeatable)


def session(session_id: str) -> Call["Conversation"]:
    """Return a conversation with its questions and answers, oldest first. Raises NotFound."""
    from api.schemas.sessions import Conversation

    return Call("GET", f"/v1/sessions/{_part(session_id)}", as_(Conversation))


def sessions() -> Call[Page["SessionInfo"]]:
    """Yield the caller's conversations, last used first."""
    from api.schemas.sessions import SessionList

    def read(sent: bytes) -> Page["SessionInfo"]:
        page = as_(SessionList)(sent)
        return Page(page.sessions, page.next_cursor)

    return Call("GET", "/v1/sessions", read, params={"limit": _PAGE})


def rename_session(session_id: str, title: str) -> Call["SessionInfo"]:
    """Give a conversation another title. Raises NotFound."""
    from api.schemas.sessions import SessionInfo

    path = f"/v1/sessions/{_part(session_id)}"
    return Call("PATCH", path, as_(SessionInfo), {"title": title})


def delete_session(session_id: str) -> Call[None]:
    """Forget a conversation with all that was said in it. Raises NotFound."""
    return Call("DELETE", f"/v1/sessions/{_part(session_id)}", lambda _: None)


def rate(
    message_id: str,
    rating: Literal["up", "down"],
    *,
    reasons: Sequence[str] = (),
    comment: str | None = None,
    citation_index: int | None = None,
) -> Call["FeedbackKept"]:
    """Keep what a reader thinks of an answer; said again, it replaces. Raises NotFound."""
    from api.schemas.sessions import FeedbackKept

    body = {
        "message_id": message_id,
        "rating": rating,
        "reasons": list(reasons),
        "comment": comment,
        "citation_index": citation_index,
    }
    return Call("POST", "/v1/feedback", as_(FeedbackKept), body)


def ready() -> Call["Readiness"]:
    """Return whether questions can be answered. Raises DependencyError when they cannot."""
    from api.schemas.health import Readiness

    return Call("GET", "/readyz", as_(Readiness))


def resumed(message_id: str, last_event_id: str) -> Call[ChatAnswer]:
    """Take up a stream that broke, behind the event that came last."""
    path = f"/v1/chat/{_part(message_id)}/events"
    return Call("GET", path, as_(ChatAnswer), headers={"Last-Event-ID": last_event_id})


def _messages(history: Sequence[Turn]) -> list[dict[str, str]]:
    said = []
    for turn in history:
        said.append({"role": "user", "content": turn.question})
        if turn.answer:
            said.append({"role": "assistant", "content": turn.answer})
    return said


def _part(named: str) -> str:
    """Return an id as a part of an address: one that holds `/` or `..` must not name another."""
    from urllib.parse import quote

    if named in (".", ".."):
        return named.replace(".", "%2E")
    # A lone surrogate is in the name of nothing.
    return quote(named, safe="", errors="backslashreplace")
