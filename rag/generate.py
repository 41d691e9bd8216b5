"""The answer with a language model: it writes, every sentence is judged, every quote is verified.

>>> writer = Writer(BoundedLLM(llm, Limits()), SupportJudge(), prompt_chars=9_000)
>>> answer = writer.write(extractive_answer, evidence, index.catalog.get)
>>> answer.answer, answer.model, answer.verification.supported
('Kataib Hezbollah was blamed for the attack. [1]', 'smollm2', 1)

The extractive answer is there before: whatever goes wrong with the model, that answer is given,
with a note that says why.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from opentelemetry.trace import INVALID_SPAN, Span, Tracer, set_span_in_context

from rag.cite import recited, sources
from rag.draft import Drafting, Sentence
from rag.llm import BoundedLLM, Ended, Piece
from rag.markers import MarkerParser
from rag.prompts import (
    ABSTAINED,
    NO_ANSWER,
    NOTES,
    Fallback,
    Prompt,
    rewrite_prompt,
    write_prompt,
)
from rag.stages import failed, program_tracer, within
from rag.types import Answer, Delta, Evidence, Hit, Turn
from rag.verify import Checked, Fetch, Judge

# Models say it in their own words, too.
_ABSTAINS = re.compile(
    r"\b(?:passages?|articles?|texts?|sources?)\b.{0,40}\b(?:do(?:es)? not|don.t|doesn.t)\b.{0,20}"
    r"\b(?:hold|contain|provide|include|mention|say|state|give|answer|specify)",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"(?:i.m |i am )?(?:sorry|unable|afraid)\b|i (?:can.?not|can.t|won.t|must decline)\b"
    r"|as an ai\b",
    re.IGNORECASE,
)
_QUESTION_CHARS = 400
Guard = Callable[[str, str, Sequence[Turn]], bool]
# Words of the reader that are half as probable as its best may still be the short answer.
_SHORT_SHARE = 0.5


class Writer:
    """Holds the model and the judge; safe to call from several threads."""

    def __init__(
        self, llm: BoundedLLM, judge: Judge, *, prompt_chars: int, tracer: Tracer | None = None
    ) -> None:
        """Let `llm` write from prompts of at most so many characters, and `judge` check it."""
        self._llm = llm
        self._judge = judge
        self._prompt_chars = prompt_chars
        self._tracer = tracer or program_tracer()

    @property
    def model(self) -> str:
        """The model's name on its server."""
        return self._llm.name

    def write(self, extractive: Answer, evidence: Evidence, fetch: Fetch) -> Answer:
        """Return the model's answer, as far as it is verified, or `extractive` with a note."""
        *_, answer = self.stream(extractive, evidence, fetch)
        if not isinstance(answer, Answer):
            raise TypeError(f"a stream ends with its answer, not {answer!r}")
        return answer

    def stream(
        self,
        extractive: Answer,
        evidence: Evidence,
        fetch: Fetch,
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Delta | Answer]:
        """Yield the answer's text sentence by sentence, each judged before, then the answer.

        `extractive`, the answer without a model, is given, as a piece that replaces those before,
        when the model fails; `fetch(article_id)` returns the live article. Setting `stop` ends the
        asking.
        """
        hits = sorted(evidence.hits, key=_rank)
        question = evidence.standalone_question
        prompt = write_prompt(question, hits, size_chars=self._prompt_chars)
        checked = Checked(self._judge, prompt.hits, evidence.readings, fetch)
        draft = Draft(self._llm, evidence, prompt, checked, self._tracer)
        sent = False
        for piece in draft.pieces(stop):
            sent = True
            yield piece
        fields = draft.fields(extractive)
        answer = Answer.model_validate(dict(extractive) | fields | draft.timings(extractive))
        if not sent or answer.answer != draft.checked.text:
            yield Delta(text=answer.answer, citations=answer.citations, replaces=sent)
        yield answer

    def rewrite(
        self,
        question: str,
        history: Sequence[Turn],
        *,
        accepted: Guard,
        stop: threading.Event | None = None,
    ) -> str | None:
        """Return `question` as the model would ask it without `history`; None if it does not.

        `accepted(rewriting, question, history)` says whether it still asks the same. Setting `stop`
        ends the asking.
        """
        line = _first_line(self._llm.stream(rewrite_prompt(question, history), stop=stop))
        asked = line.strip("\"“”'` ")
        # A label that small models repeat from the prompt.
        asked = re.sub(r"^[\w -]{0,30}question:\s*", "", asked, flags=re.IGNORECASE)
        fits = 0 < len(asked) <= _QUESTION_CHARS
        return asked if fits and accepted(asked, question, history) else None


class Draft:
    """One answer while it is written."""

    def __init__(
        self,
        llm: BoundedLLM,
        evidence: Evidence,
        prompt: Prompt,
        checked: Checked,
        tracer: Tracer,
    ) -> None:
        """Prepare to ask `llm`; nothing is sent yet."""
        self._llm = llm
        self._evidence = evidence
        self._prompt = prompt
        self.checked = checked
        self._tracer = tracer
        self._span: Span = INVALID_SPAN
        self._first = True
        self._ended = Ended("empty")
        self._failure: Fallback | None = None
        self._took_s = {"write": 0.0, "verify": 0.0}

    def pieces(self, stop: threading.Event | None = None) -> Iterator[Delta]:
        """Yield what can be shown of the model's answer, sentence by sentence."""
        self._span = self._tracer.start_span("dateline.write")
        try:
            yield from self._pieces(stop)
        finally:
            _told(self._span, self._llm.name, self._ended)
            self._span.end()

    def fields(self, extractive: Answer) -> dict[str, Any]:  # Any: the fields are of several types
        """Return what the model's answer changes in `extractive`."""
        common = {"usage": self._ended.usage}
        failure = self._failure or self._weakness(extractive)
        if failure == "abstained" and self._evidence.question.min_confidence != 0:
            return common | _abstention(self._llm.name)
        judged = self.checked.verification()
        if failure:
            note = NOTES[failure].format(total_s=self._llm.limits.total_s)
            # What was marked is not in the answer that is given.
            unseen = judged.model_copy(update={"unsupported_spans": ()})
            return common | {"note": note, "verification": unseen if judged.sentences else None}
        citations = tuple(self.checked.citations)
        partial = judged.supported < judged.sentences or judged.quotes_dropped > 0
        status = "partial" if partial else "answered"
        return common | {
            "model": self._llm.name,
            "answer": self.checked.text,
            "short_answer": self._short(),
            "answer_status": "conflicting" if _conflicts(extractive) else status,
            "confidence": max(citation.score for citation in citations),
            "citations": citations,
            "sources": sources(citations),
            "accounts": recited(extractive, citations),
            "verification": judged,
        }

    def timings(self, extractive: Answer) -> dict[str, dict[str, float]]:
        """Return the answer's timings with the model's and the judge's."""
        timings = dict(extractive.timings_ms)
        for name, took in self._took_s.items():
            for key in (name, "total"):
                timings[key] = round(timings.get(key, 0.0) + 1_000 * took, 3)
        return {"timings_ms": timings}

    def _pieces(self, stop: threading.Event | None) -> Iterator[Delta]:
        parser, drafting = MarkerParser(len(self._prompt.hits)), Drafting()
        began = time.perf_counter()
        for event in self._llm.stream(self._prompt, stop=stop):
            if isinstance(event, Ended):
                self._ended = event
                break
            # After a refusal the rest is read, too: the token counts come last.
            yield from self._add(drafting.feed(parser.feed(event.text)))
        self._failure = self._failure or self._ended.reason
        if not self._failure:
            rest = drafting.feed(parser.close()) + drafting.close()
            if self._ended.is_cut and rest and not rest[-1].is_finished:
                rest.pop()
            yield from self._add(rest)
        self._took_s["write"] = time.perf_counter() - began - self._took_s["verify"]

    def _add(self, sentences: Sequence[Sentence]) -> Iterator[Delta]:
        """Yield what the sentences add, unless the first one says that there is no answer."""
        for sentence in sentences:
            if self._first:
                self._failure = declined(sentence.text)
                self._first = False
            if self._failure:
                return
            began, known = time.perf_counter(), len(self.checked.citations)
            # Named as parent, because a generator that is left cannot leave its context.
            within_write = set_span_in_context(self._span)
            with within(self._tracer.start_span("dateline.verify", context=within_write)):
                added = self.checked.add(sentence)
            self._took_s["verify"] += time.perf_counter() - began
            if added:
                yield Delta(text=added, citations=tuple(self.checked.citations[known:]))

    def _weakness(self, extractive: Answer) -> Fallback | None:
        """Return why the finished text is not to be given."""
        if not self.checked.citations:
            return "unsupported" if self.checked.verification().sentences else "empty"
        told = {citation.article_id for citation in self.checked.citations}
        sides = {citation.article_id for citation in extractive.citations}
        return "one_sided" if _conflicts(extractive) and not sides <= told else None

    def _short(self) -> str | None:
        """Return the reader's most probable words that a supported sentence repeats, if any."""
        readings = self._evidence.readings
        floor = _SHORT_SHARE * readings[0].probability if readings else 0.0
        cited = {citation.passage_id for citation in self.checked.citations}
        text = " ".join(self.checked.supported)
        for reading in readings:
            words = " ".join(reading.answer.split())
            known = reading.probability >= floor and reading.hit.passage.passage_id in cited
            if known and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE):
                return words
        return None


def _first_line(events: Iterator[Piece | Ended]) -> str:
    """Return the first line with words in it, without what would follow; none if that fails."""
    text = ""
    for event in events:
        if isinstance(event, Ended):
            return text.strip() if event.reason is None else ""
        text = (text + event.text).lstrip()
        if len(lines := text.splitlines(keepends=True)) > 1 or text.endswith("\n"):
            return lines[0].strip()
    return ""


def _rank(hit: Hit) -> float:
    """Return the place of a hit in the prompt, lowest first: by the reader, then by retrieval."""
    return -(hit.scores.reader if hit.scores.reader is not None else -1.0)


def declined(sentence: str) -> Fallback | None:
    """Return how an answer that begins with `sentence` declines to answer, if it does."""
    if _ABSTAINS.search(sentence):
        return "abstained"
    return "refused" if _REFUSES.match(sentence) else None


def _told(span: Span, model: str, ended: Ended) -> None:
    """Put into `span` what the model spent, by OpenTelemetry's names for generative AI."""
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": ended.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": ended.usage.completion_tokens,
        }
    )
    if ended.reason:
        failed(span, ended.reason)


def _abstention(model: str) -> dict[str, Any]:  # Any: as in Draft.fields
    return {
        "model": model,
        "answer": NO_ANSWER["low_confidence"],
        "short_answer": None,
        "answer_status": "no_answer",
        "abstain_reason": "low_confidence",
        "citations": (),
        "sources": (),
        "accounts": (),
        "note": ABSTAINED,
    }


def _conflicts(extractive: Answer) -> bool:
    return extractive.answer_status == "conflicting"
