"""What margins are worth, and a threshold that lets few unanswerable questions through."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra `train` is not installed")

from rag.reader import FEATURES
from rag.training import calibrate
from rag.training.calibrate import Labelled


def questions(n: int) -> list[Labelled]:
    """Return questions of two sentences whose first feature tells mostly which is right."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(n):
        kind: calibrate.Kind = ("answerable", "foreign", "removed", "tricky")[i % 4]
        features = rng.normal(size=(2, len(FEATURES)))
        right = np.array([kind == "answerable", False])
        features[right, 0] += 3.0
        made.append(Labelled(f"title {i % 10}", kind, features, right))
    return made


def test_the_fitted_model_trusts_what_tells_right_from_wrong() -> None:
    fitted, card = calibrate._fitted(questions(400))
    weights = fitted["weights"]
    assert set(weights) == set(FEATURES)
    assert max(weights, key=lambda name: abs(weights[name])) == FEATURES[0]
    found = card["calibration"]
    assert found["questions"] == dict.fromkeys(("answerable", "foreign", "removed", "tricky"), 100)
    assert found["right_when_answered"] > 0.9
    assert found["answered"]["foreign"] <= 2 * calibrate.FALSE_ANSWERS
    assert found["answered"]["answerable"] > 2 * found["answered"]["foreign"]
    assert sum(row["n"] for row in found["reliability"]) == 300


def test_the_threshold_is_the_lowest_that_lets_few_through() -> None:
    removed, foreign = np.linspace(0.0, 0.995, 100), np.zeros(100)
    assert calibrate._threshold(removed, foreign) == pytest.approx(0.9, abs=0.01)
    assert calibrate._threshold(removed, removed) == pytest.approx(0.95, abs=0.01)
    assert calibrate._threshold(np.ones(5), np.ones(5)) == 1.0


def test_answers_share_the_words_that_both_have() -> None:
    assert calibrate._shared("the Red Falcons", "Red Falcons") == pytest.approx(0.8)
    assert calibrate._shared("Malden", "Oslo") == 0
