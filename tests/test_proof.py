"""The harness on broken builds: each fault must show in its metric and stop the gate."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from evals.archive import library
from evals.baseline import baseline_of
from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, load
from evals.faults import Fault, edited, faults, remembering
from evals.mutations import PLAIN_EDITS, in_plain_words, other_numbers, without_denial
from evals.proof import Bench, identical, noticed
from evals.results import METRICS, Report
from evals.targets import Library, Target
from ingest.read import read
from rag.settings import Settings
from rag.support import SupportJudge

pytestmark = pytest.mark.slow
SETTINGS = Settings(threads=2)
FAULTS = (
    "retriever shuffled",
    "half the index missing",
    "abstention off",
    "stale version answered",
    "offsets off by three",
    "citations moved",
    "last citation lost",
    "speaker swapped",
    "numbers altered",
    "negation dropped",
    *(f"plain: {kind}" for kind in PLAIN_EDITS),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A quarter of the questions: a rare fault is no more than chance in them without a floor."""
    thresholds = tmp_path_factory.mktemp("gate") / "floor.toml"
    thresholds.write_text("[min]\nfaithfulness = 0.98\n")
    return Bench(load(SAMPLE_SET)[::4], SupportJudge(threads=2), thresholds)


@pytest.fixture(scope="module")
def intact() -> Iterator[Library]:
    with library(read([SAMPLE_CORPUS]), settings=SETTINGS) as target:
        yield target


@pytest.fixture(scope="module")
def known(intact: Library) -> Target:
    return remembering(intact)


@pytest.fixture(scope="module")
def broken(intact: Library, known: Target) -> Iterator[dict[str, Fault]]:
    with faults(intact, SETTINGS, [SAMPLE_CORPUS], known=known) as made:
        yield {fault.name: fault for fault in made}


@pytest.fixture(scope="module")
def before(known: Target, bench: Bench) -> tuple[Report, Report]:
    """The intact archive: its own answers, and the same in plain words."""
    return bench.report(known), bench.report(edited(known, in_plain_words))


def test_every_fault_is_tried(broken: dict[str, Fault]) -> None:
    assert tuple(broken) == FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed_by_its_metric_and_stops_the_build(
    name: str,
    broken: dict[str, Fault],
    bench: Bench,
    intact: Library,
    before: tuple[Report, Report],
) -> None:
    fault = broken[name]
    found = noticed(bench, fault, intact, before[fault.plain], 1.0)
    [better] = [metric.better for metric in METRICS if metric.name == fault.metric]
    assert found.before is not None
    assert found.after is not None
    assert found.after != found.before
    assert (found.after < found.before) is (better == "higher")
    assert found.verdict == "worse"


def test_an_intact_build_never_fails(intact: Library, bench: Bench) -> None:
    few = Bench(bench.cases[::12], bench.judge, bench.thresholds)
    kept = baseline_of(few.report(intact), now=datetime.now(UTC))
    assert identical(few, intact, kept, 20) == ["passed"] * 20


def test_numbers_and_denials_are_changed_and_markers_are_not() -> None:
    assert other_numbers("Six died in 2020, two of 14. [2]") == "Six died in 2023, six of 17. [2]"
    assert without_denial("He did not say no word, and nobody won't.") == (
        "He did say word, and  wo."
    )
