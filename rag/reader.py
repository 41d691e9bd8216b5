"""Question and passages to the spans that may answer it, each with a probability.

>>> reader = SentenceReader(SentenceFeatures(lexical, embedder), load_weights())
>>> readings = reader.read("Who was blamed?", hits)
>>> readings[0].text, readings[0].probability
('Officials blamed Kataib Hezbollah for the attack.', 0.83)

The spans are whole sentences, judged by a logistic model over counts that a person can check: which
of the question's words stand in the sentence, beside it and in the headline, whether something of
the asked kind does (a name, a date, a number), how near the two are as vectors.
`rag/training/sentence_reader.py` fitted the weights. Whatever takes its place has the same `read`.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from rag.embedder import Embedder
from rag.lexical import Bm25
from rag.question import content_words, families, holds, kind_of
from rag.sentences import sentence_spans
from rag.types import Hit, Reading

# Sentences that share more with the question are read closely; the rest cannot win and cost time.
READ_CLOSELY = 24
# What a word of the same family counts for, beside 1 for the word itself.
FAMILY_WEIGHT = 0.9
_WEIGHTS = Path(__file__).parent / "models" / "sentence_reader.json"

FEATURES = (
    "sentence_overlap",
    "family_overlap",
    "nearby_overlap",
    "passage_overlap",
    "bigram_overlap",
    "names_missing",
    "kind_held",
    "kind_open",
    "cosine",
    "cosine_best",
    "rank",
    "is_question",
    "brevity",
    "overlap_gap",
    "cosine_gap",
)


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
    weights: npt.NDArray[np.float64]
    threshold: float


class Candidate(NamedTuple):
    """A sentence of a hit, before it is scored."""

    hit: Hit
    rank: int
    start: int
    end: int
    terms: frozenset[str]
    nearby: frozenset[str]
    passage: frozenset[str]

    @property
    def text(self) -> str:
        """The sentence."""
        return self.hit.passage.text[self.start : self.end]


class SentenceFeatures:
    """Counts what a question and the sentences of some passages have in common."""

    def __init__(self, lexical: Bm25, embedder: Embedder) -> None:
        """Take word rarity and stems from `lexical`, vectors from `embedder`."""
        self._lexical = lexical
        self._embedder = embedder
        self._families = families(lexical.terms)

    def of(
        self, question: str, hits: Sequence[Hit]
    ) -> tuple[list[Candidate], npt.NDArray[np.float64]]:
        """Return the candidates and float64[n, len(FEATURES)], row i for candidate i."""
        asked = list(dict.fromkeys(self._lexical.terms(" ".join(content_words(question)))))
        rarity = self._lexical.rarity(asked)
        candidates = _of_kind(self._candidates(hits), question)
        chosen = _closest(candidates, asked, rarity)
        if not chosen:
            return [], np.empty((0, len(FEATURES)))
        vectors = self._embedder.embed([question, *(c.text for c in chosen)])
        cosines = vectors[1:] @ vectors[0]
        best: dict[int, float] = {}
        for c, cosine in zip(chosen, cosines, strict=True):
            best[c.rank] = max(best.get(c.rank, 0.0), float(cosine))
        view = _Question(question, asked, rarity, self._families, self._lexical)
        rows = np.array(
            [
                view.row(c, float(cosine), best[c.rank])
                for c, cosine in zip(chosen, cosines, strict=True)
            ]
        )
        # How far a sentence stays behind the best of its rivals, 0 for the best itself.
        overlap = rows[:, FEATURES.index("sentence_overlap")]
        gaps = np.column_stack([overlap - overlap.max(), cosines - cosines.max()])
        return chosen, np.hstack([rows, gaps])

    def _candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        candidates: list[Candidate] = []
        for rank, hit in enumerate(hits):
            text = hit.passage.text
            spans = sentence_spans(text)
            terms = [frozenset(self._lexical.terms(text[a:b])) for a, b in spans]
            title = frozenset(self._lexical.terms(hit.article.title))
            whole = title.union(*terms)
            for i, (start, end) in enumerate(spans):
                nearby = title.union(*terms[max(0, i - 1) : i], *terms[i + 1 : i + 2])
                candidates.append(Candidate(hit, rank, start, end, terms[i], nearby, whole))
        return candidates


class SentenceReader:
    """Scores whole sentences."""

    def __init__(self, counts: SentenceFeatures, model: Weights) -> None:
        """Score by `model` what `counts` makes of each sentence."""
        self._counts = counts
        self._model = model
        self.threshold = model.threshold

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """Return the sentences of `hits` that may answer, most probable first."""
        candidates, features = self._counts.of(question, hits)
        if not candidates:
            return []
        logits = self._model.bias + features @ self._model.weights
        readings = [
            Reading(hit=c.hit, start=c.start, end=c.end, probability=1 / (1 + math.exp(-logit)))
            for c, logit in zip(candidates, logits, strict=True)
        ]
        # Ties keep the order of retrieval, so that the same input gives the same answer.
        return sorted(readings, key=lambda reading: -reading.probability)


class _Question:
    """What is asked, in the form that sentences are compared with."""

    def __init__(
        self,
        text: str,
        asked: list[str],
        rarity: dict[str, float],
        related: Mapping[str, frozenset[str]],
        lexical: Bm25,
    ) -> None:
        self.asked = asked
        self.rarity = rarity
        self.kind = kind_of(text)
        self.words = frozenset(re.findall(r"\w+", text.lower()))
        self.families = {t: related.get(t, frozenset()) for t in asked}
        self.names = frozenset(
            term
            for word in re.findall(r"(?<!^)\b[A-Z][\w.’'-]+|\d+", text)
            for term in lexical.terms(word)
        )
        self.lexical = lexical

    def row(self, c: Candidate, cosine: float, cosine_best: float) -> list[float]:
        """Return the features of one candidate alone, in the order of FEATURES."""
        text = c.text
        exact = _share(self.asked, c.terms, self.rarity)
        related = {t for t in self.asked if t in c.terms or self.families[t] & c.terms}
        family = _share(self.asked, related, self.rarity) - exact
        nearby = _share(self.asked, related | c.nearby, self.rarity) - exact - family
        held = holds(self.kind, text, self.words)
        return [
            exact + FAMILY_WEIGHT * family,
            family,
            nearby,
            _share(self.asked, c.passage, self.rarity),
            self._bigrams(text),
            len(self.names - c.passage) / len(self.names) if self.names else 0.0,
            float(held is True),
            float(held is None),
            cosine,
            cosine_best,
            1 / (1 + c.rank),
            float(text.rstrip("”\"'’ ").endswith("?")),
            1 / math.log2(4 + len(text.split())),
        ]

    def _bigrams(self, sentence: str) -> float:
        pairs = set(pairwise(self.asked))
        stems = self.lexical.terms(sentence)
        there = set(pairwise(stems))
        return len(pairs & there) / len(pairs) if pairs else 0.0


def _of_kind(candidates: list[Candidate], question: str) -> list[Candidate]:
    """Leave only sentences that lay blame when blame is asked for and one of them does.

    Other kinds are a matter of degree: measured on SQuAD and NewsQA, leaving sentences out for them
    loses answers.
    """
    if kind_of(question) != "blame":
        return candidates
    return [c for c in candidates if holds("blame", c.text, frozenset())] or candidates


def _closest(
    candidates: Sequence[Candidate], asked: Sequence[str], rarity: dict[str, float]
) -> list[Candidate]:
    """Return the candidates that share most with the question, in the order they came in."""

    def far(i: int) -> float:
        c = candidates[i]
        return -_share(asked, c.terms, rarity) - 0.5 * _share(asked, c.passage, rarity)

    return [candidates[i] for i in sorted(sorted(range(len(candidates)), key=far)[:READ_CLOSELY])]


@lru_cache(maxsize=1)
def load_weights() -> Weights:
    """Return the fitted model from `rag/models/sentence_reader.json`."""
    stored = json.loads(_WEIGHTS.read_text(encoding="utf-8"))
    weights = np.array([stored["weights"][name] for name in FEATURES])
    return Weights(stored["bias"], weights, stored["threshold"])


def _share(
    terms: Sequence[str], among: frozenset[str] | set[str], rarity: dict[str, float]
) -> float:
    """Return which share of `terms`, weighted by rarity, stands `among` the others, 0 to 1."""
    total = sum(rarity[term] for term in terms)
    return sum(rarity[term] for term in terms if term in among) / total if total else 0.0
