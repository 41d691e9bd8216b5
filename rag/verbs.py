"""Verbs of saying, and whether one says something where it stands.

>>> tokens = tokenize("The minister did not say who")
>>> manner(tokens, 4)
(3, 'unsaid')

The verbs are those of rag/words.py and others that report only in some of their uses.
"""

from collections.abc import Sequence
from typing import Literal

from rag.tokens import AUXILIARIES, QUOTES, Token
from rag.words import SAYING

_MORE = frozenset(
    (
        "tell warn claim argue insist report confirm deny suggest believe believes believed "
        "estimate estimates predict predicts recall recalled recalls reply replied replies alleged "
        "alleges allege admitted admits admit acknowledge acknowledges conceded concedes concluded "
        "concludes ruled rules recounted maintained maintains maintain reiterated asserted asserts "
        "cautioned cautions commented remarked stressed stresses emphasised emphasized observed "
        "posted contends contended contend complained complains complain disclosed boasted joked "
        "quipped "
        "pledged swore forecast forecasts projected calculated accused accuses accuse blamed "
        "blames blame called calls call described describes describe dismissed dismisses found "
        "finds find shows showed show indicates indicated indicate suspects suspect put puts "
        "reckons reckon thinks think explain reveal reveals declare condemned hailed "
        "vows promises quoted"
    ).split()
)
VERBS = SAYING | _MORE
PARTICIPLES = frozenset(
    "saying adding warning blaming accusing claiming arguing insisting denying alleging".split()
)
# These report only with “that”, “as” or a quotation, or after the words they report.
_NEED_THAT = frozenset(
    (
        "found finds find ruled rules shows showed show indicates indicated indicate noted notes "
        "posted reported report observed put puts concluded concludes suspects suspect stressed "
        "revealed reveals reveal suggested suggest disclosed calculated projected forecast "
        "forecasts states stated observed wrote writes recalled recall maintained "
        "maintains maintain commented quoted joked complained"
    ).split()
)
_NEED_AS = frozenset("described describes describe dismissed dismisses condemned hailed".split())
# Words for an act as often as for a report: “claimed the title”, “declared a cease-fire”.
_NEED_CLAUSE = frozenset("claimed claims claim declared declares declare".split())
_NOUNS_TOO = frozenset(
    "claims claim reports report estimates notes states calls posts puts forecasts finds".split()
)
BASES = frozenset(
    (
        "say tell warn claim argue insist report confirm deny suggest believe estimate recall "
        "allege admit concede maintain contend accuse blame call describe find show indicate "
        "suspect reckon think explain reveal declare forecast put"
    ).split()
)
TELLING = frozenset("told tells tell".split())
CALLING = frozenset("called calls".split())
_DENIALS = frozenset("not never neither nor hardly nobody none no-one cannot barely".split())
_MODALS = frozenset("would could can may might must shall should will did do does".split())
_BE = frozenset("is are was were be been being am".split())
_SLIPS = frozenset(
    "has have had also later then since repeatedly once again first even still just already".split()
)
# What a court or an office denies someone, instead of denying that it is so.
_GRANTED = frozenset(
    "request requests appeal bail access entry petition application motion parole visa".split()
)
_AFTER_NOUNS = frozenset("of for in on from by against about and , .".split())

Manner = Literal["plain", "passive", "unsaid"]


def manner(tokens: Sequence[Token], at: int) -> tuple[int, Manner]:
    """Return the last token of the subject of the verb at `at`, and how the verb stands.

    “unsaid” is what was not said, or would be said.
    """
    i = at - 1
    later = False
    while i >= 0:
        word = tokens[i].lower
        if word == "to" and [t.lower for t in tokens[max(i - 2, 0) : i]] == ["went", "on"]:
            i -= 3
            continue
        if word in _DENIALS or word.endswith("n't") or word == "to":
            return i, "unsaid"
        if word in _BE:
            return i, "passive"
        if word in _MODALS and not later:
            return i, "unsaid"
        if word not in _SLIPS | _MODALS and not _is_adverb(tokens[i]):
            break
        later = later or word == "later"
        i -= 1
    return i, "plain"


def is_adjective(tokens: Sequence[Token], last: int) -> bool:
    """Return whether what stands before makes it “the announced cuts”, “its reported losses”."""
    words = "a an the 's his her its their any some many this these those of for in no".split()
    return last >= 0 and tokens[last].lower in words


def is_report(tokens: Sequence[Token], at: int, after: int) -> bool:
    """Return whether the verb at `at` has what it needs to be a report, not an act."""
    verb, rest = tokens[at].lower, tokens[at + 1 :]
    speaks = any(token.text in QUOTES for token in rest) or [t.text for t in rest[:1]] == [":"]
    following = rest[0].lower if rest else ""
    if verb in _NOUNS_TOO and (following in AUXILIARIES or following in _AFTER_NOUNS):
        return False
    if verb.startswith("accus"):
        return any(token.lower == "of" for token in rest)
    if verb in _NEED_CLAUSE:
        return speaks or _has_clause([token.lower for token in rest[:14]])
    if verb in CALLING:
        return speaks or (bool(rest) and rest[0].lower not in "for on off up in out a".split())
    if verb in _NEED_AS:
        return speaks or any(token.lower == "as" for token in rest)
    if verb.startswith("den") and _GRANTED & {token.lower for token in rest[:9]}:
        return False
    if verb in TELLING and {"story", "tale", "truth"} & {token.lower for token in rest[:3]}:
        return False
    if verb == "reported":
        return following not in _AFTER_NOUNS
    if verb.startswith("believe") and following == "in":
        return False
    if verb in _NEED_THAT:
        return speaks or (after > at + 1 and tokens[after - 1].lower == "that")
    return True


def _has_clause(rest: Sequence[str]) -> bool:
    """Return whether a claim follows “claimed”, not a title or a victory."""
    if {"that", "responsibility"} & set(rest) or rest[:1] == ["to"]:
        return True
    return bool(AUXILIARIES & set(rest)) and rest[0] not in ("his", "her", "its", "their")


def _is_adverb(token: Token) -> bool:
    plain = not token.capital and token.lower.endswith("ly")
    return plain and token.lower not in ("family", "assembly", "ally", "daily", "weekly", "monthly")
