"""`dateline feedback export`: what readers thought of answers, as gold questions.

$ dateline feedback export gold.jsonl --drafts drafts.jsonl

An answer that a reader liked is a gold answer. Of one that a reader did not like it is only known
what is wrong, so it is a draft: somebody has to say what is right. It works beside a server.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.opened import database
from api.commands.options import DataDir, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    with database(data_dir) as engine:
        made = [case_of(opinion) for opinion in opinions(engine)]
    whole = [case for case in made if _is_whole(case)]
    rest = [case for case in made if not _is_whole(case)]
    _write(out, whole)
    if drafts is not None:
        _write(drafts, rest)
    if as_json:
        typer.echo(json.dumps({"cases": len(whole), "drafts": len(rest)}))
        return
    typer.echo(f"{len(whole)} cases in {out}")
    if rest:
        where = f"in {drafts}" if drafts else "left out; --drafts FILE writes them"
        typer.echo(f"{len(rest)} whose right answer nobody has said yet: {where}")


def case_of(opinion: Opinion) -> dict[str, Any]:  # Any: the fields of a case
    """Return an opinion as the fields of `evals.cases.Case`, without an answer where none is known.

    Of a follow-up the turns before it are kept, so that it is asked as it was.
    """
    question, answer = opinion.bundle.question, opinion.bundle.answer
    liked = opinion.rating.rating == "up"
    told = _NO_ANSWER_IS_RIGHT & set(opinion.rating.reasons)
    answerable = answer.answer_status != "no_answer" if liked else not told
    case = {
        "id": f"feedback-{opinion.message_id}",
        "question": question.text,
        "history": [turn.model_dump(mode="json") for turn in question.history],
        "filters": question.filters.model_dump(mode="json", exclude_none=True),
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


def _write(path: Path, cases: Sequence[dict[str, Any]]) -> None:  # Any: as in case_of
    from rag.errors import InputError

    lines = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    try:
        path.write_text(lines, encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from exc
