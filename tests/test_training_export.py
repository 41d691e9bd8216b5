"""What training exports: one fused int8 graph that says nearly what the torch module says."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

import onnx
import torch
from transformers import BertConfig, BertModel

from rag.onnx import feed, load_session, load_tokenizer
from rag.training.export import Text, export, export_plain, parity, sha256, write_card

TEXTS: list[Text] = [
    "Rockets hit the base.",
    ("Who was hurt?", "Nobody was hurt when rockets hit the base."),
]


class Spans(torch.nn.Module):
    """As our reader: a number a token, and one for the whole."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = BertConfig(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128
        )
        config._attn_implementation = "eager"
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.head = torch.nn.Linear(64, 1)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return self.head(hidden).squeeze(-1), hidden[:, 0]


@pytest.fixture(scope="module")
def model() -> Spans:
    return Spans()


@pytest.fixture(scope="module")
def path(model: Spans, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "spans.onnx"
    assert export(model, path, outputs=["spans", "whole"]) == sha256(path)
    write_card(path, what="a test", seed=0)
    return path


def test_the_graph_is_fused_and_only_its_head_and_outliers_are_not_int8(path: Path) -> None:
    graph = onnx.load(path).graph
    operators = [node.op_type for node in graph.node]
    assert operators.count("QAttention") == 2
    assert operators.count("BiasGelu") == 4
    assert operators.count("SkipLayerNormalization") == 4
    assert operators.count("QEmbedLayerNormalization") == 1
    weights = {weight.name: list(weight.dims) for weight in graph.initializer}
    of_fp32 = [weights[node.input[1]] for node in graph.node if node.op_type == "MatMul"]
    assert sorted(of_fp32) == [[2, 64], [2, 64], [64, 1], [64, 2], [64, 2]]


def test_the_graph_is_valid_onnx(path: Path) -> None:
    onnx.checker.check_model(path, full_check=True)


def test_it_says_nearly_what_the_module_says(model: Spans, path: Path) -> None:
    found = parity(model, path, TEXTS)
    assert list(found) == ["spans", "whole"]
    assert min(one.cosine_min for one in found.values()) > 0.98
    assert max(one.largest_difference for one in found.values()) < 0.5


def test_units_far_larger_than_the_others_do_not_coarsen_them(tmp_path: Path) -> None:
    model = Spans()
    weights = model.encoder.state_dict()
    for layer in (0, 1):
        weights[f"encoder.layer.{layer}.intermediate.dense.bias"][[5, 77]] = 300
        # They are large but say nothing: what is lost is lost of the others.
        weights[f"encoder.layer.{layer}.output.dense.weight"] *= 20
        weights[f"encoder.layer.{layer}.output.dense.weight"][:, [5, 77]] = 0
    export(model, tmp_path / "large.onnx", outputs=["spans", "whole"])
    found = parity(model, tmp_path / "large.onnx", TEXTS)
    assert min(one.cosine_min for one in found.values()) > 0.98


def test_the_plain_export_says_what_the_module_says(model: Spans, tmp_path: Path) -> None:
    export_plain(model, tmp_path / "plain.onnx", outputs=["spans", "whole"])
    found = parity(model, tmp_path / "plain.onnx", TEXTS)
    assert max(one.largest_difference for one in found.values()) < 1e-4


def test_batches_and_lengths_are_free_and_padding_is_masked(path: Path) -> None:
    session = load_session(path, threads=1)
    encodings = load_tokenizer().encode_batch(["Rockets hit the base.", "word " * 300])
    spans, whole = session.run(["spans", "whole"], feed(encodings))
    assert (spans.shape, whole.shape) == ((2, 302), (2, 64))
    alone = session.run(["whole"], feed(encodings[:1]))[0]
    assert whole[0] == pytest.approx(alone[0], abs=0.2)


def test_the_card_says_which_file_it_is_of(path: Path) -> None:
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["what"], card["seed"], card["sha256"]) == ("a test", 0, sha256(path))
    assert card["bytes"] == path.stat().st_size


def test_an_encoder_that_cannot_be_fused_is_refused(tmp_path: Path) -> None:
    model = Spans()
    model.encoder.config._attn_implementation = "sdpa"
    with pytest.raises(RuntimeError, match="not recognised"):
        export(model, tmp_path / "slow.onnx", outputs=["spans", "whole"])
    assert list(tmp_path.iterdir()) == []
