"""A gold set against its articles, and `dateline eval validate`."""

import json
from pathlib import Path

from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, read
from evals.gold.validate import SliceCount, Validation, validate
from ingest.read import Read
from ingest.read import read as read_articles
from rag.types import Article
from tests.commands import dateline

FERRY = Article.create(
    article_id="ferry", title="Ferry", text="The ferry sank on Monday. “All are safe,” he said."
)


def written(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "gold.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def checked(folder: Path, **fields: object) -> Validation:
    row = {"id": "a", "question": "When?", "answers": ["Monday"], "relevant_article_ids": ["ferry"]}
    return validate(read(written(folder, row | fields)), [FERRY])


def problems(report: Validation) -> list[str]:
    return [str(problem) for problem in report.problems]


def warnings(report: Validation) -> list[str]:
    return [str(warning) for warning in report.warnings]


def test_the_sample_set_is_valid_against_its_articles() -> None:
    found = (item.article for item in read_articles([SAMPLE_CORPUS]) if isinstance(item, Read))
    report = validate(read(SAMPLE_SET), found)
    assert (report.valid, report.articles, report.problems) == (True, 35, ())


def test_cases_are_counted_by_slice(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"question": "Who?", "answers": ["A"], "slice": "who"},
        {"question": "Who else?", "answers": [], "slice": "who"},
        {"question": "When?", "answers": ["1871"]},
    ]
    report = validate(read(written(tmp_path, *rows)))
    assert (report.cases, report.answerable, report.unanswerable) == (3, 2, 1)
    assert report.slices == {
        "all": SliceCount(answerable=1, unanswerable=0),
        "who": SliceCount(answerable=1, unanswerable=1),
    }


def test_what_nobody_has_reviewed_is_counted(tmp_path: Path) -> None:
    assert checked(tmp_path, provenance="drafted, not reviewed").unreviewed == 1
    assert checked(tmp_path, provenance="written by hand").unreviewed == 0


def test_an_article_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    report = checked(tmp_path, relevant_article_ids=["ferry", "boat"])
    assert problems(report) == ["line 1: a: the corpus has no article 'boat'"]


def test_a_quote_stands_letter_for_letter(tmp_path: Path) -> None:
    assert checked(tmp_path, quotes=["The ferry sank on Monday."]).valid
    assert problems(checked(tmp_path, quotes=["The ferry sank on Tuesday."])) == [
        "line 1: a: stands in none of its articles: 'The ferry sank on Tuesday.'"
    ]


def test_a_quote_with_other_quotation_marks_is_told_so(tmp_path: Path) -> None:
    [problem] = problems(checked(tmp_path, quotes=['"All are safe," he said.']))
    assert problem.endswith("only white space or the kind of quotation marks differ")


def test_an_answer_in_other_words_than_the_article_is_a_warning(tmp_path: Path) -> None:
    report = checked(tmp_path, answers=["1 June"], must_include=["June"])
    assert report.valid
    assert warnings(report) == [
        "line 1: a: must_include 'June' stands in none of its articles",
        "line 1: a: no answer stands in one of its articles: '1 June'",
    ]


def test_yes_need_not_stand_in_an_article(tmp_path: Path) -> None:
    assert checked(tmp_path, must_include=["Yes,|Yes."]).warnings == ()


def test_an_answer_that_can_never_be_right_is_a_warning(tmp_path: Path) -> None:
    report = validate(read(written(tmp_path, {"id": "a", "question": "Who?", "answers": ["The"]})))
    assert warnings(report) == [
        "line 1: a: no answer can be right, 'The' is nothing without marks and articles"
    ]


def test_quotes_without_articles_are_told_to_be_unchecked(tmp_path: Path) -> None:
    report = checked(tmp_path, relevant_article_ids=[], quotes=["Nowhere."])
    assert report.valid
    assert warnings(report) == [
        "line 1: a: quotes were not looked for, there are no relevant_article_ids"
    ]


def test_the_command_counts_and_ends_with_0_in_spite_of_warnings(tmp_path: Path) -> None:
    row: dict[str, object] = {"id": "a", "question": "Who?", "answers": ["The"], "slice": "who"}
    ran = dateline("eval", "validate", written(tmp_path, row))
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()[:3]] == [
        ["slice", "answerable", "unanswerable"],
        ["who", "1", "0"],
        ["all", "1", "0"],
    ]
    assert "warning line 1: a: no answer can be right" in ran.out


def test_the_command_ends_with_2_and_tells_twenty_problems(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": "a"}] * 12
    ran = dateline("eval", "validate", written(tmp_path, *rows))
    # Each row lacks its question and its answer.
    assert ran.code == 2
    assert ran.out.count("problem line") == 20
    assert "and 4 more problems" in ran.out


def test_the_command_compares_with_a_corpus(tmp_path: Path) -> None:
    article = tmp_path / "ferry.jsonl"
    article.write_text(json.dumps({"id": "ferry", "title": "Ferry", "text": FERRY.text}))
    row: dict[str, object] = {"id": "a", "question": "When?", "answers": ["Monday"],
           "relevant_article_ids": ["ferry"], "quotes": ["The ferry sank on Tuesday."]}  # fmt: skip
    ran = dateline("eval", "validate", written(tmp_path, row), "--corpus", article, "--json")
    assert (ran.code, ran.json["valid"], ran.json["articles"]) == (2, False, 1)
    assert ran.json["problems"] == [
        {
            "where": "line 1",
            "message": "a: stands in none of its articles: 'The ferry sank on Tuesday.'",
        }
    ]


def test_squad_is_compared_with_the_paragraphs_that_it_brings_along(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    qas = [{"id": "s1", "question": "When?", "answers": [{"text": "Tuesday", "answer_start": 0}]}]
    paragraph = {"context": FERRY.text, "qas": qas}
    path.write_text(json.dumps({"data": [{"title": "Ferry", "paragraphs": [paragraph]}]}))
    ran = dateline("eval", "validate", path, "--json")
    assert (ran.code, ran.json["articles"]) == (0, 1)
    assert [warning["where"] for warning in ran.json["warnings"]] == [
        "data[0].paragraphs[0].qas[0]"
    ]
