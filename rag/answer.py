"""A question to its answer: prepare finds the evidence, complete writes, cites and verifies.

>>> answerer = build_answerer(index)
>>> now = datetime.now(UTC)
>>> evidence = answerer.prepare(Question(text="Who was blamed for the Taji attack?"), now=now)
>>> answerer.complete(evidence, now=now).answer_status
'answered'

They are apart so that all that can fail has failed before the first byte of an answer is sent.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from opentelemetry.trace import Tracer

from rag.agreement import confidence
from rag.cite import sources
from rag.conversation import accepted, standalone
from rag.extract import MODEL, Written, extract
from rag.generate import Writer
from rag.index import Index
from rag.prompts import NO_ANSWER
from rag.reader import Reader
from rag.retrieve import Retriever
from rag.shapes import fitted
from rag.stages import program_tracer, stage
from rag.types import (
    AbstainReason,
    Answer,
    Article,
    Delta,
    Evidence,
    Hit,
    Question,
    Reading,
)


class Answerer:
    """Holds what an answer is made with; safe to call from several threads."""

    def __init__(
        self,
        index: Index,
        retriever: Retriever,
        reader: Reader,
        writer: Writer | None = None,
        *,
        tracer: Tracer | None = None,
    ) -> None:
        """Answer from `index`, with the passages `retriever` finds and the spans `reader` reads.

        With a `writer` a language model writes what it can prove; without one, answers are quoted.
        Without a `tracer` the spans of the stages go to the program's own OpenTelemetry, if any.
        """
        self._writer = writer
        self._index = index
        self._retriever = retriever
        self._reader = reader
        self._tracer = tracer or program_tracer()

    @property
    def model(self) -> str:
        """Who writes the answers: the language model's name, or `extractive`."""
        return self._writer.model if self._writer else MODEL

    def answer(self, question: Question, *, now: datetime, request_id: str | None = None) -> Answer:
        """Return the answer to `question`: prepare and complete in one call."""
        return self.complete(self.prepare(question, now=now), now=now, request_id=request_id)

    def prepare(
        self, question: Question, *, now: datetime, stop: threading.Event | None = None
    ) -> Evidence:
        """Return the passages and spans that bear on `question`, and why not to answer, if so.

        "Last week" counts from `now`, or from the `as_of` of the question's filters. Once `stop` is
        set a language model is not listened to.
        """
        timings: dict[str, float] = {}
        with stage("rewrite", timings, self._tracer):
            text = self._standalone(question, stop)
        with stage("retrieve", timings, self._tracer) as span:
            hits = self._retriever.retrieve(question, text=text, now=now)
            span.set_attribute("dateline.passages", len(hits))
        with stage("read", timings, self._tracer) as span:
            readings = fitted(text, self._reader.read(text, hits))
            span.set_attribute("dateline.readings", len(readings))
        return Evidence(
            question=question,
            standalone_question=text,
            hits=_with_scores(hits, readings),
            readings=tuple(readings),
            abstain_reason=self._abstain_reason(question, readings),
            timings_ms=timings,
        )

    def _standalone(self, question: Question, stop: threading.Event | None) -> str:
        """Return the question by itself, in the language model's words where it may be."""
        by_rule = standalone(question.text, question.history)
        if self._writer is None or by_rule == question.text:
            return by_rule
        asked = self._writer.rewrite(question.text, question.history, accepted=accepted, stop=stop)
        return asked or by_rule

    def complete(
        self, evidence: Evidence, *, now: datetime, request_id: str | None = None
    ) -> Answer:
        """Return the answer object for `evidence`; every citation in it is verified.

        `now` stamps the answer. Without a `request_id` one is derived from the question and `now`.
        """
        answer = self.begin(evidence, now=now, request_id=request_id)
        if self._writer is None or answer.answer_status == "no_answer":
            return answer
        return self._writer.write(answer, evidence, self._index.catalog.get)

    def stream(
        self, begun: Answer, evidence: Evidence, *, stop: threading.Event | None = None
    ) -> Iterator[Delta | Answer]:
        """Yield the text of the answer as it is written and judged, and last the answer object.

        `begun` is what `begin` returned for `evidence`; its id is the answer's, too. Once `stop` is
        set nobody waits for the answer any more, and a language model is not listened to.
        """
        if self._writer is None or begun.answer_status == "no_answer":
            yield Delta(text=begun.answer, citations=begun.citations)
            yield begun
        else:
            yield from self._writer.stream(begun, evidence, self._index.catalog.get, stop=stop)

    def begin(self, evidence: Evidence, *, now: datetime, request_id: str | None = None) -> Answer:
        """Return the answer without a language model: what is given when there is none."""
        timings = dict(evidence.timings_ms)
        written: Written | None = None
        if evidence.abstain_reason is None:
            with stage("write", timings, self._tracer):
                written = extract(evidence.standalone_question, evidence.readings, self._fetch())
            if written is None:
                evidence = evidence.model_copy(update={"abstain_reason": "unverified"})
        timings["total"] = round(sum(timings.values()), 3)
        evidence = evidence.model_copy(update={"timings_ms": timings})
        return self._answer(evidence, written, now, request_id)

    def _answer(
        self, evidence: Evidence, written: Written | None, now: datetime, request_id: str | None
    ) -> Answer:
        reason = evidence.abstain_reason
        citations = written.citations if written else ()
        text = written.text if written else NO_ANSWER[reason or "low_confidence"]
        key = f"{evidence.question.model_dump_json()}\n{now.isoformat()}"
        return Answer(
            id=_derived("msg", f"{key}\n{self._index.fingerprint}\n{text}"),
            created_at=now,
            model=MODEL,
            answer=text,
            short_answer=written.short if written else None,
            answer_status=written.status if written else "no_answer",
            abstain_reason=reason,
            confidence=confidence(evidence.readings),
            standalone_question=evidence.standalone_question,
            citations=citations,
            sources=sources(citations),
            accounts=written.accounts if written else (),
            timings_ms=evidence.timings_ms,
            index_fingerprint=self._index.fingerprint,
            request_id=request_id or _derived("req", key),
        )

    def _abstain_reason(
        self, question: Question, readings: Sequence[Reading]
    ) -> AbstainReason | None:
        if readings and confidence(readings) >= self._floor(question):
            return None
        if not self._index.catalog.counts().articles:
            return "empty_index"
        if not question.filters.is_empty() and not readings:
            return "filtered_out"
        return "low_confidence" if readings else "no_match"

    def _fetch(self) -> Callable[[str], Article | None]:
        """Return a look-up of live articles that asks the catalog once for each."""
        return lru_cache(maxsize=None)(self._index.catalog.get)

    def _floor(self, question: Question) -> float:
        asked = question.min_confidence
        return self._reader.threshold if asked is None else asked


def _with_scores(hits: Sequence[Hit], readings: Sequence[Reading]) -> tuple[Hit, ...]:
    """Return the hits with the probability of the best span of each."""
    best: dict[str, float] = {}
    for reading in readings:
        best.setdefault(reading.hit.passage.passage_id, reading.probability)
    return tuple(
        hit.model_copy(
            update={
                "scores": hit.scores.model_copy(update={"reader": best.get(hit.passage.passage_id)})
            }
        )
        for hit in hits
    )


def _derived(prefix: str, basis: str) -> str:
    return f"{prefix}_{hashlib.sha256(basis.encode()).hexdigest()[:16]}"
