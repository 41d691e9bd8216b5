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
# In four of MiniLM's six layers one or two of 1536 hidden units are three to five times the next.
# Four or eight bring the reader no nearer to fp32 than two.
OUTLIERS = 2
# What is traced: a pair, so that both token types occur, and padding, so that the mask is kept.
_EXAMPLE = [("Who was blamed for the attack?", "Nobody was."), ("In Taji.", "Yes.")]

Text = str | tuple[str, str]

# What the outliers are found on. They are the model's, not the text's: any few texts show them.
_CALIBRATION: Sequence[Text] = (
    (
        "Who was blamed for the attack on the base?",
        "Rockets hit a base near the capital on Wednesday, killing two soldiers, officials said. "
        "Nobody has claimed the attack, but the government blamed a militia from the north.",
    ),
    (
        "How much did the repairs cost?",
        "The museum will reopen in spring, its director said, after repairs that cost four million "
        "euros.",
    ),
    "Shares fell 3.2 per cent after the bank said that its chairman would leave in May.",
    "Who won the election in 2008?",
)


class Parity(NamedTuple):
    """How near an output of the shipped graph is to that of the torch module."""

    largest_difference: float
    cosine_mean: float
    cosine_min: float


class _FeedForward(NamedTuple):
    """The nodes of a layer's feed-forward; the second input of each is its weight."""

    up: onnx.NodeProto
    gelu: onnx.NodeProto
    down: onnx.NodeProto


def export(model: torch.nn.Module, out: Path, *, outputs: Sequence[str]) -> str:
    """Write `model` to `out` as a fused graph with int8 weights; return its SHA-256.

    The two largest hidden units of each layer stay fp32, or they would coarsen all others.

    Args:   outputs: names for what forward returns, in its order. Axis 0 of each is the batch.
    Raises: RuntimeError when the encoder was not recognised: it would run at half the speed.
    """
    config = _encoder_config(model)
    with tempfile.TemporaryDirectory() as folder:
        plain, fused = Path(folder) / "plain.onnx", Path(folder) / "fused.onnx"
        export_plain(model, plain, outputs=outputs)
        _fuse(plain, fused, config)
        _split_feed_forwards(fused)
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


def _split_feed_forwards(path: Path) -> None:
    """Rewrite the graph: each feed-forward is the sum of two, the second of its outliers alone.

    The sum is exact. It is for what comes after: dynamic quantisation has one scale for all of an
    activation, so one large unit leaves the others a few of the 256 steps.

    Source: LLM.int8(), Dettmers et al., NeurIPS 2022 (arxiv.org/abs/2208.07339). There the outliers
    are found at run time; here once, so that nothing has to be gathered.
    """
    model = onnx.load(path)
    graph = model.graph
    layers = _feed_forwards(graph)
    for layer, peaks in zip(layers, _peaks(model, layers), strict=True):
        order = np.argsort(peaks)
        halves = {"many": np.sort(order[:-OUTLIERS]), "few": np.sort(order[-OUTLIERS:])}
        _split(graph, layer, halves)
    read = {name for node in graph.node for name in node.input}
    kept = [weight for weight in graph.initializer if weight.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.save(model, path)


def _feed_forwards(graph: onnx.GraphProto) -> list[_FeedForward]:
    writer = {name: node for node in graph.node for name in node.output}
    reader = {name: node for node in graph.node for name in node.input}
    return [
        _FeedForward(up=writer[node.input[0]], gelu=node, down=reader[node.output[0]])
        for node in graph.node
        if node.op_type == "BiasGelu"
    ]


def _peaks(model: onnx.ModelProto, layers: Sequence[_FeedForward]) -> list[np.ndarray]:
    """Return for each layer the largest magnitude of each hidden unit on the calibration texts."""
    names = [layer.gelu.output[0] for layer in layers]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    session = InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    runs = [session.run(names, _feed([text])) for text in _CALIBRATION]
    return [
        np.max([np.abs(units).max(axis=(0, 1)) for units in of_layer], axis=0)
        for of_layer in zip(*runs, strict=True)
    ]


def _split(graph: onnx.GraphProto, layer: _FeedForward, halves: Mapping[str, np.ndarray]) -> None:
    """Put in place of `layer` a copy for each half, of its hidden units alone, and their sum."""
    weights = {weight.name: onnx.numpy_helper.to_array(weight) for weight in graph.initializer}
    copies = []
    for half, units in halves.items():
        hidden = layer.up.input[0]
        for node, axis in zip(layer, (1, 0, 0), strict=True):
            # Of the node's name, not the weight's: layers whose biases are equal share one.
            name = f"{node.name}_{half}"
            weight = np.take(weights[node.input[1]], units, axis)
            graph.initializer.append(onnx.numpy_helper.from_array(weight, f"{name}_weight"))
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name, copy.input[:], copy.output[:] = name, [hidden, f"{name}_weight"], [name]
            copies.append(copy)
            hidden = name
    ends = [f"{layer.down.name}_{half}" for half in halves]
    total = onnx.helper.make_node("Add", ends, layer.down.output, f"{layer.down.name}_sum")
    nodes = list(graph.node)
    at = nodes.index(layer.down)
    nodes[at : at + 1] = [*copies, total]
    del graph.node[:]
    graph.node.extend(node for node in nodes if node not in (layer.up, layer.gelu))


def _narrow(path: Path, width: int) -> list[str]:
    """Return the names of the heads' and the outliers' matrix products: int8 would save nothing."""
    graph = onnx.load(path).graph
    sides = {weight.name: min(weight.dims) for weight in graph.initializer if weight.dims}
    return [
        node.name
        for node in graph.node
        if node.op_type in ("MatMul", "Gemm") and sides.get(node.input[1], width) < width
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
