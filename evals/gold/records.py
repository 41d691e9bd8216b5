"""What the files of gold questions hold, whatever their format: records, paragraphs, problems.

>>> nearest("awnsers", ["answers", "question"])
'; did you mean answers?'
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rag.types import Value


class Record(NamedTuple):
    """What one case was written as, and where: “line 7”, “data[3].paragraphs[0].qas[1]”."""

    where: str
    fields: Mapping[str, object]


class Paragraph(NamedTuple):
    """A piece of the article `title` that a file brings along with its questions."""

    title: str
    text: str


class Problem(Value):
    """What is wrong, and where in the file."""

    where: str
    message: str

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.where}: {self.message}"


Item = Record | Paragraph | Problem


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a hint at the known name that `name` may have been meant for."""
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def kind(value: object) -> str:
    """Return what JSON calls a value like that."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    names |= {int: "a number", float: "a number", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)
