"""A question whose nouns belong to what was talked about: “What are the main types?”.

>>> state = after(State(), Rewriting("What is Lyme disease?"), None)
>>> bridged("How reliable is the test?", state).text
'How reliable is the test (Lyme disease)?'
"""

import re
from collections.abc import Sequence

from rag.dialogue import NEW_TOPIC, RELATIONAL, Rewriting, State, added, definite, stems
from rag.entities import Mention, is_name, mentions, nested, tokens
from rag.question import content_words

_FEW_WORDS = 2
# A longer question says what it is about; without capitals, where no name shows, a shorter one.
_MOST_WORDS = 4
_JUDGING = frozenset(
    "main best worst most biggest largest smallest oldest newest common typical popular famous "
    "important traditional other different possible recent similar".split()
)
_BEST_OF = re.compile(
    r"\bthe (?:\w+est|best(?: selling)?|most \w+)(?=\s+(?:ever|to|in|for|on)\b|\s*\?)",
    re.IGNORECASE,
)
# “the trust behind the museum” says which trust.
_OWN_WORDS = re.compile(
    r"\s+(?:behind|of|in|at|for|that|who|which|on|near|between)\b", re.IGNORECASE
)
_ANY = re.compile(
    r"^\W*(?:is|are|was|were) there (?:any|some|other)\b|^what other\b", re.IGNORECASE
)


def bridged(question: str, state: State) -> Rewriting | None:
    """Return `question` with what its nouns belong to; None when it stands on its own."""
    named = [one for one in mentions(question) if one.kind not in ("date", "number")]
    for one in nested(question):
        full = _same_head(one, state)
        if full is not None and not _OWN_WORDS.match(question[one.end :]):
            text = f"{question[: one.start]}{definite(full)}{question[one.end :]}"
            return Rewriting(text, full)
    topic = state.focus
    if topic is None or not _leans(question, named):
        return None
    if stems(topic.text) <= stems(question):
        return None
    last = named[-1] if named else None
    ends = last is not None and not question[last.end :].strip(" ?.!")
    if last is not None and ends and last.head in RELATIONAL and last.of is None:
        return Rewriting(f"{question[: last.end]} of {topic.text}{question[last.end :]}", topic)
    return Rewriting(added(question, [topic.text]), topic)


def _leans(question: str, named: Sequence[Mention]) -> bool:
    """Return whether `question` leaves open what it is about: “What are the main types?”."""
    if _BEST_OF.search(question):
        return True
    most = _MOST_WORDS - question.islower()
    if (
        any(is_name(word.text) for word in tokens(question)[1:])
        or len(content_words(question)) > most
    ):
        return False
    if any(map(_depends, named)) or _ANY.search(question):
        return True
    if NEW_TOPIC.match(question) and named:
        return False
    asked = re.match(r"\W*(?:what|which|how (?:many|much))\s+(?=\w)", question, re.IGNORECASE)
    beyond = [one for one in named if not (asked and one.start == asked.end())]
    return len(content_words(question)) < _FEW_WORDS or (asked is not None and not beyond)


def _depends(one: Mention) -> bool:
    """Return whether a noun phrase needs something it belongs to: “the main types”."""
    words = one.text.lower().split()
    judged = words[0] == "the" or bool(_JUDGING & set(words)) or one.head in RELATIONAL
    return not one.named and one.of is None and judged


def _same_head(one: Mention, state: State) -> Mention | None:
    """Return the longer name of “the trust” that was said before."""
    if not one.text.lower().startswith("the ") or len(one.bare.split()) > 1:
        return None
    for known, _ in reversed(state.known):
        words = known.bare.split()
        inside = one.head in words or one.head == known.head
        if inside and len(words) > 1:
            return known
    return None
