"""Bundles in files, and a bundle asked again.

>>> write(Path("taji.json"), evidence, answer)
>>> read(Path("taji.json")).question.text
'Who was blamed for the Taji attack?'

`-` is standard output when written and standard input when read.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from api.commands.options import said
from rag.errors import InputError

if TYPE_CHECKING:
    from rag.answer import Answerer
    from rag.bundle import Bundle, Changes
    from rag.index import Index
    from rag.types import Answer, Evidence

STANDARD = Path("-")


def write(path: Path, evidence: Evidence, answer: Answer) -> None:
    """Write the bundle of `answer` whole, or leave `path` as it is and raise InputError."""
    from rag.bundle import bundle, versions

    text = bundle(evidence, answer, versions()).model_dump_json(indent=2) + "\n"
    if path == STANDARD:
        sys.stdout.write(text)
        return
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise InputError(f"bundle {path} cannot be written: it is there and no file")
    # In the same folder, because only there a rename takes one step.
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)
    except OSError as exc:
        with suppress(OSError):
            unfinished.unlink()
        raise InputError(f"bundle {path} cannot be written: {exc.strerror}") from exc


def read(path: Path) -> Bundle:
    """Return the bundle in the file, or raise InputError that says which line or field is wrong."""
    from pydantic import ValidationError

    from rag.bundle import Bundle

    try:
        data = sys.stdin.buffer.read() if path == STANDARD else path.read_bytes()
        return Bundle.model_validate_json(data)
    except OSError as exc:
        raise InputError(f"bundle {path} cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        raise InputError(f"{path} is not a bundle: {said(exc)}") from exc


def replay(old: Bundle, answerer: Answerer, index: Index) -> Changes:
    """Ask the bundle's question again, at its own time, and return what is different."""
    from rag.bundle import bundle, compare, versions

    evidence = answerer.prepare(old.question, now=old.now)
    answer = answerer.complete(evidence, now=old.now)
    live = index.catalog.live_hashes(list(old.articles))
    return compare(old, bundle(evidence, answer, versions()), live)
