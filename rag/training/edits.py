"""Sentences made false by rule: one fact changed, the kind of change known.

>>> planted("Police said three men died on Monday.", "", random.Random(1))
[Edit(kind='number', text='Police said seven men died on Monday.'), Edit(kind='date', ...), ...]

Half of the replacements come from the same passage, for that is what unfaithful answers do; some
rules leave a sentence true by accident (a sentence that holds for either name), which nothing here
can see. `rag.training.rewrites` is the counterpart: sentences that stay true.
"""

import random
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from rag.sentences import sentence_spans
from rag.words import read_words

EditKind = Literal["number", "date", "name", "negation", "attribution", "mixed", "opposite"]

MONTHS = (
    "January February March April May June July August September October November December"
).split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
).split()
SAYING = (
    r"(?:said|says|told|announced|added|warned|stated|tweeted|noted|insisted|argued|explained|"
    r"confirmed|reported|claimed|declared|acknowledged|suggested|testified|wrote|estimated)"
)
_NAME = re.compile(r"[A-Z][\w-]*(?:\s+(?:of\s+)?[A-Z][\w-]*)*")
_NUMBER = re.compile(
    rf"(?<![\w.,$-])\d{{1,3}}(?:,\d{{3}})*(?:\.\d+)?(?![\w,.-]*\d)|\b(?:{'|'.join(NUMBER_WORDS)})\b"
)
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
_DATE = re.compile(rf"\b(?:{'|'.join(MONTHS + DAYS)})\b|\b(?:1[89]|20)\d\d\b")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|has|have|had|will|would|can|could|should|must|does|did)\b(?! not|n['’]t)"
)
_DENIAL = re.compile(r"\b(?:not|never) |(?<=did)n['’]t|(?<=was)n['’]t|(?<=is)n['’]t|(?<=do)n['’]t")
_WHO = r"(?:the |a |an |The |A |An )?(?:[A-Za-z-]+ ){0,2}?(?:[A-Z][\w.’'-]*(?: [A-Z][\w.’'-]*){0,4}"
_WHO += r"|(?:[Pp]olice|[Oo]fficials?|[Ss]pokesm[ae]n|[Ss]pokeswoman|[Aa]uthorities|[Rr]esearchers"
_WHO += r"|[Rr]eport|[Mm]inister|[Pp]rosecutors?|[Ll]awyers?|[Cc]ompany))"
_SPEAKER = re.compile(
    rf"(?:^|(?<=, )|(?<=[”\"] )|(?<=\. ))(?P<a>{_WHO}) (?={SAYING}\b)"
    rf"|(?<=[”\",] )said (?P<b>{_WHO})|\b[Aa]ccording to (?P<c>{_WHO})"
)
SPEAKERS = (
    "the Pentagon|Tehran|the White House|the United Nations|the Foreign Ministry|police|doctors|"
    "the prime minister|prosecutors|the company|a court|the Red Cross|the president|Moscow|rebels|"
    "the union|Senator Karen Doyle|the State Department|the mayor|opposition leaders|"
    "the European Union"
).split("|")
NAMES = (
    "James Whitfield|Maria Alvarez|Ahmed Nasser|Chen Wei|Boston|Karachi|Nairobi|Toronto|Madrid|"
    "Ericsson|Lufthansa|the Nile|Peru|Vietnam|Norway|Ohio|Kyoto|Helena Brandt|Oxford|"
    "General Electric"
).split("|")
_VERB = re.compile(
    r"\b(?:was|were|is|are|has|had|have|will|would|could|can|killed|announced|began|became|called|"
    r"came|carried|claimed|defeated|died|faced|found|gave|got|held|joined|launched|left|lost|made|"
    r"met|moved|opened|ordered|played|released|rejected|scored|signed|started|took|visited|"
    r"voted|went|won|worked|wrote)\b"
)
_TAIL = re.compile(r",? (?:which|who|after|when|because|while|where|before|as|by|in) (?=\w+ \w+)")
_PRONOUNS = frozenset("he she it they we i you this that there these those his her its".split())
_PASTS = {
    "announced": "announce", "approved": "approve", "arrested": "arrest", "attacked": "attack",
    "began": "begin", "blamed": "blame", "called": "call", "caused": "cause", "claimed": "claim",
    "closed": "close", "defeated": "defeat", "died": "die", "found": "find", "gave": "give",
    "helped": "help", "hit": "hit", "killed": "kill", "launched": "launch", "led": "lead",
    "left": "leave", "lost": "lose", "made": "make", "met": "meet", "opened": "open",
    "ordered": "order", "played": "play", "rejected": "reject", "released": "release",
    "said": "say", "scored": "score", "signed": "sign", "started": "start", "told": "tell",
    "took": "take", "voted": "vote", "warned": "warn", "went": "go", "won": "win", "wrote": "write",
}  # fmt: skip
_PAST = re.compile(rf"(?<=[a-z] )(?:{'|'.join(_PASTS)})\b")
_NO_SUBJECT = re.compile(r"\b(?:was|were|been|is|are|be|being|had|has|have|the|a|an|and|by) $")


class Edit(NamedTuple):
    """A sentence that was changed, and how."""

    kind: str
    text: str


def planted(sentence: str, passage: str, rng: random.Random) -> list[Edit]:
    """Return one false version of `sentence` for each kind of edit that fits it.

    Args: passage: where `sentence` stands; replacements come from it when it has any.
    """
    found = []
    for kind, rule in _RULES.items():
        texts = [text for text in rule(sentence, passage, rng) if _differs(text, sentence)]
        if texts:
            found.append(Edit(kind, rng.choice(texts)))
    return found


def capital(text: str) -> str:
    """Return `text` as a sentence begins."""
    return text[:1].upper() + text[1:]


def _differs(text: str, sentence: str) -> bool:
    """Return whether the words say something else, not only the same in other words."""
    keys = [[w.key for w in read_words(t)] for t in (text, sentence)]
    return keys[0] != keys[1] and len(text) > 10


def _put(sentence: str, match: re.Match[str], replacement: str, group: int | str = 0) -> str:
    start, end = match.span(group)
    if not sentence[:start].strip('“" '):
        replacement = capital(replacement)
    return sentence[:start] + replacement + sentence[end:]


def _number(sentence: str, passage: str, rng: random.Random) -> Iterator[str]:
    for match in _NUMBER.finditer(sentence):
        if _YEAR.fullmatch(match.group()) or _follows_month(sentence, match):
            continue
        rivals = [m.group() for m in _NUMBER.finditer(passage)]
        rivals = [r for r in rivals if r != match.group() and not _YEAR.fullmatch(r)]
        made = _other_number(match.group(), rng)
        yield _put(sentence, match, rng.choice(rivals) if rivals and rng.random() < 0.5 else made)


def _follows_month(sentence: str, match: re.Match[str]) -> bool:
    return sentence[: match.start()].rstrip().endswith(tuple(MONTHS))


def _other_number(text: str, rng: random.Random) -> str:
    """Return another number of the same make: “1,200” -> “1,900”, “three” -> “seven”."""
    if text[0].isalpha():
        return rng.choice([word for word in NUMBER_WORDS if word != text])
    places = [i for i, c in enumerate(text) if c.isdigit()]
    at = rng.choice(places[:2])
    digits = [d for d in "123456789" if d != text[at]]
    return text[:at] + rng.choice(digits) + text[at + 1 :]


def _date(sentence: str, passage: str, rng: random.Random) -> Iterator[str]:
    for match in _DATE.finditer(sentence):
        text = match.group()
        pool = MONTHS if text in MONTHS else DAYS
        if text.isdigit():
            pool = [str(int(text) + step) for step in (-9, -4, -2, -1, 1, 2, 3)]
        rivals = [d for d in _DATE.findall(passage) if d != text and d.isdigit() == text.isdigit()]
        rivals = [d for d in rivals if d.isdigit() or (d in MONTHS) == (text in MONTHS)]
        made = rng.choice([item for item in pool if item != text])
        yield _put(sentence, match, rng.choice(rivals) if rivals and rng.random() < 0.5 else made)


def _name(sentence: str, passage: str, rng: random.Random) -> Iterator[str]:
    here = names(sentence)
    rivals = [m for m in names(passage) if not _overlaps(m.group(), sentence)]
    for match in here:
        alike = [m.group() for m in rivals if _placed(m) == _placed(match)]
        made = rng.choice(NAMES)
        yield _put(sentence, match, rng.choice(alike) if alike and rng.random() < 0.6 else made)


def names(text: str) -> list[re.Match[str]]:
    """Return where names stand in `text`; not dates, not the first word of a sentence alone."""
    starts = {start for start, _ in sentence_spans(text)}
    found = []
    for match in _NAME.finditer(text):
        words = read_words(match.group())
        opens = match.start() in starts or text[: match.start()].endswith(("“", '"'))
        common = opens and (len(words) < 2 or words[0].kind == "empty")
        if not common and all(w.kind not in ("date", "number") for w in words) and len(words) < 5:
            found.append(match)
    return [m for m in found if m.group() not in ("I", "Mr", "Mrs", "Dr", "CNN")]


def _overlaps(name: str, text: str) -> bool:
    keys = {word.key for word in read_words(name)}
    return bool(keys & {word.key for word in read_words(text)})


def _placed(match: re.Match[str]) -> bool:
    """Return whether the name is that of a place, by the word before it."""
    return match.string[: match.start()].endswith((" in ", " at ", " from ", " near ", " to "))


def _negation(sentence: str, _: str, __: random.Random) -> Iterator[str]:
    for match in _DENIAL.finditer(sentence):
        yield _put(sentence, match, "")
    if _DENIAL.search(sentence):
        return
    for match in list(_AUXILIARY.finditer(sentence))[:3]:
        # “had been”, “have been”: the denial stands after the first of the two.
        yield sentence[: match.end()] + " not" + sentence[match.end() :]
    for match in _PAST.finditer(sentence):
        if not _NO_SUBJECT.search(sentence[: match.start()]):
            yield _put(sentence, match, f"did not {_PASTS[match.group()]}")


def _opposite(sentence: str, _: str, rng: random.Random) -> Iterator[str]:
    """Words in whose place their contrary can stand, in the same form."""
    for match in re.finditer(r"\b[a-z]{3,}\b", sentence):
        forms = sorted(_contraries(match.group()))
        if forms:
            yield _put(sentence, match, rng.choice(forms))


def _contraries(word: str) -> set[str]:
    pairs = (pair.split() for pair in _CONTRARIES)
    return {b if word == a else a for a, b in pairs if word in (a, b)}


_CONTRARIES = (
    "increased decreased|increase decrease|rose fell|rise fall|won lost|win lose|accepted rejected|"
    "approved rejected|supported opposed|allowed banned|arrived left|began ended|opened closed|"
    "more less|more fewer|above below|first last|best worst|success failure|guilty innocent|"
    "arrested released|bought sold|confirmed denied|before after|large small|larger smaller|"
    "high low|higher lower|north south|northern southern|east west|eastern western|old young|"
    "positive negative|strong weak|safe dangerous|same different|early late|men women|man woman|"
    "his her|husband wife|son daughter|father mother|brother sister|with without|always never|"
    "all few|most few|easy difficult|inside outside|praised criticized|gained lost|raised lowered|"
    "raised cut|up down|dead alive|killed rescued|attacked defended|started stopped|public private|"
    "possible impossible|many few|major minor|majority minority|former current|allies enemies"
).split("|")


def _attribution(sentence: str, passage: str, rng: random.Random) -> Iterator[str]:
    said = [m.group(g) for m in _SPEAKER.finditer(passage) for g in "abc" if m.group(g)]
    rivals = [who for who in said if not _overlaps(who, sentence)]
    for match in _SPEAKER.finditer(sentence):
        group = next(g for g in "abc" if match.group(g))
        who = match.group(group)
        pool = [s for s in SPEAKERS if not _overlaps(s, who)]
        made = rng.choice(pool)
        yield _put(
            sentence, match, rng.choice(rivals) if rivals and rng.random() < 0.5 else made, group
        )


def _mixed(sentence: str, passage: str, rng: random.Random) -> Iterator[str]:
    others = [passage[a:b] for a, b in sentence_spans(passage) if passage[a:b] != sentence]
    rng.shuffle(others)
    for other in others[:6]:
        yield from _heads(sentence, other)
        yield from _tails(sentence, other)
    yield from _exchanged(sentence)


def _heads(sentence: str, other: str) -> Iterator[str]:
    """Who did it in the one sentence, with what was done in the other."""
    ours, theirs = _VERB.search(sentence), _VERB.search(other)
    if not ours or not theirs:
        return
    head, tail = other[: theirs.start()], sentence[ours.start() :]
    own = sentence[: ours.start()]
    fit = all(len(h) >= 2 and _subject(h) for h in (head, own)) and len(tail.split()) > 4
    if fit and not _overlaps(head, own):
        yield head + tail


def _subject(head: str) -> bool:
    words = [word.text.lower() for word in read_words(head)]
    return 0 < len(words) < 8 and not _PRONOUNS & set(words) and "," not in head


def _tails(sentence: str, other: str) -> Iterator[str]:
    """What happened in the one sentence, with when, why or how of the other."""
    for ours in list(_TAIL.finditer(sentence))[-1:]:
        for theirs in list(_TAIL.finditer(other))[-1:]:
            tail, own = other[theirs.start() :], sentence[ours.start() :]
            enough = len(tail.split()) > 3 and len(sentence[: ours.start()].split()) > 3
            if enough and not _overlaps(tail, own):
                yield sentence[: ours.start()] + tail


def _exchanged(sentence: str) -> Iterator[str]:
    """Two numbers, or two names, each in the place of the other."""
    numbers = [m for m in _NUMBER.finditer(sentence) if not _YEAR.fullmatch(m.group())]
    for found in (numbers, names(sentence)):
        for first, second in pairwise(found):
            between = sentence[first.end() : second.start()]
            # A list says the same in any order.
            if len(between.split()) > 1 and " and " not in between and between.strip() != ",":
                yield (
                    sentence[: first.start()]
                    + second.group()
                    + between
                    + first.group()
                    + sentence[second.end() :]
                )


_RULES: dict[EditKind, Callable[[str, str, random.Random], Iterator[str]]] = {
    "number": _number,
    "date": _date,
    "name": _name,
    "negation": _negation,
    "attribution": _attribution,
    "mixed": _mixed,
    "opposite": _opposite,
}
