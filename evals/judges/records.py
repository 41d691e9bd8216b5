"""What is known of judges: how far each agreed with people, when and on which pairs.

>>> known = record_for(OfflineJudge().info)
>>> known.held_out.auc
Interval(value=0.738, low=0.71, high=0.767)

`judges.json` holds the figures, never a word of the pairs. A judge that has no record there, for it
or what it is made of is new, is advisory: what it says is shown, and nothing is decided by it.
"""

import json
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evals.judges.agreement import Agreement, sample_agreement
from evals.judges.judge import Interval, JudgeInfo, KnownJudge
from evals.metrics import Estimate
from evals.results import JudgeReport
from rag.errors import InputError

JUDGES = Path(__file__).parent / "judges.json"
LEAST_PAIRS = 50
_RECORDS = TypeAdapter(list[Agreement])


def load_records(path: Path = JUDGES) -> list[Agreement]:
    """Return the records of a file; none if there is no such file.

    Raises: InputError when it holds something else.
    """
    if not path.exists():
        if path != JUDGES:
            raise InputError(f"no records of judges at {path}: `eval judge --record` writes them")
        return []
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as exc:
        raise InputError(f"{path} does not hold records of judges: {exc}") from exc


def record_for(info: JudgeInfo, path: Path = JUDGES) -> Agreement | None:
    """Return what is known of the judge of this fingerprint; None makes it advisory."""
    records = load_records(path)
    return next((r for r in records if r.judge.fingerprint == info.fingerprint), None)


def write_record(record: Agreement, path: Path = JUDGES) -> None:
    """Write `record` into the file, in the place of those of judges of the same name."""
    if not record.overall.coverage:
        raise InputError("nothing was scored, so there is nothing to record of this judge")
    known = load_records(path) if path.exists() else []
    others = [r for r in known if r.judge.name != record.judge.name]
    records = sorted([*others, record], key=lambda r: r.judge.name)
    text = json.dumps(_RECORDS.dump_python(records, mode="json"), indent=1, ensure_ascii=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from exc


def is_trusted(known: Agreement) -> bool:
    """Return whether enough people's labels say that the judge is better than chance."""
    found = known.overall
    low = found.balanced_accuracy.low
    return found.n - found.unscored >= LEAST_PAIRS and low is not None and low > 0.5


def judge_report(judge: KnownJudge, *, today: date, path: Path = JUDGES) -> JudgeReport:
    """Return how far people agree with `judge`: on the sample pairs now, on theirs as recorded.

    A judge that costs money is not asked about the sample pairs: it has a record, or is advisory.
    """
    known, info = record_for(judge.info, path), judge.info
    balanced: dict[str, Estimate] = {}
    auc: dict[str, Estimate] = {}

    def note(name: str, n: int, accuracy: Interval, area: Interval) -> None:
        balanced[name] = Estimate(n=n, **accuracy.model_dump())
        auc[name] = Estimate(n=n, **area.model_dump())

    if info.deterministic:
        now = sample_agreement(judge, measured_on=today).overall
        note("pairs of the sample", now.n, now.balanced_accuracy, now.auc)
    held_out = (
        {name: one for name, one in known.sets.items() if not one.trained_on} if known else {}
    )
    if known and held_out:
        n = sum(one.n for one in held_out.values())
        mean = known.held_out
        note(f"people's labels, mean of {mean.sets} sets", n, mean.balanced_accuracy, mean.auc)
    for name, one in held_out.items():
        note(name, one.n, one.balanced_accuracy, one.auc)
    return JudgeReport(
        name=info.name,
        fingerprint=info.fingerprint,
        is_advisory=known is None or not is_trusted(known),
        balanced_accuracy=balanced,
        auc=auc,
    )
