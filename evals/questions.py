"""Questions about an article, made by rule from its sentences, each with its answer and its proof.

>>> [found] = questions("The fire in Redpine destroyed 40 homes.")
>>> (found.question, found.answers)
('How many homes did the fire in Redpine destroy?', ('40',))

No model: a sentence whose grammar is not plain makes no question. Most of what is made can be read
and answered, not all; a person must look at it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal, NamedTuple

from evals.clauses import POINTING, Clause, base_of, read_clause, words_of
from evals.names import full_name, name_end, role_before, role_behind, speaker
from rag.lexicon import DATES, PLURALS
from rag.reports import find_reports
from rag.sentences import sentence_spans
from rag.timex import expressions
from rag.tokens import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    IRREGULAR,
    PREPOSITIONS,
    tokenize,
)
from rag.words import SAYING, read_words

Kind = Literal["who", "when", "how_many", "how_old", "quote"]

_DATELINE = re.compile(
    r"^[A-Z][^.!?]{1,60}(?:\([A-Za-z][\w ]{1,20}\)\s*(?:--|[—–-])|\s(?:--|[—–]))\s+"
)
_SENTENCE_CHARS = range(40, 261)
_QUESTION_WORDS = range(5, 24)
_WHO_SAID = "Who said that "
_CLAIM_WORDS = 9
_ODD = re.compile(r"[\n()\[\]:;?!*|…]|--|\s-\s|[—–]|\.\.")
_QUOTED = re.compile(r"^[“\"]([^“”\"]{30,180}),[”\"] (.+)$")
_SAID = re.compile(r"^(?:said|says) (.+)$|^(.+?) (?:said|says)\b(.*)$")
_TOLD = frozenset("said says told announced warned added confirmed explained stated".split())
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
_ABOUT = re.compile(r"^(?:at least|about|around|nearly|almost|more than|over|up to|some) ", re.I)
_NO_COUNT = frozenset(
    "percent per percentage degrees of to and or year-old years months weeks days hours minutes "
    "seconds times million billion thousand hundred am pm a.m p.m o'clock % more other".split()
)
_MONEY = re.compile(
    r"^(?:(?:about|around|nearly|almost|more than|over|up to) )?"
    r"([$£€]\s?\d[\d,.]*(?: (?:million|billion|trillion))?)"
    r"(?=$| (?:for|to|in|from|on|at)\b)"
)
_TO_COME = frozenset("expected scheduled due slated planned likely to forecast".split())
_NO_WHEN = frozenset("late early since until before after mid by".split())
_BEHIND_DATE = frozenset("in at near for on with from to against over during by".split())
_PAYS = frozenset("cost pay raise lose spend earn donate collect receive win".split())
_WEEKDAY_OR_MONTH = re.compile(
    r"\b(?:\w+day|january|february|march|april|may|june|july|august|september|october|november"
    r"|december|\d{4})\b",
    re.IGNORECASE,
)
_NOW = datetime(2020, 6, 1, tzinfo=UTC)


class Drafted(NamedTuple):
    """A question with its answers; `quote` is the sentence that answers, as it stands."""

    kind: Kind
    question: str
    answers: tuple[str, ...]
    quote: str


class _Known(NamedTuple):
    """Words that an article has in lower case, and those with a capital within a sentence."""

    common: frozenset[str]
    names: frozenset[str]


def questions(text: str) -> Iterator[Drafted]:
    """Yield the questions that the sentences of `text` make, in order."""
    words = re.findall(r"[\w’'-]+|[^\w\s]", text)
    known = _Known(
        frozenset(word for word in words if word.islower()),
        frozenset(b for a, b in pairwise(words) if a.islower() and b[0].isupper()),
    )
    for start, end in sentence_spans(text):
        sentence = _DATELINE.sub("", text[start:end])
        if len(sentence) not in _SENTENCE_CHARS or "\n" in sentence:
            continue
        for made in _made(sentence, text, known):
            if is_plain(made.question):
                yield made


def is_plain(question: str) -> bool:
    """Return whether `question` is of a fair length, points nowhere and names something."""
    claim = question.startswith(_WHO_SAID)
    bare = re.sub(r"“.*”", "", question.removeprefix(_WHO_SAID))
    tokens = tokenize(bare)
    named = any(token.capital and token.lower not in DATES for token in tokens[not claim :])
    return (
        (len(question.split()) in _QUESTION_WORDS or question.startswith("How old is "))
        and not _BARE.search(bare)
        and not {token.lower for token in tokens} & (POINTING - {"that"} if claim else POINTING)
        and (named or "“" in question or (claim and len(tokens) >= _CLAIM_WORDS))
    )


def _made(sentence: str, text: str, known: _Known) -> Iterator[Drafted]:
    yield from _who_said_words(sentence)
    yield from _who_holds(sentence, known)
    yield from _how_old(sentence)
    if not sentence.endswith(".") or _ODD.search(sentence[:-1]) or re.search(r"[“”\"]", sentence):
        return
    yield from _who_said(sentence, known)
    told = _DATE_FIRST.sub(_date_last, _ATTRIBUTION.sub(".", sentence))
    told = _APPOSED.sub(r"\1 ", told)
    if SAYING & words_of(told):
        return
    yield from _who_did(told, sentence, text)
    yield from _how_many_did(told, sentence)
    clause = read_clause(told)
    if clause is not None and not _goes_on(clause.rest):
        yield from _how_many(clause, sentence, known)
        yield from _when(clause, sentence, known)


def _date_last(found: re.Match[str]) -> str:
    """“On Monday, the bridge was closed.” → “The bridge was closed on Monday.”"""
    preposition, date, rest = found.groups()
    return f"{rest[0].upper()}{rest[1:]} {preposition.lower()} {date}."


def _goes_on(rest: str) -> bool:
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


def _who_said_words(sentence: str) -> Iterator[Drafted]:
    """“…,” said X → Who said, “…”?"""
    found = _QUOTED.match(sentence)
    said = found and _SAID.match(found[2].rstrip("."))
    if not found or not said or not sentence.endswith("."):
        return
    if name := speaker(said[1] or said[2]):
        yield Drafted("quote", f"Who said, “{found[1]}”?", (name,), sentence)


def _who_said(sentence: str, known: _Known) -> Iterator[Drafted]:
    """“X said that …” and “…, X said” → Who said that …?"""
    tokens = tokenize(sentence)
    reports = find_reports(tokens)
    if len(reports) != 1 or not reports[0].main:
        return
    report = reports[0]
    begin, stop = report.aside
    if not words_of(sentence[begin:stop]) & _TOLD:
        return
    name = speaker(sentence[tokens[report.first].start : tokens[report.stop - 1].end])
    claim = sentence[stop:] if begin == 0 else sentence[:begin]
    claim = claim.strip().rstrip(".,").strip()
    # Before the speaker stands nothing but the claim, or the claim before nothing but the speaker.
    behind = sentence[stop:].strip(" .") if begin else ""
    if not name or "," in claim or (behind and behind[0] != ","):
        return
    opening = claim.split()[:1][0].lower() if claim else ""
    if len(claim.split()) < 6 or (begin and not _is_finite(claim)):
        return
    if opening in AUXILIARIES | {"but", "and", "so", "yet", "to"}:
        return
    if inside := _inside(claim, known):
        yield Drafted("who", f"{_WHO_SAID}{inside}?", (name,), sentence)


def _who_holds(sentence: str, known: _Known) -> Iterator[Drafted]:
    """“X, the head of Y, …” and “Y manager X” → Who is the head of Y?"""
    tokens = tokenize(sentence)
    for first in range(len(tokens)):
        stop = name_end(tokens, first)
        name = stop and full_name(sentence, tokens[first:stop])
        if not stop or not name:
            continue
        role = role_behind(sentence, tokens, stop)
        if role is None and sentence.startswith(name, tokens[first].start):
            role = role_before(sentence, tokens, first)
        # “Hotel manager” at the start of a sentence is any hotel's.
        if role and role.split()[0].lower() not in known.common:
            the = "" if re.search(r"['’]s?\b", role) else "the "
            yield Drafted("who", f"Who is {the}{role}?", (name,), sentence)


def _how_old(sentence: str) -> Iterator[Drafted]:
    """“Ann Lee, 41, …” and “41-year-old Ann Lee” → How old is Ann Lee?"""
    tokens = tokenize(sentence)
    for first in range(len(tokens)):
        stop = name_end(tokens, first)
        name = stop and full_name(sentence, tokens[first:stop])
        if not stop or not name or not sentence.startswith(name, tokens[first].start):
            continue
        behind = re.match(r", (\d\d),", sentence[tokens[stop - 1].end :])
        before = re.search(r"\b((\d\d)-year-old) $", sentence[: tokens[first].start])
        if behind or before:
            ages = (behind[1],) if behind else (before[2], before[1]) if before else ()
            yield Drafted("how_old", f"How old is {name}?", ages, sentence)


def _who_did(told: str, sentence: str, text: str) -> Iterator[Drafted]:
    """“X opened the bridge” → Who opened the bridge?"""
    tokens = tokenize(told)
    stop = name_end(tokens, 0)
    name = stop and full_name(told, tokens[:stop])
    clause = read_clause(told)
    if not stop or not name or clause is None or not _again(tokens[stop - 1].text, text):
        return
    if clause.subject != told[: tokens[stop - 1].end] or "," in clause.rest:
        return
    # “Who is a singer?” has too many answers.
    if clause.finite in ("is", "was") and clause.rest.split()[:1][0] in DETERMINERS | {"not"}:
        return
    yield Drafted("who", f"Who {clause.finite} {clause.rest}?", (name,), sentence)


def _how_many_did(told: str, sentence: str) -> Iterator[Drafted]:
    """“Six people were killed” → How many people were killed?"""
    rest = _ABOUT.sub("", told)
    number, what = _number(rest)
    if not number or rest[len(number) :][:1] != " ":
        return
    words = [token.lower for token in tokenize(what)]
    verb = next((i for i, word in enumerate(words) if word in AUXILIARIES | IRREGULAR), None)
    if not verb or verb > 6 or not words[verb - 1].endswith(("s", "e", "n")):
        return
    if words[0] in _NO_COUNT or not words[0].isalpha() or re.search(r",| and ", what):
        return
    yield Drafted("how_many", f"How many {what.rstrip('.')}?", _numbers(number), sentence)


def _how_many(clause: Clause, sentence: str, known: _Known) -> Iterator[Drafted]:
    """“The fire destroyed 40 homes” → How many homes did the fire destroy?"""
    verb, rest = clause.verb, clause.rest
    if not verb:
        verb, _, rest = rest.partition(" ")
        if clause.auxiliary not in ("will", "has", "have") or not verb.isalpha():
            return
    subject = _inside(clause.subject, known)
    if "," in rest or verb in ("be", "been", "a", "the") or subject is None:
        return
    money = _MONEY.match(rest)
    if money and (verb in _PAYS):
        behind = f"{verb} {rest[money.end() :].strip()}".strip()
        asked = f"How much {clause.auxiliary} {subject} {behind}?"
        yield Drafted("how_many", asked, (money[1],), sentence)
        return
    number, what = _number(_ABOUT.sub("", rest))
    words = what.split()
    size = next((i for i, w in enumerate(words) if w in PREPOSITIONS | {"and"}), len(words))
    noun = words[:size]
    if not number or not 1 <= size <= 3 or not noun[-1].endswith(("s", "people", "men", "women")):
        return
    if noun[0] in _NO_COUNT - {"years", "months", "days", "hours", "minutes"}:
        return
    if not all(word.isalpha() and word.islower() for word in noun) or "and" in words:
        return
    behind = " ".join([verb, *words[size:]])
    asked = f"How many {' '.join(noun)} {clause.auxiliary} {subject} {behind}?"
    yield Drafted("how_many", asked, _numbers(number), sentence)


def _when(clause: Clause, sentence: str, known: _Known) -> Iterator[Drafted]:
    """“The bridge was closed on 3 June” → When was the bridge closed?"""
    if clause.auxiliary not in ("is", "are", "was", "were", "will", "did") or "," in clause.rest:
        return
    # “Is shown on Thursday” is the caption of a picture.
    if clause.auxiliary in ("is", "are") and clause.rest.split()[0] not in _TO_COME:
        return
    found = expressions(clause.rest, _NOW)
    if len(found) != 1:
        return
    start, end = found[0].start, found[0].end
    told, behind = clause.rest[start:end], clause.rest[end:].strip()
    lead = re.search(r"(?:\b(?:on|in)\s*)?$", clause.rest[:start])
    before = clause.rest[: lead.start() if lead else start].rstrip()
    if not _WEEKDAY_OR_MONTH.search(told) or re.match(r"(?:this|last|next|every)\b", told):
        return
    if before.split()[-1:] and before.split()[-1].lower() in PREPOSITIONS | DETERMINERS | _NO_WHEN:
        return
    # Only a preposition shows that the date does not belong to what follows it.
    if behind and (behind.split()[0] not in _BEHIND_DATE or not (lead and lead.group())):
        return
    if len(before.split()) + len(behind.split()) < 1 + (not clause.verb):
        return
    asked = " ".join(filter(None, (clause.verb, before, behind)))
    if subject := _inside(clause.subject, known):
        yield Drafted("when", f"When {clause.auxiliary} {subject} {asked}?", (told,), sentence)


def _number(text: str) -> tuple[str, str]:
    """Return the number that `text` begins with as written, and what follows; empty for none."""
    first = next(iter(read_words(text)), None)
    # “$40”, “the”, “1980s” and “One”, which is a pronoun as often, are no counts.
    if first is None or first.kind != "number" or not text.startswith(first.text):
        return "", ""
    return first.text, text[len(first.text) :].strip()


def _numbers(number: str) -> tuple[str, ...]:
    """Return a number as written and as digits."""
    first = next(iter(read_words(number)))
    return tuple(dict.fromkeys((number.lower(), first.key)))


def _again(surname: str, text: str) -> bool:
    """Return whether somebody is called by the surname alone: an organisation hardly ever is."""
    return re.search(rf"(?:^|[.,;:“\"] |[a-z] ){re.escape(surname)}\b", text, re.M) is not None


def _is_finite(claim: str) -> bool:
    tokens = tokenize(claim)
    return any(
        token.lower in AUXILIARIES | IRREGULAR
        or (i and token.lower.endswith("ed") and not token.capital)
        for i, token in enumerate(tokens)
    )


def _inside(phrase: str, known: _Known) -> str | None:
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
