"""A plain news sentence as subject, verb and rest, so that a question can be made of it by rule.

>>> clause = read_clause("The fire in Redpine destroyed 40 homes on Monday.")
>>> (clause.subject, clause.auxiliary, clause.verb, clause.rest)
('The fire in Redpine', 'did', 'destroy', '40 homes on Monday')

Only what is sure is read: one clause that begins with its subject, with an auxiliary or one of the
verbs below. None for all else: a question that is not made does no harm.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rag.lexicon import PEOPLE, PLURALS
from rag.tokens import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    IRREGULAR,
    OPENERS,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    TIMES,
    Token,
    tokenize,
)

_REGULAR = (
    "abandon accept accuse acquire acquit add adopt advance agree allow amend announce "
    "appoint approve arrest arrive assign attack attend attract award block board bomb borrow "
    "cancel capsize capture carry celebrate change charge chase claim climb close collapse "
    "collect complete conduct confront convert convict cover crash create cross curb damage "
    "declare defeat deliver demand deploy deport describe design destroy detain develop "
    "diagnose direct discharge discover dismiss dispatch divert divorce donate draft earmark "
    "earn educate elect employ enact end enlist enter erupt escape establish evacuate examine "
    "execute expand expel explode exploit export extend extradite fail file finish fire fix "
    "follow form found free gather graduate grant halt head heal help hijack hire host hunt "
    "ignite import impose inaugurate increase indict infect injure inspect install intercept "
    "invest investigate invite issue join kick kill knock label land launch lead lift limit "
    "list live load lock loot mark marry merge mine move murder name nominate occupy offer "
    "open order oust paint park pass perform plant play plead plunge portray post praise "
    "predict present print produce promote propose prosecute protest publish pull punish "
    "purchase question raid raise rally ratify reach recall receive record recover reduce "
    "refuse reject release relocate remain remove rename renew reopen repair replace report "
    "request rescue resign resume retire return reveal revoke rule rush sack sanction score "
    "scrap search secure seize sentence serve settle share shell shelter shorten sign slash "
    "smash smuggle spot stage start store storm strengthen study supply support suppress "
    "surrender suspend tackle target test threaten tour train transport travel treat trigger "
    "turn uncover unite unveil upgrade urge use veto view visit vote walk warn watch welcome "
    "work wound wreck "
).split()
_PAST = {
    "began": "begin", "became": "become", "bought": "buy", "sold": "sell", "won": "win",
    "lost": "lose", "held": "hold", "met": "meet", "left": "leave", "took": "take",
    "made": "make", "gave": "give", "found": "find", "built": "build", "paid": "pay",
    "led": "lead", "fell": "fall", "rose": "rise", "died": "die", "cost": "cost", "hit": "hit",
    "struck": "strike", "beat": "beat", "shot": "shoot", "sent": "send", "spent": "spend",
    "came": "come", "went": "go", "wrote": "write", "broke": "break", "brought": "bring",
    "fled": "flee", "flew": "fly", "grew": "grow", "drew": "draw", "ran": "run",
    "stopped": "stop", "planned": "plan", "set": "set", "saw": "see", "put": "put",
    "withdrew": "withdraw", "told": "tell", "stepped": "step", "dropped": "drop", "quit": "quit",
    "shipped": "ship", "kidnapped": "kidnap", "banned": "ban", "topped": "top",
    "taught": "teach", "fought": "fight", "caught": "catch", "sought": "seek", "chose": "choose",
    "froze": "freeze", "stole": "steal", "threw": "throw", "woke": "wake", "sang": "sing",
    "sank": "sink", "swam": "swim", "drove": "drive", "rode": "ride", "felt": "feel",
    "stood": "stand", "admitted": "admit", "committed": "commit", "submitted": "submit",
    "stabbed": "stab", "grabbed": "grab", "dragged": "drag", "transferred": "transfer",
    "occurred": "occur", "underwent": "undergo", "overthrew": "overthrow", "kept": "keep",
    "wore": "wear", "swore": "swear", "spoke": "speak",
}  # fmt: skip
_ATTRIBUTION = re.compile(
    r", (?:according to [^,]+|(?:the |a |an )?[\w’'. -]{3,60} (?:said|says"
    r"|announced|confirmed|reported)(?: (?:on )?\w+day| in a statement| late \w+day)?)\.$"
)
_DATE_FIRST = re.compile(
    r"^(On|In) ((?:\w+day|\d{1,2} [A-Z]\w+|[A-Z]\w+ \d{1,2}|[A-Z]\w+|\d{4})(?:,? \d{4})?),? "
    r"((?:the|a|an|[A-Z]\w+) [^,]+)\.$"
)
_APPOSED = re.compile(
    r"^((?:[A-Z][\w’'.-]+ ){0,3}[A-Z][\w’'.-]+), (?:now )?(?:\d\d|(?:an?|the) [^,]+)"
    r"(?:, [A-Z]\w+(?: [A-Z]\w+)?)?, (?=[a-z]+ )"
)
_ANYBODY = frozenset(
    (
        "man woman boy girl child mother father son daughter brother sister wife husband actor "
        "actress singer author writer artist player soldier medic officer official general airman "
        "pilot engineer doctor nurse teacher student politician lawmaker spokesman spokeswoman "
        "spokesperson keeper victim suspect attacker gunman reporter journalist scientist "
        "researcher nominee candidate winner driver contractor victim composer scorer senator "
        "councillor head chief predecessor successor queen king prince princess pope"
    ).split()
)
_HAVE = {"has": ("does", "have"), "have": ("do", "have"), "had": ("did", "have")}
_AUXILIARIES = frozenset("is are was were has have had will can could may must should".split())
_MOST_SUBJECT = 9
# A clause within the subject, or a list that may go on behind the verb.
_BREAKS = CONJUNCTIONS - {"and"} | {",", ";", ":", "(", ")", "-", "–", "—"}
POINTING = (
    PRONOUNS
    | POSSESSIVES
    | frozenset(
        (
            "this that these those there here himself herself itself themselves ourselves hers "
            "theirs mine yours another other others former latter same such either neither i'm "
            "it's he's she's they're we're you're i've we've they've who's also meanwhile however "
            "though later earlier"
        ).split()
    )
)


class Clause(NamedTuple):
    """“`subject` `auxiliary` `verb` `rest`”; `auxiliary` is one of do where the sentence has none.

    `verb` is empty behind an auxiliary of the sentence's own; what follows that is in `rest`.
    `finite` is the verb as the sentence has it.
    """

    subject: str
    auxiliary: str
    verb: str
    rest: str
    finite: str


class Known(NamedTuple):
    """Words that an article has in lower case, and those with a capital within a sentence."""

    common: frozenset[str]
    names: frozenset[str]


def read_known(text: str) -> Known:
    """Return what `text` shows of its words."""
    words = re.findall(r"[\w’'-]+|[^\w\s]", text)
    return Known(
        frozenset(word for word in words if word.islower()),
        frozenset(b for a, b in pairwise(words) if a.islower() and b[0].isupper()),
    )


def bare(sentence: str) -> str:
    """Return `sentence` without who said it and what is put beside its subject, a date at its end.

    “On Monday, Ann Lee, 41, left, police said.” → “Ann Lee left on Monday.”
    """
    told = _DATE_FIRST.sub(_date_last, _ATTRIBUTION.sub(".", sentence))
    return _APPOSED.sub(r"\1 ", told)


def read_clause(sentence: str) -> Clause | None:
    """Return the parts of `sentence`, None unless they are plain."""
    tokens = tokenize(sentence)
    at = next((i for i, token in enumerate(tokens) if i and _is_verb(token)), None)
    if at is None or at + 1 >= len(tokens) or not is_subject(tokens[:at]):
        return None
    verb = tokens[at]
    rest = sentence[verb.end :].strip().rstrip(".").rstrip()
    subject = sentence[: verb.start].strip()
    follows = tokens[at + 1]
    counted = follows.text[0].isdecimal() or follows.lower in DETERMINERS | {"about", "nearly"}
    if verb.lower in _HAVE and counted:
        auxiliary, base = _HAVE[verb.lower]
        return Clause(subject, auxiliary, base, rest, verb.text)
    if verb.lower in _AUXILIARIES:
        return Clause(subject, verb.lower, "", rest, verb.text)
    return Clause(subject, "did", base_of(verb.lower) or "", rest, verb.text)


def goes_on(rest: str) -> bool:
    """Return whether a second verb or a clause follows, which a question would leave hanging."""
    tokens = tokenize(rest)
    return any(
        token.lower in CONJUNCTIONS - {"and", "as", "than"}
        or (
            token.lower == "and"
            and any(
                t.lower in AUXILIARIES | IRREGULAR or t.lower.endswith("ed") or base_of(t.lower)
                for t in tokens[i + 1 : i + 3]
            )
        )
        for i, token in enumerate(tokens)
    )


def is_subject(tokens: Sequence[Token]) -> bool:
    """Return whether `tokens` are a noun phrase that may begin a sentence, and nothing else."""
    if not 0 < len(tokens) <= _MOST_SUBJECT:
        return False
    first, last = tokens[0], tokens[-1]
    lowered = {token.lower for token in tokens}
    return (
        first.lower not in PREPOSITIONS | OPENERS | TIMES | POINTING
        and last.lower not in PREPOSITIONS | DETERMINERS
        and not lowered & (_BREAKS | POINTING)
        and not any(token.lower.endswith(("ly", "ing")) and not token.capital for token in tokens)
        and not first.lower.endswith(("ing", "ed", "ly"))
        and (first.lower in DETERMINERS or last.capital or last.lower[-1] == "s")
    )


def inside(phrase: str, known: Known) -> str | None:
    """Return `phrase` as it is written within a sentence: “The mayor” becomes “the mayor”.

    None where nothing shows whether its first word is a name.
    """
    first, _, rest = phrase.partition(" ")
    lowered = first.lower()
    function = lowered in DETERMINERS | PREPOSITIONS
    common = function or lowered in PLURALS or lowered in known.common
    if function or (common and not rest[:1].isupper()):
        return phrase[0].lower() + phrase[1:]
    named = re.sub(r"[’']s?$", "", first) in known.names or rest[:1].isupper()
    return phrase if named or not first[1:].islower() or first[0].isdecimal() else None


def base_of(past: str) -> str | None:
    """Return the bare verb of a past tense in lower case, None when it is not known."""
    if past in _PAST:
        return _PAST[past]
    return next((base for base in _REGULAR if _past(base) == past), None)


def is_role(word: str) -> bool:
    """Return whether `word` says what one person is to others: “mayor”, not “woman”."""
    return word in PEOPLE and word not in _ANYBODY


def words_of(text: str) -> set[str]:
    """Return the words of `text` in lower case."""
    return {token.lower for token in tokenize(text)}


def _date_last(found: re.Match[str]) -> str:
    """“On Monday, the bridge was closed.” → “The bridge was closed on Monday.”"""
    preposition, date, rest = found.groups()
    return f"{rest[0].upper()}{rest[1:]} {preposition.lower()} {date}."


def _is_verb(token: Token) -> bool:
    plain = not token.capital and not token.quoted
    return plain and (token.lower in _AUXILIARIES or base_of(token.lower) is not None)


def _past(base: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    return f"{base[:-1]}ied" if base.endswith("y") and base[-2] not in "aeou" else f"{base}ed"
