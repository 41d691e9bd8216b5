"""Noun phrases that may name a speaker, found without a parser: before a verb, or after it.

>>> tokens = tokenize("Gen. Mark Milley, the chairman, said it.")
>>> phrase = phrase_before(tokens, 7)
>>> " ".join(token.text for token in tokens[phrase.first : phrase.stop])
'Gen. Mark Milley'

Light rules for news English. No loop looks further than `FURTHEST` tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rag.appositions import has_verb, head_and_apposition, is_full_name
from rag.tokens import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    FURTHEST,
    IRREGULAR,
    OPENERS,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    STOPS,
    TIMES,
    Token,
    is_name,
    is_occasion,
)
from rag.words import SAYING

_LONGEST = 16
_LONGEST_CLAUSE = 8


class Phrase(NamedTuple):
    """Tokens [first, stop) name someone; tokens from `begin` on speak of them, appositions too."""

    first: int
    stop: int
    begin: int


def phrase_before(tokens: Sequence[Token], stop: int) -> Phrase | None:
    """Return the subject that ends before token `stop`."""
    stop = _without_time(tokens, stop)
    if stop > 0 and tokens[stop - 1].text == ",":
        return _before_apposition(tokens, stop - 1)
    first = _left_edge(tokens, stop)
    if first > 1 and _tells_of(tokens, first, stop):
        comma = tokens[first - 2].text == ","
        head = phrase_before(tokens, first - 1 - comma)
        return head if comma or head is None else _with_clause(tokens, head, first - 1, stop)
    phrase = _trimmed(tokens, first, stop)
    return phrase and (_unclosed(tokens, phrase) or phrase)


def phrase_after(tokens: Sequence[Token], first: int) -> Phrase | None:
    """Return the noun phrase that begins at token `first`."""
    stop = first
    while stop < len(tokens) and stop - first < _LONGEST and not _ends(tokens, first, stop):
        stop += 1
    while stop > first and tokens[stop - 1].lower in PREPOSITIONS | {"and", "late", "early"}:
        stop -= 1
    if stop == first:
        return None
    phrase = Phrase(first, stop, first)
    if stop < len(tokens) and tokens[stop].lower == "who":
        ends = (i for i in range(stop, len(tokens)) if tokens[i].text in STOPS)
        return _with_clause(tokens, phrase, stop, next(ends, len(tokens)))
    return _name_after_comma(tokens, first, stop) or phrase


def opening_phrase(tokens: Sequence[Token]) -> Phrase | None:
    """Return the subject of a sentence, as far as its first words show it."""
    first = 0
    while first < len(tokens) and (
        tokens[first].text in STOPS or tokens[first].lower in TIMES | OPENERS
    ):
        first += 1
    if first < len(tokens) and tokens[first].lower in PREPOSITIONS | CONJUNCTIONS:
        comma = next((i for i in range(first, len(tokens)) if tokens[i].text == ","), None)
        if comma is None:
            return None
        first = comma + 1
    return phrase_after(tokens, first)


def _without_time(tokens: Sequence[Token], stop: int) -> int:
    """Return where the subject ends in “the envoy on Thursday”, “the envoy earlier this week”."""
    while stop > 0 and (tokens[stop - 1].lower in TIMES or _dangles(tokens, stop)):
        stop -= 1
    for at in range(stop - 1, max(stop - 5, 0), -1):
        if tokens[at].lower in ("earlier", "later", "late", "early", "last", "this"):
            ends = tokens[stop - 1].lower in ("week", "month", "year", "day", "season", "summer")
            return _without_time(tokens, at) if ends else stop
    return stop


def _dangles(tokens: Sequence[Token], stop: int) -> bool:
    """Return whether the token before `stop` is the “on” of “on Thursday”, already passed."""
    return (
        stop < len(tokens)
        and tokens[stop - 1].lower in ("on", "in")
        and tokens[stop].lower in TIMES
    )


def _with_clause(tokens: Sequence[Token], head: Phrase, who: int, stop: int) -> Phrase:
    """Return “a diplomat who was there” whole when the clause is short and tells whom is meant."""
    short = tokens[who].lower == "who" and stop - who <= _LONGEST_CLAUSE
    if short and not is_name(tokens[head.first : head.stop]):
        return head._replace(stop=stop)
    return head


def _left_edge(tokens: Sequence[Token], stop: int) -> int:
    first = stop
    while first > max(0, stop - FURTHEST) and not _parts(tokens[first - 1]):
        first -= 1
    if first > 1 and stop > first and tokens[first - 1].lower == "and":
        other = first - 1
        while other > max(0, stop - FURTHEST) and not _parts(tokens[other - 1]):
            other -= 1
        if other < first - 1 and not has_verb(tokens, other, first - 1):
            return other
    return first


def _parts(token: Token) -> bool:
    return token.text in STOPS or token.lower in CONJUNCTIONS


def _tells_of(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Return whether tokens [first, stop) only say which one: “a group that nobody knew”."""
    opener, before = tokens[first - 1].lower, tokens[max(first - 6, 0) : first - 1]
    if opener == "who":
        return _is_verb(tokens, first, stop)
    inner = any(token.lower in AUXILIARIES for token in tokens[first:stop])
    return opener == "that" and inner and not any(token.lower in SAYING for token in before)


def _is_verb(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Return whether what follows “who” tells what they did, not another subject."""
    if first >= stop:
        return True
    opens = tokens[first]
    return stop - first > 1 and not opens.capital and opens.lower not in DETERMINERS


def _trimmed(tokens: Sequence[Token], first: int, stop: int) -> Phrase | None:
    """Return tokens [first, stop) without a verb, a time or a place before the subject."""
    while stop > first and tokens[stop - 1].lower in (
        "issued",
        "released",
        "published",
        "obtained",
    ):
        stop -= 1
    for at in range(stop - 2, first - 1, -1):
        if tokens[at].lower in AUXILIARIES or tokens[at].lower in SAYING:
            first = at + 1
            break
    while first < stop and (tokens[first].lower in TIMES | {"'s", "now", "even"}):
        first += 1
    if first < stop and tokens[first].lower in PREPOSITIONS:
        first += 1
        fronted = first
        while first < stop and (
            tokens[first].lower in TIMES or (tokens[first].capital and first - fronted < 3)
        ):
            first += 1
        while first == fronted < stop and tokens[fronted].lower in DETERMINERS | POSSESSIVES:
            # “In its statement the ministry”.
            later = range(fronted + 2, min(stop, fronted + 6))
            first = next((i for i in later if tokens[i].lower in ("the", "a", "an")), stop)
        if first == fronted:
            return None
    return Phrase(first, stop, first) if 0 < stop - first <= _LONGEST else None


def _unclosed(tokens: Sequence[Token], phrase: Phrase) -> Phrase | None:
    """Return X of “X, head of Y said”, which wants its second comma."""
    role = tokens[phrase.first : phrase.stop]
    comma = phrase.first - 1
    if comma < 2 or tokens[comma].text != "," or role[0].capital or len(role) < 3:
        return None
    first = _left_edge(tokens, comma)
    if is_full_name(tokens, first, comma) and {"of", "for", "'s"} & {t.lower for t in role}:
        return Phrase(first, comma, first)
    return None


def _before_apposition(tokens: Sequence[Token], comma: int) -> Phrase | None:
    """Return X of “X, the head of Y, said”, its last comma given; X of “the head of Y, X, said”."""
    parts = head_and_apposition(tokens, comma)
    if parts is None:
        return None
    (first, stop), name = parts
    head = phrase_before(tokens, stop) if first < stop else None
    if head and has_verb(tokens, head.first, head.stop):
        return None
    if head and _names_no_one(tokens, head) and is_full_name(tokens, *name):
        return Phrase(*name, head.begin)
    return head


def _names_no_one(tokens: Sequence[Token], head: Phrase) -> bool:
    """Return whether the phrase is about a noun: “the governor of Beirut”, “a UN spokesman”."""
    words = tokens[head.first : head.stop]
    cut = next((i for i, t in enumerate(words) if i and t.lower in ("of", "for")), len(words))
    return not words[cut - 1].capital or (cut == 1 and words[0].lower in DETERMINERS)


def _name_after_comma(tokens: Sequence[Token], first: int, stop: int) -> Phrase | None:
    """Return X of “said the head of Y, X.”"""
    if stop >= len(tokens) or tokens[stop].text != ",":
        return None
    if not _names_no_one(tokens, Phrase(first, stop, first)):
        return None
    last = stop + 1
    while last < len(tokens) and tokens[last].capital:
        last += 1
    return Phrase(stop + 1, last, first) if is_full_name(tokens, stop + 1, last) else None


def _ends(tokens: Sequence[Token], first: int, at: int) -> bool:
    """Return whether the phrase that begins at `first` is over before token `at`."""
    word = tokens[at].lower
    if tokens[at].text in STOPS or word in AUXILIARIES or word in SAYING:
        return True
    if at == first:
        return word in CONJUNCTIONS and word != "that"
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    before = tokens[at - 1].lower
    if word == "and":
        return after is None or not (after.capital or after.lower in DETERMINERS)
    if word in TIMES:
        return before not in DETERMINERS
    if word in CONJUNCTIONS or word in PRONOUNS:
        return True
    if word in ("in", "on", "at", "to", "by"):
        return is_occasion(tokens, at) or is_name(tokens[first:at])
    if word in DETERMINERS:
        return before not in PREPOSITIONS and before != "and"
    return not tokens[at].capital and _tells(word, before, after, named=is_name(tokens[first:at]))


def _tells(word: str, before: str, after: Token | None, *, named: bool) -> bool:
    """Return whether a word that is no name reads as what the phrase before it did."""
    if before == "'s" or before in PREPOSITIONS | DETERMINERS:
        return False
    follows = after.lower if after else ""
    if word in IRREGULAR or word.endswith("ly"):
        return True
    takes = follows in DETERMINERS or follows in POSSESSIVES or follows.isdecimal()
    return (takes and word not in PREPOSITIONS) or (
        word.endswith("ed") and (follows != "on" or named)
    )
