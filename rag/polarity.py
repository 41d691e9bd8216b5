"""Whether the sentences of an archive say yes or no to a question.

>>> decide("Did RAF planes join the raids?", readings).word
'No'

The question is turned into what would be true if the reply were yes. A sentence says yes when it
holds nearly all of that (what is said whole, with what stands around it) and denies none of it, no
when it holds much of it and denies it. The support judge is no help here: of a sentence about
something else it says “contradicted” as readily as “open”.
"""

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from rag.lexical import stem
from rag.premise import related
from rag.relevance import Relevance, missing, relevance, told_words
from rag.types import Reading
from rag.words import SAYING, Word, denials, read_words

# How much of what is asked the sentence must hold, alone and with what stands around it.
_YES = Relevance(here=0.6, around=0.85)
_NO = Relevance(here=0.3, around=0.65)
_READ = 40
_YES_NO = re.compile(
    r"^\W*(?:(?:and|but|so|or|well),? )?(?:did|does|do|is|are|was|were|has|have|had|can|could|will|"
    r"would|should|shall|may|might|must)(?:n['’]t)?\b",
    re.IGNORECASE,
)
# Words that deny, beside those that `rag.words` knows.
_DENIES = re.compile(
    r"\b(?:nobody|no one|none|no|not|never|nor|neither|without|den(?:y|ies|ied)|"
    r"rul(?:es?|ed) out|fail(?:s|ed)|refus(?:es?|ed)|yet to"
    # Prices decline to a number.
    r"|declin(?:es?|ed) to(?! (?:a|an|the|its|about|[\d$€£])))\b|n['’]t\b",
    re.IGNORECASE,
)
# A question that denies by itself: to “was nobody hurt?” yes and no may mean the same.
_NEGATIVE = re.compile(
    r"\b(?:nobody|no one|none|no|not|nothing|never|nor|neither|without|hardly|cannot)\b",
    re.IGNORECASE,
)
# What somebody does who denies; a question for that asks for that very verb.
_DENYING = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|refus(?:e|es|ed|ing)|fail(?:s|ed|ing)?|lack(?:s|ed|ing)?"
    r"|rul(?:e|es|ed|ing)(?= out\b)|declin(?:e|es|ed|ing)(?= to\b))\b",
    re.IGNORECASE,
)
# What was the first of its kind had never been before; it has been now.
_EVER = re.compile(r"\b(?:ever|before|previously|again)\b", re.IGNORECASE)
_FIRST = re.compile(r"\bfirst time\b", re.IGNORECASE)
# “Nobody was killed” is no reply to whether somebody in particular was.
_OF_NOBODY = re.compile(r"^\W*(?:no|nobody|none|neither)\b", re.IGNORECASE)
_OF_ANYBODY = re.compile(
    r"^(?:any\w*|some\w*|there|people|a|an|many|more|further|other|no)\b", re.IGNORECASE
)
# Who says nothing of it says neither that it is so nor that it is not.
_UNSAID = re.compile(
    r"(?:\b(?:not|never|without|declin(?:es?|ed) to|refus(?:es?|ed) to)|n['’]t) (\w+)",
    re.IGNORECASE,
)
_SAYING = SAYING | {"comment", "say", "tell"}
# What came from somebody did not go to them, and who is written of behind these did nothing.
_TURNING = frozenset("to from against".split())
_RELATIVE = frozenset("who which that".split())
_PLACING = frozenset("near outside inside around across along behind beyond within towards".split())
# With these a question begins within a sentence.
_ASKING = frozenset("what why how whether when where who whom whose which if".split())


class Asked(NamedTuple):
    """What is true if the reply is yes.

    `words` are all of it, `told` those that say what it is about; `denying` are stems of verbs that
    deny, `subject` those of the name that it begins with, `target` of the one that it ends with.
    `of_anybody`: it is of nobody in particular; `ever`: of all the time before.
    """

    words: tuple[Word, ...]
    told: list[Word]
    denying: frozenset[str]
    subject: frozenset[str]
    target: frozenset[str]
    of_anybody: bool
    ever: bool


class Decision(NamedTuple):
    """The reply, the reading whose sentence gives it, and how much of what is asked it holds.

    `own_words` counts the words of the question that stand there themselves: “postponed” says more
    of what was postponed than “delay” does.
    """

    word: str
    reading: Reading
    relevance: Relevance
    own_words: int


def assertion_of(question: str) -> str | None:
    """Return what is true if the reply to `question` is yes; None when it is no such question.

    Verbs keep the form that the question has: only stems are compared.
    """
    asked = " ".join(question.split()).rstrip("?!. ")
    found = _YES_NO.match(asked)
    if found is None or re.search(r"\bor\b", asked, re.IGNORECASE):
        return None
    return asked[found.end() :].strip() or None


def decide(question: str, readings: Sequence[Reading]) -> Decision | None:
    """Return yes or no with its proof; None when no sentence says either."""
    asked = _asked(assertion_of(question) or "")
    if not asked.told:
        return None
    decisions = (_decision(asked, reading) for reading in readings[:_READ])
    found = [decision for decision in decisions if decision]
    # max keeps the first, the most probable one, of those that hold as much.
    return max(found, key=lambda one: (one.relevance.both, one.own_words), default=None)


def _asked(assertion: str) -> Asked:
    """Return the words of an assertion; none of one that denies by itself."""
    if _NEGATIVE.search(assertion):
        return Asked((), [], frozenset(), frozenset(), frozenset(), of_anybody=False, ever=False)
    verbs = [word for verb in _DENYING.findall(assertion) for word in read_words(verb)]
    told = told_words(assertion)
    told += [verb._replace(kind="content") for verb in verbs if not verb.matters]
    words = read_words(f"so {assertion}")
    leading = takewhile(lambda word: word.kind in ("name", "empty"), words)
    return Asked(
        words,
        told,
        frozenset(verb.key for verb in verbs),
        frozenset(word.key for word in leading if word.kind == "name"),
        _target(words),
        of_anybody=_OF_ANYBODY.match(assertion) is not None,
        ever=_EVER.search(assertion) is not None,
    )


def _target(words: Sequence[Word]) -> frozenset[str]:
    """Return the name at the end, to which something is done: nothing stands before it but that."""
    last = list(takewhile(lambda word: word.kind == "name", reversed(words)))
    before = words[-len(last) - 1] if len(last) < len(words) else None
    is_done_to = before and before.kind == "content" and before.text.lower() not in _PLACING
    return frozenset(word.key for word in last) if is_done_to else frozenset()


def _decision(asked: Asked, reading: Reading) -> Decision | None:
    found, sentence = relevance(asked.told, reading), read_words(reading.text)
    unsaid = missing(asked.told, reading)
    if not asked.denying <= _keys(sentence):
        return None
    if asked.subject and asked.subject <= _keys(unsaid):
        return None
    if _is_of_another(asked, sentence) or not _is_then(asked, reading):
        return None
    denied = _denies(sentence, asked)
    if denied and _OF_NOBODY.match(reading.text) and not asked.of_anybody:
        return None
    if not denied and any(word.kind == "content" for word in unsaid):
        return None
    if denied and _is_silent(asked, reading.text):
        return None
    least = _NO if denied else _YES
    if found.here < least.here or found.around < least.around:
        return None
    own_words = len(_keys(asked.told) & _keys(sentence))
    return Decision("No" if denied else "Yes", reading, found, own_words)


def _denies(sentence: Sequence[Word], asked: Asked) -> bool:
    """Return whether a denial stands in the clause of one of the words that are told.

    Or in the one before: “did not say that it had fired”, “the first time that it was postponed”.
    “No” denies what follows: with “no estimate of what the delay will cost” there is a delay.
    A verb that is asked for denies nothing: to “did they deny it?” it says yes.
    """
    said = [word for word in asked.told if word.kind == "content"] or asked.told
    keys = {key for word in said for key in ({word.key} | related(word.key))}
    holding = {word.clause for word in sentence if word.key in keys}
    clauses = holding | {clause - 1 for clause in holding}
    near = [
        word
        for at, word in enumerate(sentence)
        if word.clause in clauses and word.key not in asked.denying
        if word.text.lower() != "no" or keys & _keys(_run(sentence[at + 1 :]))
    ]
    text = " ".join(word.text for word in near)
    is_first = asked.ever and _FIRST.search(text)
    return bool(denials(near) or _DENIES.search(text) or is_first)


def _run(words: Sequence[Word]) -> list[Word]:
    """Return the words up to those that begin a question: “evidence for the claim”."""
    return list(takewhile(lambda word: word.text.lower() not in _ASKING, words))


def _is_of_another(asked: Asked, sentence: Sequence[Word]) -> bool:
    """Return whether the sentence speaks of somebody else, or of something else of that name."""
    keys = _keys(sentence)
    is_other = bool({w.key for w in sentence if w.kind == "name"} - _keys(asked.words))
    if is_other and asked.subject and not asked.subject & keys:
        return True
    if asked.subject & keys and all(
        _before(sentence, at) in _TURNING
        for at, word in enumerate(sentence)
        if word.key in asked.subject
    ):
        return True
    if is_other and asked.target and not asked.target & keys:
        return True
    return _has_other_role(asked, keys) or any(
        _has_other(sentence, one.key, thing.key)
        for one, thing in pairwise(asked.words)
        if one.kind in ("name", "number") and thing.kind == "content"
    )


def _has_other_role(asked: Asked, keys: set[str]) -> bool:
    """Return whether who did it, who says so or of whom is asked and not said in that very word.

    A relative clause only tells who is meant, and that may stand elsewhere.
    """
    roles = {"blame"} | related("blame")
    aside = {word.clause for word in asked.words if word.text.lower() in _RELATIVE}
    return any(w.key in roles - keys and w.clause not in aside for w in asked.words if w.matters)


def _has_other(sentence: Sequence[Word], one: str, thing: str) -> bool:
    """Return whether it is never `one`, but another name or number, that stands before `thing`."""
    before = [word for word, next_ in pairwise(sentence) if next_.key == thing]
    others = [word for word in before if word.kind in ("name", "number")]
    return bool(others) and one not in _keys(before)


def _before(sentence: Sequence[Word], at: int) -> str:
    """Return the word before a name, whatever else belongs to that name."""
    while at > 0 and (sentence[at].kind == "name" or sentence[at].text.lower() == "the"):
        at -= 1
    return sentence[at].text.lower()


def _is_then(asked: Asked, reading: Reading) -> bool:
    """Return whether the passage, or the day it was published, holds every number and date asked.

    What is said of one time, or of so many, says nothing of another.
    """
    article = reading.hit.article
    day = article.published_at.strftime("%A %d %B %Y") if article.published_at else ""
    known = _keys(read_words(f"{article.title}. {reading.hit.passage.text} on {day}"))
    return all(word.key in known for word in asked.told if word.kind in ("number", "date"))


def _is_silent(asked: Asked, text: str) -> bool:
    """Return whether the denial is only that something was said, which is not asked."""
    saying = {stem(verb) for verb in _SAYING}
    verbs = {stem(verb.lower()) for verb in _UNSAID.findall(text)}
    return bool(verbs & saying) and not _keys(asked.words) & saying


def _keys(words: Sequence[Word]) -> set[str]:
    return {word.key for word in words}
