"""Follow-ups made self-contained, as they are measured."""

import json
from pathlib import Path

import pytest

from evals.cases import SAMPLE_SET, load
from evals.followups import Row, score, shifts
from evals.followups import rows as read_rows
from evals.metrics import share
from rag.types import Turn


def test_rewritings_are_scored_by_the_stems_of_content_words() -> None:
    history = (Turn(question="What is a fire engine?"),)
    rows = [
        Row(1, "Who invented it?", history, "Who invented the fire engine?"),
        Row(1, "Who is Ida Quell?", history, "Who is Ida Quell?"),
    ]
    found = score(rows, lambda question, _: question.replace("it", "fires"))
    assert (found.all_words.value, found.left_alone.value) == (0.5, 1.0)
    assert found.recall == pytest.approx(5 / 6)
    assert found.precision == 1.0


def test_questions_that_stand_alone_are_asked_after_turns_about_something_else() -> None:
    cases = load(SAMPLE_SET)
    alone = sum(not case.history for case in cases)
    assert shifts(cases, lambda question, _: question) == share([True] * alone)
    assert shifts(cases, lambda question, history: question + history[0].question).value == 0.0


def test_turns_come_with_the_turns_before_them(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    turn = {"set": "a", "conversation": 1, "turn": 1, "utterance": "Who? ", "rewritten": "Who?",
            "response": None}  # fmt: skip
    lines = [turn, turn | {"turn": 2, "utterance": "When?"}, turn | {"conversation": 2}]
    path.write_text("\n".join(map(json.dumps, lines)))
    asked = [(row.question, [one.question for one in row.history]) for row in read_rows(path)]
    assert asked == [("Who?", []), ("When?", ["Who?"]), ("Who?", [])]
