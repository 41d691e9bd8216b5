"""How well follow-ups are made self-contained, beside a person's rewriting.

    python -m evals.followups --data ../shared/data [--show all|missed]

CAsT 2019 and 2020, by conversation: even numbers were tuned on (half A), odd ones were not (B).
Words are the stems of content words, possessives cut. `all words`: turns whose rewriting holds
every word of the person's. `left alone`: turns that the person left alone and we did, too, letter
for letter. `recall`: mean share of the person's words that are in ours; `precision`: of ours that
are in the person's. The same for the question as it is, for the last topic's words appended, and
for everything said so far appended.

Then the follow-ups of our sample set: recall of the relevant articles among the first five and the
first one found, with each rewriting. The first twelve could be tuned on; those with ids from
follow-101 were written before the rules and are the exam. `--answers` also answers them: how many
of the answerable are right. Last, every other question of the sample set is asked after the turns
of a follow-up, to which it has nothing to do: how many are left alone.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, Case, load
from evals.metrics import Estimate, share
from ingest.pipeline import Pipeline
from ingest.read import read
from ingest.split import Splitter
from rag.answer import Answerer
from rag.conversation import standalone
from rag.dialogue import stems
from rag.question import content_words
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.types import Question, Turn
from rag.wiring import build_answerer, open_index

Rewrite = Callable[[str, Sequence[Turn]], str]
_EXAM_FROM = "follow-101"
_DEPTHS = (5, 1)


class Row(NamedTuple):
    """A turn as it was put, what came before it, and a person's rewriting."""

    conversation: int
    question: str
    history: tuple[Turn, ...]
    manual: str


class Score(NamedTuple):
    """How close rewritings come to a person's."""

    all_words: Estimate
    left_alone: Estimate
    recall: float
    precision: float


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="holds followups/cast.jsonl")
    parser.add_argument("--show", choices=["all", "missed"], help="print the rewritings of half A")
    parser.add_argument("--answers", action="store_true", help="also answer (minutes)")
    args = parser.parse_args(argv)
    halves: dict[str, list[Row]] = {"A": [], "B": []}
    for row in rows(args.data / "followups" / "cast.jsonl"):
        halves["B" if row.conversation % 2 else "A"].append(row)
    if args.show:
        _show(halves["A"], missed_only=args.show == "missed")
    for half, members in halves.items():
        print(f"half {half}: {len(members)} turns    all words  left alone  recall  precision")
        for name, rewrite in REWRITINGS.items():
            print(f"{name:24}{_line(score(members, rewrite))}")
    cases = [case for case in load(SAMPLE_SET) if case.history and case.standalone]
    for name, found in retrieval(cases, answers=args.answers).items():
        print(f"{name:24}{json.dumps(found)}")
    for name, rewrite in REWRITINGS.items():
        print(f"{name:24}left alone {shifts(load(SAMPLE_SET), rewrite).model_dump_json()}")


def rows(path: Path) -> list[Row]:
    """Return every turn of CAsT with the turns before it, as they were put."""
    found: list[Row] = []
    history: list[Turn] = []
    conversation = None
    for line in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        if (item["set"], item["conversation"]) != conversation:
            conversation, history = (item["set"], item["conversation"]), []
        question = item["utterance"].strip()
        found.append(Row(item["conversation"], question, tuple(history), item["rewritten"].strip()))
        history.append(Turn(question=question, answer=item["response"]))
    return found


def score(members: Iterable[Row], rewrite: Rewrite) -> Score:
    """Return how close `rewrite` comes to the person on `members`."""
    whole, alone, recalls, precisions = [], [], [], []
    for row in members:
        ours = rewrite(row.question, row.history)
        said, wanted = stems(ours), stems(row.manual)
        shared = len(said & wanted)
        whole.append(wanted <= said)
        recalls.append(shared / len(wanted) if wanted else 1.0)
        precisions.append(shared / len(said) if said else 1.0)
        if row.manual == row.question:
            alone.append(ours == row.question)
    return Score(share(whole), share(alone), fmean(recalls), fmean(precisions))


def shifts(cases: Sequence[Case], rewrite: Rewrite) -> Estimate:
    """Return how many questions without history are left alone after turns about something else."""
    histories = [case.history for case in cases if case.history]
    alone = [case.question for case in cases if not case.history]
    return share(
        rewrite(question, histories[place % len(histories)]) == question
        for place, question in enumerate(alone)
    )


def retrieval(
    cases: Sequence[Case], *, answers: bool
) -> Mapping[str, Mapping[str, float | int | None]]:
    """Return recall of the relevant articles by rewriting, of the first cases and the exam."""
    asked: dict[str, Rewrite] = dict(REWRITINGS)
    by_hand = {(case.question, case.history): case.standalone or "" for case in cases}
    asked["by hand"] = lambda question, history: by_hand[question, tuple(history)]
    scored = [case for case in cases if case.relevant_article_ids]
    groups = {
        "first": [case for case in scored if case.id < _EXAM_FROM],
        "exam": [case for case in scored if case.id >= _EXAM_FROM],
    }
    with tempfile.TemporaryDirectory() as folder, open_index(Settings(data_dir=folder)) as index:
        Pipeline(index, Splitter(200)).run(read([SAMPLE_CORPUS]))
        retriever = Retriever(index)
        found: dict[str, dict[str, float | int | None]] = {name: {} for name in asked}
        for (name, rewrite), (group, members) in product(asked.items(), groups.items()):
            for depth in _DEPTHS:
                recalls = [_recall(retriever, case, rewrite, depth) for case in members]
                found[name][f"{group} ({len(members)}) @{depth}"] = round(fmean(recalls), 3)
            if answers:
                found[name][f"{group} right"] = _right(build_answerer(index), members, rewrite)
    return found


def _right(answerer: Answerer, cases: Iterable[Case], rewrite: Rewrite) -> int:
    """Return how many of `cases` are answered right when asked as `rewrite` has them."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    asked = ((case, rewrite(case.question, case.history)) for case in cases)
    return sum(
        case.held_by(answerer.answer(Question(text=text, filters=case.filters), now=now).answer)
        for case, text in asked
    )


def _recall(retriever: Retriever, case: Case, rewrite: Rewrite, depth: int) -> float:
    """Return the share of relevant articles, of `depth` at most, among the first `depth` found."""
    hits = retriever.search(rewrite(case.question, case.history), k=20, filters=case.filters)
    first = list(dict.fromkeys(hit.article.article_id for hit in hits))[:depth]
    relevant = set(case.relevant_article_ids)
    return len(relevant & set(first)) / min(len(relevant), depth)


def _raw(question: str, _: Sequence[Turn]) -> str:
    return question


def _everything(question: str, history: Sequence[Turn]) -> str:
    return " ".join([question, *(f"{turn.question} {turn.answer or ''}" for turn in history)])


_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|this|that|these|those|there|then|"
    r"the (?:group|attack|man|woman|men|women|company|team|country|event|incident|strike|vote))\b",
    re.IGNORECASE,
)


def _appended(question: str, history: Sequence[Turn]) -> str:
    """Append the words of the last question that stood by itself: the rule that was here first."""
    asked = content_words(question)
    names = [word for word in asked[1:] if word[0].isupper()]
    points_back = _POINTS_BACK.search(question) is not None and not names
    if not history or not (points_back or len(asked) < 2):
        return question
    found = [content_words(turn.question) for turn in reversed(history)
             if not _POINTS_BACK.search(turn.question)]  # fmt: skip
    topic = next((turn for turn in found if len(turn) >= 2), content_words(history[0].question))
    known = {word.lower() for word in asked}
    added = [word for word in topic if word.lower() not in known]
    return f"{question} ({' '.join(added)})" if added else question


REWRITINGS: Mapping[str, Rewrite] = {
    "the question as it is": _raw,
    "words of the last topic": _appended,
    "everything said so far": _everything,
    "ours": standalone,
}


def _line(found: Score) -> str:
    whole, alone = found.all_words, found.left_alone
    return (
        f"{whole.value or 0:.3f} ({whole.low}-{whole.high})  {alone.value or 0:.3f} (n {alone.n})  "
        f"{found.recall:.3f}  {found.precision:.3f}"
    )


def _show(members: Iterable[Row], *, missed_only: bool) -> None:
    for row in members:
        ours = standalone(row.question, row.history)
        missed = not stems(row.manual) <= stems(ours)
        if missed or not missed_only:
            print(f"{'-' if missed else '+'} {row.question}\n    {ours}\n    {row.manual}")


if __name__ == "__main__":
    main()
