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

from evals.gold.clauses import (
    Clause,
    Known,
    bare,
    goes_on,
    inside,
    read_clause,
    read_known,
    words_of,
)
from evals.gold.drafted import WHO_SAID, Drafted, is_plain
from evals.gold.names import full_name, name_end, role_before, role_behind, speaker
from rag.reports import find_reports
from rag.sentences import sentence_spans
from rag.timex import expressions
from rag.tokens import (
    AUXILIARIES,
    DETERMINERS,
    IRREGULAR,
    PREPOSITIONS,
    tokenize,
)
from rag.words import SAYING, read_words

_DATELINE = re.compile(
    r"^[A-Z][^.!?]{1,60}(?:\([A-Za-z][\w ]{1,20}\)\s*(?:--|[—–-])|\s(?:--|[—–]))\s+"
)
_SENTENCE_CHARS = range(30, 261)
_ODD = re.compile(r"[\n()\[\]:;?!*|…]|--|\s-\s|[—–]|\.\.")
_QUOTED = re.compile(r"^[“\"]([^“”\"]{30,180}),[”\"] (.+)$")
_SAID = re.compile(r"^(?:said|says) (.+)$|^(.+?) (?:said|says)\b(.*)$")
_TOLD = frozenset("said says told announced warned added confirmed explained stated".split())
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


def questions(text: str) -> Iterator[Drafted]:
    """Yield the questions that the sentences of `text` make, in order."""
    known = read_known(text)
    for start, end in sentence_spans(text):
        sentence = _DATELINE.sub("", text[start:end])
        if len(sentence) not in _SENTENCE_CHARS or "\n" in sentence:
            continue
        for made in _made(sentence, text, known):
            if is_plain(made.question):
                yield made


def _made(sentence: str, text: str, known: Known) -> Iterator[Drafted]:
    yield from _who_said_words(sentence)
    yield from _who_holds(sentence, known)
    yield from _how_old(sentence)
    if not sentence.endswith(".") or _ODD.search(sentence[:-1]) or re.search(r"[“”\"]", sentence):
        return
    yield from _who_said(sentence, known)
    told = bare(sentence)
    if SAYING & words_of(told):
        return
    yield from _who_did(told, sentence, text)
    yield from _how_many_did(told, sentence)
    clause = read_clause(told)
    if clause is not None and not goes_on(clause.rest):
        yield from _how_many(clause, sentence, known)
        yield from _when(clause, sentence, known)


def _who_said_words(sentence: str) -> Iterator[Drafted]:
    """“…,” said X → Who said, “…”?"""
    found = _QUOTED.match(sentence)
    said = found and _SAID.match(found[2].rstrip("."))
    if not found or not said or not sentence.endswith("."):
        return
    if name := speaker(said[1] or said[2]):
        yield Drafted("quote", f"Who said, “{found[1]}”?", (name,), sentence)


def _who_said(sentence: str, known: Known) -> Iterator[Drafted]:
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
    if told := inside(claim, known):
        yield Drafted("who", f"{WHO_SAID}{told}?", (name,), sentence)


def _who_holds(sentence: str, known: Known) -> Iterator[Drafted]:
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
        if role and not (role[0].isupper() and role.split()[0].lower() in known.common):
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


def _how_many(clause: Clause, sentence: str, known: Known) -> Iterator[Drafted]:
    """“The fire destroyed 40 homes” → How many homes did the fire destroy?"""
    verb, rest = clause.verb, clause.rest
    if not verb:
        verb, _, rest = rest.partition(" ")
        if clause.auxiliary not in ("will", "has", "have") or not verb.isalpha():
            return
    subject = inside(clause.subject, known)
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


def _when(clause: Clause, sentence: str, known: Known) -> Iterator[Drafted]:
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
    if subject := inside(clause.subject, known):
        yield Drafted("when", f"When {clause.auxiliary} {subject} {asked}?", (told,), sentence)


def _number(text: str) -> tuple[str, str]:
    """Return the number that `text` begins with as written, and what follows; empty for none."""
    first = next(iter(read_words(text)), None)
    # “$40”, “the”, “1980s” and “One”, which is a pronoun as often, are no counts.
    if first is None or first.kind != "number":
        return "", ""
    # A number's words are given with a space between them, whatever stands there.
    found = re.match(re.escape(first.text).replace(r"\ ", r"[\s-]+"), text)
    return (found[0], text[found.end() :].strip()) if found else ("", "")


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
