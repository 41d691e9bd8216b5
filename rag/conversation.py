"""A follow-up made self-contained, so that "and when?" finds what it is about.

>>> standalone("When did it happen?", [Turn(question="Who was blamed for the Taji attack?")])
'When did it happen? (blamed Taji attack)'

The content words of the last question that stood on its own are added, when the new one points back
or hardly says anything itself. What is already self-contained is left alone.
"""

import re
from collections.abc import Sequence

from rag.question import content_words
from rag.types import Turn

_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|this|that|these|those|there|then|"
    r"the (?:group|attack|man|woman|men|women|company|team|country|event|incident|strike|vote))\b",
    re.IGNORECASE,
)
_FEW_WORDS = 2


def standalone(question: str, history: Sequence[Turn]) -> str:
    """Return `question`, completed from `history` (oldest turn first) when it needs it."""
    words = content_words(question)
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
        words = content_words(turn.question)
        if not _POINTS_BACK.search(turn.question) and len(words) >= _FEW_WORDS:
            return words
    return content_words(history[0].question)
