"""A sentence as words: stems, numbers as values, names, denials, and who is said to have said it.

>>> [word.key for word in read_words("The attack wounded fourteen men.") if word.matters]
['attack', 'wound', '14', 'men']

Light rules for news English, no parser: what they miss counts as an ordinary word.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from rag.lexical import stem

Kind = Literal["number", "name", "date", "content", "empty"]

_TOKEN = re.compile(
    r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?(?![^\W_])|\d+(?:\.\d+)?|(?:[A-Z]\.){2,}"
    r"|[^\W\d_]+(?:[’'][^\W\d_]+)*|[%$€£]|[,;:—–()“”\"?!]"
)
_PUNCTUATION = re.compile(r"[^\w%$€£]+")
# Full stops within a sentence are those of abbreviations; these words begin something new.
_CONJUNCTIONS = frozenset(
    "and but or nor which who that while whereas after before when because although".split()
)
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_VALUES = (
    {word: float(n) for n, word in enumerate(_UNITS)}
    | {word: 10.0 * n for n, word in enumerate(_TENS, 2)}
    | {"dozen": 12.0, "twentieth": 20.0}
)
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "bn": 1e9}
_ALIASES = {
    "percent": "%", "pct": "%", "dollars": "$", "dollar": "$", "euros": "€", "pounds": "£",
    "america": "us", "american": "us", "americans": "us", "washington": "us", "u.s.": "us",
    "usa": "us", "u.k.": "uk", "britain": "uk", "british": "uk", "britons": "uk", "u.n.": "un",
    "iranian": "iran", "iranians": "iran", "tehran": "iran", "iraqi": "iraq", "iraqis": "iraq",
    "israeli": "israel", "israelis": "israel", "french": "france", "german": "germany",
    "russian": "russia", "moscow": "russia", "chinese": "china", "beijing": "china",
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "aug": "august",
    "sept": "september", "sep": "september", "oct": "october", "nov": "november",
    "dec": "december",
}  # fmt: skip
_DATES = frozenset(
    "january february march april june july august september october november december monday "
    "tuesday wednesday thursday friday saturday sunday yesterday tomorrow".split()
)
_EMPTY = frozenset(
    (
        "a an the of in on at to for from by with and or but so as is are was were be been being "
        "do does did done has have had having will would shall should can could may might must i "
        "me my we us our you your he him his she her hers it its they them their theirs this that "
        "these those there here who whom whose which what when where why how if then than such s "
        "t d ll ve re m o very also just too more into onto about over after before during while "
        "because since until upon through between against under above out up down off again once "
        "both each some any own same other one said say says saying told tell tells according "
        "mr mrs ms dr later still now yet even however meanwhile although though whether"
    ).split()
)
_DENIALS = frozenset(
    (
        "not no never none nobody nothing neither nor without cannot hardly unable fail failed "
        "fails failing refuse refused refuses deny denied denies denying lack lacked lacks"
    ).split()
)
_DENIED_WORDS = 3
# Verbs of saying in the forms that a newspaper prints.
SAYING = frozenset(
    (
        "said says say told tells announced announces added adds warned warns stated states "
        "tweeted noted notes insisted insists argued argues explained explains confirmed confirms "
        "reported reports claimed claims declared declares acknowledged suggested testified wrote "
        "writes denied denies promised vowed revealed estimated predicted"
    ).split()
)
_SPEAKER_WORDS = 7


class Word(NamedTuple):
    """A word of a sentence; `key` is equal for what means the same as far as rules can tell."""

    text: str
    key: str
    kind: Kind
    clause: int
    denied: bool

    @property
    def matters(self) -> bool:
        """Whether the word says something by itself."""
        return self.kind != "empty"


class Saying(NamedTuple):
    """Someone is said to have said something; no words for a pronoun, whose name is elsewhere."""

    speaker: tuple[Word, ...]
    verb: str


@lru_cache(maxsize=4_096)
def read_words(sentence: str) -> tuple[Word, ...]:
    """Return the words of `sentence`, in order, punctuation left out."""
    words: list[Word] = []
    clause, denied = 0, 0
    tokens = _TOKEN.findall(sentence)
    for at, text, value in _joined(tokens):
        lowered = text.lower().replace("’", "'")
        breaks = value is None and _PUNCTUATION.fullmatch(text) is not None
        if breaks or lowered in _CONJUNCTIONS:
            clause, denied = clause + 1, 0
        if breaks:
            continue
        key = value or _key(text)
        kind = "number" if value else _kind(text, lowered, tokens, at)
        if lowered in _DENIALS or lowered.endswith("n't"):
            denied = _DENIED_WORDS + 1
        words.append(Word(text, key, kind, clause, denied > 0 and lowered not in _DENIALS))
        denied -= kind != "empty" and denied > 0
    return tuple(words)


def denials(words: Sequence[Word]) -> int:
    """Return how many words deny: not, never, without, refused."""
    lowered = (word.text.lower().replace("’", "'") for word in words)
    return sum(word in _DENIALS or word.endswith("n't") for word in lowered)


def sayings(words: Sequence[Word]) -> list[Saying]:
    """Return who is said to have said something, from “X said”, “said X” and “according to X”."""
    found = []
    for i, word in enumerate(words):
        lowered = word.text.lower()
        if lowered == "according" and i + 1 < len(words) and words[i + 1].text.lower() == "to":
            found.append(Saying(_named(words[i + 2 :]), "according to"))
        elif lowered in SAYING:
            before = _named(words[:i][::-1], clause=word.clause)
            # “…,” said X: nothing stands before the verb in its clause.
            found.append(Saying(before or _named(words[i + 1 :], clause=word.clause), lowered))
    return found


def _named(words: Sequence[Word], clause: int | None = None) -> tuple[Word, ...]:
    """Return the words that matter among the first few, up to the end of their clause."""
    if not words:
        return ()
    clause = words[0].clause if clause is None else clause
    near = [w for w in words[:_SPEAKER_WORDS] if w.clause == clause]
    return tuple(w for w in near if w.kind in ("name", "content") and w.text.lower() not in SAYING)


def _joined(tokens: Sequence[str]) -> Iterator[tuple[int, str, str | None]]:
    """Yield (position, text, value) with the words of one number put together."""
    i = 0
    while i < len(tokens):
        value, used = _number(tokens, i)
        if value is None:
            yield i, tokens[i], None
        else:
            yield i, " ".join(tokens[i : i + used]), f"{value:.10g}"
        i += used


def _number(tokens: Sequence[str], start: int) -> tuple[float | None, int]:
    """Return the value of the number that begins at `start`, and how many tokens it takes."""
    first = tokens[start].lower()
    current = _digits(first) if first[0].isdecimal() else _VALUES.get(first)
    total, i = 0.0, start + 1
    while current is not None and i < len(tokens):
        token = tokens[i].lower()
        value, scale = _VALUES.get(token), _SCALES.get(token)
        if scale is not None:
            current *= scale
            if scale > 100:
                total, current = total + current, 0.0
        elif value is not None and _continues(total, current, value):
            current += value
        else:
            break
        i += 1
    # “One” alone is a pronoun more often than a number.
    if current is None or (first == "one" and i == start + 1):
        return None, 1
    return total + current, i - start


def _continues(total: float, current: float, value: float) -> bool:
    """Return whether a word worth `value` goes on with the number: “twenty four”, “200 five”."""
    if current >= 20 and current % 100 and not current % 10:
        return 0 < value < 10
    return not current % 100 and value < 100 and total + current > 0


def _digits(token: str) -> float | None:
    """Return what “1,000”, “3.5” or “25th” is worth; None for digits that float cannot read."""
    try:
        return float(token.rstrip("stndrh").replace(",", "")[:18])
    except ValueError:
        return None


def _key(text: str) -> str:
    bare = re.sub(r"[’']s$|[’']$", "", text.lower())
    return _ALIASES.get(bare) or stem(bare.replace(".", ""))


def _kind(text: str, lowered: str, tokens: Sequence[str], at: int) -> Kind:
    bare = re.sub(r"['’]s$", "", lowered)
    if bare in _DATES or (bare in ("may", "march") and text[0].isupper() and at):
        return "date"
    if bare in _EMPTY and not (text.isupper() and len(text) > 1 and at):
        return "empty"
    if bare in _DENIALS or lowered.endswith("n't"):
        return "empty"
    if not text[0].isupper():
        return "content"
    # Any sentence begins with a capital: there a name must show itself by what follows.
    opening = at == 0 or tokens[at - 1] in '“"?!:'
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    shows = (text.isupper() and len(text) > 1) or following[:1].isupper()
    shows = shows or text != bare.capitalize() or following.lower() in SAYING
    return "name" if shows or not opening else "content"
