"""A conversation in a file, with all its citations: Markdown, or JSON by the file's suffix.

>>> save(talk, Path("taji.md"), overwrite=False)
'3 questions with 5 citations'
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from api.commands.bundles import put
from api.commands.markdown import answer_markdown, escaped
from api.remarks import counted
from api.spoken import filters_text
from rag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from api.terminal.talk import Said, Talk

_GONE = "*An article that this answer quoted was deleted.*"


def save(talk: Talk, path: Path, *, overwrite: bool) -> str:
    """Write what was said, and return how much that is.

    Raises: InputError: nothing was said yet, the file is there already, it cannot be written.
    """
    if not talk.said:
        raise InputError("nothing was said yet")
    # `Path.exists` raises what this one takes for no: a name that is too long, or no name at all.
    if os.path.exists(path) and not overwrite:  # noqa: PTH110
        raise InputError(f"{path} is there already; `:save! {path}` writes over it")
    is_json = path.suffix.casefold() == ".json"
    text = as_json(talk) if is_json else as_markdown(talk.said)
    put(path, text, what="conversation")
    citations = sum(len(one.answer.citations) for one in talk.said if one.answer)
    return f"{counted(len(talk.said), 'question')} with {counted(citations, 'citation')}"


def as_markdown(said: Sequence[Said]) -> str:
    """Return the conversation as Markdown, each question under a heading."""
    parts = ["# Conversation\n"]
    for one in said:
        if one.answer is None:
            parts.append(f"## {escaped(one.question)}\n\n{_GONE}\n")
            continue
        parts.append(answer_markdown(one.question, one.answer, level=2))
        if words := filters_text(one.filters):
            parts.append(f"Filters: {escaped(words)}\n")
    return "\n".join(parts)


def as_json(talk: Talk) -> str:
    """Return the conversation as JSON: questions, filters and whole answers."""
    messages = [
        {
            "question": one.question,
            "filters": one.filters.model_dump(mode="json", exclude_none=True),
            "answer": one.answer.model_dump(mode="json", exclude={"bundle"})
            if one.answer
            else None,
        }
        for one in talk.said
    ]
    whole = {
        "object": "dateline.conversation",
        "session_id": talk.session_id,
        "messages": messages,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
