"""Judges side by side on the same pairs: ours, plain overlap, and those of other projects.

    python -m evals.bench judges --data ../shared/data
    python -m evals.peers.judges --data ../shared/data --python ragas=/tmp/peers/bin/python

Pairs: people's labels of QAGS and CLIFF, on which nothing of ours was trained, planted edits of
NewsQA, and our sample pairs. Judges that ask a language model get fewer of them, as many of each
set, from SmolLM2 (`evals.local_llm`); it is what runs offline, and far below what they are meant to
be used with. `--python` names the environment that a project is installed in.

HHEM, LettuceDetect, AlignScore, MiniCheck and SummaC are missing: their weights do not come with
a package but are downloaded from a hub.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evals.judges.agreement import Agreement, measured
from evals.judges.controls import Moved
from evals.judges.judge import BigramJudge, Interval, Judged, JudgeInfo, KnownJudge, OfflineJudge
from evals.judges.llm_judge import JudgeLimits, LlmJudge
from evals.judges.pairs import SAMPLE_PAIRS, Pair, load_pairs
from evals.local_llm import INSTALL, MODEL, is_installed, serve
from evals.metrics import share
from evals.peers.metered import Meter
from evals.support import planted_pairs
from rag.support import Verdict
from rag.types import Support

_HELD_OUT = ("cliff_cnndm", "cliff_xsum", "qags_cnndm", "qags_xsum")
_OVERLAP = ("ragas-rouge", "ragas-bleu", "ragas-string-similarity")
_LLM = ("llamaindex-faithfulness", "ragas-faithfulness", "deepeval-faithfulness")
_THRESHOLD = 0.5
# How `verdicts.py` begins what it says of pairs for which there was no time.
_NOT_ASKED = "not asked"
_PEERS = Path(__file__).parent / "verdicts.py"
# For LlamaIndex the environment is ours; the others want one of their own.
_INSTALL = {
    "llamaindex": "pip install 'dateline[llm]'",
    "ragas": "pip install ragas 'langchain-community<0.4' 'langchain-core<1' 'langchain-openai<1' "
    "rouge_score rapidfuzz sacrebleu",
    "deepeval": "pip install deepeval",
}

# Nothing is sent anywhere while others' judges run.
_QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_RETRY_MAX_ATTEMPTS": "1",
    "RAGAS_DO_NOT_TRACK": "true",
    "HF_HUB_OFFLINE": "1",
    "HOME": "/tmp",  # noqa: S108 - where they may write what they like
    "PATH": "/usr/bin:/bin",
}


class Others(NamedTuple):
    """Where the projects of others are installed, project -> Python, and how long each may take."""

    pythons: dict[str, str]
    budget_s: float = 600.0


class Ran(NamedTuple):
    """What a judge did on some pairs."""

    name: str
    judged: list[Judged]
    problems: list[str]
    elapsed_s: float
    tokens: int


def main(argv: Sequence[str] | None = None) -> None:
    """Run all judges and print their tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--of-a-set", type=int, default=150, help="pairs, for judges without LLM")
    parser.add_argument("--llm-of-a-set", type=int, default=10, help="pairs, for those with one")
    parser.add_argument("--budget-s", type=float, default=600.0, help="for each judge of others")
    parser.add_argument("--python", action="append", default=[], metavar="PROJECT=PYTHON")
    args = parser.parse_args(argv)
    pythons = dict(named.split("=", 1) for named in args.python)
    others = Others(pythons, args.budget_s)
    bench(args.data, others, of_a_set=args.of_a_set, llm_of_a_set=args.llm_of_a_set)


def bench(data: Path, others: Others, *, of_a_set: int = 150, llm_of_a_set: int = 10) -> None:
    """Print a table of all judges without a language model, and one of all."""
    pairs = _pairs(data)
    many, few = _drawn(pairs, of_a_set), _drawn(pairs, llm_of_a_set)
    print(f"{len(many)} pairs; balanced accuracy with 95 % interval, AUC")
    offline: list[KnownJudge] = [OfflineJudge(threads=2), BigramJudge()]
    _print_table([*(_ours(j, many) for j in offline), *_peers(_OVERLAP, many, others, None)])
    if not is_installed():
        print(f"without a language model here: {INSTALL}")
        return
    print(f"\n{len(few)} pairs, {MODEL} where a language model is asked")
    with serve() as url, Meter(url) as meter:
        rows = [_ours(judge, few) for judge in offline]
        # One at a time, so that its seconds are comparable.
        limits = JudgeLimits(concurrency=1)
        judge = LlmJudge(meter.url, MODEL, votes=3, limits=limits)
        rows.append(_ours(judge, few, name="our LLM judge, 3 votes", meter=meter))
        rows += _peers(_OVERLAP, few, others, None)
        _print_table([*rows, *_peers(_LLM, few, others, meter)])


def _pairs(data: Path) -> dict[str, list[Pair]]:
    """Return the pairs of each set, in an order of chance, those of both labels in turn."""
    labelled = load_pairs(data / "support" / "pairs.jsonl")
    planted = [
        Pair(premise=p.premise, claim=p.claim, supported=p.label == "supported", set="planted")
        for p in planted_pairs(data / "newsqa" / "articles.jsonl")
    ]
    ours = [p.model_copy(update={"set": "sample"}) for p in load_pairs(SAMPLE_PAIRS)]
    found = {name: [p for p in labelled if p.set == name] for name in _HELD_OUT}
    found |= {"planted": planted, "sample": ours}
    rng = random.Random(0)  # noqa: S311 - not for secrets
    for of_a_set in found.values():
        rng.shuffle(of_a_set)
    return found


def _drawn(pairs: dict[str, list[Pair]], of_a_set: int) -> list[Pair]:
    """Return so many pairs of each set, half of them supported where there are as many."""
    chosen: list[Pair] = []
    for of_one in pairs.values():
        for supported in (True, False):
            chosen += [p for p in of_one if p.supported == supported][: of_a_set // 2]
    return chosen


def _ours(
    judge: KnownJudge, pairs: Sequence[Pair], *, name: str | None = None, meter: Meter | None = None
) -> Ran:
    before, began = meter.tokens if meter else 0, time.perf_counter()
    judged = [Judged(pair, judge.judge(pair.claim, pair.premise)) for pair in pairs]
    unscored = [i.verdict for i in judged if i.verdict.label == "unscored"]
    problems = [(*verdict.reasons, "nothing that could be judged")[0] for verdict in unscored]
    spent = (meter.tokens if meter else 0) - before
    return Ran(name or judge.info.name, judged, problems, time.perf_counter() - began, spent)


def _peers(
    names: Sequence[str], pairs: Sequence[Pair], others: Others, meter: Meter | None
) -> list[Ran]:
    found = []
    for name in names:
        project = name.partition("-")[0]
        ran = _peer(name, pairs, others, meter)
        if isinstance(ran, str):
            print(f"{name}: {ran}\n  {_INSTALL[project]}, then --python {project}=PYTHON")
        else:
            found.append(ran)
    return found


def _peer(name: str, pairs: Sequence[Pair], others: Others, meter: Meter | None) -> Ran | str:
    """Run a judge of others in its own environment; return why not, if it cannot."""
    python = others.pythons.get(name.partition("-")[0], sys.executable)
    # -P: what lies beside the script has names that libraries use, too.
    command = [python, "-P", "-W", "ignore", str(_PEERS), name]
    command += ["--budget-s", str(others.budget_s)]
    command += ["--url", meter.url, "--model", MODEL] if meter else []
    lines = "".join(f"{p.model_dump_json(include={'premise', 'claim'})}\n" for p in pairs)
    before, began = meter.tokens if meter else 0, time.perf_counter()
    ended = subprocess.run(  # noqa: S603 - our own script, by a Python that the caller named
        command, input=lines, capture_output=True, text=True, env=_QUIET, check=False
    )
    elapsed_s = time.perf_counter() - began
    rows = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    if len(rows) != len(pairs) + 1:
        return ended.stderr.strip().rpartition("\n")[2] or f"it ended after {len(rows)} lines"
    made, *scores = rows
    judged = [Judged(p, _verdict(row["score"])) for p, row in zip(pairs, scores, strict=True)]
    problems = [row["problem"] for row in scores if row["problem"]]
    spent = (meter.tokens if meter else 0) - before
    return Ran(f"{name} ({made['version']})", judged, problems, elapsed_s, spent)


def _verdict(score: float | None) -> Verdict:
    if score is None:
        return Verdict(label="unscored", probability=None, reasons=(), evidence="")
    label: Support = "supported" if score >= _THRESHOLD else "unsupported"
    return Verdict(label=label, probability=score, reasons=(), evidence="")


def _print_table(rows: Sequence[Ran]) -> None:
    """Print a line a judge: balanced accuracy and AUC, of all pairs and of each set."""
    sets = list(dict.fromkeys(item.pair.set for item in rows[0].judged))
    heads = ["", "all", *sets, "unscored", "NaN", "s/pair", "tok./pair"]
    print("".join(f"{head:>{width}}" for head, width in zip(heads, _widths(sets), strict=True)))
    for ran in rows:
        agreed = _measured(ran)
        left_out = sum(problem.startswith(_NOT_ASKED) for problem in ran.problems)
        n = max(1, len(ran.judged) - left_out)
        overall = agreed.overall
        cells = [ran.name, f"{_with_interval(overall.balanced_accuracy)} {_value(overall.auc)}"]
        for name in sets:
            one = agreed.sets[name]
            cells.append(f"{_value(one.balanced_accuracy)} {_value(one.auc)}")
        nan = sum(problem == "NaN" for problem in ran.problems)
        cells += [str(overall.unscored), str(nan), f"{ran.elapsed_s / n:.3f}"]
        cells.append(f"{ran.tokens / n:.0f}")
        widths = _widths(sets)
        padded = [f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True)]
        print(f"{cells[0]:{widths[0]}}{''.join(padded)}", flush=True)
        for problem, times in Counter(ran.problems).most_common(2):
            print(f"    {times} × {problem[:100]!r}")


def _widths(sets: Sequence[str]) -> list[int]:
    return [48, 24, *(13 for _ in sets), 10, 5, 9, 10]


def _measured(ran: Ran) -> Agreement:
    info = JudgeInfo(name=ran.name, fingerprint="", deterministic=False)
    nothing = Moved(flipped_before=share([]), flipped_behind=share([]))
    now = datetime.now(UTC).date()
    return measured(ran.judged, info, nothing, pairs_sha256="", measured_on=now)


def _with_interval(found: Interval) -> str:
    return _value(found) + ("" if found.value is None else f" ({found.low:.2f}–{found.high:.2f})")


def _value(found: Interval) -> str:
    return "–" if found.value is None else f"{found.value:.2f}"


if __name__ == "__main__":
    main()
