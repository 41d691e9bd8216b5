"""Bundles in files, and a bundle asked again.

>>> write(Path("taji.json"), bundle(evidence, answer, versions()))
>>> read(Path("taji.json")).question.text
'Who was blamed for the Taji attack?'

`-` is standard output when written and standard input when read.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from api.commands.options import print_json, said
from rag.errors import InputError

if TYPE_CHECKING:
    from rag.answer import Answerer
    from rag.bundle import Bundle, Changes
    from rag.index import Index

STANDARD = Path("-")


def write(path: Path, whole: Bundle) -> None:
    """Write the bundle whole, or leave `path` as it is and raise InputError."""
    if path == STANDARD:
        print_json(whole.model_dump(mode="json"))
    else:
        put(path, whole.model_dump_json(indent=2) + "\n", what="bundle")


def put(path: Path, text: str, *, what: str) -> None:
    """Write the file whole, in place of what was there, or leave it and raise InputError."""
    try:
        target = path.resolve()
        # Still a link: it leads to itself.
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise InputError(f"{what} {path} cannot be written: it is there and no file")
        _replace(target, text)
    # No name of a file is a ValueError; before Python 3.13 a circle of links is a RuntimeError.
    except (OSError, ValueError, RuntimeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise InputError(f"{what} {path} cannot be written: {why}") from exc


def _replace(target: Path, text: str) -> None:
    # In the same folder, because only there a rename takes one step.
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


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
