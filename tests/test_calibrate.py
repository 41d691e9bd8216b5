"""What margins are worth: a threshold keeps the stated risk, on titles that were not fitted on."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("sklearn", reason="the extra `train` is not installed")

from rag.reader import FEATURES
from rag.training import calibrate
from rag.training.calibrate import Labelled


def questions(n: int) -> list[Labelled]:
    """Return questions of two sentences whose first feature tells mostly which is right."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(n):
        kind: calibrate.Kind = ("answerable", "foreign", "foreign", "tricky")[i % 4]
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
    assert found["questions"] == {"answerable": 100, "foreign": 200, "tricky": 100}
    # The threshold has three decimals: it may let in an answer or two more.
    assert found["right_when_answered"] >= 1 - calibrate.RISK - 0.02
    assert found["answered"]["answerable"] > 2 * found["answered"]["foreign"]
    assert sum(row["n"] for row in found["reliability"]) == 400


def test_the_threshold_is_the_lowest_that_keeps_the_risk() -> None:
    probability = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert calibrate._threshold(probability, np.array([1, 1, 0, 1, 0], dtype=bool)) == 0.6
    assert calibrate._threshold(probability, np.array([1, 1, 0, 0, 0], dtype=bool)) == 0.7
    assert calibrate._threshold(probability, np.zeros(5, dtype=bool)) == 1.0


def test_answers_share_the_words_that_both_have() -> None:
    assert calibrate._shared("the Red Falcons", "Red Falcons") == pytest.approx(0.8)
    assert calibrate._shared("Malden", "Oslo") == 0
