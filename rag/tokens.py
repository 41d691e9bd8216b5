"""A passage as tokens: words with the dots, hyphens and apostrophes that are theirs, and marks.

>>> [token.text for token in tokenize("“Gen. O'Hara's jet,” she said.")]
['“', 'Gen.', "O'Hara", "'s", 'jet', ',', '”', 'she', 'said', '.']

rag/words.py compares words by what they mean; here it matters where they stand and what they quote.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?:[A-Z]\.)+|(?:Gen|Lt|Col|Maj|Capt|Cpl|Sgt|Adm|Cmdr|Brig|Pvt|Dr|Mr|Mrs|Ms|Prof|Sen|Rep|Gov"
    r"|Rev|Fr|St|Hon|Pres|Supt|Det|Insp|Atty|Jr|Sr|Co|Corp|Inc|Ltd|No)\.|[’']s\b"
    r"|\d+(?:,\d{3})*(?:\.\d+)?(?![^\W_])"
    r"|[^\W_]+(?:[-.&’'@_]+(?![sS]\b)[^\W_]+)*(?:(?<=s)[’'](?= \w))?|[^\w\s]"
)
# No rule looks further than this for the bounds of a phrase.
FURTHEST = 60
QUOTES = frozenset('“”"‘«»„')
STOPS = frozenset(",;:—–()[]!?….") | QUOTES | {"--"}
DETERMINERS = frozenset(
    (
        "a an the this that these those his her its their our my your some any no every each "
        "both several many most another one two three four five six seven eight nine ten dozens"
    ).split()
)
PRONOUNS = frozenset("i we you he she it they me us him them".split())
POSSESSIVES = frozenset("his her its their our my your".split())
CONJUNCTIONS = frozenset(
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
IRREGULAR = frozenset(
    (
        "fell rose won lost left went came took made got saw ran held led sent met gave broke "
        "began became struck hit kept stood lay flew drove shot fled grew sank sold bought paid"
    ).split()
)
PREPOSITIONS = frozenset(
    (
        "in on at for by from with under during despite near over of to among amid across through "
        "without within along like unlike"
    ).split()
)
# A time between subject and verb, or before the subject, belongs to neither.
TIMES = frozenset(
    (
        "monday tuesday wednesday thursday friday saturday sunday january february march april "
        "june july august september october november december today yesterday tonight late early "
        "earlier later meanwhile however still also then there here morning afternoon evening night"
    ).split()
)
OPENERS = frozenset(
    (
        "and but yet so even now finally here there just only perhaps indeed instead moreover next "
        "once again eventually initially recently previously first second all not watch see"
    ).split()
)
PLACES_BEGIN = frozenset("new north south east west rhode saudi united sri costa british".split())
OCCASIONS = frozenset(
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


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Return the tokens of `text[start:end]`, those inside quotation marks flagged."""
    found: list[Token] = []
    closing, reached = "", start
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        mark = match[0]
        # A paragraph of a long quotation opens it again and need not have closed it.
        if match.start() - reached > 1 and "\n\n" in text[reached : match.start()]:
            closing = ""
        reached = match.end()
        if mark in QUOTES:
            closing = _expected(mark, closing, text[max(match.start() - 1, 0) : match.start()])
        # “US” is no pronoun and “WHO” no question.
        lower = f"{mark.lower()}." if mark in ("US", "WHO", "IT") else mark.lower()
        lower = lower.replace("’", "'") if "’" in lower else lower
        found.append(Token(mark, lower, match.start(), match.end(), bool(closing)))
    return found


def _expected(mark: str, closing: str, before: str) -> str:
    """Return the marks that would end a quotation after `mark`, none if it has ended.

    A straight mark opens only after a space: the window may begin within a quotation.
    """
    if mark in closing or mark == "”":
        return ""
    if mark == '"':
        return '"' if not before or before.isspace() or before in "([—–-" else ""
    return closing or {"“": "”", "‘": "’", "«": "»", "„": "“”"}.get(mark, "")


def is_name(tokens: Sequence[Token]) -> bool:
    """Return whether `tokens` hold a proper name, a capital at the very start aside."""
    return any(token.capital for token in tokens[1:]) or (
        len(tokens) == 1 and tokens[0].capital and tokens[0].lower not in DETERMINERS
    )


def is_occasion(tokens: Sequence[Token], at: int) -> bool:
    """Return whether “in a statement” or “on Thursday” begins at token `at`."""
    ahead = [token.lower for token in tokens[at + 1 : at + 4]]
    return tokens[at].lower in TIMES or (
        tokens[at].lower in PREPOSITIONS
        and (bool(TIMES & set(ahead[:2])) or bool(OCCASIONS & set(ahead)))
    )
