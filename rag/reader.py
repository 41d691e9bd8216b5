"""Question and passages to the spans that may answer it, each with a probability.

>>> reader = SpanReader(SentenceCounts(lexical), SpanModel(), load_weights())
>>> reading = reader.read("Who was blamed?", hits)[0]
>>> reading.answer, reading.text, reading.probability
('Kataib Hezbollah', 'Officials blamed Kataib Hezbollah for the attack.', 0.83)

In each sentence of each passage the span model finds the words most likely to answer; the ten best
sentences it reads once more, each alone under its headline. A logistic model weighs its margins
with counts that a person can check (`rag/overlap.py`) and makes of them the probability that these
words of this article answer. `rag/training/calibrate.py` fitted it on questions that the span model
had not seen.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from rag.onnx import MODELS, load_card
from rag.overlap import COUNTS, Candidate, SentenceCounts
from rag.question import Kind, holds, kind_of
from rag.spans import Span, SpanModel
from rag.types import Hit, Reading
from rag.untrusted import commands

_OF_MARGINS = ("margin", "margin_gap", "passage_gap", "log_share", "headline_margin")
_OF_ANSWERS = ("answer_kind", "repeats_question", "length")
FEATURES = (*_OF_MARGINS, *_OF_ANSWERS, "fused_share", *COUNTS)
# So many sentences are read once more, alone under their headline; the others count as the lowest.
_READ_AGAIN = 10
_LOWEST_MARGIN = 12.0
_WEIGHTS = MODELS / "reader_weights.json"
_ARTICLES = frozenset(("a", "an", "the"))
Rows = npt.NDArray[np.float64]


class Reader(Protocol):
    """Anything that finds answering spans in passages."""

    threshold: float
    """Probability from which an answer is given unless the caller chooses, 0 to 1."""

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """Return spans of `hits` that may answer `question`, most probable first."""
        ...


class Weights(NamedTuple):
    """A logistic model: probability = sigmoid(bias + weights · features)."""

    bias: float
    weights: Rows
    threshold: float


class Candidates(NamedTuple):
    """Sentences, the best span of each, and float64[n, len(FEATURES)], row i for sentence i."""

    sentences: list[Candidate]
    spans: list[Span]
    features: Rows


class SpanReader:
    """Reads passages with the span model and weighs what it finds."""

    def __init__(self, counts: SentenceCounts, spans: SpanModel, model: Weights) -> None:
        """Score by `model` what `spans` and `counts` make of each sentence."""
        self._counts = counts
        self._spans = spans
        self._model = model
        self.threshold = model.threshold

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """Return a span of each sentence of `hits`, most probable first."""
        found = self.candidates(question, hits)
        logits = self._model.bias + found.features @ self._model.weights
        readings = [
            Reading(
                hit=sentence.hit,
                start=sentence.start,
                end=sentence.end,
                answer_start=span.start,
                answer_end=span.end,
                probability=1 / (1 + math.exp(-logit)),
            )
            for sentence, span, logit in zip(found.sentences, found.spans, logits, strict=True)
        ]
        # Ties keep the order of retrieval, so that the same input gives the same answer.
        return sorted(readings, key=lambda reading: -reading.probability)

    def candidates(self, question: str, hits: Sequence[Hit]) -> Candidates:
        """Return what the probabilities are made of."""
        sentences, counts = self._counts.of(question, hits)
        # Without the headline: what it says already is looked for there and missed in the passage
        # (F1 .436 with it, .451 without, 400 questions of NewsQA, article given).
        told = [commands(hit.passage.text) for hit in hits]
        scored = self._spans.score(question, [hit.passage.text for hit in hits])
        kept: list[int] = []
        spans: list[Span] = []
        for i, sentence in enumerate(sentences):
            span = scored[sentence.rank].best(sentence.start, sentence.end)
            if span and not _within(told[sentence.rank], sentence):
                kept.append(i)
                spans.append(span)
        sentences = [sentences[i] for i in kept]
        rows = np.column_stack(
            [
                _margins(sentences, spans),
                self._headline_margins(question, sentences, spans),
                _answers(question, sentences, spans),
                _fused_shares(sentences),
                counts[kept],
            ]
        )
        return Candidates(sentences, spans, rows)

    def _headline_margins(
        self, question: str, sentences: Sequence[Candidate], spans: Sequence[Span]
    ) -> Rows:
        """Return float64[n]: the margin of each sentence read under its headline, without others.

        What a headline says of the subject helps there, and no neighbour distracts (best sentence
        right .66 without and .72 with it, 146 sample questions).
        """
        margins = np.full(len(sentences), -_LOWEST_MARGIN)
        best = sorted(range(len(spans)), key=lambda i: -spans[i].margin)[:_READ_AGAIN]
        leads = [f"{sentences[i].hit.article.title}. " for i in best]
        texts = [lead + sentences[i].text for lead, i in zip(leads, best, strict=True)]
        scored = self._spans.score(question, texts) if texts else []
        for i, lead, text, score in zip(best, leads, texts, scored, strict=True):
            span = score.best(len(lead), len(text))
            if span:
                margins[i] = np.clip(span.margin, -_LOWEST_MARGIN, _LOWEST_MARGIN)
        return margins


def _within(told: Sequence[tuple[int, int]], sentence: Candidate) -> bool:
    """Return whether `sentence` speaks to a machine: what it says is no news."""
    return any(start < sentence.end and sentence.start < end for start, end in told)


def _margins(sentences: Sequence[Candidate], spans: Sequence[Span]) -> Rows:
    """Return float64[n, 4]: how each span stands to "no answer" and to the other spans."""
    if not spans:
        return np.empty((0, 4))
    margins = np.array([span.margin for span in spans])
    ranks = np.array([sentence.rank for sentence in sentences])
    best_of = {rank: margins[ranks == rank].max() for rank in set(ranks.tolist())}
    best_beside = np.array([best_of[rank] for rank in ranks.tolist()])
    # As in training: all spans of all passages share one softmax with "no answer", which has 0.
    total = np.logaddexp.reduce(np.append(margins, 0.0))
    return np.column_stack(
        [margins, margins - margins.max(), margins - best_beside, margins - total]
    )


def _answers(question: str, sentences: Sequence[Candidate], spans: Sequence[Span]) -> Rows:
    """Return float64[n, 3]: what can be seen from the words of each span alone."""
    kind, asked = kind_of(question), frozenset(_words(question))
    texts = (s.hit.passage.text[a.start : a.end] for s, a in zip(sentences, spans, strict=True))
    rows = [
        (
            _is_of_kind(kind, asked, text),
            len(words & asked) / max(1, len(words)),
            math.log1p(len(words)),
        )
        for text in texts
        for words in [frozenset(_words(text))]
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, len(_OF_ANSWERS))


def _fused_shares(sentences: Sequence[Candidate]) -> Rows:
    """Return float64[n]: the score in retrieval, 1 for the best passage."""
    fused = np.array([sentence.hit.scores.fused for sentence in sentences])
    return fused / fused.max() if fused.any() else np.ones(len(fused))


def _is_of_kind(kind: Kind, asked: frozenset[str], answer: str) -> bool:
    """Return whether `answer` is a name, number or time when one is asked for."""
    if kind == "blame":
        kind = "who"
    if kind not in ("who", "how_many", "when"):
        return True
    # A sentence's first letter is a capital for no reason; that of an answer is there for one.
    return bool(holds(kind, f" {answer}", asked))


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.lower()) if word not in _ARTICLES]


@lru_cache(maxsize=1)
def load_weights() -> Weights:
    """Return the fitted model from `rag/models/reader_weights.json`."""
    stored = load_card(_WEIGHTS)
    weights = np.array([stored["weights"][name] for name in FEATURES])
    return Weights(stored["bias"], weights, stored["threshold"])
