"""A sentence and the passage it cites to whether the passage supports it, and why not.

>>> judge = SupportJudge()
>>> verdict = judge.judge("The attack killed 14.", "The attack killed three and wounded 14.")
>>> verdict.label, verdict.reasons[0]
('contradicted', '14 does not stand in the passage beside “killed”; it stands beside “wounded”')

Each sentence of a claim is laid beside the one or two sentences of the passage that hold most of
its words. `rag.checks` counts what is wrong with it there, a cross-encoder of 22 million weights,
where one is shipped, reads the two, and a logistic model weighs both: no count may speak for what
it speaks against, so that each reason is one. A claim is as well supported as its weakest sentence.
`rag/training/support.py` made the weights; their card `rag/models/support.json` says how good they
are.

Source: aligning before judging is SummaC's (Laban et al., TACL 2022); counts and reasons are ours.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from rag.alignment import Comparison, compare
from rag.checks import FEATURES
from rag.onnx import MODELS, Model, load_card, load_tokenizer
from rag.premise import read_premise
from rag.sentences import sentence_spans
from rag.types import Support, Value
from rag.words import Word, read_words

# What is longer is cut: an answer cites passages of some 200 words.
MAX_CLAIM_CHARS = 2_000
MAX_PREMISE_CHARS = 12_000
MAX_TOKENS = 192
INPUTS = (*FEATURES, "model_supports", "model_contradicts")
_REASONS = 8
# Thai, Japanese and Chinese part no words, so that a whole claim would count as one.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_SURE = 6.0

Row = npt.NDArray[np.float64]


class Verdict(Value):
    """What a passage says about a claim."""

    label: Support = Field(
        description="unscored when the claim has no word that says anything, or parts no words"
    )
    probability: float | None = Field(
        ge=0, le=1, description="calibrated, that the passage supports all of the claim"
    )
    reasons: tuple[str, ...] = Field(description="what speaks against it, gravest first")
    evidence: str = Field(description="of the passage, beside the weakest sentence of the claim")


class Scale(NamedTuple):
    """A logistic model over INPUTS: probability = sigmoid(bias + weights · inputs)."""

    bias: float
    weights: Row

    @classmethod
    def of(cls, stored: Mapping[str, object]) -> "Scale":
        """Return the model that a card holds."""
        weights, bias = stored["weights"], stored["bias"]
        if not isinstance(weights, Mapping) or not isinstance(bias, int | float):
            raise TypeError(f"no logistic model: {stored}")
        return cls(bias, np.array([float(weights.get(name, 0.0)) for name in INPUTS]))

    def logit(self, row: Row) -> float:
        """Return the log-odds."""
        return float(self.bias + row @ self.weights)


class Aligned(NamedTuple):
    """A sentence of a claim, compared with its evidence but not yet judged."""

    text: str
    comparison: Comparison


class SupportJudge:
    """Holds the model, the tokenizer and the weights; safe to call from several threads."""

    def __init__(self, card: Path = MODELS / "support.json", *, threads: int = 0) -> None:
        """Load the weights, and the cross-encoder if they were fitted with one.

        Args: threads: sentences read side by side; 0: one a core.
        """
        stored = load_card(card)
        self._supported = Scale.of(stored["supported"])
        self._contradicted = Scale.of(stored["contradicted"])
        self._threshold = float(stored["threshold"])
        # Only the card of a graph holds the graph's sha256.
        graph = card.with_suffix(".onnx") if "sha256" in stored else None
        self._model = Model(graph, threads=threads) if graph else None
        self._tokenizer = load_tokenizer(max_tokens=MAX_TOKENS)

    def judge(self, claim: str, premise: str) -> Verdict:
        """Return whether `premise`, a passage, supports all that `claim` says.

        Of a premise beyond 12,000 characters the rest is not read; a claim beyond 2,000 characters
        is unsupported, for what is not read cannot be called supported.
        """
        aligned = align(claim[:MAX_CLAIM_CHARS], premise)
        if not aligned or _is_unspaced(claim[:MAX_CLAIM_CHARS]):
            return Verdict(label="unscored", probability=None, reasons=(), evidence="")
        rows = rows_of(aligned, self._read([model_pair(item) for item in aligned]))
        logits = [self._supported.logit(row) for row in rows]
        weakest = int(np.argmin(logits))
        return self._verdict(aligned[weakest].comparison, rows[weakest], len(claim))

    def _verdict(self, comparison: Comparison, row: Row, size_chars: int) -> Verdict:
        probability = _sigmoid(self._supported.logit(row))
        reasons = self._reasons(comparison, row)
        label: Support = "supported"
        if size_chars > MAX_CLAIM_CHARS:
            label, probability = "unsupported", min(probability, math.nextafter(self._threshold, 0))
            reasons = (f"only its first {MAX_CLAIM_CHARS} characters were read", *reasons)
        elif probability < self._threshold:
            contradicted = self._contradicted.logit(row) > 0
            label = "contradicted" if contradicted else "unsupported"
        return Verdict(
            label=label, probability=probability, reasons=reasons, evidence=comparison.evidence
        )

    def _reasons(self, comparison: Comparison, row: Row) -> tuple[str, ...]:
        """Return what the counts and the model hold against the sentence, heaviest first."""
        weights = dict(zip(INPUTS, self._supported.weights, strict=True))
        found = [(weights[f.name] * f.value, f.reason) for f in comparison.findings if f.reason]
        supports, contradicts = row[-2], row[-1]
        if supports < 0 and weights["model_supports"]:
            against = "contradicts" if contradicts > 0 else "leaves open"
            reason = f"the model reads that the passage {against} this ({_sigmoid(-supports):.0%})"
            found.append((weights["model_supports"] * -abs(supports), reason))
        ordered = [reason for _, reason in sorted(found, key=lambda item: item[0])]
        return tuple(dict.fromkeys(ordered))[:_REASONS]

    def _read(self, pairs: Sequence[tuple[str, str]]) -> Row:
        """Return float64[n, 3], logits that the model gives: entailed, neutral, contradicted.

        Without a model they are alike, and the weights that they meet are zero.
        """
        if self._model is None:
            return np.zeros((len(pairs), 3))
        outputs = self._model.run(self._tokenizer.encode_batch_fast(list(pairs)))
        return np.array([output["logits"] for output in outputs], dtype=np.float64)


def align(claim: str, premise: str) -> list[Aligned]:
    """Return each sentence of `claim` that says something, beside its evidence in `premise`."""
    read = read_premise(premise[:MAX_PREMISE_CHARS])
    return [
        Aligned(sentence, compare(words, read))
        for sentence, words in _sentences(claim)
        if any(word.matters for word in words)
    ]


def model_pair(aligned: Aligned) -> tuple[str, str]:
    """Return what the cross-encoder reads: the evidence, and the sentence."""
    return aligned.comparison.context, aligned.text


def rows_of(aligned: Sequence[Aligned], logits: Row) -> Row:
    """Return float64[n, len(INPUTS)]: the counts, and the model's log-odds within ±6.

    Args: logits: of the cross-encoder, as `rag.training.cross_encoder` orders its classes.
    """
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    odds = np.log(np.maximum(shares, 1e-9)) - np.log(np.maximum(1 - shares, 1e-9))
    read = np.clip(odds[:, [0, 2]], -_SURE, _SURE)
    return np.hstack([np.array([item.comparison.row() for item in aligned]), read])


def _sentences(claim: str) -> list[tuple[str, tuple[Word, ...]]]:
    texts = (claim[start:end] for start, end in sentence_spans(claim))
    return [(text, read_words(text)) for text in texts]


def _is_unspaced(text: str) -> bool:
    return 3 * len(_UNSPACED.findall(text)) > sum(char.isalpha() for char in text)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
