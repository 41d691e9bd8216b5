"""Whom the gold questions are put to: the library in this process, or a server by its address.

>>> target = Server("http://127.0.0.1:8321")
>>> target.ask(Question(text="Who was blamed?"), insist=False).answer.answer_status
'answered'
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from pydantic import Field

import rag
from api.client import Dateline
from rag.answer import Answerer
from rag.bundle import Bundle, Versions, versions
from rag.errors import DependencyError, NotFound
from rag.index import Index
from rag.prompts import PROMPT_VERSION
from rag.types import Answer, Article, ArticleMeta, Filters, Hit, Question, UtcTime, Value

_PAGE = 200


class System(Value):
    """What answers, and over what."""

    target: str
    corpus: str | None
    index: str | None
    models: str | None
    prompts: str | None
    program: str | None
    now: UtcTime | None = Field(default=None, description="the clock; None: the server's own")


class Reply(Value):
    """An answer, the passages that were read for it, and how long it took."""

    answer: Answer
    hits: tuple[Hit, ...]
    insisted: Answer | None = None
    latency_ms: float


class Target(Protocol):
    """Anything that answers questions about articles which it can show."""

    def ask(self, question: Question, *, insist: bool) -> Reply:
        """Return the answer, and with `insist` what it would be without a threshold."""
        ...

    def article(self, article_id: str) -> Article | None:
        """Return the article as it is stored now."""
        ...

    def system(self) -> System:
        """Return what answers."""
        ...


class Library:
    """An index in this process. `now` is the clock of every question, so that runs agree."""

    def __init__(
        self, answerer: Answerer, index: Index, *, now: datetime | None = None, llm: str = ""
    ) -> None:
        """Ask `answerer` as of `now`, by default the time of the newest article.

        Args: llm: name of the language model that writes, if one does.
        """
        self._answerer = answerer
        self.index = index
        self._llm = llm
        self.now = now or _newest(index)

    def ask(self, question: Question, *, insist: bool) -> Reply:
        """Return the answer; the time that insisting takes is not counted."""
        began = time.perf_counter()
        evidence = self._answerer.prepare(question, now=self.now)
        answer = self._answerer.complete(evidence, now=self.now)
        elapsed = time.perf_counter() - began
        insisted = None
        if insist and answer.answer_status == "no_answer" and evidence.readings:
            open_to_all = evidence.model_copy(update={"abstain_reason": None})
            insisted = self._answerer.complete(open_to_all, now=self.now)
        return Reply(
            answer=answer,
            hits=evidence.hits,
            insisted=insisted,
            latency_ms=round(elapsed * 1_000, 1),
        )

    def article(self, article_id: str) -> Article | None:
        """Return the live version."""
        return self.index.catalog.get(article_id)

    def system(self) -> System:
        """Return the fingerprints; `program` changes with every change of the code."""
        made_with = versions()
        return System(
            target="library",
            corpus=_corpus(_pages(self.index)),
            index=self.index.fingerprint,
            models=_models(made_with, self._llm),
            prompts=PROMPT_VERSION,
            program=f"{made_with.dateline}+{_source()}",
            now=self.now,
        )


class Server:
    """A Dateline server, asked as any client asks it; safe to call from several threads."""

    def __init__(self, url: str, *, api_key: str | None = None, timeout_s: float = 60.0) -> None:
        """Raises InputError when `url` is no HTTP address."""
        self._dateline = Dateline(url, api_key=api_key, timeout_s=timeout_s)
        self._article = lru_cache(maxsize=4_096)(self._fetched)

    def ask(self, question: Question, *, insist: bool) -> Reply:
        """Return the answer with its evidence. Raises DependencyError when none comes."""
        began = time.perf_counter()
        bundle = self._bundle(question)
        elapsed = time.perf_counter() - began
        insisted = None
        if insist and bundle.answer.answer_status == "no_answer" and bundle.hits:
            sure = question.model_copy(update={"min_confidence": 0.0})
            insisted = self._bundle(sure).answer
        return Reply(
            answer=bundle.answer,
            hits=bundle.hits,
            insisted=insisted,
            latency_ms=round(elapsed * 1_000, 1),
        )

    def article(self, article_id: str) -> Article | None:
        """Return the article as the server shows it."""
        return self._article(article_id)

    def system(self) -> System:
        """Return what the server says of itself; its prompts and its code it does not tell."""
        bundle = self._bundle(Question(text="What is new?"))
        return System(
            target=self._dateline.url,
            corpus=_corpus(self._dateline.articles()),
            index=bundle.index_fingerprint,
            models=_models(bundle.versions, ""),
            prompts=None,
            program=bundle.versions.dateline,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._dateline.close()

    def _bundle(self, question: Question) -> Bundle:
        found = self._dateline.ask(
            question.text,
            history=question.history,
            filters=question.filters,
            mode=question.mode,
            top_k=question.top_k,
            min_confidence=question.min_confidence,
            include=("bundle",),
        )
        if found.bundle is None:
            raise DependencyError(f"{self._dateline.url} gave no bundle; is it of this version?")
        return found.bundle

    def _fetched(self, article_id: str) -> Article | None:
        try:
            return self._dateline.article(article_id)
        except NotFound:
            return None


def _newest(index: Index) -> datetime:
    """Return the time of the newest article, so that “last week” is the archive's."""
    published = [meta.published_at for meta in _pages(index) if meta.published_at]
    return max(published, default=datetime.now(UTC))


def _pages(index: Index) -> Iterator[ArticleMeta]:
    after: str | None = None
    while found := index.catalog.page(Filters(), after=after, limit=_PAGE):
        yield from found
        after = found[-1].article_id


def _corpus(articles: Iterable[ArticleMeta]) -> str:
    known = sorted((article.article_id, article.content_hash) for article in articles)
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def _models(made_with: Versions, llm: str) -> str:
    named = sorted(made_with.models.items())
    return hashlib.sha256(repr((named, llm)).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _source() -> str:
    """Return a hash of the code that answers: a version number stays while it is worked on."""
    digest = hashlib.sha256()
    [folder] = rag.__path__
    for path in sorted(Path(folder).glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
