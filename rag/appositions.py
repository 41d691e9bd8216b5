"""Names and what is put beside them between commas: “X, the head of Y,” and “the head of Y, X,”.

>>> tokens = tokenize("Ana Reyes, 41, a diver, said it.")
>>> head_and_apposition(tokens, 7)
((0, 2), (3, 4))
"""

from collections.abc import Sequence

from rag.tokens import (
    AUXILIARIES,
    DETERMINERS,
    FURTHEST,
    IRREGULAR,
    PLACES_BEGIN,
    PREPOSITIONS,
    PRONOUNS,
    STOPS,
    Token,
)
from rag.words import SAYING

Part = tuple[int, int]


def head_and_apposition(tokens: Sequence[Token], comma: int) -> tuple[Part, Part] | None:
    """Return the tokens of X and of what follows it, when the comma ends an apposition to X."""
    parts = _parts(tokens, comma)
    if len(parts) < 2 or not _apposes(tokens, *parts[-1]):
        return None
    at = len(parts) - 2
    while at and (
        (_describes(tokens, *parts[at]) and _may_name(tokens, *parts[at - 1]))
        # “a Dover, Delaware, baker”.
        or (at > 1 and _describes(tokens, *parts[at - 1]) and tokens[parts[at][0]].capital)
    ):
        at -= 1
    return parts[at], parts[at + 1]


def is_full_name(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Return whether tokens [first, stop) are a name of several words, and no place that shows."""
    return (
        1 < stop - first <= 5
        and tokens[first].capital
        and tokens[stop - 1].capital
        and tokens[first].lower not in PLACES_BEGIN
    )


def has_verb(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Return whether tokens [first, stop) tell something instead of naming someone."""
    return any(
        t.lower in AUXILIARIES
        or t.lower in SAYING
        or t.lower in PRONOUNS
        or t.lower in IRREGULAR
        or (t.lower.endswith("ed") and not t.capital)
        for t in tokens[first:stop]
    )


def _parts(tokens: Sequence[Token], comma: int) -> list[Part]:
    """Return what stands between the commas of the clause that `comma` ends."""
    parts: list[Part] = []
    stop = comma
    for at in range(comma - 1, max(-2, comma - FURTHEST), -1):
        if at < 0 or tokens[at].text in STOPS:
            parts.insert(0, (at + 1, stop))
            stop = at
            if at < 0 or tokens[at].text != ",":
                break
    return parts


def _apposes(tokens: Sequence[Token], first: int, stop: int) -> bool:
    return first < stop and not (
        tokens[first].lower in AUXILIARIES | SAYING | PRONOUNS | {"and", "but", "or"}
        or (
            tokens[first].lower not in ("who", "which", "where")
            and _has_finite(tokens, first, stop)
        )
    )


def _has_finite(tokens: Sequence[Token], first: int, stop: int) -> bool:
    words = [token.lower for token in tokens[first:stop]]
    if {"who", "which", "that", "whose"} & set(words):
        return False
    return any(word in AUXILIARIES or word in PRONOUNS for word in words)


def _describes(tokens: Sequence[Token], first: int, stop: int) -> bool:
    opens = tokens[first] if first < stop else None
    return opens is not None and (
        opens.text[0].isdecimal()
        or opens.lower in ("who", "which", "then", "now")
        or (not opens.capital and opens.lower.endswith("ing"))
        or (not opens.capital and opens.lower in DETERMINERS)
    )


def _may_name(tokens: Sequence[Token], first: int, stop: int) -> bool:
    return (
        0 < stop - first <= 7
        and any(token.capital for token in tokens[first:stop])
        and not has_verb(tokens, first, stop)
        and tokens[first].lower not in PREPOSITIONS
    )
