"""The reader's recipe runs from files to weights, and its loss wants what it should."""

import json
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `train` is not installed")

from rag.training import reader  # noqa: E402
from rag.training.groups import Group, Labelled  # noqa: E402

FERRY = "The ferry sank off Malden on Friday."
GROUPS = [
    Group("What sank?", (FERRY, "Nothing happened in Oslo."), Labelled(0, 4, 9)),
    Group("Who won?", (FERRY,), None),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds a very small encoder."""
    folder = tmp_path_factory.mktemp("base")
    shape = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 12}
    config = transformers.BertConfig(**shape, intermediate_size=32, vocab_size=30_522)
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder of the same form as the real one, with a few questions of ours."""
    for name in ("squad", "qamr"):
        (tmp_path / name).mkdir()
    rows = [
        {
            "title": f"Ferry_{i}",
            "context": f"{FERRY} It was number {i}.",
            "question": "What sank?",
            "answers": [{"text": "ferry", "start": 4}] if i % 2 else [],
        }
        for i in range(20)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "squad" / "dev.jsonl").write_text(text)
    (tmp_path / "qamr" / "wiki-sentences.tsv").write_text("s\tThe ferry sank .\n")
    for name in ("filtered-dev.tsv", "filtered-test.tsv"):
        (tmp_path / "qamr" / name).write_text("s\t0\t1\t0\t0\tWhat sank?\t0 1\tx\ty\n")
    return tmp_path


def test_the_recipe_leaves_weights_that_load(base: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    where = ["--data", str(data), "--base", str(base), "--out", str(out)]
    reader.main([*where, "--steps", "2", "2"])
    fresh = reader.new_model(base)
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    fresh.load_state_dict(torch.load(out / "reader.pt"))
    changed = [name for name, value in fresh.state_dict().items() if (value != before[name]).any()]
    assert "qa.weight" in changed
    assert not any("word_embeddings" in name for name in changed)


def test_training_on_one_batch_learns_it(base: Path) -> None:
    torch.manual_seed(0)
    model = reader.new_model(base)
    tokenizer = reader.pair_tokenizer()
    rng = random.Random(0)
    batch = next(reader._batches(tokenizer, lambda rng: rng.choice(GROUPS), rng))
    start, end = model(**batch.inputs)
    before = reader.loss(start, end, batch).item()
    reader.train(model, tokenizer, lambda rng: rng.choice(GROUPS), 60, rng, rate=1e-2)
    start, end = model(**batch.inputs)
    assert reader.loss(start, end, batch).item() < 0.5 * before


def test_the_loss_is_small_when_the_right_tokens_stand_out() -> None:
    tokenizer = reader.pair_tokenizer()
    batch = reader._batch(tokenizer, GROUPS)
    assert batch.group.tolist() == [0, 0, 1]
    assert (batch.start > 0).tolist() == [True, False, False]
    right = torch.zeros(batch.inside.shape)
    right[range(3), batch.start] = 20.0
    wrong = torch.zeros(batch.inside.shape)
    wrong[:, 5] = 20.0
    assert reader.loss(right, right, batch).item() < 0.01
    assert reader.loss(wrong, wrong, batch).item() > 5


def test_an_answer_that_was_cut_off_is_no_answer() -> None:
    tokenizer = reader.pair_tokenizer()
    text = "word " * 400 + "end"
    group = Group("What?", (text,), Labelled(0, len(text) - 3, len(text)))
    batch = reader._batch(tokenizer, [group])
    assert (batch.start.tolist(), batch.end.tolist()) == ([0], [0])
    assert batch.inputs["input_ids"].shape == (1, reader.MAX_TOKENS)
