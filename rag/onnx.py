"""Runs the models in `rag/models/` in ONNX Runtime; nothing else here knows how a session is made.

>>> model = Model(MODELS / "embedder.onnx")
>>> [outputs] = model.run(load_tokenizer(max_tokens=256).encode_batch(["Rockets hit a base."]))
>>> outputs["vector"].shape
(384,)

Each model lies beside its card, `embedder.onnx` beside `embedder.json`, and runs only if it has the
SHA-256 that the card was written for. The tokenizer is one file for all of them.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Encoding, Tokenizer

from rag.errors import ConfigurationError

MODELS = Path(__file__).parent / "models"
TOKENIZER = MODELS / "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Model:
    """Holds a session and its workers; several threads may share it.

    Each text is a batch of its own. The scale of int8 activations is that of their whole batch, so
    beside other texts a text would give other numbers; and a batch of eight is no faster: 85 µs of
    CPU a token against 77 µs (passages of 200 tokens, AVX-512 VNNI).
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Load the model at `path` to run `threads` texts side by side; 0: one a core."""
        self._session = load_session(path, threads=1)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._workers = ThreadPoolExecutor(threads or _cores(), thread_name_prefix=path.stem)

    def run(self, encodings: Sequence[Encoding]) -> list[dict[str, Floats]]:
        """Return the outputs by name, without their batch axis, for each of `encodings`."""
        return list(self._workers.map(self._run_one, encodings))

    def _run_one(self, encoding: Encoding) -> dict[str, Floats]:
        outputs = self._session.run(self._outputs, feed([encoding]))
        return {name: output[0] for name, output in zip(self._outputs, outputs, strict=True)}


def load_session(path: Path, *, threads: int | None = None) -> InferenceSession:
    """Return a session of the model at `path`, which is the one that its card describes.

    Args:   threads: in one call of `run`; None or 0: as many as there are physical cores.
    Raises: ConfigurationError when the model or its card is missing, or they are not a pair.
    """
    options = SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Spinning threads starve each other as soon as two questions or processes run at once.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = _checked(path, load_card(path)["sha256"])
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


def load_card(path: Path) -> dict[str, Any]:  # Any: a card is free JSON but for its sha256
    """Return the card of the model at `path`: where it comes from, its scores, its `sha256`.

    Raises: ConfigurationError when it cannot be read.
    """
    try:
        card: dict[str, Any] = json.loads(_read(path.with_suffix(".json")))
    except ValueError as exc:
        raise ConfigurationError(f"card of model {path} is not JSON: {exc}; reinstall") from exc
    return card


def load_tokenizer(
    *,
    max_tokens: int | None = None,
    cut: Literal["longest_first", "only_first", "only_second"] = "longest_first",
    overlap_tokens: int = 0,
) -> Tokenizer:
    """Return a WordPiece tokenizer of one's own, without padding, its file checked.

    Args: max_tokens: [CLS] and [SEP] included; what is longer is cut there; None: never.
          cut: of a pair, which text is cut.
          overlap_tokens: between what was kept and what `encoding.overflowing` goes on with.
    """
    tokenizer = Tokenizer.from_buffer(_checked(TOKENIZER, TOKENIZER_SHA256))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if max_tokens is not None:
        tokenizer.enable_truncation(max_tokens, stride=overlap_tokens, strategy=cut)
    return tokenizer


def feed(encodings: Sequence[Encoding]) -> dict[str, Ints]:
    """Return the inputs of a BERT, int64[n, longest], row i for encodings[i], padded with 0."""
    width = max(len(encoding.ids) for encoding in encodings)
    ids, mask, types = (np.zeros((len(encodings), width), dtype=np.int64) for _ in range(3))
    for row, encoding in enumerate(encodings):
        length = len(encoding.ids)
        ids[row, :length] = encoding.ids
        mask[row, :length] = 1
        types[row, :length] = encoding.type_ids
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def _cores() -> int:
    """Return how many cores this process may use; only Linux tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _checked(path: Path, sha256: str) -> bytes:
    """Return the file's bytes once they are known to be the ones that were tested."""
    data = _read(path)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ConfigurationError(
            f"model file {path} has sha256 {found}, expected {sha256}; reinstall the package"
        )
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"model file {path} cannot be read: {exc}; reinstall") from exc
