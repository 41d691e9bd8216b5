"""A language model as a judge, behind any OpenAI-compatible URL.

>>> judge = LlmJudge("http://127.0.0.1:8080/v1", "qwen3-8b", votes=3)
>>> judge.judge("The attack killed 14.", "The attack killed three and wounded 14.").label
'contradicted'
>>> judge.spent()
Spent(calls=3, votes=3, unreadable=0, failed=0, prompt_tokens=812, …, cost=None)

Each verdict is the majority of votes with other seeds, every other one with the claim first. What
cannot be read, or does not come, is no vote: a verdict without a majority is unscored. Until
`dateline eval judge` has recorded how far such a judge agrees with people, it is advisory.
"""

import hashlib
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from evals.judges.ballot import (
    JUDGE_PROMPT_VERSION,
    RESPONSE_FORMAT,
    Ballot,
    counted,
    fitted,
    messages,
    read_ballot,
)
from evals.judges.judge import JudgeInfo
from evals.metrics import Prices
from rag.errors import ConfigurationError, InputError
from rag.support import Verdict
from rag.types import Value

if TYPE_CHECKING:
    import httpx
    from openai import OpenAI

# The server says that the request itself is wrong; asking again changes nothing.
_REFUSED = (401, 403, 404)
# What servers say to a response format that they do not know.
_UNKNOWN_FORMAT = (400, 415, 422, 501)


class JudgeLimits(Value):
    """How much one judge may ask for."""

    concurrency: int = Field(default=4, ge=1, description="requests at once")
    timeout_s: float = Field(default=60.0, gt=0, description="for each answer of the server")
    retries: int = Field(default=2, ge=0)
    premise_chars: int = Field(default=6_000, ge=200, description="of a passage, more is cut")
    max_tokens: int = Field(default=200, ge=1, description="of one vote")


class Spent(Value):
    """What the verdicts so far took."""

    calls: int = Field(description="requests, without retries")
    votes: int
    unreadable: int = Field(description="votes that were not the object asked for")
    failed: int = Field(description="votes that the server did not give")
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = Field(description="None when no prices are known")


class LlmJudge:
    """Holds the client; safe to call from several threads."""

    def __init__(
        self,
        url: str,
        model: str,
        api_key: SecretStr | None = None,
        *,
        votes: int = 3,
        limits: JudgeLimits = JudgeLimits(),  # noqa: B008 - frozen
        prices: Prices | None = None,
    ) -> None:
        """Ask `model` at `url` for `votes` votes a verdict; nothing is sent yet.

        Raises: ConfigurationError when the extra `llm` is not installed, InputError.
        """
        if votes < 1 or urlsplit(url).scheme not in ("http", "https"):
            raise InputError(f"a judge needs a http(s) URL and a vote or more: {url}, {votes}")
        self._client = _client(url, api_key, limits)
        self._model = model
        self._votes = votes
        self._limits = limits
        self._prices = prices
        self._turns = threading.BoundedSemaphore(limits.concurrency)
        self._takes_schema = True
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.info = _info(url, model, votes, limits)

    def judge(self, claim: str, premise: str) -> Verdict:
        """Return what most votes say that `premise` says about `claim`.

        Raises: ConfigurationError when the server refuses the key, the model or the address.
        """
        passage = fitted(claim, premise, size_chars=self._limits.premise_chars)
        votes: list[Ballot | None] = []
        notes = [passage.note] if passage.note else []
        for number in range(self._votes):
            asked = messages(claim, passage.text, claim_first=number % 2 == 1)
            text, failure = self._ask(asked, seed=number)
            vote = None if text is None else read_ballot(text)
            votes.append(vote)
            self._count(votes=1, failed=text is None, unreadable=text is not None and vote is None)
            if failure:
                notes.append(f"the server gave no vote: {failure}")
        return counted(votes, notes=list(dict.fromkeys(notes)))

    def spent(self) -> Spent:
        """Return what all verdicts so far took."""
        with self._lock:
            counts = {name: self._counts[name] for name in Spent.model_fields if name != "cost"}
        cost = None
        if self._prices:
            cost = (
                counts["prompt_tokens"] * self._prices.prompt
                + counts["completion_tokens"] * self._prices.completion
            ) / 1_000_000
        return Spent(**counts, cost=cost)

    def _ask(self, asked: list[dict[str, str]], *, seed: int) -> tuple[str | None, str | None]:
        """Return what the model wrote, or why it wrote nothing."""
        import openai

        try:
            with self._turns:
                response = self._create(asked, seed)
        except openai.APIStatusError as exc:
            # The message is not shown, for it may hold the key.
            if exc.status_code in _REFUSED:
                raise ConfigurationError(
                    f"{self.info.name} refuses requests (HTTP {exc.status_code}): check the "
                    "address, the model's name and DATELINE_LLM_API_KEY"
                ) from exc
            return None, f"HTTP {exc.status_code}"
        except (openai.OpenAIError, ValueError) as exc:
            return None, type(exc).__name__
        usage = getattr(response, "usage", None)
        self._count(
            prompt_tokens=getattr(usage, "prompt_tokens", None) or 0,
            completion_tokens=getattr(usage, "completion_tokens", None) or 0,
        )
        # Of a server that sends something else the client makes no completion.
        choices = getattr(response, "choices", None) or []
        content = choices[0].message.content if choices else None
        return (content or "", None)

    def _create(self, asked: list[dict[str, str]], seed: int) -> Any:  # Any: whatever was sent
        """Ask with the schema, without it where the server does not take it."""
        import openai

        fields: dict[str, Any] = {  # Any: of several types
            "model": self._model,
            "messages": asked,
            "temperature": 0,
            "seed": seed,
            "max_tokens": self._limits.max_tokens,
        }
        if self._takes_schema:
            try:
                self._count(calls=1)
                return self._client.chat.completions.create(
                    **fields | {"response_format": RESPONSE_FORMAT}
                )
            except openai.APIStatusError as exc:
                if exc.status_code not in _UNKNOWN_FORMAT:
                    raise
        self._count(calls=1)
        response = self._client.chat.completions.create(**fields)
        # Only now is it known that the format was what it did not take.
        self._takes_schema = False
        return response

    def _count(self, **seen: int) -> None:
        with self._lock:
            self._counts.update(seen)


def _info(url: str, model: str, votes: int, limits: JudgeLimits) -> JudgeInfo:
    host = urlsplit(url).netloc.rpartition("@")[2]
    made_of = [model, host, JUDGE_PROMPT_VERSION, votes, limits.premise_chars, limits.max_tokens]
    return JudgeInfo(
        name=f"{model} at {host}",
        fingerprint=f"sha256:{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()}",
        deterministic=False,
    )


def _client(url: str, api_key: SecretStr | None, limits: JudgeLimits) -> "OpenAI":
    try:
        import httpx
        from openai import OpenAI
    except ImportError as exc:
        raise ConfigurationError(
            "a language model as judge needs the extra: pip install 'dateline[llm]'"
        ) from exc

    def authorised(request: "httpx.Request") -> "httpx.Request":
        request.headers.pop("Authorization", None)
        if api_key:
            request.headers["Authorization"] = f"Bearer {api_key.get_secret_value()}"
        return request

    http = httpx.Client(
        auth=authorised,
        timeout=limits.timeout_s,
        # None is left open behind, and beside an answer a new one costs nothing.
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    # The client wants a key of its own; the real one is sent by `authorised`.
    return OpenAI(
        base_url=url,
        api_key="unused",
        timeout=limits.timeout_s,
        max_retries=limits.retries,
        http_client=http,
    )
