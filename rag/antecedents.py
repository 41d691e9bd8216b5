"""Whom “he”, “the general” or “the statement” means: the nearest fitting name before it.

>>> before = [tokenize("Gen. Ilir Hoxha visited the front.")]
>>> [token.text for token in resolve(tokenize("The general"), before)]
['Gen.', 'Ilir', 'Hoxha']

A noun that finds no name stands for itself; a pronoun that finds none says nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.phrases import opening_phrase, phrase_after
from rag.reports import find_reports
from rag.tokens import CONJUNCTIONS, PREPOSITIONS, PRONOUNS, TIMES, Token, is_name

Sentence = Sequence[Token]

_TITLES = {
    "general": "gen general", "colonel": "col colonel", "major": "maj major",
    "captain": "capt captain", "admiral": "adm admiral", "sergeant": "sgt sergeant",
    "commander": "cmdr commander", "doctor": "dr doctor", "professor": "prof professor",
    "senator": "sen senator", "governor": "gov governor", "congressman": "rep representative",
    "congresswoman": "rep representative", "lawmaker": "rep sen", "minister": "minister",
    "president": "president", "secretary": "secretary", "judge": "judge justice",
    "mayor": "mayor", "sheriff": "sheriff", "pope": "pope", "king": "king", "queen": "queen",
    "ambassador": "ambassador", "coach": "coach", "bishop": "bishop", "detective": "detective",
    "chancellor": "chancellor", "inspector": "inspector", "prince": "prince",
}  # fmt: skip
_BEFORE_NAMES = frozenset(" ".join(_TITLES.values()).split()) | frozenset(
    "mr mrs ms sir dame lord lady prof lt brig cpl pvt rev fr supt insp det chief lance".split()
)
_WOMEN = frozenset("mrs ms dame lady queen princess sister mother woman spokeswoman".split())
_MEN = frozenset("mr sir lord king prince father man spokesman pope brother".split())
_GROUPS = frozenset(
    (
        "group agency company firm charity organisation organization ministry union bank club "
        "party airline militia watchdog regulator network team association institute university"
    ).split()
)
_COLLECTIVE = _GROUPS | frozenset(
    (
        "department office court council committee commission board government army navy military "
        "force forces service authority bureau corps international foundation society federation "
        "corporation inc corp ltd co pentagon parliament senate house treasury embassy police "
        "press television radio times post herald guard command nations centre center trust fund "
        "hospital"
    ).split()
)
_DOCUMENTS = frozenset(
    (
        "report statement study survey poll letter memo indictment filing complaint lawsuit audit "
        "review inquiry investigation data figures records documents document ruling verdict "
        "article newspaper paper post communique release reports studies memoir book diary "
        "analysis count tally estimate assessment account"
    ).split()
)
_OWNED = _DOCUMENTS - set(
    "newspaper paper article figures records data inquiry documents document".split()
)
_SOME_PERSON = ("man", "woman", "er", "or", "ist", "ian", "ant", "chief")
_ISSUED = frozenset("issued released published wrote sent filed posted".split())
_AMOUNTS = frozenset("more most many much some several few less all both half".split())
_NO_PERSON_AFTER = frozenset("in at near outside of the".split())
_MOST_SENTENCES = 6


def resolve(phrase: Sentence, before: Sequence[Sentence]) -> Sentence | None:
    """Return the tokens that name whom `phrase` means; `before` holds the sentences up to it."""
    phrase = _owner(phrase)
    words = [token.lower for token in phrase]
    if not words or words[0] in ("i", "we", "you", "me", "us", "him", "them"):
        return None
    if words[0] in ("he", "she", "it", "they"):
        return _meant_by(words[0], before)
    if len(words) == 2 and words[0] in ("the", "that", "this"):
        return _named(words[1], before) or phrase
    return phrase


def _owner(phrase: Sentence) -> Sentence:
    """Return X of “X's statement” and “a report by X”, else the phrase."""
    for at, token in enumerate(phrase):
        if token.lower not in _DOCUMENTS or not at:
            continue
        possessive = next((i for i in range(at) if phrase[i].lower == "'s"), None)
        if possessive:
            return phrase[:possessive]
        if len(phrase) > at + 2 and phrase[at + 1].lower in ("by", "from"):
            return phrase[at + 2 :]
    return phrase


def _meant_by(pronoun: str, before: Sequence[Sentence]) -> Sentence | None:
    for sentence in reversed(before[-_MOST_SENTENCES:]):
        for spoken in _candidates(sentence):
            candidate = spoken if pronoun == "they" else _leader(spoken)
            if _fits(pronoun, candidate, before) and not _is_place(candidate, before):
                return candidate
        if pronoun in ("he", "she"):
            for name in _names(sentence):
                if _fits(pronoun, name, before):
                    return name
    return None


def _leader(candidate: Sentence) -> Sentence:
    """Return X of “X and his staff”."""
    for at, (one, other) in enumerate(pairwise(candidate)):
        if at and one.lower == "and" and other.lower in ("his", "her"):
            return candidate[:at]
    return candidate


def _is_place(candidate: Sentence, before: Sequence[Sentence]) -> bool:
    """Return whether a single name is elsewhere where something is: “in Vancouver”."""
    if len(candidate) > 1:
        return False
    return any(
        one.lower in ("in", "at", "near", "outside") and other.text == candidate[0].text
        for sentence in before
        for one, other in pairwise(sentence)
    )


def _candidates(sentence: Sentence) -> Iterator[Sentence]:
    """Yield who speaks in `sentence`, last first, then its subject; pronouns left out."""
    for report in reversed(find_reports(sentence)):
        yield _owner(sentence[report.first : report.stop])
    told = [token for token in sentence if not token.quoted]
    opening = opening_phrase(told)
    if opening is not None:
        yield _owner(told[opening.first : opening.stop])


def _fits(pronoun: str, candidate: Sentence, before: Sequence[Sentence]) -> bool:
    words = [token.lower.rstrip(".") for token in candidate]
    if not words or words[0] in ("he", "she", "it", "they", "i", "we", "you", "there", "that"):
        return False
    head = _head(words)
    several = "and" in words or head in ("police", "people") or _is_plural(candidate, head, before)
    if pronoun == "they":
        return several
    titled = bool(_BEFORE_NAMES & set(words[:-1])) or words[-1] in _WOMEN | _MEN
    if pronoun == "it":
        return not several and not titled and _is_group(candidate, words, head)
    if {"he": _WOMEN, "she": _MEN}[pronoun] & set(words) or several or words[-1] == "'s":
        return False
    return titled or _is_person(candidate, words, head)


def _is_person(candidate: Sentence, words: Sequence[str], head: str) -> bool:
    if _is_site(candidate) or words[-1].endswith("ly") or words[0] in _AMOUNTS:
        return False
    if _COLLECTIVE & set(words) and not head.endswith(_SOME_PERSON):
        return False
    if candidate[-1].capital and words[0] not in ("the", "a", "an"):
        return not candidate[-1].text.isupper() and is_name(candidate)
    return not candidate[-1].capital and (head.endswith(_SOME_PERSON) or head in _TITLES)


def _is_group(candidate: Sentence, words: Sequence[str], head: str) -> bool:
    """Return whether the name is that of a body, or may be; “Lena Haas” is not."""
    if _COLLECTIVE & set(words):
        return not head.endswith(("man", "woman"))
    if words[0].endswith(("ing", "ed", "ly")) or words[0] in _AMOUNTS:
        return False
    first, last = candidate[0], candidate[-1]
    if words[0] in ("the", "a", "an") or not (first.capital and last.capital):
        return head in _COLLECTIVE or (words[0] == "the" and last.text.isupper())
    small = [t for t in candidate if not t.capital]
    return (
        len(words) == 1
        or last.text.isupper()
        or (0 < len(small) == sum(len(t.text) < 4 for t in small))
    )


def _is_site(candidate: Sentence) -> bool:
    return any(t.lower.endswith((".com", ".org", ".net")) for t in candidate)


def _head(words: Sequence[str]) -> str:
    """Return the noun that a phrase is about: “spokesman” of “a spokesman for the firm”."""
    cut = next(
        (i for i, w in enumerate(words) if i and w in "of for in at from with".split()), None
    )
    return words[:cut][-1]


def _is_plural(candidate: Sentence, head: str, before: Sequence[Sentence]) -> bool:
    noun = next(token for token in reversed(candidate) if token.lower.rstrip(".") == head)
    # “Santos”, with its capital within a sentence, is one man; “Residents” opens one.
    within = any(token.text == noun.text for sentence in before for token in sentence[1:])
    alone = not noun.capital or (len(candidate) == 1 and not within)
    return alone and head.endswith("s") and not head.endswith(("ss", "us", "is"))


def _names(sentence: Sentence) -> Iterator[Sentence]:
    """Yield the runs of two or more capitals outside quotation, last first."""
    stop = len(sentence)
    while stop > 1:
        first = stop
        while first > 0 and sentence[first - 1].capital and not sentence[first - 1].quoted:
            first -= 1
        begin = first
        while first < stop and sentence[first].lower in CONJUNCTIONS | TIMES | PREPOSITIONS:
            first += 1
        placed = first > 0 and sentence[first - 1].lower in _NO_PERSON_AFTER
        if stop - first > 1 and not placed:
            yield sentence[first:stop]
        stop = min(begin, stop - 1)


def _named(noun: str, before: Sequence[Sentence]) -> Sentence | None:
    """Return the name that bears `noun` as its title, or the group or owner last spoken of."""
    near = list(reversed(before[-_MOST_SENTENCES:]))
    if noun in _TITLES:
        return next((name for s in near for name in _titled(noun, s)), None)
    if noun in _GROUPS:
        same = (c for s in near for c in _candidates(s) if len(c) > 2 and c[-1].lower == noun)
        called = next(same, None)
        if called is not None:
            return called
        found = (c for s in near[:2] for c in _candidates(s) if is_name(c) and _fits("it", c, near))
        return next(found, None)
    if noun in _OWNED:
        owners = (owner for s in near for owner in _owners(noun, s))
        fit = (o for o in owners if o[0].lower not in PRONOUNS and o[-1].text[0].isalpha())
        return next(fit, None)
    return None


def _titled(noun: str, sentence: Sentence) -> Iterator[Sentence]:
    titles = _TITLES[noun].split()
    for name in _names(sentence):
        if any(token.lower.rstrip(".") in titles for token in name[:-1]):
            yield name
    for at, token in enumerate(sentence):
        commas = [i for i in range(max(at - 7, 0), at) if sentence[i].text == ","]
        if token.lower == noun and commas:
            yield from (
                n for n in _names(sentence[: commas[-1]]) if n[-1] is sentence[commas[-1] - 1]
            )


def _owners(noun: str, sentence: Sentence) -> Iterator[Sentence]:
    """Yield who made the document of that name which `sentence` speaks of."""
    at = next((i for i, token in enumerate(sentence) if token.lower == noun), None)
    if at is None:
        return
    if at + 1 < len(sentence) and sentence[at + 1].lower in ("by", "from"):
        rest = phrase_after(sentence, at + 2)
        if rest is not None:
            yield sentence[rest.first : rest.stop]
            return
    spoken = [sentence[r.first : r.stop] for r in find_reports(sentence)]
    # “The statement said”: it speaks here, but is not said to be anyone's.
    if any(token.lower == noun for speaker in spoken for token in speaker):
        yield from (o for s in spoken if (o := _owner(s)) is not s and len(o) < len(s))
        return
    if spoken:
        yield from (_owner(speaker) for speaker in reversed(spoken))
    elif _ISSUED & {token.lower for token in sentence[max(at - 4, 0) : at]}:
        yield from _candidates(sentence)
