"""Models run only beside the card that describes them; one tokenizer cuts and pads for all."""

import json
from pathlib import Path

import numpy as np
import pytest

from rag import onnx
from rag.errors import ConfigurationError
from rag.onnx import feed, load_card, load_session, load_tokenizer


def test_the_tokenizer_neither_cuts_nor_pads_unless_told() -> None:
    encoded = load_tokenizer().encode("bridge " * 1_000, add_special_tokens=False)
    assert len(encoded.ids) == 1_000


def test_of_a_pair_only_the_text_that_was_named_is_cut_and_the_rest_overlaps() -> None:
    tokenizer = load_tokenizer(max_tokens=8, cut="only_second", overlap_tokens=1)
    first = tokenizer.encode("who won", "one two three four five")
    rest = first.overflowing
    assert first.tokens == ["[CLS]", "who", "won", "[SEP]", "one", "two", "three", "[SEP]"]
    assert [one.tokens[4:-1] for one in rest] == [["three", "four", "five"]]


def test_tokenizers_are_not_shared() -> None:
    load_tokenizer(max_tokens=4)
    assert len(load_tokenizer(max_tokens=64).encode("bridge " * 20).ids) == 22


def test_inputs_are_padded_to_the_longest_and_masked() -> None:
    tokenizer = load_tokenizer()
    inputs = feed([tokenizer.encode("a base"), tokenizer.encode("who", "a bus")])
    assert {name: array.tolist() for name, array in inputs.items()} == {
        "input_ids": [[101, 1037, 2918, 102, 0, 0], [101, 2040, 102, 1037, 3902, 102]],
        "attention_mask": [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]],
        "token_type_ids": [[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]],
    }
    assert {array.dtype for array in inputs.values()} == {np.dtype(np.int64)}


@pytest.mark.parametrize("content", [b"{}", None])
def test_a_tokenizer_that_was_damaged_or_lost_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(onnx, "TOKENIZER", path)
    with pytest.raises(ConfigurationError, match="reinstall"):
        load_tokenizer()


def test_a_model_that_is_not_the_one_on_its_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reader.onnx").write_bytes(b"damaged")
    (tmp_path / "reader.json").write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(ConfigurationError, match=r"reader\.onnx has sha256 .*, expected 0000"):
        load_session(tmp_path / "reader.onnx")


def test_a_model_without_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"reader\.json cannot be read"):
        load_session(tmp_path / "reader.onnx")


def test_a_card_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reader.json").write_text("# Reader")
    with pytest.raises(ConfigurationError, match="is not JSON"):
        load_card(tmp_path / "reader.onnx")
