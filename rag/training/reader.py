"""Trains the reader's span model from all-MiniLM-L6-v2: question + passage -> span, or none.

    python -m rag.training.reader --data ../shared/data --base MODEL_DIR --out WORK_DIR

Stage 1 is QAMR among sentences that resemble it; stage 2 mixes SQuAD with passages mined by our own
BM25 leg, news-shaped stories made by rule, and QAMR again. The passages of a question share one
softmax, so that margins compare across passages (Clark and Gardner, ACL 2018, "shared-norm"), and
each also stands alone with "no answer" at its first token (BERT, Devlin et al. 2019). The weights
that are kept are an exponential moving average. Stages save `stage1.pt` and `reader.pt`; `--resume
stage1.pt` goes on with stage 2. About an hour on two cores. `rag.training.calibrate` measures and
exports what comes out. Needs the extra `train`.
"""

import argparse
import math
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from transformers import BertModel

from rag.onnx import load_tokenizer
from rag.training import newsrules
from rag.training.groups import (
    Group,
    Maker,
    Nearest,
    mixed,
    qamr,
    read_qamr,
    read_squad,
    split,
    squad,
)
from rag.training.machine import prepare

MAX_TOKENS = 256
_NAMES = ("stage1.pt", "reader.pt")
_RATES = (1.5e-4, 1.2e-4)
_ROWS = 32
_PAD_TO = 32
_EMA = 0.99
_EMA_EVERY = 8
_FAR = -1e4


class SpanModel(nn.Module):
    """all-MiniLM-L6-v2 with two numbers a token: how well an answer begins and ends there."""

    def __init__(self, encoder: BertModel) -> None:
        """Put a new head on `encoder`."""
        super().__init__()
        self.enc = encoder
        self.qa = nn.Linear(encoder.config.hidden_size, 2)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the start and end logits, each float[batch, tokens]; token 0 is "no answer"."""
        hidden = self.enc(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        start, end = self.qa(hidden).unbind(-1)
        return start, end


class Batch(NamedTuple):
    """Passages of several questions side by side; `group[i]` is the question of row i."""

    inputs: dict[str, Tensor]
    inside: Tensor
    group: Tensor
    start: Tensor
    end: Tensor


def main(argv: Sequence[str] | None = None) -> None:
    """Train both stages and write `reader.pt`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="holds squad/ and qamr/")
    parser.add_argument("--base", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, required=True, help="folder to write reader.pt to")
    parser.add_argument("--steps", type=int, nargs=2, default=(600, 2_600), help="of each stage")
    parser.add_argument("--resume", type=Path, help="stage1.pt of an earlier run")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    prepare(args.seed)
    rng = random.Random(args.seed)  # noqa: S311 - not for secrets
    tokenizer = pair_tokenizer()
    model = new_model(args.base)
    args.out.mkdir(parents=True, exist_ok=True)
    done = 0
    if args.resume:
        model.load_state_dict(torch.load(args.resume))
        done = _NAMES.index(args.resume.name) + 1
    with tempfile.TemporaryDirectory() as folder:
        makers = _stages(args.data, Path(folder))
        for stage in range(done, len(_NAMES)):
            make, steps = makers[stage], args.steps[stage]
            train(model, tokenizer, make, steps, rng, rate=_RATES[stage])
            torch.save(model.state_dict(), args.out / _NAMES[stage])


def new_model(base: Path) -> SpanModel:
    """Return the model with the encoder of `base` and a fresh head."""
    # Eager attention without dropout: several times faster on a CPU than the defaults.
    encoder: BertModel = BertModel.from_pretrained(
        base,
        attn_implementation="eager",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        add_pooling_layer=False,
    )
    # Half of the weights: to leave them as they are saves a sixth of the time.
    encoder.embeddings.word_embeddings.requires_grad_(False)
    return SpanModel(encoder)


def pair_tokenizer() -> Tokenizer:
    """Return the tokenizer that cuts passages, never questions, to 256 tokens for both."""
    tokenizer = load_tokenizer(max_tokens=MAX_TOKENS, cut="only_second")
    # A few widths only: each new shape costs a kernel's compilation.
    tokenizer.enable_padding(pad_to_multiple_of=_PAD_TO)
    return tokenizer


def train(
    model: SpanModel,
    tokenizer: Tokenizer,
    make: Maker,
    steps: int,
    rng: random.Random,
    *,
    rate: float,
) -> None:
    """Leave in `model` the moving average of its weights over `steps` batches of `make`.

    `rate` is the highest learning rate: it rises over the first tenth, then falls to a hundredth.
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01, fused=True)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, max(0.01, (steps - s) / max(1, steps - warm)))
    )
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(_EMA)
    )
    batches, began, mean, tokens = _batches(tokenizer, make, rng), time.monotonic(), math.nan, 0
    for step in range(steps):
        batch = next(batches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            start, end = model(**batch.inputs)
        value = loss(start.float(), end.float(), batch)
        value.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= warm and step % _EMA_EVERY == 0:
            average.update_parameters(model)
        tokens += batch.inputs["input_ids"].numel()
        mean = value.item() if math.isnan(mean) else 0.98 * mean + 0.02 * value.item()
        if step % 50 == 0:
            speed = tokens / (time.monotonic() - began)
            print(f"{step}/{steps} loss {mean:.3f} {speed:.0f} tokens/s", flush=True)
    model.load_state_dict(average.module.state_dict())


def loss(start: Tensor, end: Tensor, batch: Batch) -> Tensor:
    """Return the mean of the loss of each passage alone and of each question's passages together.

    `start`, `end`: float32[rows, tokens].
    """
    alone = torch.zeros(())
    together = torch.zeros(())
    groups = int(batch.group.max()) + 1
    for logits, target in ((start, batch.start), (end, batch.end)):
        logits = logits.masked_fill(~batch.inside, _FAR)
        alone = alone + nn.functional.cross_entropy(logits, target)
        margin = (logits - logits[:, :1])[:, 1:]
        for g in range(groups):
            rows = batch.group == g
            flat = torch.cat([torch.zeros(1), margin[rows].flatten()])
            answered = target[rows] > 0
            index = torch.zeros((), dtype=torch.long)
            if answered.any():
                row = int(answered.nonzero()[0])
                index = torch.tensor(1 + row * margin.shape[1] + int(target[rows][row]) - 1)
            together = together + nn.functional.cross_entropy(flat[None], index[None]) / groups
    return (alone + together) / 4


def _stages(data: Path, folder: Path) -> tuple[Maker, Maker]:
    rows = split(read_squad(data / "squad" / "dev.jsonl")).train
    spoken = read_qamr(data / "qamr")
    paragraphs = Nearest(sorted({row.context for row in rows}), folder / "squad")
    sentences = Nearest(sorted({row.sentence for row in spoken}), folder / "qamr")
    first = qamr(spoken, sentences)
    second = mixed(
        [(squad(rows, paragraphs), 0.72), (newsrules.story, 0.12), (qamr(spoken, sentences), 0.16)]
    )
    return first, second


def _batches(tokenizer: Tokenizer, make: Maker, rng: random.Random) -> Iterator[Batch]:
    """Yield batches of about 32 passages of similar length, for ever."""
    while True:
        groups = sorted((make(rng) for _ in range(_ROWS * 8)), key=_length)
        pools: list[list[Group]] = [[]]
        for group in groups:
            if sum(len(g.passages) for g in pools[-1]) >= _ROWS:
                pools.append([])
            pools[-1].append(group)
        rng.shuffle(pools)
        for pool in pools:
            yield _batch(tokenizer, pool)


def _length(group: Group) -> int:
    return len(group.question) + max(len(passage) for passage in group.passages)


def _batch(tokenizer: Tokenizer, groups: Sequence[Group]) -> Batch:
    pairs = [(g.question, passage) for g in groups for passage in g.passages]
    encodings = tokenizer.encode_batch(pairs)
    start = torch.zeros(len(pairs), dtype=torch.long)
    end = torch.zeros(len(pairs), dtype=torch.long)
    row = 0
    for group in groups:
        if group.label:
            at = row + group.label.passage
            tokens = _tokens(encodings[at], group.label.start, group.label.end)
            start[at], end[at] = tokens
        row += len(group.passages)
    counts = torch.tensor([len(g.passages) for g in groups])
    return Batch(
        inputs=tensors(encodings),
        inside=allowed(encodings),
        group=torch.arange(len(groups)).repeat_interleave(counts),
        start=start,
        end=end,
    )


def tensors(encodings: Sequence[Encoding]) -> dict[str, Tensor]:
    """Return the model's three inputs, each int64[rows, tokens]."""
    return {
        "input_ids": torch.tensor([e.ids for e in encodings]),
        "attention_mask": torch.tensor([e.attention_mask for e in encodings]),
        "token_type_ids": torch.tensor([e.type_ids for e in encodings]),
    }


def allowed(encodings: Sequence[Encoding]) -> Tensor:
    """Return bool[rows, tokens]: the passage's tokens, and the first, which means no answer."""
    inside = torch.tensor([[s == 1 for s in e.sequence_ids] for e in encodings])
    inside[:, 0] = True
    return inside


def _tokens(encoding: Encoding, start: int, end: int) -> tuple[int, int]:
    """Return the first and last token of a span of the passage; (0, 0) when it was cut off."""
    first = encoding.char_to_token(start, 1)
    last = encoding.char_to_token(end - 1, 1)
    return (first, last) if first and last else (0, 0)


if __name__ == "__main__":
    main()
