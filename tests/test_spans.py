"""Spans of a text with margins over "no answer": where asked for, however long the text is."""

import pytest

from rag.errors import ConfigurationError
from rag.onnx import MODELS, load_card
from rag.spans import MAX_ANSWER_TOKENS, SpanModel

FIRE = "The fire was caused by a faulty valve, investigators said. Forty people were hurt."
CAUSE = "What caused the fire?"


@pytest.fixture(scope="module")
def model() -> SpanModel:
    return SpanModel()


def test_the_best_span_is_the_answer(model: SpanModel) -> None:
    [scored] = model.score(CAUSE, [FIRE])
    best = scored.best(0, len(FIRE))
    assert best is not None
    assert "faulty valve" in FIRE[best.start : best.end]
    assert best.margin > 0


def test_a_text_without_an_answer_is_worse_than_none(model: SpanModel) -> None:
    text = "The museum will reopen in spring, its director said."
    [scored] = model.score(CAUSE, [text])
    best = scored.best(0, len(text))
    assert best is not None
    assert best.margin < 0


def test_spans_stay_between_the_characters_asked_for(model: SpanModel) -> None:
    [scored] = model.score(CAUSE, [FIRE])
    second = FIRE.index("Forty")
    best = scored.best(second, len(FIRE))
    assert best is not None
    assert second <= best.start < best.end <= len(FIRE)
    assert scored.best(3, 3) is None


def test_the_answer_at_the_end_of_a_long_text_is_found(model: SpanModel) -> None:
    text = "Rain fell on the town and nothing else happened. " * 120 + FIRE
    [scored] = model.score(CAUSE, [text])
    best = scored.best(0, len(text))
    assert best is not None
    assert "faulty valve" in text[best.start : best.end]


def test_no_span_is_longer_than_an_answer_may_be(model: SpanModel) -> None:
    text = "one " * 200
    [scored] = model.score("?", [text])
    best = scored.best(0, len(text))
    assert best is not None
    assert len(text[best.start : best.end].split()) <= MAX_ANSWER_TOKENS


def test_a_text_scores_the_same_beside_others(model: SpanModel) -> None:
    [alone] = model.score(CAUSE, [FIRE])
    beside = model.score(CAUSE, ["Nothing.", FIRE, "x " * 900])[1]
    assert alone.best(0, len(FIRE)) == beside.best(0, len(FIRE))


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b", "😀" * 10, "水" * 2_000, "\x01\x02", "a" * 9_999]
)
@pytest.mark.parametrize("question", ["", "Who?", "😀", "q " * 2_000])
def test_odd_texts_and_questions_never_fail(model: SpanModel, question: str, text: str) -> None:
    [scored] = model.score(question, [text])
    best = scored.best(0, len(text))
    assert best is None or 0 <= best.start <= best.end <= len(text)


def test_no_text_is_no_score(model: SpanModel) -> None:
    assert model.score("Who?", []) == []


def test_a_missing_model_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ConfigurationError, match="reinstall"):
        SpanModel(tmp_path_factory.mktemp("none") / "reader.onnx")


def test_the_card_says_what_the_model_was_made_of_and_what_it_cannot() -> None:
    card = load_card(MODELS / "reader.onnx")
    assert card["bytes"] == (MODELS / "reader.onnx").stat().st_size < 35_000_000
    assert any("CC BY-SA" in line for line in card["data"])
    assert card["known_failures"]
    assert card["recipe"]
    assert card["scores"]["newsqa_given"]["f1"]["low"] > 0
    for output in card["parity"].values():
        assert output["cosine_mean"] > 0.98
