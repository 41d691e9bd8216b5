"""What the files of gold questions hold, whatever their format: records, paragraphs, problems.

>>> str(Problem(where="line 7", message="no question"))
'line 7: no question'
"""

from collections.abc import Mapping
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


def kind(value: object) -> str:
    """Return what JSON calls a value like that."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    names |= {int: "a number", float: "a number", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)
