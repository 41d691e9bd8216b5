"""Gold sets as people have them: JSON Lines, SQuAD, MRQA rows, CSV and TSV."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.cases import GoldSet, load, read
from evals.gold.formats import articles
from rag.types import make_article_id

SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Skerrow_Lighthouse",
            "paragraphs": [
                {
                    "context": "The lighthouse was lit in 1871.",
                    "qas": [
                        {
                            "id": "s1",
                            "question": "When was Skerrow lit?",
                            "is_impossible": False,
                            "answers": [
                                {"text": "1871", "answer_start": 26},
                                {"text": "1871", "answer_start": 26},
                                {"text": "in 1871", "answer_start": 23},
                            ],
                        },
                        {
                            "id": "s2",
                            "question": "Who built Skerrow?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "1871", "answer_start": 26}],
                        },
                    ],
                },
                {"context": "It became a museum.", "qas": []},
            ],
        }
    ],
}


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def asked(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [(case.question, case.answers) for case in load(path)]


def messages(found: GoldSet) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_squad_gives_ids_answers_and_the_article_of_each_question(tmp_path: Path) -> None:
    first, second = load(file(tmp_path, "squad.json", json.dumps(SQUAD)))
    known = make_article_id(url=None, source=None, title="Skerrow Lighthouse", published_at=None)
    assert (first.id, first.answers, first.answerable) == ("s1", ("1871", "in 1871"), True)
    assert first.relevant_article_ids == (known,)
    assert (second.id, second.answers, second.answerable) == ("s2", (), False)
    assert second.relevant_article_ids == ()


def test_the_paragraphs_of_squad_are_articles_that_its_cases_refer_to(tmp_path: Path) -> None:
    path = file(tmp_path, "squad.json", json.dumps(SQUAD))
    [article] = articles(path)
    assert article.title == "Skerrow Lighthouse"
    assert article.text == "The lighthouse was lit in 1871.\n\nIt became a museum."
    assert load(path)[0].relevant_article_ids == (article.article_id,)


def test_squad_of_version_1_has_an_answer_to_everything(tmp_path: Path) -> None:
    qas = [{"id": 7, "question": "When?", "answers": [{"text": "1871", "answer_start": 0}]}]
    entry = {"title": "A", "paragraphs": [{"context": "1871.", "qas": qas}]}
    [case] = load(file(tmp_path, "squad.json", json.dumps({"data": [entry]})))
    assert (case.id, case.answerable) == ("7", True)


def test_squad_without_titles_is_named_by_its_first_paragraph(tmp_path: Path) -> None:
    entry = {"paragraphs": [{"context": "It was lit in 1871.", "qas": []}, {"context": "Later."}]}
    [article] = articles(file(tmp_path, "squad.json", json.dumps({"data": [entry]})))
    assert (article.title, article.text) == ("It was lit in 1871.", "It was lit in 1871.\n\nLater.")


def test_problems_of_squad_have_their_path(tmp_path: Path) -> None:
    qas = [{"id": "s1", "question": "When?", "answers": "1871"}, "no question"]
    paragraphs = [{"context": "1871.", "qas": qas}, {"context": 3}]
    data = {"data": [{"title": "A", "paragraphs": paragraphs}]}
    assert messages(read(file(tmp_path, "squad.json", json.dumps(data)))) == [
        "data[0].paragraphs[0].qas[0]: answers: Input should be a list",
        "data[0].paragraphs[0].qas[1]: expected an object, found a string",
        "data[0].paragraphs[1]: context: expected a text, found a number",
    ]


def test_rows_of_mrqa_are_cases(tmp_path: Path) -> None:
    row = {"id": "n1", "question": "Who won?", "relevant_article_ids": ["a-1"],
           "answers": [{"text": "Eastmere", "start": 3}]}  # fmt: skip
    [case] = load(file(tmp_path, "questions.jsonl", json.dumps(row)))
    assert (case.answers, case.relevant_article_ids) == (("Eastmere",), ("a-1",))


@pytest.mark.parametrize(
    "answers", [[{"text": "1871", "start": 0}], {"text": ["1871"], "answer_start": [0]}]
)
def test_flat_rows_of_squad_bring_their_paragraph_along(tmp_path: Path, answers: object) -> None:
    row = {"id": "s1", "title": "A", "context": "1871.", "question": "When?", "answers": answers}
    path = file(tmp_path, "dev.jsonl", json.dumps(row))
    [case], [article] = load(path), articles(path)
    assert (case.answers, article.text) == (("1871",), "1871.")
    assert case.relevant_article_ids == (article.article_id,)


def test_a_set_of_questions_brings_no_articles_along(tmp_path: Path) -> None:
    assert articles(file(tmp_path, "gold.csv", "question,answer\nWho won?,Eastmere\n")) == []


def test_a_json_list_of_cases_is_read(tmp_path: Path) -> None:
    rows = [{"question": "Who won?", "answers": ["Eastmere"]}, {"question": "Who lost?"}]
    found = read(file(tmp_path, "gold.json", json.dumps(rows)))
    assert [case.question for case in found.cases] == ["Who won?"]
    assert [problem.where for problem in found.problems] == ["[1]"]


def test_lines_in_a_file_named_json_are_read(tmp_path: Path) -> None:
    lines = '{"question": "Who won?", "answers": ["E"]}\n{"question": "Who lost?", "answers": []}\n'
    assert asked(file(tmp_path, "gold.json", lines)) == [("Who won?", ("E",)), ("Who lost?", ())]


def test_broken_json_is_told_once_with_its_line(tmp_path: Path) -> None:
    broken = json.dumps(SQUAD, indent=1).replace('"version": "v2.0",', '"version": "v2.0"')
    [problem] = read(file(tmp_path, "squad.json", broken)).problems
    assert str(problem).startswith("line 3: not JSON: Expecting ',' delimiter")


def test_a_line_separator_within_json_is_no_end_of_line(tmp_path: Path) -> None:
    row = json.dumps({"question": "Who\u2028won?", "answers": ["E"]}, ensure_ascii=False)
    assert asked(file(tmp_path, "gold.jsonl", row)) == [("Who\u2028won?", ("E",))]


def test_a_plain_table_is_questions_and_answers(tmp_path: Path) -> None:
    path = file(tmp_path, "gold.csv", "question,answer\nWho won?,Eastmere | the Rovers\n")
    assert asked(path) == [("Who won?", ("Eastmere", "the Rovers"))]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfquestion,answer\r\n\r\nWho won?,Eastmere\r\n",
        b"question;answer\nWho won?;Eastmere",
        b"Question,Answer\n\n , \nWho won?,Eastmere\n",
        "question,answer\nWho won?,Eastmere\n".encode("utf-16"),
        b'"question","answer"\n"Who won?","Eastmere"\n',
        b",question,answer,,\n0,Who won?,Eastmere,,\n",
    ],
)
def test_tables_as_spreadsheets_write_them_are_read(tmp_path: Path, content: bytes) -> None:
    assert asked(file(tmp_path, "gold.csv", content)) == [("Who won?", ("Eastmere",))]


def test_columns_may_be_parted_by_tabs(tmp_path: Path) -> None:
    path = file(tmp_path, "gold.tsv", "id\tquestion\tanswer\n7\tWho won, and why?\tEastmere\n")
    assert [(case.id, *case.answers) for case in load(path)] == [("7", "Eastmere")]


def test_a_table_is_known_by_its_first_row_whatever_its_name(tmp_path: Path) -> None:
    path = file(tmp_path, "gold.txt", "question,answer\nWho won?,Eastmere\n")
    assert asked(path) == [("Who won?", ("Eastmere",))]


def test_every_column_has_its_field(tmp_path: Path) -> None:
    header = "id,question,answer,answerable,slice,must_include,quote,article_id"
    row = "a,Who won?,Eastmere,true,who,Eastmere|Rovers,Eastmere won.,x-1|x-2"
    [case] = load(file(tmp_path, "gold.csv", f"{header}\n{row}\n"))
    assert case.model_dump(exclude_defaults=True) == {
        "id": "a",
        "question": "Who won?",
        "answers": ("Eastmere",),
        "must_include": ("Eastmere|Rovers",),
        "quotes": ("Eastmere won.",),
        "relevant_article_ids": ("x-1", "x-2"),
        "slice": "who",
        "answerable": True,
    }


def test_an_address_becomes_the_id_that_its_article_gets(tmp_path: Path) -> None:
    url = "https://harbour-post.example/ferry"
    [case] = load(file(tmp_path, "gold.csv", f"question,answer,url\nWho won?,E,{url}\n"))
    known = make_article_id(url=url, source=None, title="", published_at=None)
    assert case.relevant_article_ids == (known,)


def test_an_empty_answer_needs_the_word_that_there_is_none(tmp_path: Path) -> None:
    path = file(tmp_path, "gold.csv", "question,answer,answerable\nWho won?,,no\nWho lost?,,\n")
    found = read(path)
    assert [(case.question, case.answerable) for case in found.cases] == [("Who won?", False)]
    assert messages(found) == [
        "line 3: has neither answers nor must_include; give one, or answerable: false where the "
        "right reply is that the archive does not say"
    ]


def test_a_problem_of_a_table_has_the_line_where_its_record_begins(tmp_path: Path) -> None:
    rows = 'question,answer\n"Who\nwon?",Eastmere\n\n"Who\nlost?",\nWho drew?,\n'
    found = read(file(tmp_path, "gold.csv", rows))
    assert found.places == ["line 2"]
    assert [problem.where for problem in found.problems] == ["line 5", "line 7"]


def test_an_unknown_column_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    found = read(file(tmp_path, "gold.csv", "question,anwser\nWho won?,Eastmere\n"))
    assert messages(found) == ["line 1: unknown column 'anwser'; did you mean answer?"]


def test_a_table_without_its_first_row_is_told_what_is_missing(tmp_path: Path) -> None:
    found = read(file(tmp_path, "gold.csv", "Who won?,Eastmere\n"))
    assert messages(found)[-1] == (
        "line 1: the first row must name the columns: question,answer and, if need be, others"
    )


def test_a_cell_too_many_is_told(tmp_path: Path) -> None:
    found = read(file(tmp_path, "gold.csv", "question,answer\nWho won, Ann or Bob?,Ann\n"))
    assert messages(found) == [
        "line 2: 3 cells under 2 columns; put quotes around a cell that holds the mark between "
        "the columns"
    ]


def test_a_quotation_that_does_not_end_is_told_where_it_begins(tmp_path: Path) -> None:
    found = read(file(tmp_path, "gold.csv", 'question,answer\nWho won?,E\n"Who lost?,E\n'))
    assert [problem.where for problem in found.problems] == ["line 3"]
    assert len(found.cases) == 1


def test_a_byte_that_is_no_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    found = read(file(tmp_path, "gold.csv", b"question,answer\nWho won?,Caf\xe9\n"))
    assert messages(found) == ["line 2: byte 28 of the file is no UTF-8; save it as UTF-8"]


CELLS = st.text(min_size=1).filter(lambda cell: bool(cell.strip()) and "\0" not in cell)


@given(
    rows=st.lists(
        st.tuples(CELLS, CELLS.filter(lambda cell: bool(cell.strip("| \n\r\t")))),
        min_size=1,
        unique_by=lambda row: row[0].strip(),
    )
)
def test_any_table_that_python_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    written = StringIO(newline="")
    csv.writer(written).writerows([("question", "answer"), *rows])
    path = file(tmp_path_factory.mktemp("csv"), "gold.csv", written.getvalue())
    assert [case.question for case in read(path).cases] == [row[0].strip() for row in rows]


@pytest.mark.parametrize("name", ["gold.jsonl", "gold.json", "gold.csv", "gold.tsv", "gold"])
@given(data=st.binary(), text=st.booleans())
def test_no_bytes_crash_the_reader(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes, text: bool
) -> None:
    content = b"question,answer\n" + data if text else data
    found = read(file(tmp_path_factory.mktemp("any"), name, content))
    assert found.cases or found.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner)
    | st.dictionaries(
        st.sampled_from(["data", "paragraphs", "qas", "context", "question", "answers", "text",
                         "id", "title", "filters", "history", "is_impossible"]) | st.text(),
        inner,
    ),
)  # fmt: skip


@given(value=JSON)
def test_no_json_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = file(tmp_path_factory.mktemp("any"), "gold.json", json.dumps(value))
    found = read(path)
    articles(path)
    assert found.cases or found.problems


def test_half_a_character_is_told_not_stored(tmp_path: Path) -> None:
    line = '{"id": "a", "question": "Who \\ud800?", "answers": ["E"]}'
    [problem] = read(file(tmp_path, "gold.jsonl", line)).problems
    assert str(problem).isascii()


def test_json_nested_without_end_is_told(tmp_path: Path) -> None:
    deep = '{"question": "Who?", "answers": ["E"], "filters": ' + "[" * 900 + "]" * 900 + "}"
    assert len(read(file(tmp_path, "gold.jsonl", deep)).problems) == 1
