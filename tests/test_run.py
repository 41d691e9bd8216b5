"""Gold questions to a target that fails on purpose, and to one that is real."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from evals.archive import library
from evals.cache import Cache
from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, Case, load
from evals.results import CaseResult
from evals.run import run
from evals.summary import fingerprints, summary
from evals.targets import Reply, System
from ingest.read import read
from rag.errors import DependencyError, InputError
from rag.settings import Settings
from rag.support import SupportJudge
from rag.types import Article, Question
from tests.results_made import refusal

CASES = [
    Case(id=f"case-{n}", question=f"Question {n}?", answerable=False, slice="a") for n in range(40)
]


class Failing:
    """Refuses, and fails on some questions; notes what it was asked."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.asked: list[str] = []

    def ask(self, question: Question, *, insist: bool) -> Reply:  # noqa: ARG002 - as targets have
        self.asked.append(question.text)
        if "*" in self.failing or question.text in self.failing:
            raise DependencyError("the server is down")
        return Reply(answer=refusal(), hits=(), latency_ms=1.0)

    def article(self, article_id: str) -> Article | None:
        raise NotImplementedError(article_id)

    def system(self) -> System:
        return System(target="test", corpus="c", index="i", models="m", prompts="p", program="1")


@pytest.fixture(scope="module")
def judge() -> SupportJudge:
    return SupportJudge(threads=1)


def test_a_case_that_fails_is_counted_apart_and_the_others_go_on(judge: SupportJudge) -> None:
    results = run(CASES, Failing("Question 3?"), judge)
    assert [r.id for r in results] == [case.id for case in CASES]
    [failed] = [r for r in results if r.outcome == "failed"]
    assert (failed.id, failed.error) == ("case-3", "the server is down")
    report = summary(
        results,
        made_with=fingerprints(CASES, Failing().system(), "judge"),
        judge=None,
        elapsed_s=1.0,
    )
    assert (report.failed, report.refused) == (1, 39)
    assert report.metrics["false_answer_rate"].n == 39


def test_a_server_that_is_down_is_not_asked_everything(judge: SupportJudge) -> None:
    down = Failing("*")
    results = run(CASES, down, judge, concurrency=1)
    assert len(down.asked) == 3
    assert results[-1].error == "not asked: too many cases before it failed"


def test_an_interrupted_run_goes_on_from_its_cache(tmp_path: Path, judge: SupportJudge) -> None:
    first, second = Failing("Question 39?"), Failing()
    with closing(Cache(tmp_path / "replies")) as cache:
        run(CASES, first, judge, cache=cache)
    with closing(Cache(tmp_path / "replies")) as cache:
        results = run(CASES, second, judge, cache=cache)
    assert second.asked == ["Question 39?"]
    assert {r.outcome for r in results} == {"refused"}


def test_what_answers_is_part_of_the_key(tmp_path: Path, judge: SupportJudge) -> None:
    class Other(Failing):
        def system(self) -> System:
            return super().system().model_copy(update={"program": "2"})

    other = Other()
    with closing(Cache(tmp_path / "replies")) as cache:
        run(CASES[:2], Failing(), judge, cache=cache)
        run(CASES[:2], other, judge, cache=cache)
    assert len(other.asked) == 2


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be read as the head of one" * 10)
    with pytest.raises(InputError, match=r"notes\.txt cannot be used"):
        Cache(path)


def test_progress_is_told_of_every_case(judge: SupportJudge) -> None:
    seen: list[CaseResult] = []
    run(CASES, Failing(), judge, progress=seen.append)
    assert sorted(r.id for r in seen) == sorted(case.id for case in CASES)


def test_the_library_answers_alike_each_time(judge: SupportJudge) -> None:
    cases = load(SAMPLE_SET)[::40]
    with library(read([SAMPLE_CORPUS]), settings=Settings(threads=1)) as target:
        one, other = (run(cases, target, judge) for _ in range(2))
        system = target.system()
    unlike = {"latency_ms", "answer"}
    assert [r.model_dump(exclude=unlike) for r in one] == [
        r.model_dump(exclude=unlike) for r in other
    ]
    assert [r.answer and r.answer.answer for r in one] == [
        r.answer and r.answer.answer for r in other
    ]
    assert {r.outcome for r in one} >= {"answered"}
    with library(read([SAMPLE_CORPUS]), settings=Settings(threads=1)) as again:
        assert again.system() == system


def test_a_corpus_that_cannot_be_read_as_a_whole_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "articles.jsonl"
    bad.write_text(json.dumps({"text": "A fire broke out."}) + "\n{\n")
    with (
        pytest.raises(InputError, match="the corpus was not read as a whole"),
        library(read([bad]), settings=Settings(threads=1)),
    ):
        pass
