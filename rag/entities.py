"""What a text names: people, groups, places, events and things, as far as their words show.

>>> [(one.text, one.kind) for one in mentions("Who was blamed for the attack on Camp Taji?")]
[('the attack on Camp Taji', 'event')]

Closed lists of words and light rules for English, no parser: a noun phrase is what stands between
words that cannot belong to one. What shows nothing is a `thing`, or a `name` when it has a capital.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rag.lexicon import (
    ADJECTIVES,
    AUXILIARIES,
    BY_HEAD,
    DATES,
    DETERMINERS,
    FUNCTION,
    GROUPS,
    HE,
    MONTHS,
    NUMBERS,
    PARTICLES,
    PLACES,
    PLURALS,
    PREPOSITIONS,
    SHE,
    TITLES,
    VERBS,
)

Kind = Literal["person", "group", "place", "event", "thing", "name", "date", "number"]
Pronoun = Literal["he", "she", "it", "they", "there"]

_TOKEN = re.compile(
    r"(?:[A-Z]\.){2,}|[A-Z]\.(?=\s[A-Z])|(?:Gen|Col|Lt|Maj|Sgt|Capt|Dr|Mr|Mrs|Ms|St|Sen|Gov|Prof)\."
    r"|\w[\w’'.,/-]*\w|\w|[^\w\s]"
)


class Token(NamedTuple):
    """A word or mark and where it stands."""

    text: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        """The token in lower case, its apostrophes plain."""
        return self.text.lower().replace("’", "'")


class Mention(NamedTuple):
    """Something that a text names: `text[start:end]` of it; `of` is what a “… of …” is about."""

    text: str
    start: int
    end: int
    head: str
    kind: Kind
    plural: bool
    named: bool
    of: str | None = None

    @property
    def bare(self) -> str:
        """The words without an article before them."""
        return re.sub(r"^(?:an?|the)\s+", "", self.text, flags=re.IGNORECASE)


def tokens(text: str) -> list[Token]:
    """Return the words and marks of `text` in order."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def mentions(text: str) -> list[Mention]:
    """Return what `text` names, in order."""
    words = tokens(text)
    found: list[Mention] = []
    at = 0
    while at < len(words):
        end, verb = _phrase(words, at)
        if end > at:
            found.append(_mention(text, words, at, end))
        at = max(end + verb, at + 1)
    return found


def nested(text: str) -> list[Mention]:
    """Return what `text` names, and what stands inside of it behind a preposition or “and”."""
    found: list[Mention] = []
    for one in mentions(text):
        found.append(one)
        inner = re.search(r"\s(?:of|in|on|at|near|between|against|for|and|from)\s+", one.text)
        if inner:
            start = one.start + inner.end()
            inside = read_inside(text[start : one.end])
            found += [p._replace(start=p.start + start, end=p.end + start) for p in inside]
    return found


def read_inside(phrase: str) -> list[Mention]:
    """Return what `phrase`, taken from the middle of a sentence, names."""
    shift = len("x , ")
    found = mentions(f"x , {phrase}")[1:]
    return [one._replace(start=one.start - shift, end=one.end - shift) for one in found]


def fits(pronoun: Pronoun, one: Mention) -> float:
    """Return how well `pronoun` may stand for `one`, 0 (not) to 3."""
    if one.kind in ("date", "number"):
        return 0.0
    if pronoun in ("he", "she"):
        words = set(one.text.lower().replace(".", "").split())
        if one.plural or words & (SHE if pronoun == "he" else HE):
            return 0.0
        return {"person": 3.0 if one.named else 2.0, "name": 1.5}.get(one.kind, 0.0)
    if pronoun == "there":
        return {"place": 3.0, "name": 1.0, "event": 1.0}.get(one.kind, 0.3)
    if pronoun == "they":
        return 3.0 if one.plural or one.kind == "group" else 0.6
    if one.plural:
        return 0.5
    known = {"event": 3.0, "thing": 2.3, "name": 2.6, "person": 0.1}
    return known.get(one.kind, 2.0)


def is_content(word: Token) -> bool:
    """Return whether `word` may be part of a name or a noun phrase wherever it stands."""
    return word.lower not in FUNCTION and word.text[0].isalnum()


def is_name(word: str) -> bool:
    """Return whether `word` is written as a name is: “Taji”, “al-Qaim”."""
    return any(char.isupper() for char in word)


def is_place(word: str) -> bool:
    """Return whether `word` names a place or a sort of place."""
    return word.lower() in PLACES


def _phrase(words: Sequence[Token], at: int) -> tuple[int, bool]:
    """Return where the noun phrase that begins at `at` ends (`at` when none does).

    And whether the word behind it is the verb of a question: “did | the US | answer”.
    """
    begin = at + 1 if words[at].lower in DETERMINERS else at
    end = _run(words, begin)
    if end == begin:
        return at, False
    if _ends_in_verb(words, at, begin, end):
        return end - 1, True
    while (joined := _joined(words, end)) > end:
        end = joined
    return end, False


def _joined(words: Sequence[Token], end: int) -> int:
    """Return where the phrase ends with “and …”, “of …” or, behind a common noun, “in …” on it."""
    if end + 1 >= len(words):
        return end
    link = words[end].lower
    common = words[end - 1].text[0].islower()
    if link not in ("of", "and") and not (link in PREPOSITIONS and common):
        return end
    start = end + 1 + (words[end + 1].lower in DETERMINERS)
    last = _run(words, start)
    dated = any(word.text[0].isdigit() or word.lower in DATES for word in words[start:last])
    if last == start or (link != "of" and dated):
        return end
    return last


def _run(words: Sequence[Token], at: int) -> int:
    end = at
    while end < len(words) and _belongs(words, end):
        end += 1
    return end


def _belongs(words: Sequence[Token], at: int) -> bool:
    word, lower = words[at], words[at].lower
    if not word.text[0].isalnum():
        return False
    following = words[at + 1].lower if at + 1 < len(words) else ""
    before = words[at - 1].lower if at else ""
    if at and is_name(word.text) and lower not in ("i", "i'm"):
        return True
    if lower in PARTICLES and before and is_name(words[at - 1].text):
        return at + 1 < len(words) and is_name(words[at + 1].text)
    if lower in FUNCTION or lower.endswith("ly"):
        return False
    inside = before in DETERMINERS and following.isalpha() and following not in FUNCTION
    if inside:
        return True
    if lower in VERBS or (lower.endswith("ed") and len(lower) > 4):
        return before in DETERMINERS
    if lower.endswith("ing") and (
        following in DETERMINERS
        or (at > 1 and is_name(words[at - 1].text) and following in FUNCTION)
    ):
        return False
    # “Is the ship free?”: an adjective that closes a phrase describes it and is no part of it.
    closes = not following[:1].isalnum() or following in FUNCTION
    return not (closes and (lower in ADJECTIVES or lower.endswith(("able", "ible"))))


def _ends_in_verb(words: Sequence[Token], at: int, begin: int, end: int) -> bool:
    """Return whether the last word is the bare verb that follows an auxiliary and its subject."""
    asks = at > 0 and words[at - 1].lower in AUXILIARIES and end - begin > 1
    verb_follows = any(
        word.lower in VERBS and words[i - 1].lower != "to"
        for i, word in enumerate(words[end:], end)
    )
    last = words[end - 1]
    known = any(last.lower in heads for _, heads in BY_HEAD)
    return asks and not is_name(last.text) and not known and not verb_follows


def _mention(text: str, words: Sequence[Token], at: int, end: int) -> Mention:
    begin = at + (words[at].lower in DETERMINERS)
    links = [i for i in range(begin, end) if words[i].lower in PREPOSITIONS | {"of"}]
    stop = links[0] if links else end
    inner = words[begin:stop]
    named = any(is_name(w.text) for w in words[max(begin, 1) : stop])
    of = None
    if links and words[stop].lower == "of":
        of = text[words[stop + 1].start : words[end - 1].end]
    head = re.sub(r"'s?$", "", inner[-1].lower) if inner else ""
    kind = _kind(inner, named=named)
    if kind == "person" and inner[0].text[0].isupper() and begin > at:
        kind = "name"
    plural = any(w.lower == "and" for w in inner) and not (named and kind != "person")
    ends_in_s = len(head) > 3 and head.endswith("s") and not head.endswith(("ss", "us", "is"))
    plural = plural or head in PLURALS or (ends_in_s and not (named and kind == "person"))
    return Mention(text[words[at].start : words[end - 1].end], words[at].start, words[end - 1].end,
                   head, kind, plural, named, of)  # fmt: skip


def _kind(inner: Sequence[Token], *, named: bool) -> Kind:
    lowered = [re.sub(r"'s?$|\.$", "", word.lower) for word in inner]
    if not lowered:
        return "thing"
    if all(word in MONTHS or word[0].isdigit() for word in lowered):
        return "date" if any(w in MONTHS or len(w) == 4 for w in lowered) else "number"
    if all(word in NUMBERS for word in lowered):
        return "number"
    common = [w for w in inner if not is_name(w.text) and w.lower not in PARTICLES]
    if common and named and is_name(inner[-1].text):
        # “the diesel ferry Lady Maud” is what stands before its name.
        return next((kind for kind, known in BY_HEAD if common[-1].lower in known), "thing")
    if named and is_name(inner[-1].text) and any(word in TITLES for word in lowered):
        return "person"
    for kind, known in BY_HEAD:
        if lowered[-1] in known or (lowered[-1].endswith("s") and lowered[-1][:-1] in known):
            return kind
    if not named:
        return "thing"
    if any(word in GROUPS for word in lowered):
        return "group"
    if any(word in PLACES for word in lowered):
        return "place"
    capitals = [word for word in inner if is_name(word.text) and not _shouts(word.text)]
    return "person" if 2 <= len(capitals) == len(inner) <= 4 else "name"


def _shouts(word: str) -> bool:
    """Return whether `word` is all capitals, as an abbreviation is and an initial is not."""
    return word.isupper() and len(word) > len("D.")
