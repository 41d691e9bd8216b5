"""What is known of judges: how far each agreed with people, when and on which pairs.

>>> known = record_for(OfflineJudge().info)
>>> known.held_out.auc
Estimate(value=0.738, low=0.71, high=0.767)

`judges.json` holds the figures, never a word of the pairs. A judge that has no record there, for it
or what it is made of is new, is advisory: what it says is shown, and nothing is decided by it.
"""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evals.agreement import Agreement
from evals.judge import JudgeInfo
from rag.errors import InputError

JUDGES = Path(__file__).parent / "judges.json"
_RECORDS = TypeAdapter(list[Agreement])


def load_records(path: Path = JUDGES) -> list[Agreement]:
    """Return the records of a file; none if there is no such file.

    Raises: InputError when it holds something else.
    """
    if not path.exists():
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
    others = [r for r in load_records(path) if r.judge.name != record.judge.name]
    records = sorted([*others, record], key=lambda r: r.judge.name)
    text = json.dumps(_RECORDS.dump_python(records, mode="json"), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
