"""Gold questions: what was asked, what a right answer holds, where it stands.

>>> cases = load(SAMPLE_SET)
>>> cases[0].question
'Who was blamed for the Taji attack?'
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from rag.errors import InputError
from rag.types import AnswerStatus, Filters, Question, Turn, Value

SAMPLE_SET = Path(__file__).parent / "sets" / "sample.jsonl"
SAMPLE_CORPUS = Path(__file__).parent / "sets" / "sample"


class Case(Value):
    """One gold question."""

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    history: tuple[Turn, ...] = ()
    standalone: str | None = Field(
        default=None, min_length=1, description="a follow-up as somebody would ask it by itself"
    )
    filters: Filters = Filters()
    answers: tuple[str, ...] = ()
    must_include: tuple[str, ...] = Field(
        default=(), description="each must stand in the answer, in any case; `|` parts alternatives"
    )
    must_not_include: tuple[str, ...] = ()
    relevant_article_ids: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    attributions: dict[str, str | None] = Field(
        default={},
        description="quote -> who says it, `|` parts alternatives; None or empty: the outlet",
    )
    expected_status: AnswerStatus | None = None
    answerable: bool
    slice: str
    provenance: str

    def asked(self) -> Question:
        """Return the question as a caller would put it."""
        return Question(text=self.question, history=self.history, filters=self.filters)

    def content_hash(self) -> str:
        """Return a hash of all fields: 16 hex digits of SHA-256."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def held_by(self, answer: str) -> bool:
        """Return whether `answer` holds all that it must and nothing that it must not."""
        text = " ".join(answer.lower().split())
        return all(_any_of(group, text) for group in self.must_include) and (
            self.free_of_forbidden(answer)
        )

    def free_of_forbidden(self, answer: str) -> bool:
        """Return whether `answer` holds nothing that it must not."""
        text = " ".join(answer.lower().split())
        return not any(_any_of(group, text) for group in self.must_not_include)

    def says_who(self, quoted: str, attributed_to: str | None) -> bool | None:
        """Return whether `attributed_to` is right for `quoted`; None where no label covers it.

        A name may be longer or shorter than the label by whole words, as with and without a title.
        """
        quoted = " ".join(quoted.split())
        labels = [who for quote, who in self.attributions.items() if _overlap(quote, quoted)]
        if not labels:
            return None
        accepted = {name.strip() for label in labels for name in (label or "").split("|")}
        if not attributed_to:
            return "" in accepted
        return any(name and _same_words(name, attributed_to) for name in accepted)


class _Problem(Value):
    line: int
    message: str


def load(path: Path) -> list[Case]:
    """Return the cases of a JSONL file. Raises InputError that names every bad line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"gold set {path} cannot be read: {exc}") from exc
    cases: list[Case] = []
    problems: list[_Problem] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cases.append(Case.model_validate_json(line))
        except ValidationError as exc:
            problems += [_Problem(line=number, message=message) for message in _messages(exc)]
    problems += _contradictions(cases)
    if problems or not cases:
        listed = "; ".join(f"line {p.line}: {p.message}" for p in problems[:20])
        raise InputError(f"gold set {path}: {listed or 'it holds no case'}")
    return cases


def _contradictions(cases: list[Case]) -> Iterator[_Problem]:
    seen: set[str] = set()
    for number, case in enumerate(cases, 1):
        if case.id in seen:
            yield _Problem(line=number, message=f"id {case.id} stands twice")
        seen.add(case.id)
        if case.answerable and not case.must_include:
            yield _Problem(line=number, message=f"{case.id} is answerable without must_include")
        if not case.answerable and (case.must_include or case.relevant_article_ids):
            yield _Problem(line=number, message=f"{case.id} is unanswerable but has an answer")
        if stray := case.attributions.keys() - set(case.quotes):
            yield _Problem(line=number, message=f"{case.id} attributes {min(stray)!r}, no quote")


def _messages(exc: ValidationError) -> Iterator[str]:
    for error in exc.errors():
        where = ".".join(map(str, error["loc"]))
        yield f"{where}: {error['msg']}" if where else error["msg"]


def _any_of(group: str, text: str) -> bool:
    return any(part.strip().lower() in text for part in group.split("|"))


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one


def _same_words(one: str, other: str) -> bool:
    """Return whether one of two names holds the other as whole words, in any case."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    # An apostrophe joins: "Iraq" is no part of "Iraq's military".
    return bool(re.search(rf"(?<![\w'’]){re.escape(short)}(?![\w'’])", long))
