"""The recipe of the support judge on a few examples: it learns, weighs and exports."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from rag.support import INPUTS
from rag.training import scores
from rag.training.pairs import Label, Pair, edited

PASSAGE = (
    "Gen. Mark Milley said the attack at Camp Taji wounded 14 soldiers on Wednesday. "
    "The Pentagon announced on Friday that exports had increased by 12 percent since 2019. "
    "Mayor Ida Quell was blamed by the council, which met in Malden. "
    "Tobias Renn told reporters that the bridge did not close."
)

SAID: list[tuple[str, Label]] = [
    ("Exports rose. It rained.", "not_supported"),
    (PASSAGE, "supported"),
]


def test_auc_is_the_chance_that_a_supported_claim_scores_higher() -> None:
    assert scores.auc([3, 1, 2, 0], [True, True, False, False]) == 0.75
    assert scores.auc([1, 1], [True, False]) == 0.5


def test_the_interval_holds_the_value() -> None:
    found = scores.with_interval([3, 1, 2, 0, 5, 4], [True, True, False, False, True, False])
    assert found.low <= found.value <= found.high
    assert (found.supported, found.others) == (3, 3)


def test_a_reliability_table_counts_each_claim_once() -> None:
    chances = np.array([0.05, 0.95, 0.97, 1.0])
    table = scores.reliability(chances, np.array([False, True, True, True]), np.ones(4))
    assert [row["n"] for row in table] == [1, 3]
    assert table[1] == {"probability": 0.973, "supported": 1.0, "n": 3}


def test_no_count_of_what_is_wrong_speaks_for_a_claim() -> None:
    weigh = pytest.importorskip("rag.training.weigh")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 2))
    # The second input speaks for a claim, and may not.
    positive = rows @ [1.0, 1.0] > 0
    scale = weigh.constrained(rows, positive, np.ones(400), np.array([1.0, -1.0]))
    assert scale.weights[0] > 0 == scale.weights[1]


def test_a_few_examples_become_a_model_and_its_card(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from rag.training import support
    from rag.training.cross_encoder import CrossEncoder, read

    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    model = CrossEncoder(transformers.BertModel(config, add_pooling_layer=False))
    rng = random.Random(0)
    made = support.prepared(edited([PASSAGE] * 12, rng, "squad"))
    people = [
        Pair(PASSAGE, claim, label, source, source, f"{source}/{n}")
        for source in ("wice_claim_oracle", "expertqa", "qags_xsum")
        for n in range(4)
        for claim, label in SAID
    ]
    before = read(model, [("Exports rose.", "Exports fell.")])
    found = support.trained(model, made, support.prepared(people), rng)
    assert not np.allclose(before, read(model, [("Exports rose.", "Exports fell.")]))
    assert all(item.rows.shape[1] == len(INPUTS) for item in found)
    path = tmp_path / "support.onnx"
    path.write_bytes(b"stands for a graph")
    support.write(found, path, seed=0)
    card = json.loads(path.with_suffix(".json").read_text())
    assert set(card["supported"]["weights"]) == set(INPUTS)
    assert set(card["leave_one_source_out"]) == {"wice_claim_oracle", "expertqa", "qags_xsum"}
