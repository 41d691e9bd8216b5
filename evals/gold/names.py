"""Full names of people in news text, and what they are said to be.

>>> speaker("Swedish Prime Minister Fredrik Reinfeldt of the Moderates")
'Fredrik Reinfeldt'

Lists and capitals, no model: a name that does not show itself to be a person's is none here.
"""

import re

from evals.gold.clauses import POINTING, is_role
from rag.appositions import is_full_name
from rag.lexicon import DATES, GROUPS, NUMBERS, PEOPLE, PLACES, TITLES
from rag.tokens import AUXILIARIES, DETERMINERS, PREPOSITIONS, Token, tokenize

_ENDS = frozenset(",.;:()—–")
_TITLES = frozenset(
    "sheriff attorney deputy rep lawyer detective superintendent examiner monsignor sheikh "
    "adm cmdr brig congressman congresswoman".split()
)
_NOBODY = frozenset(
    (
        "the a in hong kong county league watch project center centre university times new "
        "institute foundation house international affair right wheel street road avenue park "
        "award cup series world national american church cathedral act law treaty bowl "
        "airline service society federation commission office security olympic angele "
        "francisco york jersey carolina dakota virginia hampshire island beach hill lake "
        "river mountain day show post journal press premier college academy bank hotel museum"
    ).split()
)
_ROLE_WORDS = frozenset(
    "prime deputy vice foreign interior defense defence finance police fire general team".split()
)


def speaker(phrase: str) -> str | None:
    """Return the name that the words for a speaker hold: none in “the mayor”."""
    if re.search(r"[“”\"]", phrase):
        return None
    head, _, rest = phrase.partition(",")
    head = re.split(r" (?:of|who|in|at|for|with|to) ", head)[0]
    for part in (head, rest.split(",")[0].strip()):
        tokens = tokenize(part)
        first = len(tokens)
        while first and tokens[first - 1].capital:
            first -= 1
        # Behind the comma: “her sister, Amparo Lizcano”, and not “head of Human Rights Watch”.
        if part != head and first:
            return None
        if name := full_name(part, tokens[first:]):
            return name
    return None


def full_name(text: str, tokens: list[Token]) -> str | None:
    """Return the full name at the end of capitals: “Swedish Prime Minister” is left out of it."""
    titles = [i for i, token in enumerate(tokens) if _is_title(token)]
    first = titles[-1] + 1 if titles else 0
    if not is_full_name(tokens, first, len(tokens)) or not _is_person(tokens[first:]):
        return None
    return text[tokens[first].start : tokens[-1].end]


def name_end(tokens: list[Token], first: int) -> int | None:
    """Return where the run of capitals that begins at `first` ends, if it is a full name."""
    if not tokens[first].capital or (first and tokens[first - 1].capital):
        return None
    stop = first
    while stop < len(tokens) and tokens[stop].capital and not tokens[stop].quoted:
        stop += 1
    return stop if is_full_name(tokens, first, stop) else None


def role_behind(sentence: str, tokens: list[Token], at: int) -> str | None:
    """Return “head of Y” of “X, the head of Y,” when X ends before token `at`."""
    if at + 2 >= len(tokens) or tokens[at].text != ",":
        return None
    end = next((i for i in range(at + 1, len(tokens)) if tokens[i].text in _ENDS), len(tokens))
    inner = tokens[at + 1 : end]
    if inner and inner[0].lower == "the":
        inner = inner[1:]
    words = [token.lower for token in inner]
    head = next((i for i, word in enumerate(words) if word in ("of", "for")), None)
    if not head or not is_role(words[head - 1]) or not 3 <= len(inner) <= 10:
        return None
    if set(words) & (DETERMINERS - {"the"} | AUXILIARIES | POINTING | {"who", "and", "when"}):
        return None
    if end >= len(tokens) or any(token.quoted for token in inner) or not inner[-1].capital:
        return None
    return sentence[inner[0].start : inner[-1].end]


def role_before(sentence: str, tokens: list[Token], first: int) -> str | None:
    """Return “Wigan manager” when that stands before the name that begins at token `first`."""
    begin = first
    while begin and (begin == first or tokens[begin - 1].lower in _ROLE_WORDS):
        begin -= 1
    if not begin or not is_role(tokens[first - 1].lower) or tokens[first - 1].capital:
        return None
    if not tokens[begin - 1].capital and tokens[begin - 1].lower != "'s":
        return None
    opens = begin - 1
    while opens and (tokens[opens - 1].capital or tokens[opens].text in ("'s", "’s")):
        opens -= 1
    words = {token.lower for token in tokens[opens:first]}
    if words & (DETERMINERS | PREPOSITIONS | POINTING | DATES | {"and", "former", "as"}):
        return None
    return sentence[tokens[opens].start : tokens[first - 1].end]


def _is_title(token: Token) -> bool:
    return token.lower.rstrip(".") in TITLES | PEOPLE | _TITLES


def _is_person(tokens: list[Token]) -> bool:
    words = {token.lower.rstrip(".") for token in tokens}
    words |= {word.removesuffix("s") for word in words}
    shouted = any(token.text.isupper() and len(token.text) > 2 for token in tokens)
    return not shouted and not words & (_NOBODY | GROUPS | PLACES | DATES | NUMBERS)
