"""A drafted question, and whether it can be understood without its article.

>>> is_plain("How many jobs will the bridge at Harrow create?"), is_plain("Who closed the bridge?")
(True, False)
"""

import re
from typing import Literal, NamedTuple

from evals.gold.clauses import POINTING
from rag.lexicon import DATES
from rag.tokens import tokenize

Kind = Literal["who", "when", "how_many", "how_old", "quote"]
WHO_SAID = "Who said that "
_QUESTION_WORDS = range(5, 24)
_CLAIM_WORDS = 9
# Nouns that mean another one in each article, unless something stands behind them.
_BARE = re.compile(
    r"\bthe (?:company|firm|group|team|man|woman|men|women|couple|pair|book|film|movie|song|show"
    r"|report|study|deal|plan|case|ship|attack|attacks|incident|accident|crash|suspects?|victims?|site"
    r"|move|club|game|match|boy|girl|teen|teenager|agency|law|bill|ruling|verdict|judge|family"
    r"|vessel|plane|aircraft|blast|explosion|fire|event|program|project|office|organization|area"
    r"|city|town|country|region|village|station|store|building|hospital|school|body|bodies|others?"
    r"|matter|issue|situation|statement|announcement|decision|scene|report"
    r"|two|three|four|five|six|first|second|last|next|final|department|band|album|tour|race|trial)\b"
    r"(?! (?:of|in|at|on|near|for|from|against|between) |-)|\ban? (?:second|third|fourth|fifth)\b",
    re.IGNORECASE,
)


class Drafted(NamedTuple):
    """A question with its answers; `quote` is the sentence that answers, as it stands."""

    kind: Kind
    question: str
    answers: tuple[str, ...]
    quote: str


def is_plain(question: str) -> bool:
    """Return whether `question` is of a fair length, points nowhere and names something."""
    claim = question.startswith(WHO_SAID)
    unquoted = re.sub(r"“.*”", "", question.removeprefix(WHO_SAID))
    tokens = tokenize(unquoted)
    named = any(token.capital and token.lower not in DATES for token in tokens[not claim :])
    return (
        (len(question.split()) in _QUESTION_WORDS or question.startswith("How old is "))
        and not _BARE.search(unquoted)
        and not {token.lower for token in tokens} & (POINTING - {"that"} if claim else POINTING)
        and (named or "“" in question or (claim and len(tokens) >= _CLAIM_WORDS))
    )
