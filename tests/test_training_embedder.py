"""The embedder's recipe, run on a small encoder and three articles."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

from transformers import BertConfig, BertModel

from rag.onnx import Model, load_card, load_tokenizer
from rag.training.embedder import main

ARTICLES = [("harbour", "A museum opened in the old harbour. " * 40), ("base", "Rockets hit.")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    config = BertConfig(
        hidden_size=48, num_hidden_layers=1, num_attention_heads=2, intermediate_size=96
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "newsqa").mkdir()
    _write(folder / "newsqa/articles.jsonl", [{"id": i, "text": text} for i, text in ARTICLES])
    asked = [{"question": "What was hit?", "relevant_article_ids": ["base"]}]
    _write(folder / "newsqa/questions.jsonl", asked)
    main(["--base", str(folder), "--data", str(folder), "--out", str(folder)])
    return folder / "embedder.onnx"


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_it_makes_a_model_of_unit_vectors(made: Path) -> None:
    outputs = Model(made).run(load_tokenizer().encode_batch(["Rockets hit a base.", ""]))
    assert [np.linalg.norm(one["vector"]) for one in outputs] == pytest.approx([1, 1], abs=1e-5)


def test_the_card_compares_it_with_the_weights_it_was_made_from(made: Path) -> None:
    scores = load_card(made)["scores"]
    assert scores["cosine_to_fp32"]["passages"]["n"] == 3
    assert scores["cosine_to_fp32"]["passages"]["min"] > 0.97
    assert scores["newsqa_dense_mrr_at_10"]["fp32"]["mean"] in (0.5, 1.0)
