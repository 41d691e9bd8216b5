"""The load test, short: that it sees what happens. How fast it was is not judged here."""

import signal
from random import Random

import pytest

from evals import load
from evals.load import Memory, Report, Row, measure, table
from evals.traffic import KINDS, Wrong, article, whole

STREAM = (
    'id: 1\nevent: message.start\ndata: {"id": "msg_1"}\n\n'
    'id: 2\nevent: retrieval\ndata: {"passages": []}\n\n'
    ": keep-alive\n\n"
    'id: 3\nevent: message.delta\ndata: {"text": "Wro", "replaces": false}\n\n'
    'id: 4\nevent: message.delta\ndata: {"text": "It ", "replaces": true}\n\n'
    'id: 5\nevent: message.delta\ndata: {"text": "rained.", "replaces": false}\n\n'
    'id: 6\nevent: message.end\ndata: {"answer": "It rained."}\n\n'
    "id: 7\nevent: done\ndata: {}\n\n"
)
GOOD = Report(
    clients=2,
    elapsed_s=30.0,
    rows=(Row("search", 60, 59, {200: 59, 503: 1}, 12.0, 30.4, 41.0),),
    memory=(Memory(0.0, 300.0), Memory(10.0, 350.0), Memory(20.0, 352.0), Memory(30.0, 353.0)),
    wrong=(),
    tracebacks=0,
    exit_code=-signal.SIGTERM,
    stopped_s=0.25,
    check="clean",
    check_code=0,
    load_averages=(1.0, 2.0, 3.0),
)


def test_eight_clients_for_four_seconds_find_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "WARM_UP_S", 600.0)  # four seconds may become ten
    report = measure(clients=8, seconds=4)
    assert report.failures == ()
    assert report.check_code == 0
    assert report.exit_code in (0, -signal.SIGTERM)
    assert [row.kind for row in report.rows] == list(KINDS)
    counted = {row.kind: row for row in report.rows}
    assert counted["session"].statuses[201] >= 8
    for kind in ("search", "chat", "stream", "session"):
        assert counted[kind].good > 0
        assert set(counted[kind].statuses) <= {200, 201, 503}
    assert report.memory[0].mib > 100
    assert report.memory[-1].at_s >= 4


def test_a_good_report_is_printed_whole() -> None:
    assert GOOD.failures == ()
    assert table(GOOD).splitlines() == [
        "2 clients, 30.0 s: 60 requests, 2.0 a second",
        "              n   good   p50 ms   p95 ms   p99 ms  statuses",
        "search       60     59       12       30       41  200: 59, 503: 1",
        "memory: 300 MiB at the start, 350 after 10 s, 353 at the end; "
        "in the second half +1.0 MiB (at most 16), +6.0 a minute",
        "SIGTERM: exit code -15 after 0.2 s; `dateline check`: 0, clean",
        "load averages at the end: 1.00 2.00 3.00",
    ]


def test_everything_that_must_not_be_is_a_failure() -> None:
    grown = (*GOOD.memory[:-1], Memory(30.0, 370.5))
    bad = GOOD._replace(
        wrong=("2 × chat: Wrong 500 POST /v1/chat",),
        tracebacks=1,
        exit_code=None,
        check="vectors miss 3",
        check_code=1,
        memory=grown,
    )
    assert bad.failures == (
        "2 × chat: Wrong 500 POST /v1/chat",
        "1 errors in the server's log that nobody foresaw",
        "the server ended with None after 0.2 s",
        "`dateline check` ended with 1: vectors miss 3",
        "memory grew by 18.5 MiB in the second half",
    )
    assert table(bad).splitlines()[-1] == "FAILED: memory grew by 18.5 MiB in the second half"


def test_memory_is_not_judged_before_the_server_is_warm() -> None:
    short = GOOD._replace(memory=(Memory(0.0, 300.0), Memory(4.0, 400.0)))
    assert (short.growth_mib, short.slope_mib_min) == (0.0, 0.0)


def test_a_whole_stream_is_its_answer() -> None:
    assert whole(STREAM) == {"answer": "It rained."}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("id: 3\n", "id: 4\n"),
        ("event: done\ndata: {}\n\n", ""),
        ("event: message.end", "event: error"),
        ('"text": "rained."', '"text": "snowed."'),
        ("event: message.start", "event: retrieval"),
    ],
)
def test_a_stream_that_is_cut_or_shows_something_else_is_wrong(before: str, after: str) -> None:
    cut = STREAM.replace(before, after)
    assert cut != STREAM
    with pytest.raises((Wrong, LookupError)):
        whole(cut)


def test_articles_of_one_seed_are_the_same() -> None:
    made = article(Random(3), "load-1")
    assert made == article(Random(3), "load-1")
    assert made["text"] != article(Random(4), "load-1")["text"]
    assert made["id"] == "load-1"
