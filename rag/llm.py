"""A language model that is asked within limits: so many at once, so long, and never an exception.

>>> for event in model.stream(prompt):
...     print(event)
Piece(text='Kataib Hezbollah was blamed')
Piece(text=' [1].')
Ended(reason=None, usage=Usage(prompt_tokens=412, …), is_cut=False)

Any LlamaIndex `LLM` will do. It runs in a thread of its own, because no timeout of a socket bounds
how long a whole answer takes: a server may send a byte a second for ever.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.prompts import Fallback, Prompt
from rag.types import Usage, Value

if TYPE_CHECKING:
    from llama_index.core.llms import LLM, ChatMessage

# A model that does not stop is stopped here; no answer of four sentences is that long.
MAX_CHARS = 8_000
_THINKS, _HAS_THOUGHT = "<think>", "</think>"
# How often somebody who waits for a piece looks whether to stop.
_LOOKS_UP_S = 0.1
logger = logging.getLogger("dateline.llm")


class Limits(Value):
    """How many calls run at once, and how long one may wait for its turn and take in all."""

    concurrency: int = 4
    wait_s: float = 2.0
    total_s: float = 20.0


class Piece(NamedTuple):
    """Text, as it comes in."""

    text: str


class Ended(NamedTuple):
    """The last event: why there is no more, if something went wrong, and what it cost.

    `is_cut` when the text ends where the length ran out.
    """

    reason: Fallback | None
    usage: Usage = Usage()
    is_cut: bool = False


class Spoken:
    """Leaves out what a reasoning model thinks before it speaks, `<think>…</think>`."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._held: str | None = ""

    def feed(self, text: str) -> str:
        """Return what of `text`, and of what was held back before, is spoken."""
        if self._held is None:
            return text
        self._held += text
        begun = self._held.lstrip()
        if begun.startswith(_THINKS):
            _, ended, spoken = begun.partition(_HAS_THOUGHT)
            if not ended:
                return ""
        elif _THINKS.startswith(begun):
            return ""
        else:
            spoken = self._held
        self._held = None
        return spoken


class BoundedLLM:
    """Holds the model and how many calls of it are under way; safe to call from several threads."""

    def __init__(
        self, llm: "LLM", limits: Limits, *, hang_up: Callable[[], None] | None = None
    ) -> None:
        """Ask `llm` within `limits`. Its own timeouts and retries hold for each call.

        `hang_up` ends what the calling thread has open, for no stream that is left does by itself.
        """
        self._llm = llm
        self._hang_up = hang_up or (lambda: None)
        self.limits = limits
        self.name = llm.metadata.model_name
        self._turns = threading.BoundedSemaphore(limits.concurrency)

    def stream(
        self, prompt: Prompt, *, stop: threading.Event | None = None
    ) -> Iterator[Piece | Ended]:
        """Yield what the model writes, piece by piece, and one `Ended`. Raises nothing.

        Setting `stop` ends it within a tenth of a second, as if the model were too slow.
        """
        began = time.monotonic()
        if not self._turns.acquire(timeout=self.limits.wait_s):
            yield _logged(Ended("busy"), began)
            return
        events: SimpleQueue[Piece | Ended] = SimpleQueue()
        left = threading.Event()
        threading.Thread(target=self._call, args=(prompt, events, left), daemon=True).start()
        try:
            while True:
                event = _next(events, began + self.limits.total_s, stop)
                if isinstance(event, Ended):
                    yield _logged(event, began)
                    return
                yield event
        finally:
            # The call that nobody waits for any more ends at its next piece, or its read timeout.
            left.set()

    def _call(
        self, prompt: Prompt, events: "SimpleQueue[Piece | Ended]", left: threading.Event
    ) -> None:
        """Put all that the model sends into `events`, and how it ended."""
        ended = Ended("unavailable")
        seen: list[str] = []
        try:
            ended = self._relay(prompt, events, left, seen)
        except Exception as exc:
            # Whatever a provider's client raises: the answer is then given without it. The message
            # is not logged, for it may hold the key.
            logger.warning("%s from the language model", type(exc).__name__)
            ended = Ended(_reason(exc, begun=bool(seen)))
        finally:
            self._hang_up()
            self._turns.release()
            events.put(ended)

    def _relay(
        self,
        prompt: Prompt,
        events: "SimpleQueue[Piece | Ended]",
        left: threading.Event,
        seen: list[str],
    ) -> Ended:
        usage, finish, size, spoken = Usage(), "unknown", 0, Spoken()
        for response in self._llm.stream_chat(_messages(prompt)):
            usage = _usage(response.additional_kwargs) or usage
            finish = _finish(response.raw, finish)
            size += len(response.delta or "")
            if piece := spoken.feed(response.delta or ""):
                seen.append(piece)
                events.put(Piece(piece))
            if left.is_set():
                return Ended("slow", usage)
            if size > MAX_CHARS:
                return Ended(None, usage, is_cut=True)
        if finish == "content_filter":
            return Ended("refused", usage)
        if finish == "unfinished":
            return Ended("cut", usage)
        return Ended(None if seen else "empty", usage, is_cut=finish == "length")


def _next(
    events: "SimpleQueue[Piece | Ended]", until: float, stop: threading.Event | None
) -> Piece | Ended:
    """Return the next event, or that it took too long: after `until`, or after `stop` was set."""
    while (left_s := until - time.monotonic()) > 0 and not (stop and stop.is_set()):
        with suppress(Empty):
            return events.get(timeout=min(left_s, _LOOKS_UP_S) if stop else left_s)
    return Ended("slow")


def _messages(prompt: Prompt) -> "list[ChatMessage]":
    from llama_index.core.llms import ChatMessage, MessageRole

    return [
        ChatMessage(role=MessageRole.SYSTEM, content=prompt.system),
        ChatMessage(role=MessageRole.USER, content=prompt.user),
    ]


def _usage(found: Mapping[str, Any]) -> Usage | None:  # Any: as LlamaIndex has it
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    counts = {name: found.get(name) for name in names}
    if not all(isinstance(count, int) and count >= 0 for count in counts.values()):
        return None
    return Usage.model_validate(counts)


def _finish(raw: Any, before: str) -> str:  # Any: each provider's own response
    """Return why the text ends: `unfinished` until a server that says why has said so.

    Only by that can a stream that was cut be told from one that ended.
    """
    choices = getattr(raw, "choices", None)
    if not isinstance(choices, list):
        return before
    said = getattr(choices[0], "finish_reason", None) if choices else None
    return str(said) if said else ("unfinished" if before == "unknown" else before)


def _reason(exc: Exception, *, begun: bool) -> Fallback:
    """Return the reason for what a provider's client raised, without knowing which provider."""
    status = getattr(exc, "status_code", None)
    if status == 429:
        return "rate_limited"
    if isinstance(status, int) and 400 <= status < 500 and status != 408:
        return "rejected"
    if "Timeout" in type(exc).__name__:
        return "slow"
    if isinstance(exc, ValueError):
        return "garbage"
    return "cut" if begun else "unavailable"


def _logged(ended: Ended, began: float) -> Ended:
    """Return `ended`, noted in one line without a word of question or answer."""
    facts = {
        "llm": ended.reason or "answered",
        "ms": round(1_000 * (time.monotonic() - began)),
        "prompt_tokens": ended.usage.prompt_tokens,
        "completion_tokens": ended.usage.completion_tokens,
    }
    logger.info("%s", json.dumps(facts), extra={"facts": facts})
    return ended
