"""Questions to train on: every label points at its answer, and what does not answer has none."""

import json
import random
from pathlib import Path

import pytest

from rag.training.groups import (
    Group,
    Nearest,
    QamrRow,
    SquadRow,
    detokenised,
    mixed,
    qamr,
    read_qamr,
    read_squad,
    split,
    squad,
)

BRIDGE = "The bridge was closed on Monday. Rust was blamed by Mayor Ida Quell in 1998."
FERRY = "The ferry sank off Malden. Nobody blamed the crew of the Anna."
MUSEUM = "The museum in Malden was founded by Tobias Renn in 1871."
ROWS = [
    SquadRow("Bridge", BRIDGE, "Who blamed rust in 1998?", ((53, 67),)),
    SquadRow("Bridge", BRIDGE, "When was the bridge closed?", ((25, 31), (22, 31))),
    SquadRow("Ferry", FERRY, "Who blamed the crew of the Anna?", ()),
    SquadRow("Museum", MUSEUM, "Who founded the museum in Malden?", ((36, 47),)),
]


def text_of(group: Group) -> str | None:
    if group.label is None:
        return None
    return group.passages[group.label.passage][group.label.start : group.label.end]


def test_treebank_words_become_text_and_each_keeps_its_characters() -> None:
    words = ["``", "It", "'s", "here", ",", "''", "said", "A.", "-LRB-", "left", "-RRB-", "."]
    text, spans = detokenised(words)
    assert text == '"It\'s here," said A. (left).'
    assert [text[a:b] for a, b in spans[1:5]] == ["It", "'s", "here", ","]


def test_labels_of_squad_point_at_an_answer_whatever_stands_around_it(tmp_path: Path) -> None:
    make = squad(ROWS, Nearest([BRIDGE, FERRY, MUSEUM], tmp_path))
    rng = random.Random(0)
    answers = {r.question: {r.context[a:b] for a, b in r.answers} for r in ROWS}
    groups = [make(rng) for _ in range(400)]
    for group in groups:
        assert len(set(group.passages)) == len(group.passages)
        found = text_of(group)
        if found is not None:
            assert found in answers[group.question]
    assert {len(group.passages) for group in groups} == {1, 2}
    assert any(group.passages[0].startswith("Bridge. ") for group in groups)
    assert all(g.label is None for g in groups if g.question == ROWS[2].question)


def test_a_question_with_another_name_in_it_has_no_answer(tmp_path: Path) -> None:
    rng = random.Random(1)
    rows = [
        SquadRow("Bridge", BRIDGE, "Who blamed rust in 1998?", ((53, 67),)),
        SquadRow("Bridge", FERRY, "What happened off Malden in 2004?", ()),
    ]
    make = squad(rows, Nearest([BRIDGE, FERRY], tmp_path))
    asked = {row.question for row in rows}
    swapped = [group for _ in range(300) if (group := make(rng)).question not in asked]
    assert {g.question for g in swapped} >= {"Who blamed rust in 2004?"}
    assert all(g.label is None for g in swapped)


def test_labels_of_qamr_point_at_the_answer_among_other_sentences(tmp_path: Path) -> None:
    rows = [QamrRow(MUSEUM, "Who founded it?", 36, 47), QamrRow(FERRY, "What sank?", 4, 9)]
    make = qamr(rows, Nearest([BRIDGE, FERRY, MUSEUM], tmp_path))
    rng = random.Random(0)
    groups = [make(rng) for _ in range(200)]
    assert {text_of(g) for g in groups} == {"Tobias Renn", "ferry", None}
    assert any(BRIDGE in g.passages[0] and g.label for g in groups)


def test_a_mixture_draws_from_all_its_makers() -> None:
    makers = [(lambda rng, q=q: Group(q, ("x",), None), 0.5) for q in ("a", "b")]  # noqa: ARG005
    make = mixed(makers)
    rng = random.Random(0)
    assert {make(rng).question for _ in range(50)} == {"a", "b"}


def test_the_nearest_text_comes_first_and_the_own_one_never(tmp_path: Path) -> None:
    near = Nearest([BRIDGE, FERRY, MUSEUM], tmp_path)
    assert near.to("Who founded the museum in Malden?", without=BRIDGE) == [MUSEUM, FERRY]
    assert near.to("Who founded the museum in Malden?", without=MUSEUM) == [FERRY]


def test_no_title_is_on_both_sides_of_the_split() -> None:
    rows = [SquadRow(f"title {i % 20}", "text", f"question {i}", ()) for i in range(60)]
    parts = split(rows)
    titles = [{row.title for row in part} for part in parts]
    assert [len(t) for t in titles] == [7, 6, 7]
    assert sum(len(part) for part in parts) == 60
    assert len(set.union(*titles)) == 20


def test_files_are_read_as_their_makers_wrote_them(tmp_path: Path) -> None:
    row = {
        "title": "A_b",
        "context": FERRY,
        "question": "What sank?",
        "answers": [{"text": "The ferry", "start": 0}],
    }
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert read_squad(tmp_path / "dev.jsonl") == [SquadRow("A b", FERRY, "What sank?", ((0, 9),))]
    (tmp_path / "wiki-sentences.tsv").write_text("s1\tThe ferry sank .\n", encoding="utf-8")
    line = "s1\t0\t1\t0\t0\tWhat sank?\t0 1\tx\ty\n"
    apart = "s1\t0\t1\t0\t0\tWhat?\t0 3\tx\ty\n"
    (tmp_path / "filtered-dev.tsv").write_text(line + apart, encoding="utf-8")
    (tmp_path / "filtered-test.tsv").write_text("", encoding="utf-8")
    assert read_qamr(tmp_path) == [QamrRow("The ferry sank.", "What sank?", 0, 9)]


@pytest.mark.parametrize("question", ["?", "", "x" * 3_000])
def test_odd_questions_find_nothing_or_something_but_never_fail(
    tmp_path: Path, question: str
) -> None:
    assert len(Nearest([BRIDGE], tmp_path).to(question, without="")) <= 1
