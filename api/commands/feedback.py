"""`dateline feedback export`: what readers thought of answers, as gold questions.

$ dateline feedback export gold.jsonl --drafts drafts.jsonl

An answer that a reader liked is a gold answer. Of one that a reader did not like it is only known
what is wrong, so it is a draft: somebody has to say what is right. It works beside a server.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from api.commands.opened import database
from api.commands.options import DataDir, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.stores.feedback import Opinion
    from rag.types import Answer

app = typer.Typer(help="What readers think of answers.", no_args_is_help=True)

# Reasons that say what is right: the archive holds no answer.
_NO_ANSWER_IS_RIGHT = frozenset(("should_not_answer", "not_in_archive"))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="JSONL of gold questions to write.")],
    *,
    drafts: Annotated[
        Path | None, typer.Option(help="JSONL of questions whose right answer must be added.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the answers that readers rated as cases for `dateline eval --set`."""
    from api.stores.feedback import opinions

    counts = {True: 0, False: 0}
    with ExitStack() as opened:
        engine = opened.enter_context(database(data_dir))
        files = {True: opened.enter_context(_writable(out))}
        if drafts is not None:
            files[False] = opened.enter_context(_writable(drafts))
        # One by one: each comes with the passages that its answer was made of.
        for opinion in opinions(engine):
            case = case_of(opinion)
            whole = _is_whole(case)
            counts[whole] += 1
            if whole in files:
                files[whole].write(json.dumps(case, ensure_ascii=False) + "\n")
    if as_json:
        typer.echo(json.dumps({"cases": counts[True], "drafts": counts[False]}))
        return
    typer.echo(f"{counts[True]} cases in {out}")
    if counts[False]:
        where = f"in {drafts}" if drafts else "left out; --drafts FILE writes them"
        typer.echo(f"{counts[False]} whose right answer nobody has said yet: {where}")


def case_of(opinion: Opinion) -> dict[str, Any]:  # Any: the fields of a case
    """Return an opinion as the fields of `evals.cases.Case`, without an answer where none is known.

    Of a follow-up the turns before it are kept, so that it is asked as it was, and of any question
    when it was asked, so that "last week" stays the same week.
    """
    question, answer = opinion.bundle.question, opinion.bundle.answer
    as_of = question.filters.as_of or opinion.bundle.now
    filters = question.filters.model_copy(update={"as_of": as_of})
    liked = opinion.rating.rating == "up"
    told = _NO_ANSWER_IS_RIGHT & set(opinion.rating.reasons)
    answerable = answer.answer_status != "no_answer" if liked else not told
    case = {
        "id": f"feedback-{opinion.message_id}",
        "question": question.text,
        "history": [turn.model_dump(mode="json") for turn in question.history],
        "filters": filters.model_dump(mode="json", exclude_none=True),
        "answerable": answerable,
        "slice": "feedback",
        "provenance": _provenance(opinion),
    }
    if answerable:
        case |= _liked(answer) if liked else _disliked(answer)
    return {name: value for name, value in case.items() if value not in ([], {})}


def _liked(answer: Answer) -> dict[str, list[str]]:
    return {
        "answers": [answer.short_answer] if answer.short_answer else [],
        "relevant_article_ids": list(dict.fromkeys(c.article_id for c in answer.citations)),
        "quotes": [citation.cited_text for citation in answer.citations],
    }


def _disliked(answer: Answer) -> dict[str, list[str]]:
    return {"must_not_include": [answer.short_answer] if answer.short_answer else []}


def _provenance(opinion: Opinion) -> str:
    rating = opinion.rating
    said = [f"rated {rating.rating} on {opinion.given_at:%Y-%m-%d}", *rating.reasons]
    if rating.citation_index is not None:
        said.append(f"citation {rating.citation_index}")
    return "; ".join([*said, *([rating.comment] if rating.comment else [])])


def _is_whole(case: dict[str, Any]) -> bool:  # Any: as in case_of
    return not case["answerable"] or bool(case.get("answers"))


@contextmanager
def _writable(path: Path) -> Iterator[TextIO]:
    from rag.errors import InputError

    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from exc
