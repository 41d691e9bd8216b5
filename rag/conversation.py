"""A follow-up made self-contained, so that "and when?" finds what it is about.

>>> standalone("When did it happen?", [Turn(question="Who was blamed for the Taji attack?")])
'When did it happen? (blamed Taji attack)'

The content words of the last question that stood on its own are added, when the new one points back
or hardly says anything itself. What is already self-contained is left alone.
"""

import re
from collections.abc import Sequence

from rag.types import Turn

_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|this|that|these|those|there|then|"
    r"the (?:group|attack|man|woman|men|women|company|team|country|event|incident|strike|vote))\b",
    re.IGNORECASE,
)
_EMPTY_WORDS = frozenset(
    "a an the of in on at to for from by with and or but so as is are was were be been did do does "
    "has have had who whom whose what which when where why how many much long often can could will "
    "would should may might must not no yes also else about there then it its they them their he "
    "him his she her hers this that these those any some tell me us you i we happen happened".split()
)
_FEW_WORDS = 2


def standalone(question: str, history: Sequence[Turn]) -> str:
    """Return `question`, completed from `history` (oldest turn first) when it needs it."""
    words = _content(question)
    names = [word for word in words[1:] if word[0].isupper()]
    points_back = _POINTS_BACK.search(question) is not None and not names
    if not history or not (points_back or len(words) < _FEW_WORDS):
        return question
    known = {word.lower() for word in words}
    topic = _topic(history)
    added = [word for word in topic if word.lower() not in known]
    return f"{question} ({' '.join(added)})" if added else question


def _topic(history: Sequence[Turn]) -> list[str]:
    """Return the content words of the last question that was about something by itself."""
    for turn in reversed(history):
        words = _content(turn.question)
        if not _POINTS_BACK.search(turn.question) and len(words) >= _FEW_WORDS:
            return words
    return _content(history[0].question)


def _content(question: str) -> list[str]:
    words = re.findall(r"\w[\w’'.-]*\w|\w", question)
    return [word for word in words if word.lower() not in _EMPTY_WORDS]
