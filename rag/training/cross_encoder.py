"""Trains the model that reads a passage and a sentence: entailed, neutral or contradicted.

The encoder begins as the reader's, which knows where answers stand, or as all-MiniLM-L6-v2; the
head is one linear layer on the first token. Needs the extra `train`.
"""

import math
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from tokenizers import Encoding
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from rag.onnx import load_tokenizer
from rag.support import MAX_TOKENS
from rag.training.pairs import Label

# The order of the model's classes, on which `rag.support` relies.
CLASSES: tuple[Label, ...] = ("supported", "unsupported", "contradicted")
Floats = npt.NDArray[np.float64]
_ROWS = 32
# A few widths only: each new shape costs a kernel's compilation.
_PAD_TO = 32
_POOL = 40 * _ROWS


class Example(NamedTuple):
    """What the model reads, and what people or a rule say about it."""

    evidence: str
    sentence: str
    label: Label


class CrossEncoder(nn.Module):
    """An encoder of 22 million weights with one logit a class."""

    def __init__(self, encoder: BertModel) -> None:
        """Put a new head on `encoder`."""
        super().__init__()
        self.enc = encoder
        self.head = nn.Linear(encoder.config.hidden_size, len(CLASSES))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the logits, float[batch, 3], in the order of CLASSES."""
        hidden = self.enc(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        logits: Tensor = self.head(hidden[:, 0])
        return logits


def new_model(base: Path) -> CrossEncoder:
    """Return the model with the encoder that `base` holds and a fresh head.

    Args: base: a folder in Hugging Face's form, or a state dict (.pt, .safetensors) with `enc.*`.
    """
    # Eager attention without dropout: several times faster on a CPU than the defaults.
    config = BertConfig(
        num_hidden_layers=6,
        hidden_size=384,
        num_attention_heads=12,
        intermediate_size=1_536,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    config._attn_implementation = "eager"
    encoder = BertModel(config, add_pooling_layer=False)
    found = encoder.load_state_dict(_weights(base), strict=False)
    if found.missing_keys:
        raise ValueError(f"{base} lacks weights of the encoder: {found.missing_keys[:3]}")
    # Half of the weights: to leave them as they are saves a sixth of the time.
    encoder.embeddings.word_embeddings.requires_grad_(False)
    return CrossEncoder(encoder)


def train(
    model: CrossEncoder, examples: Sequence[Example], rng: random.Random, *, rate: float
) -> None:
    """Go once through `examples`, most similar lengths together."""
    steps = math.ceil(len(examples) / _ROWS)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01, fused=True)
    warm = max(1, steps // 12)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, max(0.01, (steps - s) / max(1, steps - warm)))
    )
    model.train()
    began, mean, tokens = time.monotonic(), math.nan, 0
    for step, batch in enumerate(_batches(examples, rng)):
        inputs = _tensors([(e.evidence, e.sentence) for e in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(**inputs)
        value = loss(logits.float(), [e.label for e in batch])
        value.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += inputs["input_ids"].numel()
        mean = value.item() if math.isnan(mean) else 0.98 * mean + 0.02 * value.item()
        if step % 50 == 0:
            speed = tokens / (time.monotonic() - began)
            print(f"{step}/{steps} loss {mean:.3f} {speed:.0f} tokens/s", flush=True)


def loss(logits: Tensor, labels: Sequence[Label]) -> Tensor:
    """Return the mean loss; of "not_supported" either of the two other classes is right."""
    shares = nn.functional.log_softmax(logits, dim=-1)
    right = torch.tensor(
        [
            [
                label == name or (label == "not_supported" and name != "supported")
                for name in CLASSES
            ]
            for label in labels
        ]
    )
    return -shares.masked_fill(~right, -math.inf).logsumexp(dim=-1).mean()


def read(model: CrossEncoder, pairs: Sequence[tuple[str, str]]) -> Floats:
    """Return float64[n, 3]: the logits of each pair."""
    logits = np.empty((len(pairs), len(CLASSES)))
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    model.eval()
    for start in range(0, len(order), 2 * _ROWS):
        rows = order[start : start + 2 * _ROWS]
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits[rows] = model(**_tensors([pairs[i] for i in rows])).float().numpy()
    return logits


def _weights(base: Path) -> dict[str, Tensor]:
    if base.is_dir():
        return dict(load_file(base / "model.safetensors"))
    if base.suffix == ".safetensors":
        stored = load_file(base)
    else:
        stored = torch.load(base, weights_only=True)
    prefix = "enc."
    return {k.removeprefix(prefix): v.float() for k, v in stored.items() if k.startswith(prefix)}


def _batches(examples: Sequence[Example], rng: random.Random) -> Iterator[list[Example]]:
    """Yield all examples in batches of similar length, in an order that says nothing."""
    shuffled = rng.sample(examples, len(examples))
    for start in range(0, len(shuffled), _POOL):
        pool = shuffled[start : start + _POOL]
        pool.sort(key=lambda e: len(e.evidence) + len(e.sentence))
        batches = [pool[i : i + _ROWS] for i in range(0, len(pool), _ROWS)]
        rng.shuffle(batches)
        yield from batches


def _tensors(pairs: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """Return the model's three inputs, each int64[rows, tokens]."""
    tokenizer = load_tokenizer(max_tokens=MAX_TOKENS)
    tokenizer.enable_padding(pad_to_multiple_of=_PAD_TO)
    encodings: list[Encoding] = tokenizer.encode_batch(list(pairs))
    return {
        "input_ids": torch.tensor([e.ids for e in encodings]),
        "attention_mask": torch.tensor([e.attention_mask for e in encodings]),
        "token_type_ids": torch.tensor([e.type_ids for e in encodings]),
    }
