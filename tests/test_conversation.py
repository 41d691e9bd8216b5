"""A follow-up is completed; what stands on its own is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.conversation import standalone
from rag.types import Turn

TAJI = [Turn(question="Who was blamed for the Taji attack?", answer="A militia.")]
TURNS = st.lists(st.builds(Turn, question=st.text(max_size=60)), max_size=4)


def test_a_question_without_history_is_left_alone() -> None:
    assert standalone("When did it happen?", []) == "When did it happen?"


@pytest.mark.parametrize(
    "question", ["Who won the Hallow boat race?", "How old is the museum in Pemberton?"]
)
def test_a_question_that_stands_on_its_own_is_left_alone(question: str) -> None:
    assert standalone(question, TAJI) == question


@pytest.mark.parametrize("question", ["When did it happen?", "And where?", "Why did they do that?"])
def test_a_question_that_points_back_gets_the_words_it_points_to(question: str) -> None:
    completed = standalone(question, TAJI)
    assert completed.startswith(question)
    assert "Taji" in completed
    assert "attack" in completed


def test_the_last_question_that_stood_on_its_own_is_what_is_meant() -> None:
    history = [*TAJI, Turn(question="Who opened the Pemberton museum?"), Turn(question="And when?")]
    completed = standalone("How did they do it?", history)
    assert "Pemberton" in completed
    assert "Taji" not in completed


@given(st.text(min_size=1, max_size=60), TURNS)
def test_the_question_itself_is_always_kept(question: str, history: list[Turn]) -> None:
    assert standalone(question, history).startswith(question)
