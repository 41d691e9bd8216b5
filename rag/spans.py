"""Question and passages to the spans that may answer, each with a margin over "no answer".

>>> span_model = SpanModel(MODELS / "reader.onnx")
>>> [scored] = span_model.score("Who was blamed?", ["Officials blamed Iran for the attack."])
>>> scored.best(0, 37)
Span(start=17, end=21, margin=6.2)

The model is a 6-layer MiniLM with two numbers a token: how well an answer begins and ends there.
The first token means that the passage does not answer. `rag/training/reader.py` made it, its card
lies beside it.

Source: Devlin et al., BERT (NAACL 2019), section 4.3.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding

from rag.onnx import MODELS, Model, load_tokenizer

MAX_TOKENS = 320
MAX_QUESTION_TOKENS = 64
# News answers may be a clause; those that the model learned from are mostly shorter.
MAX_ANSWER_TOKENS = 24
_OVERLAP_TOKENS = 64
_PRONOUNS = frozenset(
    (
        "it its itself he him his himself she her hers herself they them their theirs themselves i "
        "me my myself we us our ours ourselves you your yours this that these those who which one"
    ).split()
)

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Span(NamedTuple):
    """Characters `start` to `end` of a text; `margin` in logits, positive: better than none."""

    start: int
    end: int
    margin: float


class Window(NamedTuple):
    """A run of a text's tokens: their characters, and both logits less those of "no answer"."""

    first: Ints
    last: Ints
    start: Floats
    end: Floats
    pronoun: npt.NDArray[np.bool_]


class Scored:
    """What the model makes of one text."""

    def __init__(self, windows: Sequence[Window]) -> None:
        """Hold the windows the text was read in."""
        self._windows = windows

    def best(self, start: int, end: int) -> Span | None:
        """Return the best span between two characters; None when no token lies there."""
        found = [span for window in self._windows if (span := _best(window, start, end))]
        return max(found, key=lambda span: span.margin, default=None)


class SpanModel:
    """Holds the model and the tokenizers; safe to call from several threads."""

    def __init__(self, path: Path = MODELS / "reader.onnx", *, threads: int = 0) -> None:
        """Load and check the model at `path`, for `threads` texts side by side; 0: one a core."""
        self._model = Model(path, threads=threads)
        self._questions = load_tokenizer(max_tokens=MAX_QUESTION_TOKENS)
        self._pairs = load_tokenizer(
            max_tokens=MAX_TOKENS, cut="only_second", overlap_tokens=_OVERLAP_TOKENS
        )

    def score(self, question: str, texts: Sequence[str]) -> list[Scored]:
        """Return the scores of each text, in order; long texts are read in several windows."""
        asked = self._shortened(question)
        encodings = self._pairs.encode_batch([(asked, text) for text in texts])
        pieces = [
            (row, piece)
            for row, encoding in enumerate(encodings)
            for piece in (encoding, *encoding.overflowing)
        ]
        windows: list[list[Window]] = [[] for _ in texts]
        outputs = self._model.run([piece for _, piece in pieces])
        for (row, piece), output in zip(pieces, outputs, strict=True):
            windows[row].append(_window(piece, output["start"], output["end"]))
        return [Scored(found) for found in windows]

    def _shortened(self, question: str) -> str:
        offsets = self._questions.encode(question).offsets
        return question[: max(end for _, end in offsets)]


def _window(piece: Encoding, start: Floats, end: Floats) -> Window:
    inside = np.array([sequence == 1 for sequence in piece.sequence_ids])
    offsets = np.array(piece.offsets, dtype=np.int64)[inside]
    pronoun = np.array([token in _PRONOUNS for token in piece.tokens])[inside]
    return Window(
        offsets[:, 0], offsets[:, 1], start[inside] - start[0], end[inside] - end[0], pronoun
    )


def _best(window: Window, start: int, end: int) -> Span | None:
    tokens = np.flatnonzero((window.first >= start) & (window.last <= end))
    if not len(tokens):
        return None
    begins, ends = window.start[tokens], window.end[tokens]
    sums = np.where(_in_reach(len(tokens)), begins[:, None] + ends[None, :], -np.inf)
    # "It" may be right, and says nothing to somebody who reads the answer alone.
    bare = np.flatnonzero(window.pronoun[tokens])
    sums[bare, bare] = -np.inf
    i, j = np.unravel_index(int(np.argmax(sums)), sums.shape)
    if sums[i, j] == -np.inf:
        return None
    first, last = int(window.first[tokens[i]]), int(window.last[tokens[j]])
    return Span(first, last, float(sums[i, j]))


def _in_reach(n: int) -> npt.NDArray[np.bool_]:
    """Return bool[n, n]: an answer may begin at i and end at j."""
    ahead = np.arange(n)[None, :] - np.arange(n)[:, None]
    return (ahead >= 0) & (ahead < MAX_ANSWER_TOKENS)
