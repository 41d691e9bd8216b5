"""Gold questions: what was asked, what a right answer holds, where it stands.

>>> cases = load(SAMPLE_SET)
>>> cases[0].question
'Who was blamed for the Taji attack?'
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError, model_validator

from evals.gold import formats
from evals.gold.records import Problem, Record
from evals.hints import nearest
from evals.metrics import normalised
from rag.errors import InputError
from rag.types import AnswerStatus, Filters, Question, Storable, Turn, Value

SAMPLE_SET = Path(__file__).parent / "sets" / "sample.jsonl"
SAMPLE_CORPUS = Path(__file__).parent / "sets" / "sample"
UNREVIEWED = "not reviewed"
_MOST_TOLD = 20
# The normalisation of SQuAD knows only the marks of ASCII; newspapers print others.
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": " ", "…": " "})
_MARKER = re.compile(r"\[\d+\]")
_UNSAID = (
    "has neither answers nor must_include; give one, or answerable: false where the right reply is "
    "that the archive does not say"
)

Texts = tuple[Storable, ...]


class Case(Value):
    """One gold question."""

    id: Storable = Field(min_length=1)
    question: Storable = Field(min_length=1)
    history: tuple[Turn, ...] = ()
    standalone: str | None = Field(
        default=None, min_length=1, description="a follow-up as somebody would ask it by itself"
    )
    filters: Filters = Filters()
    answers: Texts = Field(
        default=(), description="any is right, as whole words, where nothing must be included"
    )
    must_include: Texts = Field(
        default=(), description="each must stand in the answer, in any case; `|` parts alternatives"
    )
    must_not_include: Texts = ()
    relevant_article_ids: Texts = ()
    quotes: Texts = ()
    attributions: dict[Storable, Storable | None] = Field(
        default={},
        description="quote -> who says it, `|` parts alternatives; None or empty: the outlet",
    )
    expected_status: AnswerStatus | None = None
    answerable: bool
    slice: Storable = "all"
    provenance: Storable = ""

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, fields: Any) -> Any:  # Any: what pydantic is given
        """Fill in the id and, where the answers tell, whether there is one."""
        if not isinstance(fields, Mapping):
            return fields
        given = dict(fields)
        if "id" not in given and isinstance(given.get("question"), str):
            given["id"] = _derived_id(given)
        if "answerable" not in given:
            if given.get("answers") or given.get("must_include"):
                given["answerable"] = True
            elif "answers" in given:
                given["answerable"] = False
        return given

    @property
    def reviewed(self) -> bool:
        """Whether somebody has read what was drafted."""
        return UNREVIEWED not in self.provenance

    @property
    def comparable(self) -> bool:
        """Whether any answer at all can be right: “The” is nothing once articles are left out."""
        return bool(self.must_include) or any(map(plain, self.answers))

    def asked(self) -> Question:
        """Return the question as a caller would put it."""
        return Question(text=self.question, history=self.history, filters=self.filters)

    def content_hash(self) -> str:
        """Return a hash of all fields: 16 hex digits of SHA-256."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def held_by(self, answer: str) -> bool:
        """Return whether `answer` holds all that it must and nothing that it must not.

        With nothing that it must hold: any of `answers`, as whole words, compared as SQuAD does.
        """
        text = " ".join(answer.lower().split())
        held = all(_any_of(group, text) for group in self.must_include)
        if not self.must_include:
            said = plain(answer)
            held = any(short in said for short in map(plain, self.answers) if short)
        return held and self.free_of_forbidden(answer)

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


class GoldSet(NamedTuple):
    """The cases of a file, the place of each, and all that is wrong with the file."""

    cases: list[Case]
    places: list[str]
    problems: list[Problem]


def load(path: Path) -> list[Case]:
    """Return the cases of a file in any of the formats. Raises InputError that names every problem.

    Only the first twenty are spelled out.
    """
    found = read(path)
    if found.problems:
        told = "; ".join(map(str, found.problems[:_MOST_TOLD]))
        rest = len(found.problems) - _MOST_TOLD
        raise InputError(f"gold set {path}: {told}" + (f"; and {rest} more" if rest > 0 else ""))
    return found.cases


def read(path: Path) -> GoldSet:
    """Return the cases of a file and its problems. Raises InputError when it cannot be opened."""
    found = GoldSet([], [], [])
    first: dict[str, str] = {}
    for item in formats.read(path):
        if isinstance(item, Problem):
            found.problems.append(item)
        elif isinstance(item, Record):
            case, messages = _case(item.fields)
            if case is not None:
                earlier = first.setdefault(case.id, item.where)
                if earlier != item.where:
                    messages.append(f"id {case.id} stands twice, first at {earlier}")
                found.cases.append(case)
                found.places.append(item.where)
            found.problems.extend(Problem(where=item.where, message=m) for m in messages)
    if not found.cases and not found.problems:
        found.problems.append(Problem(where="line 1", message="the file holds no case"))
    return found


def plain(text: str) -> str:
    """Return the words of `text` as SQuAD compares them, a space before, between and behind them.

    So that whole words of one text are looked for in another by `in`. Empty when there are none.
    """
    words = normalised(_MARKER.sub(" ", text.translate(_PLAIN)))
    return f" {' '.join(words)} " if words else ""


def _case(fields: Mapping[str, object]) -> tuple[Case | None, list[str]]:
    """Return the case that `fields` make, None where they make none, and all that is wrong."""
    # What is unknown is told and left out, so that the rest is checked in the same run.
    known = {name: value for name, value in fields.items() if name in Case.model_fields}
    wrong = [
        f"unknown field {name!r}{nearest(name, list(Case.model_fields))}"
        for name in fields
        if name not in known
    ]
    try:
        case = Case.model_validate(known)
    except ValidationError as exc:
        return None, [*wrong, *_messages(exc)]
    except RecursionError:
        return None, [*wrong, "is nested too deeply"]
    return case, [*wrong, *_contradictions(case)]


def _contradictions(case: Case) -> Iterator[str]:
    if case.answerable and not (case.must_include or case.answers):
        yield f"{case.id} is answerable without must_include or answers"
    if not case.answerable and (case.must_include or case.answers or case.relevant_article_ids):
        yield f"{case.id} is unanswerable but has an answer"
    if stray := case.attributions.keys() - set(case.quotes):
        yield f"{case.id} attributes {min(stray)!r}, no quote"


def _messages(exc: ValidationError) -> Iterator[str]:
    for error in exc.errors():
        where = ".".join(map(str, error["loc"]))
        if error["type"] == "extra_forbidden":
            known = Filters.model_fields if where.startswith("filters") else Turn.model_fields
            yield f"unknown field {where!r}{nearest(str(error['loc'][-1]), list(known))}"
        elif (where, error["type"]) == ("answerable", "missing"):
            yield _UNSAID
        else:
            said = error["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
            yield f"{where}: {said}" if where else said


def _derived_id(fields: Mapping[str, Any]) -> str:
    """Return an id of what is asked, which correcting the answer does not change."""
    asked = [fields.get(name) for name in ("question", "history", "filters")]
    text = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _any_of(group: str, text: str) -> bool:
    return any(_stands_in(part.strip().lower(), text) for part in group.split("|"))


def _stands_in(part: str, text: str) -> bool:
    """Return whether `part` stands in `text`; a number is no part of a longer one."""
    before = r"(?<!\d)(?<!\d[.,])" if part[:1].isdigit() else ""
    after = r"(?!\d)(?![.,]\d)" if part[-1:].isdigit() else ""
    pattern = before + re.escape(part.translate(_PLAIN)) + after
    return bool(part) and bool(re.search(pattern, text.translate(_PLAIN)))


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one


def _same_words(one: str, other: str) -> bool:
    """Return whether one of two names holds the other as whole words, in any case."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    # An apostrophe joins: "Iraq" is no part of "Iraq's military".
    return bool(re.search(rf"(?<![\w'’]){re.escape(short)}(?![\w'’])", long))
