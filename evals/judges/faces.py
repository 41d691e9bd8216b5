"""Our judges as LlamaIndex evaluators, for programs that are built with LlamaIndex.

>>> runner = BatchEvalRunner({"faithful": DatelineFaithfulness(), "cited": DatelineCitations()})
>>> asyncio.run(runner.aevaluate_responses(queries, responses))["faithful"][0].score
0.75

A score is a share of sentences, 0 to 1, higher is better. Where there is nothing to score (a
refusal, no context, no sentence that says anything) the result is invalid and says why; it is never
0 or NaN. A module of its own because importing LlamaIndex costs a second.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from llama_index.core.base.response.schema import Response
from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.schema import NodeWithScore

from evals.judges.judge import OfflineJudge
from rag.draft import Drafting, Sentence
from rag.generate import declined
from rag.markers import MarkerParser
from rag.prompts import ABSTENTION, NO_ANSWER
from rag.support import Verdict
from rag.verify import Judge

# LlamaIndex answers with the first when nothing was retrieved.
_REFUSALS = frozenset(("Empty Response", ABSTENTION, *NO_ANSWER.values()))


class _Scored(NamedTuple):
    """A sentence of a response, and whether it counts as good; None: it is not scored."""

    text: str
    good: bool | None
    why: str


class _SentenceEvaluator(BaseEvaluator):
    """Scores the share of a response's sentences that are good."""

    def __init__(self, judge: Judge | None = None, *, threshold: float = 1.0) -> None:
        """Judge with `judge`, by default our support model; pass at a score of `threshold`."""
        self._judge = judge or OfflineJudge()
        self._threshold = threshold

    def evaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        **kwargs: Any,  # Any: as LlamaIndex has it
    ) -> EvaluationResult:
        """Return the share of sentences of `response` that are good beside `contexts`.

        LlamaIndex's own runs the other one in an event loop, which it leaves open.
        """
        del kwargs
        return self._evaluated(query, response, contexts)

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        **kwargs: Any,  # Any: as LlamaIndex has it
    ) -> EvaluationResult:
        """As `evaluate`, without holding up the event loop."""
        del kwargs
        return await asyncio.to_thread(self._evaluated, query, response, contexts)

    def evaluate_response(
        self,
        query: str | None = None,
        response: Response | None = None,
        **kwargs: Any,  # Any: as LlamaIndex has it
    ) -> EvaluationResult:
        """As `evaluate`, of a response beside what it cites, or else its source nodes."""
        del kwargs
        return self._evaluated(query, *_texts(response))

    async def aevaluate_response(
        self,
        query: str | None = None,
        response: Response | None = None,
        **kwargs: Any,  # Any: as LlamaIndex has it
    ) -> EvaluationResult:
        """As `evaluate_response`, without holding up the event loop."""
        del kwargs
        return await asyncio.to_thread(self._evaluated, query, *_texts(response))

    @abstractmethod
    def _score(self, sentence: Sentence, contexts: Sequence[str]) -> _Scored:
        """Return whether the sentence is good."""

    def _evaluated(
        self, query: str | None, response: str | None, contexts: Sequence[str] | None
    ) -> EvaluationResult:
        invalid = _unscorable(response, contexts)
        sentences = [] if invalid else _sentences(response or "", len(contexts or ()))
        scored = [self._score(sentence, contexts or ()) for sentence in sentences]
        counted = [one.good for one in scored if one.good is not None]
        if not counted:
            invalid = invalid or "no sentence of the response says anything that can be judged"
        score = sum(counted) / len(counted) if counted else None
        return EvaluationResult(
            query=query,
            response=response,
            contexts=contexts,
            passing=None if score is None else score >= self._threshold,
            score=score,
            feedback="\n".join(f"{one.why}: {one.text}" for one in scored) or None,
            invalid_result=bool(invalid),
            invalid_reason=invalid,
        )

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts: PromptDictType) -> None:
        """There are none."""


class DatelineFaithfulness(_SentenceEvaluator):
    """The share of a response's sentences that one of its contexts supports."""

    def _score(self, sentence: Sentence, contexts: Sequence[str]) -> _Scored:
        verdicts = [self._judge.judge(sentence.text, context) for context in contexts]
        best = max(verdicts, key=_rank)
        if best.label == "unscored":
            return _Scored(sentence.text, None, "unscored")
        return _Scored(sentence.text, best.label == "supported", _why(best))


class DatelineCitations(_SentenceEvaluator):
    """The share of a response's sentences that a context which they cite supports.

    The marker [n] names the n-th context, as LlamaIndex's CitationQueryEngine numbers them. What
    cites nothing is not good: nobody can check it.
    """

    def _score(self, sentence: Sentence, contexts: Sequence[str]) -> _Scored:
        cited = [self._judge.judge(sentence.text, contexts[n - 1]) for n in sentence.cited]
        if not cited:
            why = "cites no context that there is" if sentence.invalid else "cites nothing"
            return _Scored(sentence.text, False, why)
        best = max(cited, key=_rank)
        if best.label == "unscored":
            return _Scored(sentence.text, None, "unscored")
        return _Scored(sentence.text, best.label == "supported", _why(best))


def _texts(response: Response | None) -> tuple[str | None, list[str] | None]:
    return (response.response, _contexts(response)) if response else (None, None)


def _contexts(response: Response) -> list[str]:
    """Return what is cited, by number; of others than our query engine the source nodes."""
    nodes: Sequence[NodeWithScore] = response.source_nodes
    texts = {node.node.node_id: node.get_content() for node in nodes}
    citations = (response.metadata or {}).get("citations")
    if isinstance(citations, list) and all(isinstance(c, dict) for c in citations):
        named = [texts.get(citation.get("passage_id", "")) for citation in citations]
        if all(named):
            return [text for text in named if text]
    return [node.get_content() for node in nodes]


def _unscorable(response: str | None, contexts: Sequence[str] | None) -> str | None:
    """Return why there is nothing to score, if so."""
    text = (response or "").strip()
    if not text:
        return "there is no response"
    first = [sentence.text for sentence in _sentences(text, 0)][:1]
    if text in _REFUSALS or any(declined(sentence) for sentence in first):
        return "the response is a refusal"
    return None if contexts else "there are no contexts"


def _sentences(response: str, known: int) -> list[Sentence]:
    parser, drafting = MarkerParser(known), Drafting()
    return drafting.feed(parser.feed(response) + parser.close()) + drafting.close()


def _rank(verdict: Verdict) -> tuple[bool, bool, float]:
    scored = verdict.label != "unscored"
    return verdict.label == "supported", scored, verdict.probability or 0.0


def _why(verdict: Verdict) -> str:
    reason = f" ({verdict.reasons[0]})" if verdict.reasons and verdict.label != "supported" else ""
    return f"{verdict.label}{reason}"
