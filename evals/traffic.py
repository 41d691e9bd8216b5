"""A client that searches, asks, writes and reads as a newsroom would, and checks what comes back.

>>> client = Client(http, Random(7), questions, deleted=set())
>>> await client.step()
Call(kind='search', status=200, elapsed_s=0.03, retry_after_s=None, wrong=None)

Its articles are invented: no text of others is written, and each client deletes only its own.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import httpx

# Dealt like cards, so that also a short run has the shares: 40 % search, 45 % chat, half of it
# streamed, 10 % writes, 5 % reads.
_DECK = ("search",) * 16 + ("chat", "stream") * 9 + ("write",) * 4 + ("read",) * 2
KINDS = ("search", "chat", "stream", "write", "read", "session")
# Enough to be found, few enough for the archive to stay as large as it is.
_FEWEST_ARTICLES, _MOST_ARTICLES = 2, 4
_QUESTIONS_A_SESSION = 10
_LEAST_STEPS = 6
_PLACES = ("Harrow Quay", "Elm Bridge", "Port Vessel", "North Tarn", "Castle Row", "Mill Fen")
_THINGS = ("library", "tram depot", "water works", "night market", "ferry pier", "art school")
_PEOPLE = ("Ida Quell", "Tomas Bray", "Rosa Lindt", "Omar Fenwick", "Petra Voss", "Jon Askew")
_CAUSES = ("a burst main", "missing permits", "a strike of the crews", "unpaid bills", "rot")


class Call(NamedTuple):
    """One request and what came of it; `wrong` says why it must not be so."""

    kind: str
    status: int
    elapsed_s: float
    retry_after_s: float | None
    wrong: str | None

    @property
    def is_good(self) -> bool:
        """Whether it did what was asked."""
        return self.wrong is None and 200 <= self.status < 300


class Reply(NamedTuple):
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:  # Any: JSON
        """Return the body."""
        return json.loads(self.text)


class Wrong(Exception):
    """The server answered with what it must not."""


class Client:
    """One of many; it asks the next thing as soon as the last is answered."""

    def __init__(
        self, http: httpx.AsyncClient, rng: Random, questions: Sequence[str], deleted: set[str]
    ) -> None:
        """Ask over `http`; all clients note in `deleted` which articles may be missing."""
        self._http = http
        self._rng = rng
        self._questions = questions
        self._deleted = deleted
        self._hand: list[str] = []
        self._mine: list[str] = []
        self._made = 0
        self._name = f"load-{rng.getrandbits(48):012x}"
        self._session: str | None = None
        self._asked = 0
        self._citations: list[dict[str, Any]] = []  # Any: JSON

    async def run(self, until: float) -> list[Call]:
        """Go on until that reading of the monotonic clock; wait as long as the server asks for.

        A few steps are taken however late it is: the machine may have stood still meanwhile.
        """
        calls: list[Call] = []
        while (left_s := until - time.monotonic()) > 0 or len(calls) < _LEAST_STEPS:
            call = await self.step()
            calls.append(call)
            if call.retry_after_s:
                await asyncio.sleep(max(min(call.retry_after_s, left_s), 0))
        return calls

    async def step(self) -> Call:
        """Do the next thing."""
        steps: dict[str, Callable[[], Awaitable[Reply]]] = {
            "search": self._search,
            "chat": self._chat,
            "stream": self._stream,
            "write": self._write,
            "read": self._read,
            "session": self._begin,
        }
        kind = self._next()
        began = time.perf_counter()
        try:
            reply = await steps[kind]()
        except (Wrong, httpx.TransportError, ValueError, LookupError) as exc:
            status = exc.args[1] if isinstance(exc, Wrong) else 0
            wrong = f"{kind}: {type(exc).__name__} {exc}"[:300]
            return Call(kind, status, time.perf_counter() - began, None, wrong)
        waits = reply.headers.get("retry-after")
        return Call(
            kind, reply.status, time.perf_counter() - began, float(waits) if waits else None, None
        )

    def _next(self) -> str:
        if self._session is None or self._asked >= _QUESTIONS_A_SESSION:
            return "session"
        if not self._hand:
            self._hand = list(_DECK)
            self._rng.shuffle(self._hand)
        return self._hand.pop()

    async def _begin(self) -> Reply:
        reply = await self._send("POST", "/v1/sessions", {})
        if reply.status == 201:
            self._session, self._asked = reply.json()["id"], 0
        return reply

    async def _search(self) -> Reply:
        mode = self._rng.choice(("hybrid", "hybrid", "dense", "bm25"))
        reply = await self._send("POST", "/v1/search", {"query": self._question(), "mode": mode})
        if reply.status == 200 and not isinstance(reply.json()["hits"], list):
            raise Wrong("a search without hits", 200)
        return reply

    async def _chat(self) -> Reply:
        reply = await self._send("POST", "/v1/chat", self._message())
        if reply.status == 200:
            self._keep(reply.json())
        return reply

    async def _stream(self) -> Reply:
        reply = await self._send("POST", "/v1/chat", self._message() | {"stream": True})
        if reply.status == 200:
            self._keep(whole(reply.text))
        return reply

    async def _write(self) -> Reply:
        if len(self._mine) < _FEWEST_ARTICLES:
            return await self._post()
        if len(self._mine) > _MOST_ARTICLES:
            return await self._delete()
        return await self._rng.choice((self._post, self._put, self._delete))()

    async def _post(self) -> Reply:
        self._made += 1
        article_id = f"{self._name}-{self._made}"
        reply = await self._send("POST", "/v1/documents", article(self._rng, article_id))
        if 200 <= reply.status < 300:
            self._mine.append(article_id)
        return reply

    async def _put(self) -> Reply:
        article_id = self._rng.choice(self._mine)
        fields = article(self._rng, article_id)
        return await self._send("PUT", f"/v1/documents/{article_id}", fields)

    async def _delete(self) -> Reply:
        article_id = self._mine[0]
        # Before it is sent: others may ask for the article while it goes.
        self._deleted.add(article_id)
        reply = await self._send("DELETE", f"/v1/documents/{article_id}")
        if reply.status == 200:
            self._mine.pop(0)
        return reply

    async def _read(self) -> Reply:
        wanted = self._rng.choice(("documents", "document", "citation", "sessions", "session"))
        if wanted == "document" and self._mine:
            return await self._send("GET", f"/v1/documents/{self._rng.choice(self._mine)}")
        if wanted == "citation" and self._citations:
            cited = self._rng.choice(self._citations)
            return await self._send(
                "GET", f"/v1/citations/{cited['id']}", may_miss=cited["article_id"]
            )
        if wanted == "session":
            return await self._send("GET", f"/v1/sessions/{self._session}")
        return await self._send("GET", f"/v1/{'sessions' if wanted == 'sessions' else 'documents'}")

    def _question(self) -> str:
        if self._rng.random() < 0.5:
            return self._rng.choice(self._questions)
        return f"Why was the {self._rng.choice(_THINGS)} in {self._rng.choice(_PLACES)} closed?"

    def _message(self) -> dict[str, object]:
        message: dict[str, object] = {"message": self._question()}
        if self._rng.random() < 0.5:
            self._asked += 1
            message["session_id"] = self._session
        return message

    def _keep(self, answer: dict[str, Any]) -> None:  # Any: JSON
        if answer["answer_status"] != "no_answer":
            self._citations = answer["citations"]

    async def _send(
        self, method: str, path: str, body: object = None, *, may_miss: str | None = None
    ) -> Reply:
        """Return the reply to its end. Raises Wrong when its status is none that may be."""
        sent = {} if body is None else {"json": body}
        response = await self._http.request(method, path, **sent)  # type: ignore[arg-type]
        status = response.status_code
        fine = 200 <= status < 300
        later = status in (429, 503) and "retry-after" in response.headers
        missing = status == 404 and may_miss in self._deleted
        if not (fine or later or missing):
            raise Wrong(f"{status} {method} {path}: {response.text[:200]}", status)
        return Reply(status, response.headers, response.text)


def whole(text: str) -> dict[str, Any]:  # Any: JSON
    """Return the answer object of a stream. Raises Wrong unless the stream is whole."""
    events = [_event(block) for block in text.split("\n\n") if block.strip(": \n")]
    events = [event for event in events if event]
    if [event.get("id") for event in events] != [str(n + 1) for n in range(len(events))]:
        raise Wrong("a stream whose events are not counted from one", 200)
    names = [event["event"] for event in events]
    if names[:2] != ["message.start", "retrieval"] or names[-2:] != ["message.end", "done"]:
        raise Wrong(f"a stream of {names[:2]} … {names[-2:]}: {events[-2:]}"[:250], 200)
    shown = ""
    for event in events:
        if event["event"] == "message.delta":
            piece = json.loads(event["data"])
            shown = piece["text"] if piece["replaces"] else shown + piece["text"]
    answer: dict[str, Any] = json.loads(events[-2]["data"])
    if shown != answer["answer"]:
        raise Wrong(f"a stream that shows {shown[:80]!r} for {answer['answer'][:80]!r}", 200)
    return answer


def article(rng: Random, article_id: str) -> dict[str, str]:
    """Return an invented article."""
    place, thing, cause = rng.choice(_PLACES), rng.choice(_THINGS), rng.choice(_CAUSES)
    first, second = rng.sample(_PEOPLE, 2)
    day, cost, months = rng.randint(1, 28), rng.randint(2, 90), rng.randint(2, 30)
    text = (
        f"The {thing} in {place} was closed on {day} March because of {cause}.\n\n"
        f'"We had no choice, and we said so in time," said {first}, who runs the {thing}. '
        f"The repair will cost {cost} million crowns and take {months} months.\n\n"
        f"{second} of the council of {place} called the delay a disgrace. According to {second}, "
        f"the council had asked for a plan {months} weeks before.\n\n"
        f"Number {article_id} of a series on the works of the city."
    )
    return {
        "id": article_id,
        "title": f"{thing.capitalize()} in {place} closed",
        "text": text,
        "source": "load.example",
        "published_at": f"2024-03-{day:02d}",
    }


def _event(block: str) -> dict[str, str]:
    lines = [line for line in block.splitlines() if line and not line.startswith(":")]
    return dict(line.split(": ", 1) for line in lines)
