"""Noun phrases that can name a speaker, found without a parser: before a verb, after it, at the start.

>>> tokens = tokenize("Gen. Mark Milley, the chairman, said it.")
>>> phrase = phrase_before(tokens, 7)
>>> " ".join(token.text for token in tokens[phrase.first : phrase.stop])
'Gen. Mark Milley'

Light rules for news English. No loop looks further than `_FURTHEST` tokens.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.words import SAYING

_LONGEST = 16
_FURTHEST = 60
_TOKEN = re.compile(
    r"(?:[A-Z]\.)+|(?:Gen|Lt|Col|Maj|Capt|Cpl|Sgt|Adm|Cmdr|Brig|Pvt|Dr|Mr|Mrs|Ms|Prof|Sen|Rep|Gov"
    r"|Rev|Fr|St|Hon|Pres|Supt|Det|Insp|Atty|Jr|Sr|Co|Corp|Inc|Ltd|No)\.|[’']s\b"
    r"|[^\W_]+(?:[-.&’'@_]+(?![sS]\b)[^\W_]+)*(?:(?<=s)[’'](?= \w))?|[^\w\s]"
)
QUOTES = frozenset("“”\"‘«»„")
_STOPS = frozenset(",;:—–()[]!?….") | QUOTES | {"--"}
_DETERMINERS = frozenset(
    (
        "a an the this that these those his her its their our my your some any no every each "
        "both several many most another one two three four five six seven eight nine ten dozens"
    ).split()
)
PRONOUNS = frozenset("i we you he she it they me us him them".split())
_POSSESSIVES = frozenset("his her its their our my your".split())
_CONJUNCTIONS = frozenset(
    (
        "and but or nor that which who whom whose while whereas because after before when since "
        "although though if unless whether until as than where how why what so yet once despite"
    ).split()
)
AUXILIARIES = frozenset(
    (
        "is are was were be been being has have had will would can could may might must shall "
        "should do does did isn't aren't wasn't weren't hasn't haven't hadn't won't wouldn't "
        "can't couldn't didn't doesn't don't"
    ).split()
)
_IRREGULAR = frozenset(
    (
        "fell rose won lost left went came took made got saw ran held led sent met gave broke "
        "began became struck hit kept stood lay flew drove shot fled grew sank sold bought paid"
    ).split()
)
_PREPOSITIONS = frozenset("in on at for by from with under during despite near over of to".split())
# A time between subject and verb, or before the subject, belongs to neither.
_TIMES = frozenset(
    (
        "monday tuesday wednesday thursday friday saturday sunday january february march april "
        "june july august september october november december today yesterday tonight late early "
        "earlier later meanwhile however still also then morning afternoon evening night"
    ).split()
)
_OCCASIONS = frozenset(
    "statement interview letter speech email message post video news briefing tweet hearing".split()
)


class Token(NamedTuple):
    """A word or a mark of punctuation with its place in the text."""

    text: str
    lower: str
    start: int
    end: int
    quoted: bool

    @property
    def capital(self) -> bool:
        """Whether it is written as a name is."""
        return self.text[0].isupper()


class Phrase(NamedTuple):
    """Tokens [first, stop) name someone; tokens from `begin` on speak of them, appositions too."""

    first: int
    stop: int
    begin: int


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Return the tokens of `text[start:end]`, those inside quotation marks flagged."""
    found: list[Token] = []
    closing, reached = "", start
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        mark = match[0]
        # A paragraph of a long quotation opens it again and need not have closed it.
        if "\n\n" in text[reached : match.start()]:
            closing = ""
        reached = match.end()
        if closing and mark in closing:
            closing = ""
        elif mark in QUOTES and not closing and mark != "”":
            closing = {"“": "”", "‘": "’", "«": "»", "„": "“”"}.get(mark, '"')
        lower = mark.lower().replace("’", "'")
        found.append(Token(mark, lower, match.start(), match.end(), bool(closing)))
    return found


def phrase_before(tokens: Sequence[Token], stop: int) -> Phrase | None:
    """Return the subject that ends before token `stop`."""
    while stop > 0 and (tokens[stop - 1].lower in _TIMES or _dangles(tokens, stop)):
        stop -= 1
    if stop > 0 and tokens[stop - 1].text == ",":
        return _before_apposition(tokens, stop - 1)
    first = _left_edge(tokens, stop)
    if first and tokens[first - 1].lower == "who" and _is_verb(tokens, first, stop):
        head = phrase_before(tokens, first - 1 - (tokens[first - 2].text == "," and first > 2))
        return head
    return _trimmed(tokens, first, stop)


def phrase_after(tokens: Sequence[Token], first: int) -> Phrase | None:
    """Return the noun phrase that begins at token `first`."""
    stop = first
    while stop < len(tokens) and stop - first < _LONGEST and not _ends(tokens, first, stop):
        stop += 1
    while stop > first and tokens[stop - 1].lower in _PREPOSITIONS | {"and", "late", "early"}:
        stop -= 1
    if stop == first:
        return None
    named = _name_after_comma(tokens, first, stop)
    return named or Phrase(first, stop, first)


def opening_phrase(tokens: Sequence[Token]) -> Phrase | None:
    """Return the subject of a sentence, as far as its first words show it."""
    first = 0
    while first < len(tokens) and (
        tokens[first].text in _STOPS or tokens[first].lower in _TIMES | {"and", "but", "yet", "so"}
    ):
        first += 1
    if first < len(tokens) and tokens[first].lower in _PREPOSITIONS | _CONJUNCTIONS:
        comma = next((i for i in range(first, len(tokens)) if tokens[i].text == ","), None)
        if comma is None:
            return None
        first = comma + 1
    return phrase_after(tokens, first)


def is_name(tokens: Sequence[Token]) -> bool:
    """Return whether `tokens` hold a proper name, a capital at the very start aside."""
    return any(token.capital for token in tokens[1:]) or (
        len(tokens) == 1 and tokens[0].capital and tokens[0].lower not in _DETERMINERS
    )


def is_occasion(tokens: Sequence[Token], at: int) -> bool:
    """Return whether “in a statement” or “on Thursday” begins at token `at`."""
    ahead = [token.lower for token in tokens[at + 1 : at + 4]]
    return tokens[at].lower in _TIMES or (
        tokens[at].lower in _PREPOSITIONS
        and (bool(_TIMES & set(ahead[:2])) or bool(_OCCASIONS & set(ahead)))
    )


def _dangles(tokens: Sequence[Token], stop: int) -> bool:
    """Return whether the token before `stop` is the “on” of “on Thursday”, already passed."""
    return (
        stop < len(tokens)
        and tokens[stop - 1].lower in ("on", "in")
        and tokens[stop].lower in _TIMES
    )


def _left_edge(tokens: Sequence[Token], stop: int) -> int:
    first = stop
    while first > max(0, stop - _FURTHEST) and not _parts(tokens[first - 1]):
        first -= 1
    if first > 1 and stop > first and tokens[first - 1].lower == "and":
        other = first - 1
        while other > max(0, stop - _FURTHEST) and not _parts(tokens[other - 1]):
            other -= 1
        if other < first - 1 and not _has_verb(tokens, other, first - 1):
            return other
    return first


def _parts(token: Token) -> bool:
    return token.text in _STOPS or token.lower in _CONJUNCTIONS


def _has_verb(tokens: Sequence[Token], first: int, stop: int) -> bool:
    return any(
        t.lower in AUXILIARIES
        or t.lower in SAYING
        or t.lower in PRONOUNS
        or t.lower in _IRREGULAR
        or (t.lower.endswith("ed") and not t.capital)
        for t in tokens[first:stop]
    )


def _is_verb(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Return whether what follows “who” tells what they did, not another subject."""
    if first >= stop:
        return True
    opens = tokens[first]
    return stop - first > 1 and not opens.capital and opens.lower not in _DETERMINERS


def _trimmed(tokens: Sequence[Token], first: int, stop: int) -> Phrase | None:
    """Return tokens [first, stop) without a verb, a time or a place before the subject."""
    for at in range(stop - 2, first - 1, -1):
        if tokens[at].lower in AUXILIARIES or tokens[at].lower in SAYING:
            first = at + 1
            break
    while first < stop and (tokens[first].lower in _TIMES or tokens[first].lower in "'s"):
        first += 1
    if first < stop and tokens[first].lower in _PREPOSITIONS:
        first += 1
        fronted = first
        while first < stop and (
            tokens[first].lower in _TIMES or (tokens[first].capital and first - fronted < 3)
        ):
            first += 1
        if first == fronted:
            return None
    return Phrase(first, stop, first) if 0 < stop - first <= _LONGEST else None


def _before_apposition(tokens: Sequence[Token], comma: int) -> Phrase | None:
    """Return X of “X, the head of Y, said”, its last comma given; X of “the head of Y, X, said”."""
    parts: list[tuple[int, int]] = []
    stop = comma
    nearest = max(-2, comma - _FURTHEST)
    for at in range(comma - 1, nearest, -1):
        if at < 0 or tokens[at].text in _STOPS:
            parts.insert(0, (at + 1, stop))
            stop = at
            if at < 0 or tokens[at].text != ",":
                break
    if len(parts) < 2 or not _apposes(tokens, *parts[-1]):
        return None
    at = len(parts) - 2
    while at and _describes(tokens, *parts[at]) and _may_name(tokens, *parts[at - 1]):
        at -= 1
    first, stop = parts[at]
    head = phrase_before(tokens, stop) if first < stop else None
    name = parts[at + 1]
    if head and not is_name(tokens[head.first : head.stop]) and _all_name(tokens, *name):
        return Phrase(*name, head.begin)
    return head


def _apposes(tokens: Sequence[Token], first: int, stop: int) -> bool:
    return first < stop and not (
        tokens[first].lower in AUXILIARIES | SAYING | PRONOUNS | {"and", "but", "or"}
        or (tokens[first].lower not in ("who", "which") and _has_finite(tokens, first, stop))
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
        or (not opens.capital and opens.lower in _DETERMINERS)
    )


def _may_name(tokens: Sequence[Token], first: int, stop: int) -> bool:
    return (
        0 < stop - first <= 7
        and any(token.capital for token in tokens[first:stop])
        and not _has_verb(tokens, first, stop)
        and tokens[first].lower not in _PREPOSITIONS
    )


def _all_name(tokens: Sequence[Token], first: int, stop: int) -> bool:
    return 1 < stop - first <= 5 and tokens[first].capital and tokens[stop - 1].capital


def _name_after_comma(tokens: Sequence[Token], first: int, stop: int) -> Phrase | None:
    """Return X of “said the head of Y, X.”"""
    if is_name(tokens[first:stop]) or stop >= len(tokens) or tokens[stop].text != ",":
        return None
    last = stop + 1
    while last < len(tokens) and tokens[last].capital:
        last += 1
    return Phrase(stop + 1, last, first) if _all_name(tokens, stop + 1, last) else None


def _ends(tokens: Sequence[Token], first: int, at: int) -> bool:
    """Return whether the phrase that begins at `first` is over before token `at`."""
    word = tokens[at].lower
    if tokens[at].text in _STOPS or word in AUXILIARIES or word in SAYING:
        return True
    if at == first:
        return word in _CONJUNCTIONS and word != "that"
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    before = tokens[at - 1].lower
    if word == "and":
        return after is None or not (after.capital or after.lower in _DETERMINERS)
    if word in _CONJUNCTIONS or word in PRONOUNS or word in _TIMES:
        return True
    if word in ("in", "on", "at", "to", "by"):
        return is_occasion(tokens, at) or is_name(tokens[first:at])
    if word in _DETERMINERS:
        return before not in _PREPOSITIONS and before != "and"
    return not tokens[at].capital and _tells(word, before, after)


def _tells(word: str, before: str, after: Token | None) -> bool:
    """Return whether a word that is no name reads as what the phrase before it did."""
    if before == "'s" or before in _PREPOSITIONS | _DETERMINERS:
        return False
    follows = after.lower if after else ""
    if word in _IRREGULAR or word.endswith("ly"):
        return True
    takes = follows in _DETERMINERS or follows in _POSSESSIVES or follows.isdecimal()
    return takes and word not in _PREPOSITIONS or (word.endswith("ed") and follows != "on")
