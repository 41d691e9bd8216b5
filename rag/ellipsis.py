"""A question of a few words completed from the one before it: “And K-1?”, “and when?”.

>>> parallel("K-1", "When was Qayyarah handed to Iraqi forces?")
'When was K-1 handed to Iraqi forces?'
>>> asked_anew("when", "Where did the Ever Given run aground?", answer="the canal bank")
'When did the Ever Given run aground?'
"""

import re
from typing import NamedTuple

from rag.entities import Mention, is_content, is_place, mentions, nested, read_inside, tokens

_BE = "is|are|was|were|has|have|had"
_DO = "do|does|did"
_MODAL = "can|could|will|would|shall|should|may|might|must"
_WH = "who|whom|whose|what|which|when|where|why|how"
_PREPOSITION = (
    "in|on|at|for|by|with|from|about|after|before|against|during|since|until|near|to|of|under"
)
_OPENING = r"^\W*(?:(?:and|but|so|ok|okay|oh|well|also)\b[\s,]*)*"
_ASKED_ALONE = re.compile(
    rf"{_OPENING}(?P<wh>(?:(?:{_PREPOSITION})\s+)?(?:{_WH})\b(?:\s+[\w’'-]+){{0,5}}?)\s*[?.!\s]*$",
    re.IGNORECASE,
)
_ANYTHING = re.compile(
    rf"{_OPENING}(?:(?:what|how)\s+about\s+)?(?P<rest>[^?!.,;:]{{1,80}}?)[?.!\s]*$", re.IGNORECASE
)
_ABOUT = re.compile(rf"{_OPENING}(?:what|how)\s+about\b", re.IGNORECASE)
_STARTS_AND = re.compile(r"^\W*and\b", re.IGNORECASE)
_ASKED = re.compile(
    rf"^\W*(?P<wh>(?:(?:{_PREPOSITION})\s+)?(?:{_WH})\b.*?)??\s*\b(?P<aux>{_BE}|{_DO}|{_MODAL})\s+"
    r"(?P<rest>\S.*?)[?.!\s]*$",
    re.IGNORECASE,
)
_OF_SUBJECT = re.compile(
    r"^\W*(?P<wh>who|what|which(?:\s+[\w’'-]+){1,3}?)\s+(?P<rest>\S.*?)[?.!\s]*$", re.IGNORECASE
)
_SAID_SO = re.compile(
    rf"{_OPENING}(?:who\s+(?:says|said|told\s+\w+|reported|is\s+saying)(?:\s+(?:that|this|so|it))?|"
    r"who\s+(?:claims|claimed)\s+(?:that|so)|according\s+to\s+whom?)[?.!\s]*$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"\b(?:first|second|third|fourth|fifth|last|next|other|previous|earlier|later)\b", re.IGNORECASE
)
_PARTICIPLE = re.compile(r"^(?:\w+ed|born|built|held|hit|killed|shot|won|sent|sold|made|known)\b")


class Asked(NamedTuple):
    """A question as its asking words, its auxiliary and the rest; is its subject asked for?"""

    wh: str
    auxiliary: str
    rest: str
    of_subject: bool


def said_so(question: str) -> bool:
    """Return whether `question` asks who said what was just quoted."""
    return _SAID_SO.match(question) is not None


def asked_alone(question: str) -> str | None:
    """Return the asking words of a question that is nothing else: “And for how much?”."""
    found = _ASKED_ALONE.match(question)
    if found is None:
        return None
    words = tokens(found["wh"])
    verbs = {*f"{_BE}|{_DO}|{_MODAL}|am|be|about".split("|")}
    # “who claimed it” has a verb; “which of them”, “in which minute” do not.
    if any(word.lower in verbs or "'" in word.lower for word in words):
        return None
    start = next((i for i, word in enumerate(words) if re.fullmatch(_WH, word.lower)), None)
    if start is None:
        return None
    phrase = words[start + 1 :]
    if phrase and words[start].lower in ("who", "whom", "when", "where", "why"):
        return None
    if any(word.lower in ("it", "he", "she", "they", "this", "that") for word in phrase):
        return None
    known = read_inside(" ".join(word.text for word in phrase))
    content = sum(is_content(word) for word in phrase)
    covered = sum(len(tokens(one.bare)) for one in known)
    return found["wh"] if covered >= content and content <= 2 else None


def named_alone(question: str) -> str | None:
    """Return what “And X?”, “What about X?” or “X?” names; None for a question with a verb."""
    found = _ANYTHING.match(question)
    if found is None or (not question.rstrip().endswith("?") and not _explicit(question)):
        return None
    rest = found["rest"].strip()
    words = tokens(rest)
    shifted = read_inside(rest)
    covered = sum(len(tokens(one.text)) for one in shifted)
    most = 8 if _explicit(question) else 4
    if (
        not shifted
        or len(words) > most
        or re.match(rf"(?:{_WH}|{_BE}|{_DO}|{_MODAL})\b", rest, re.I)
    ):
        return None
    loose = len(words) - covered
    return rest if loose <= 1 + bool(re.match(rf"(?:{_PREPOSITION})\b", rest, re.I)) else None


def _explicit(question: str) -> bool:
    return _ABOUT.match(question) is not None or _STARTS_AND.match(question) is not None


def parallel(named: str, last: str) -> str | None:
    """Return `last` with `named` in place of what is parallel to it; None when nothing is."""
    preposition = re.match(rf"({_PREPOSITION})\s+", named, re.IGNORECASE)
    bare = named[preposition.end() :] if preposition else named
    new = read_inside(bare)
    if not new:
        return None
    scored = [(_likeness(new[0], old, last, preposition[1] if preposition else None), -i, old)
              for i, old in enumerate(_beyond_asking(last))]  # fmt: skip
    best = max(scored, key=lambda item: item[:2], default=None)
    if best is None or best[0] < 2:
        return f"{last.rstrip(' ?.')} {named}?" if preposition else None
    old = best[2]
    end = old.end
    head = re.search(re.escape(old.head), old.text, re.IGNORECASE)
    if head and old.head == new[0].head and len(tokens(bare)) <= 4:
        # “The second attack?” keeps where the first one was.
        end = old.start + head.end()
    return f"{last[: old.start]}{lowered(bare)}{last[end:]}"


def _beyond_asking(last: str) -> list[Mention]:
    """Return what `last` names, its asking words (“how many passengers”) left out."""
    asked = _ASKED.match(last)
    begin = asked.end("wh") if asked and asked["wh"] else 0
    return [one for one in nested(last) if one.start >= begin]


def _likeness(new: Mention, old: Mention, last: str, preposition: str | None) -> float:
    """Return how alike two mentions are; 2 and more is parallel."""
    if old.head == new.head:
        return 6.0 if _ORDINAL.search(old.text) or old.bare.lower() != new.bare.lower() else 0.0
    before = last[: old.start].rstrip().rsplit(" ", 1)[-1].lower()
    score = 0.0
    if preposition is not None:
        score = 3.0 if before == preposition.lower() else -2.0
    old_kind = "place" if is_place(old.head) else old.kind
    score += 3.0 if old_kind == new.kind and new.kind not in ("thing", "name") else 0.0
    score += 1.5 if {old_kind, new.kind} & {"name"} and old.named and new.named else 0.0
    score += 1.0 if old.named == new.named and new.named else 0.0
    return score - (
        2.0 if {old_kind, new.kind} & {"date", "number"} and old_kind != new.kind else 0
    )


def asked_anew(wh: str, last: str, *, answer: str) -> str | None:
    """Return `last` with the asking words `wh`; `answer` answered it, empty when nothing did."""
    asked = parts(re.sub(r"\s*\(([^()]*)\)", r", \1", last))
    if asked is None:
        return None
    wh = wh[0].upper() + wh[1:]
    if not asked.of_subject:
        return f"{wh} {asked.auxiliary.lower()} {asked.rest}?"
    verb = f"{asked.auxiliary} {asked.rest}".strip()
    if re.match(r"(?:who|which|what|how many)\b", wh, re.IGNORECASE):
        counted = re.sub(r"\s+of (?:them|these|those)$", f" {_bare(answer)}", wh, flags=re.I)
        return f"{counted} {verb}?" if counted != wh or answer else None
    if asked.auxiliary and answer:
        return f"{wh} {asked.auxiliary} {answer} {asked.rest}?"
    return f"{wh} ({answer} {verb})?" if answer else f"{wh} ({verb})?"


def parts(question: str) -> Asked | None:
    """Return what `question` asks with and about; None when it is no question by its form."""
    asked = _ASKED.match(question)
    if asked and not _hides_verb(asked["wh"] or ""):
        auxiliary, rest = asked["aux"], asked["rest"]
        first = tokens(rest)[0] if tokens(rest) else None
        by_subject = re.match(r"\W*(?:who|what|which|how many)\b", asked["wh"] or "", re.I)
        subject = bool(by_subject) and auxiliary.lower() not in _DO.split("|")
        subject = subject and first is not None and not _begins_noun(rest)
        return Asked(asked["wh"] or "", auxiliary, rest, subject)
    plain = _OF_SUBJECT.match(question)
    return Asked(plain["wh"], "", plain["rest"], True) if plain else None


def _hides_verb(wh: str) -> bool:
    """Return whether the words before an auxiliary hold a verb: “Who claimed that it was …”."""
    return len(tokens(wh)) > 7 or re.search(r"\w+ed\b|\bthat\b|\bsaid\b", wh) is not None


def _begins_noun(rest: str) -> bool:
    """Return whether a subject begins `rest`: “oil prices fall”, not “blamed for the attack”."""
    if _PARTICIPLE.match(rest):
        return False
    found = mentions(f"did {rest}")
    return bool(found) and found[0].start == len("did ")


def lowered(text: str) -> str:
    """Return `text` as it stands inside of a sentence: “The attack” is “the attack” there."""
    return text[:1].lower() + text[1:] if text.split(" ", 1)[0] in ("A", "An", "The") else text


def _bare(answer: str) -> str:
    return re.sub(r"^(?:an?|the)\s+", "", answer, flags=re.IGNORECASE)
