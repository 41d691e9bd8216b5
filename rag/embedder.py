"""Texts to unit vectors with all-MiniLM-L6-v2, offline.

>>> Embedder().embed(["Rockets hit a base.", "A base was shelled."]).shape
(2, 384)

`rag/training/embedder.py` made the model. `faces.DatelineEmbedding` is the same as a LlamaIndex
`BaseEmbedding`; it is kept apart because importing LlamaIndex costs a second that a question need
not pay.

Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (mean pooling, unit length).
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from rag.onnx import MODELS, Model, load_card, load_tokenizer

Vectors = npt.NDArray[np.float32]

MODEL = "all-MiniLM-L6-v2-fused-int8"
DIMENSION = 384
MAX_TOKENS = 256


class Embedder:
    """Holds the model and the tokenizer; safe to call from several threads."""

    def __init__(self, *, threads: int = 0, path: Path = MODELS / "embedder.onnx") -> None:
        """Load and check the model at `path`, for `threads` texts side by side; 0: one a core."""
        self._model = Model(path, threads=threads)
        self.fingerprint = f"{MODEL}:{load_card(path)['sha256'][:12]}/{MAX_TOKENS}"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(max_tokens=MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 384], unit length, row i for texts[i], the same whatever is beside it.

        What is longer than 256 tokens is cut there.
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        for row, outputs in enumerate(self._model.run(encodings)):
            vectors[row] = outputs["vector"]
        return vectors
