"""A trained torch module to the graph that ships: fused, int8, one file beside its card.

    export(model, path, outputs=["start", "end"])
    write_card(path, what="…", recipe="python -m rag.training.reader …", seed=0)

The module's forward takes (input_ids, attention_mask, token_type_ids) and holds a Hugging Face
`BertModel` with `attn_implementation="eager"`: the form whose attention, layer norms and GELU ONNX
Runtime's optimizer recognises. Needs the extra `train`.
"""

import hashlib
import json
import subprocess
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from onnxruntime import InferenceSession
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.optimizer import optimize_model
from transformers import BertConfig, BertModel

from rag.onnx import feed, load_tokenizer

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# The newest opset whose operators the fusions of ONNX Runtime's optimizer still look for.
OPSET = 17
# What is traced: a pair, so that both token types occur, and padding, so that the mask is kept.
_EXAMPLE = [("Who was blamed for the attack?", "Nobody was."), ("In Taji.", "Yes.")]

Text = str | tuple[str, str]


class Parity(NamedTuple):
    """How near an output of the shipped graph is to that of the torch module."""

    largest_difference: float
    cosine_mean: float
    cosine_min: float


def export(model: torch.nn.Module, out: Path, *, outputs: Sequence[str]) -> str:
    """Write `model` to `out` as a fused graph with int8 weights; return its SHA-256.

    Args:   outputs: names for what forward returns, in its order. Axis 0 of each is the batch.
    Raises: RuntimeError when the encoder was not recognised: it would run at half the speed.
    """
    config = _encoder_config(model)
    with tempfile.TemporaryDirectory() as folder:
        plain, fused = Path(folder) / "plain.onnx", Path(folder) / "fused.onnx"
        export_plain(model, plain, outputs=outputs)
        _fuse(plain, fused, config)
        quantize_dynamic(
            fused,
            out,
            # One scale for a whole matrix: the embedder's cosine to fp32 falls from .994 to .945.
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_narrow(fused, config.hidden_size),
            # The type of what fused nodes return, which onnx's shape inference does not know.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    return sha256(out)


def export_plain(model: torch.nn.Module, out: Path, *, outputs: Sequence[str]) -> None:
    """Write `model` to `out` in fp32 and unfused: the stock export, to compare with."""
    inputs = tuple(torch.from_numpy(array) for array in _feed(_EXAMPLE).values())
    tokens = inputs[0].shape[1]
    model.eval()
    with torch.no_grad():
        returned = _as_tuple(model(*inputs))
    axes = {name: {0: "batch", 1: "tokens"} for name in INPUTS}
    for name, tensor in zip(outputs, returned, strict=True):
        along = {
            axis: "tokens" for axis, size in enumerate(tensor.shape) if axis and size == tokens
        }
        axes[name] = {0: "batch", **along}
    with warnings.catch_warnings():
        # The newer exporter's graphs are not recognised by the optimizer; this one says it is old.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            inputs,
            str(out),
            input_names=list(INPUTS),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def parity(model: torch.nn.Module, path: Path, texts: Sequence[Text]) -> dict[str, Parity]:
    """Return, for each output of the graph at `path`, how near it is to `model`'s on `texts`."""
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    pairs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in names}
    model.eval()
    for text in texts:
        inputs = _feed([text])
        with torch.no_grad():
            wanted = _as_tuple(model(*(torch.from_numpy(inputs[name]) for name in INPUTS)))
        for name, want, got in zip(names, wanted, session.run(names, inputs), strict=True):
            pairs[name].append((want.float().numpy().ravel(), got.ravel()))
    return {name: _parity(of_output) for name, of_output in pairs.items()}


def write_card(path: Path, **facts: object) -> None:
    """Write the card of the model at `path` beside it: `facts`, its SHA-256, commit and versions.

    Facts that every card has: what, data (with licences), recipe, seed, scores, known_failures.
    """
    card = {
        **facts,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "commit": _commit(),
        "versions": {name: version(name) for name in ("torch", "transformers", "onnxruntime")},
    }
    text = json.dumps(card, indent=1, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _encoder_config(model: torch.nn.Module) -> BertConfig:
    return next(part.config for part in model.modules() if isinstance(part, BertModel))


def _feed(texts: Sequence[Text]) -> dict[str, Any]:
    return dict(feed(load_tokenizer(max_tokens=256).encode_batch(list(texts))))


def _as_tuple(returned: Any) -> tuple[torch.Tensor, ...]:  # Any: a module's forward is untyped
    return returned if isinstance(returned, tuple) else (returned,)


def _fuse(plain: Path, fused: Path, config: BertConfig) -> None:
    """Write to `fused` the graph of `plain` with each layer's operators joined into six."""
    graph = optimize_model(
        str(plain),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        # Only the optimizer's own fusions: what an ONNX Runtime adds is for its version alone.
        opt_level=0,
    )
    found: Mapping[str, int] = graph.get_fused_operator_statistics()
    layers = config.num_hidden_layers
    wanted = {
        "EmbedLayerNormalization": 1,
        "Attention": layers,
        "BiasGelu": layers,
        "SkipLayerNormalization": 2 * layers,
    }
    if any(found[name] != count for name, count in wanted.items()):
        raise RuntimeError(f"encoder not recognised: fused {dict(found)}, expected {wanted}")
    graph.save_model_to_file(str(fused))


def _narrow(path: Path, width: int) -> list[str]:
    """Return the names of the heads' matrix products: small, so that int8 would save nothing."""
    graph = onnx.load(path).graph
    columns = {weight.name: weight.dims[-1] for weight in graph.initializer if weight.dims}
    return [
        node.name
        for node in graph.node
        if node.op_type in ("MatMul", "Gemm") and columns.get(node.input[1], width) < width
    ]


def _parity(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Parity:
    cosines = [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in pairs]
    return Parity(
        largest_difference=max(float(np.abs(a - b).max()) for a, b in pairs),
        cosine_mean=sum(cosines) / len(cosines),
        cosine_min=min(cosines),
    )


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()
