"""Stories made by rule: each question is answered where its label says, or not at all."""

import random

from hypothesis import given
from hypothesis import strategies as st

from rag.training.newsrules import story


@given(st.integers(0, 10_000))
def test_the_label_of_a_story_points_at_whole_words(seed: int) -> None:
    group = story(random.Random(seed))
    [passage] = group.passages
    assert group.question.strip("? ")
    assert passage.endswith((".", "”"))
    if group.label:
        start, end = group.label.start, group.label.end
        assert passage[start:end].strip() == passage[start:end] != ""
        assert not passage[start - 1 : start].isalnum()
        assert not passage[end : end + 1].isalnum()


def test_the_same_seed_tells_the_same_story() -> None:
    assert story(random.Random(4)) == story(random.Random(4))


def test_stories_ask_for_blame_for_numbers_and_for_who_said_it() -> None:
    rng = random.Random(0)
    groups = [story(rng) for _ in range(600)]
    asked = " ".join(group.question.lower() for group in groups)
    for word in ("blamed", "responsible", "according to whom", "how many", "when", "who said"):
        assert word in asked
    unanswered = [group for group in groups if group.label is None]
    assert 60 <= len(unanswered) <= 140


def test_the_number_of_dead_is_not_the_number_of_wounded() -> None:
    rng = random.Random(0)
    answers = set()
    for _ in range(3_000):
        group = story(rng)
        if group.label and "killed" in group.question and "how many" in group.question.lower():
            [passage] = group.passages
            answer = passage[group.label.start : group.label.end]
            answers.add(answer)
            assert f"wounded {answer}" not in passage
            assert f"injured {answer} others" not in passage
    assert len(answers) > 20
