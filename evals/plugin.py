"""pytest runs a gold set: one test a case, through the fixture `dateline_case`.

    # test_archive.py, run with: pytest --dateline-set gold.jsonl --dateline-corpus articles/
    def test_the_archive_answers(dateline_case):
        dateline_case.check()

Options may stand in pytest's own settings, too: `dateline_set`, `dateline_corpus`,
`dateline_data_dir`, `dateline_url`. Without `--dateline-set` the plugin does nothing; nothing heavy
is imported before a test asks for the fixture.
"""

import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from evals.cases import Case
    from evals.results import CaseResult
    from evals.targets import Target
    from ingest.read import Read
    from rag.types import Answer
    from rag.verify import Judge

_OPTIONS = {
    "set": "gold questions; each becomes a test of every test that asks for `dateline_case`",
    "corpus": "articles that they are asked of, read into a fresh index; quote a path with spaces",
    "data_dir": "index that they are asked of, instead of a corpus",
    "url": "Dateline server that they are asked of, instead of a corpus",
}


@dataclass(frozen=True)
class DatelineCase:
    """A gold question that is asked when something is wanted of it."""

    case: "Case"
    target: "Target"
    judge: "Judge"

    @cached_property
    def result(self) -> "CaseResult":
        """What came of it, every value of every metric."""
        from evals.score import score

        reply = self.target.ask(self.case.asked(), insist=False)
        return score(self.case, reply, self.target.article, self.judge)

    @property
    def answer(self) -> "Answer":
        """The answer."""
        if self.result.answer is None:
            raise AssertionError(self.result.error)
        return self.result.answer

    def check(self) -> None:
        """Fail unless the answer is right, cited, verified and faithful, or a refusal was due."""
        faults = list(_faults(self.case, self.result))
        if faults:
            said = f"\n  asked: {self.case.question}\n  answer: {self.answer.answer}"
            pytest.fail("; ".join(faults) + said, pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, on the command line and in pytest's settings."""
    group = parser.getgroup("dateline", "gold questions for Dateline")
    for name, text in _OPTIONS.items():
        group.addoption(f"--dateline-{name.replace('_', '-')}", metavar="PATH", help=text)
        parser.addini(f"dateline_{name}", text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each case."""
    if "dateline_case" not in metafunc.fixturenames:
        return
    chosen = _option(metafunc.config, "set")
    if chosen is None:
        metafunc.parametrize("dateline_case", [], indirect=True)
        return
    from evals.cases import load
    from rag.errors import InputError

    try:
        cases = load(Path(chosen))
    except InputError as exc:
        raise pytest.UsageError(str(exc)) from exc
    metafunc.parametrize("dateline_case", cases, indirect=True, ids=[case.id for case in cases])


@pytest.fixture(scope="session")
def dateline_target(request: pytest.FixtureRequest) -> "Iterator[Target]":
    """Whom the questions are put to: a server, an index, or a fresh index of a corpus."""
    from evals.archive import library
    from evals.targets import Server
    from ingest.read import read
    from rag.settings import Settings

    config = request.config
    url, data_dir = _option(config, "url"), _option(config, "data_dir")
    corpus = shlex.split(_option(config, "corpus") or "")
    if url:
        with closing(Server(url)) as server:
            yield server
        return
    if data_dir:
        asked = library(settings=Settings(data_dir=Path(data_dir)))
    elif corpus:
        asked = library(read(corpus))
    else:
        asked = library(_brought_by(Path(_option(config, "set") or "")))
    with asked as target:
        yield target


@pytest.fixture(scope="session")
def dateline_judge() -> "Judge":
    """What judges claims; a conftest.py may put another in its place."""
    from rag.support import SupportJudge

    return SupportJudge(threads=1)


@pytest.fixture
def dateline_case(
    request: pytest.FixtureRequest, dateline_target: "Target", dateline_judge: "Judge"
) -> DatelineCase:
    """A gold question of `--dateline-set`."""
    return DatelineCase(request.param, dateline_target, dateline_judge)


def _brought_by(gold: Path) -> "list[Read]":
    from evals.archive import brought_by
    from rag.errors import InputError

    try:
        return brought_by(gold, "--dateline-corpus, --dateline-data-dir or --dateline-url")
    except InputError as exc:
        raise pytest.UsageError(str(exc)) from exc


def _faults(case: "Case", result: "CaseResult") -> Iterator[str]:
    """Yield what is wrong with an answer."""
    if not case.answerable:
        if result.outcome == "answered":
            yield "answered what the archive does not say"
        return
    if result.outcome == "refused":
        yield "refused, though the archive answers it"
    elif not result.right:
        wanted = ", ".join(case.must_include or case.answers)
        yield f"the answer lacks what it must hold ({wanted}), or holds what it must not"
    if not all(citation.verified for citation in result.citations):
        yield "a citation does not stand in the stored article"
    for claim in result.claims:
        if claim.support in ("contradicted", "unsupported", "uncited"):
            yield f"{claim.support}: “{claim.text}”"
    if result.payloads_kept_out is False:
        yield "the answer holds what must not be in it"


def _option(config: pytest.Config, name: str) -> str | None:
    return config.getoption(f"--dateline-{name.replace('_', '-')}") or (
        config.getini(f"dateline_{name}") or None
    )
