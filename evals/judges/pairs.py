"""Claims beside passages, with what people say: does the passage support the claim?

>>> pairs = load_pairs(SAMPLE_PAIRS)
>>> pairs[0].claim, pairs[0].supported
("Iran's foreign minister, Mohammad Javad Zarif, said that his country had taken …", True)

A judge is measured on such pairs. `SAMPLE_PAIRS` was written by hand for Dateline.
"""

import hashlib
import re
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from rag.errors import InputError
from rag.types import Value

SAMPLE_PAIRS = Path(__file__).parents[1] / "sets" / "pairs.jsonl"
_MOST_TOLD = 20
# A mark of a footnote says nothing that a passage could support.
_MARK = re.compile(r"\s*\[\d+\]")


class Pair(Value):
    """A claim beside a passage; `set` names the kind or the source, for figures by set."""

    # Sets of others hold fields that say nothing here.
    model_config = ConfigDict(frozen=True, extra="ignore")

    premise: str = Field(min_length=1)
    claim: str = Field(min_length=1)
    supported: bool
    set: str = Field(default="all", min_length=1)
    id: str | None = None


def load_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a JSONL file, markers like [1] left out of the claims.

    Raises: InputError that names the bad lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"pairs {path} cannot be read: {exc}") from exc
    pairs: list[Pair] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            pairs.append(_unmarked(Pair.model_validate_json(line)))
        except ValidationError as exc:
            problems += [f"line {number}: {message}" for message in _messages(exc)]
    if problems or not pairs:
        rest = len(problems) - _MOST_TOLD
        more = f"; and {rest} more" if rest > 0 else ""
        told = "; ".join(problems[:_MOST_TOLD]) or "it holds no pair"
        raise InputError(f"pairs {path}: {told}{more}")
    return pairs


def sha256_of(path: Path) -> str:
    """Return the hash of a file's bytes, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unmarked(pair: Pair) -> Pair:
    return pair.model_copy(update={"claim": _MARK.sub("", pair.claim)})


def _messages(exc: ValidationError) -> list[str]:
    found = ((".".join(map(str, error["loc"])), error["msg"]) for error in exc.errors())
    return [f"{where}: {said}" if where else said for where, said in found]
