"""`dateline eval judge`: how far a judge agrees with people, measured and shown on a terminal.

>>> show_measured(measure(pairs, None, None, votes=3, prices=None, limit=None, quiet=False))
"""

import random
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from api.commands.options import settings, valid
from evals.judges.agreement import Agreement, Macro, SetAgreement, agreement
from evals.judges.judge import Interval, KnownJudge, OfflineJudge
from evals.judges.llm_judge import JudgeLimits, LlmJudge, Spent
from evals.judges.pairs import load_pairs, sha256_of
from evals.judges.records import record_for
from evals.metrics import Prices
from rag.errors import InputError
from rag.types import Value

# Where no terminal says how wide it is.
_WIDE = 110


class Measured(Value):
    """What was measured now; `advisory` when this judge had no record before."""

    agreement: Agreement
    advisory: bool
    elapsed_s: float
    spent: Spent | None


def measure(
    path: Path,
    llm_url: str | None,
    llm_model: str | None,
    *,
    votes: int,
    prices: tuple[float, float] | None,
    limit: int | None,
    quiet: bool,
) -> Measured:
    """Return how far our judge, or the language model at `llm_url`, agrees with the labels."""
    pairs = load_pairs(path)
    if limit and limit < len(pairs):
        pairs = random.Random(0).sample(pairs, limit)  # noqa: S311 - not for secrets
    judge = build_judge(llm_url, llm_model, votes=votes, prices=prices)
    began = datetime.now(UTC)
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("judging", total=len(pairs))
        found = agreement(
            judge,
            pairs,
            pairs_sha256=sha256_of(path),
            measured_on=began.date(),
            workers=1 if isinstance(judge, OfflineJudge) else JudgeLimits().concurrency,
            done=lambda: progress.advance(task),
        )
    return Measured(
        agreement=found,
        advisory=record_for(found.judge) is None,
        elapsed_s=round((datetime.now(UTC) - began).total_seconds(), 1),
        spent=judge.spent() if isinstance(judge, LlmJudge) else None,
    )


def show_measured(measured: Measured) -> None:
    """Print the figures by set and over all, and what is not to be read into them."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    found = measured.agreement
    standing = "advisory: it has no record yet" if measured.advisory else "on record"
    console.print(Text.assemble((found.judge.name, "bold"), f"  {standing}"))
    console.print(Text(f"{found.judge.fingerprint}\npairs sha256:{found.pairs_sha256}", "dim"))
    console.print(_table(found))
    if any(one.trained_on for one in found.sets.values()):
        told = "* trained on these pairs: only the last column says how good it is on new ones"
        console.print(Text(told, "dim"))
    for line in [*_controls(found), *_spent(measured)]:
        console.print(Text(line))


def build_judge(
    url: str | None, model: str | None, *, votes: int, prices: tuple[float, float] | None
) -> KnownJudge:
    """Return our judge, or the language model at `url` with the key of the settings."""
    if not url:
        return OfflineJudge(threads=settings(None).threads)
    if not model:
        raise InputError(
            "a judge by URL needs the name of the model there, too: --llm-model or --judge-model"
        )
    known = valid(Prices, prompt=prices[0], completion=prices[1]) if prices else None
    return LlmJudge(url, model, settings(None).llm_api_key, votes=votes, prices=known)


def _table(found: Agreement) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("set", no_wrap=True)
    for name in ("n", "unscored"):
        table.add_column(name, justify="right")
    for name in ("balanced acc.", "AUC", "of supp.", "of others", "AUC left out"):
        table.add_column(name)
    for name, one in found.sets.items():
        table.add_row(*_row(f"{name} *" if one.trained_on else name, one))
    table.add_row(*_row("all pairs", found.overall), style="bold")
    for name, macro in (("mean of sets", found.macro), ("mean, held out", found.held_out)):
        if macro.sets:
            table.add_row(*_mean(f"{name} ({macro.sets})", macro), style="bold")
    return table


def _row(name: str, one: SetAgreement) -> list[str]:
    return [
        name,
        str(one.n),
        str(one.unscored),
        _estimate(one.balanced_accuracy),
        _estimate(one.auc),
        _share(one.right_of_supported.value),
        _share(one.right_of_others.value),
        _estimate(one.left_out_auc) if one.left_out_auc else "",
    ]


def _mean(name: str, macro: Macro) -> list[str]:
    return [name, "", "", _estimate(macro.balanced_accuracy), _estimate(macro.auc)]


def _controls(found: Agreement) -> list[str]:
    told = [
        f"passages of {third.shortest_words} to {third.longest_words} words: balanced accuracy "
        f"{_estimate(third.balanced_accuracy)}"
        for third in found.by_length
    ]
    moved = found.moved
    told.append(
        "verdicts that flip with 200 words of another passage before it: "
        f"{_share(moved.flipped_before.value)} of {moved.flipped_before.n}, behind it: "
        f"{_share(moved.flipped_behind.value)} of {moved.flipped_behind.n}"
    )
    return told


def _spent(measured: Measured) -> list[str]:
    n, spent = measured.agreement.overall.n, measured.spent
    told = [f"{n} pairs in {measured.elapsed_s:.1f} s"]
    if spent:
        cost = "cost unknown" if spent.cost is None else f"cost {spent.cost:.4f}"
        told.append(
            f"{spent.calls} calls, {spent.prompt_tokens} + {spent.completion_tokens} tokens, "
            f"{cost}; {spent.unreadable} of {spent.votes} votes unreadable, {spent.failed} failed"
        )
    return told


def _estimate(found: Interval) -> str:
    if found.value is None:
        return "–"
    return f"{_share(found.value)} ({_share(found.low)}–{_share(found.high)})"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".removeprefix("0")
