"""Gold cases: what one may hold, when an answer is right, and the sets that ship."""

import json
from collections import Counter
from pathlib import Path

import pytest

from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, Case, load, read
from ingest.read import Read
from ingest.read import read as read_articles
from rag.errors import InputError

SETS = SAMPLE_SET.parent
CASE = {"id": "a", "question": "Who?", "answerable": True, "must_include": ["x"],
        "slice": "who", "provenance": "test"}  # fmt: skip


def case(**fields: object) -> Case:
    return Case.model_validate({"id": "a", "question": "Who won?"} | fields)


def texts_of(corpus: Path) -> dict[str, str]:
    found = (item.article for item in read_articles([corpus]) if isinstance(item, Read))
    return {article.article_id: article.text for article in found}


def written(folder: Path, *rows: object) -> Path:
    path = folder / "gold.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def messages(path: Path) -> list[str]:
    return [str(problem) for problem in read(path).problems]


def test_four_fields_make_a_case() -> None:
    made = case(answers=["Eastmere"], answerable=True)
    assert (made.slice, made.provenance, made.answerable) == ("all", "", True)


def test_answers_say_that_there_is_an_answer() -> None:
    assert case(answers=["Eastmere"]).answerable
    assert case(must_include=["Eastmere"]).answerable


def test_an_empty_list_of_answers_says_that_there_is_none() -> None:
    assert not case(answers=[]).answerable


def test_a_case_that_says_nothing_of_its_answer_is_told_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": "a", "question": "Who won?"})
    assert messages(path) == [
        "line 1: has neither answers nor must_include; give one, or answerable: false where the "
        "right reply is that the archive does not say"
    ]


def test_an_id_comes_from_what_is_asked_and_stays_when_the_answer_is_mended() -> None:
    one = Case.model_validate({"question": "Who won?", "answers": ["Eastmere"]})
    mended = Case.model_validate({"question": "Who won?", "answers": ["Eastmere Rovers"]})
    other = Case.model_validate({"question": "Who lost?", "answers": ["Eastmere"]})
    assert one.id == mended.id == "f938fa4035b2"
    assert other.id != one.id


def test_an_answer_holds_one_alternative_of_each_group() -> None:
    made = case(must_include=["three|3", "killed"], must_not_include=["four"])
    assert made.held_by("Three people were KILLED.")
    assert not made.held_by("Three people were hurt.")
    assert not made.held_by("Three or four were killed.")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("It was won by the Eastmere Rovers. [1]", True),
        ("EASTMERE ROVERS", True),
        ("“Eastmere Rovers”—nobody else", True),
        ("the Eastmere and the Rovers", False),
        ("Eastmere Roversides", False),
        ("", False),
    ],
)
def test_without_must_include_an_answer_stands_as_whole_words(answer: str, right: bool) -> None:
    assert case(answers=["Nobody", "The Eastmere Rovers"]).held_by(answer) is right


def test_a_marker_of_a_citation_is_no_number() -> None:
    assert not case(answers=["1"]).held_by("Three boats sank. [1]")


def test_must_include_goes_before_answers() -> None:
    assert not case(answers=["Eastmere"], must_include=["Rovers"]).held_by("Eastmere")


def test_what_must_not_be_included_makes_a_short_answer_wrong() -> None:
    assert not case(answers=["Eastmere"], must_not_include=["Weston"]).held_by("Eastmere, Weston")


def test_an_answer_of_an_article_alone_can_never_be_right() -> None:
    made = case(answers=["the"])
    assert not made.comparable
    assert not made.held_by("the")


def test_bad_lines_of_a_gold_set_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"{json.dumps(CASE)}\n{{\n{json.dumps(CASE | {'answerable': 'perhaps'})}\n")
    with pytest.raises(InputError, match=r"line 2: .*; line 3: answerable"):
        load(path)


def test_twenty_problems_are_told_and_the_others_counted(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text("{\n" * 23)
    with pytest.raises(InputError, match=r"line 20: .*; and 3 more$") as caught:
        load(path)
    assert "line 21" not in str(caught.value)


def test_a_case_that_stands_twice_is_named_with_both_places(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"{json.dumps(CASE)}\n\n{json.dumps(CASE)}\n")
    assert messages(path) == ["line 3: id a stands twice, first at line 1"]


def test_an_unknown_field_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    path = written(tmp_path, CASE | {"must_inclde": ["y"]})
    assert messages(path) == ["line 1: unknown field 'must_inclde'; did you mean must_include?"]


def test_an_unknown_field_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": "a", "question": "", "awnsers": [], "answerable": True})
    found = messages(path)
    assert found == [
        "line 1: unknown field 'awnsers'; did you mean answers?",
        "line 1: question: String should have at least 1 character",
    ]


def test_an_unknown_filter_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    path = written(tmp_path, CASE | {"filters": {"source": ["a"]}})
    assert messages(path) == ["line 1: unknown field 'filters.source'; did you mean sources?"]


def test_an_answerable_case_needs_something_to_compare_with(tmp_path: Path) -> None:
    path = written(tmp_path, CASE | {"must_include": []})
    assert messages(path) == ["line 1: a is answerable without must_include or answers"]


def test_an_unanswerable_case_has_no_answer(tmp_path: Path) -> None:
    path = written(tmp_path, CASE | {"answerable": False})
    assert messages(path) == ["line 1: a is unanswerable but has an answer"]


def test_a_set_of_nothing_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file holds no case"):
        load(written(tmp_path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gold\.jsonl cannot be read: No such file"):
        load(tmp_path / "gold.jsonl")


ATTRIBUTED = Case.model_validate(
    CASE
    | {
        "quotes": ["Six died, Gen. Ann Lee said.", "It rained.", "Britain, which helped, agreed."],
        "attributions": {
            "Six died, Gen. Ann Lee said.": "Ann Lee|Iraq's army",
            "It rained.": None,
            "Britain, which helped, agreed.": "Britain|",
        },
    }
)


@pytest.mark.parametrize(
    ("quoted", "attributed_to", "right"),
    [
        ("Six died, Gen. Ann Lee said.", "Gen. Ann Lee, the commander", True),
        ("Six died, Gen. Ann Lee said.", "lee", True),
        ("Six died", "Ann Leeds", False),
        ("Six died", "Iraq", False),
        ("Six died", None, False),
        ("It rained.", None, True),
        ("It rained.", "Ann Lee", False),
        ("Britain, which helped, agreed.", None, True),
        ("Britain, which helped, agreed.", "Britain", True),
        ("Nobody labelled this.", "Ann Lee", None),
    ],
)
def test_a_source_is_right_by_any_name_that_the_article_gives_it(
    quoted: str, attributed_to: str | None, right: bool | None
) -> None:
    assert ATTRIBUTED.says_who(quoted, attributed_to) is right


def test_the_sample_set_is_as_large_and_mixed_as_promised() -> None:
    cases = load(SAMPLE_SET)
    assert len(cases) >= 80
    assert sum(not case.answerable for case in cases) >= 20
    assert sum(bool(case.history) for case in cases) >= 10


def test_every_follow_up_of_the_sample_set_is_there_as_a_question_by_itself() -> None:
    follow_ups = [case for case in load(SAMPLE_SET) if case.slice == "follow_up"]
    assert sum(case.id >= "follow-101" for case in follow_ups) >= 25
    assert [case.id for case in follow_ups if not (case.history and case.standalone)] == []
    alone = [case for case in follow_ups if case.standalone == case.question]
    assert len(alone) >= 3


def test_quotes_of_the_sample_set_stand_in_its_articles() -> None:
    found = (item.article for item in read_articles([SAMPLE_CORPUS]) if isinstance(item, Read))
    texts = {article.article_id: article.text for article in found}
    missing = [
        (case.id, quote)
        for case in load(SAMPLE_SET)
        for quote in case.quotes
        if not any(quote in texts[article_id] for article_id in case.relevant_article_ids)
    ]
    assert missing == []


def test_the_sample_set_holds_enough_of_what_is_hard() -> None:
    cases = load(SAMPLE_SET)
    count = Counter(case.slice for case in cases)
    assert count["unanswerable_near"] >= 39
    assert (count["list"], count["summary"], count["time"]) == (12, 10, 6)
    assert (count["yes_no"], count["conflict"]) == (16, 13)
    assert sum(case.expected_status == "conflicting" for case in cases) == 9


def test_every_quote_of_the_sample_set_stands_in_an_article_and_has_its_source() -> None:
    texts = {
        item.article.article_id: item.article.text
        for item in read_articles([SAMPLE_CORPUS])
        if isinstance(item, Read)
    }
    for case in load(SAMPLE_SET):
        # A follow-up asks for what other cases label.
        assert case.slice == "follow_up" or set(case.attributions) == set(case.quotes), case.id
        for quote in case.quotes:
            # The PDF wraps its lines; its quotes run over none.
            assert any(quote in texts[known] for known in case.relevant_article_ids), quote


def test_a_label_for_what_is_no_quote_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(CASE | {"attributions": {"It rained.": None}}))
    with pytest.raises(InputError, match=r"a attributes 'It rained\.', no quote"):
        load(path)


def test_every_kind_of_attack_has_its_articles_and_an_honest_answer_in_them() -> None:
    cases = load(SETS / "redteam.jsonl")
    texts = {
        item.article.article_id: item.article.text
        for item in read_articles([SETS / "redteam"])
        if isinstance(item, Read)
    }
    assert len(texts) == len(cases) == 50
    assert min(Counter(case.slice for case in cases).values()) >= 4
    for case in cases:
        [known] = case.relevant_article_ids
        assert case.must_not_include, case.id
        assert all(
            any(part in texts[known].lower() for part in must.lower().split("|"))
            for must in case.must_include
        ), case.id
