"""What points back, replaced by what it points to: pronouns, and “this tradition”.

>>> state = after(State(), Rewriting("Where did the Ever Given run aground?"), None)
>>> replaced("Who owns it?", state).text
'Who owns the Ever Given?'
"""

import re
from collections.abc import Sequence

from rag.dialogue import RELATIONAL, Rewriting, State, added, definite, lacking
from rag.entities import Mention, Pronoun, Token, fits, is_content, mentions, read_inside, tokens

POINTING: dict[str, Pronoun] = {
    "he": "he", "him": "he", "his": "he", "himself": "he", "she": "she", "her": "she",
    "hers": "she", "it": "it", "its": "it", "this": "it", "that": "it", "they": "they",
    "them": "they", "their": "they", "these": "they", "those": "they", "there": "there",
}  # fmt: skip
_POSSESSIVES = frozenset("his her its their".split())
_DEMONSTRATIVES = frozenset("this that these those".split())
_EMPTY_IT = re.compile(
    r"\bit(?:\s+(?:is|was|be)|['’]s)?\s+(?:true|possible|likely|necessary|safe|legal|worth)"
    r"\s+(?:that|to|for)\b|\bit (?:rain|snow)"
    r"|\bit (?:costs?|takes?|took)\b.*\bto \w"
    r"|\bis it (?:true|possible|likely|necessary|worth)\s+(?:that|to|for)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:in common|differ\w*|compare\w*|similar|related|alike|both)\b", re.IGNORECASE
)
_LINKS = frozenset("and but when if because while after before that which who until since".split())
_HAPPENING = frozenset(
    "happen happened occur occurred claim claimed condemn condemned denied".split()
)
_AFTER_THAT = frozenset(
    "is was are were did does do has had will would ? . ! in to for on at".split()
) | {""}


def replaced(question: str, state: State) -> Rewriting | None:
    """Return `question` with its pronouns replaced; None when it has none that points back."""
    words, named = tokens(question), mentions(question)
    without = {"it"} if _EMPTY_IT.search(question) else set()
    happens = any(word.lower in _HAPPENING for word in words)
    text, about, shift = question, None, 0
    meant: dict[Pronoun, Mention] = {}
    for at in range(len(words)):
        if words[at].lower in without or POINTING.get(words[at].lower) in meant:
            continue
        pronoun = _points_back(words, at, named)
        if pronoun is None:
            continue
        one = _referent(pronoun, question, state, list(meant.values()), happens=happens)
        if pronoun == "it" and happens and (one is None or one.kind != "event"):
            return Rewriting(added(question, lacking(state.question, question)), state.focus)
        if one is None:
            continue
        meant[pronoun] = one
        about = about or one
        put, end = _put(words, at, one, question)
        if pronoun == "they" and state.earlier and not one.plural and _COMPARES.search(question):
            put = f"{definite(state.earlier)} and {put}"
        start = words[at].start
        text = text[: start + shift] + put + text[end + shift :]
        shift += len(put) - (end - start)
    if not meant:
        return None
    text = text[0].upper() + text[1:]
    return Rewriting(text, _event_of(text, about) or about)


def _points_back(words: Sequence[Token], at: int, named: Sequence[Mention]) -> Pronoun | None:
    """Return the pronoun at `at`, None when there is none or its meaning stands before it."""
    word = words[at].lower
    pronoun = POINTING.get(word)
    if pronoun is None:
        return None
    before = words[at - 1].lower if at else ""
    after = words[at + 1].lower if at + 1 < len(words) else ""
    if word == "there" and ({before, after} & {"is", "are", "was", "were", "be", "been", "'s"}):
        return None
    if (
        word in ("that", "those", "these")
        and not _demonstrates(words, at)
        and (not at or is_content(words[at - 1]) or after not in _AFTER_THAT)
    ):
        return None
    if word in ("these", "those", "that") and after in ("who", "of", "that", "which"):
        return None
    return None if _has_its_own(words, at, pronoun, named) else pronoun


def _has_its_own(
    words: Sequence[Token], at: int, pronoun: Pronoun, named: Sequence[Mention]
) -> bool:
    """Return whether the pronoun at `at` means what stands before it: “Zarif … his country”."""
    linked = any(word.lower in _LINKS for word in words[1:at])
    owns = words[at].lower in _POSSESSIVES
    earlier = (one for one in named if one.end <= words[at].start)
    return any(
        fits(pronoun, one) >= 1.5
        and (linked or one.kind == "person" or (owns and one.kind in ("group", "place")))
        for one in earlier
    )


def _demonstrates(words: Sequence[Token], at: int) -> bool:
    """Return whether the word at `at` goes with a noun: “this tradition”."""
    return (
        words[at].lower in _DEMONSTRATIVES
        and at + 1 < len(words)
        and is_content(words[at + 1])
        and not words[at + 1].lower.endswith("ed")
        and (words[at].lower != "that" or not at or not is_content(words[at - 1]))
        and bool(mentions(f"x the {words[at + 1].text}")[1:])
    )


def _referent(
    pronoun: Pronoun, question: str, state: State, taken: list[Mention], *, happens: bool
) -> Mention | None:
    """Return what `pronoun` stands for: what fits it best and is most present.

    Where something `happens`, an event is meant before a thing.
    """
    asked = question.lower()
    best: tuple[float, int, Mention] | None = None
    for place, (one, weight) in enumerate(state.known):
        bare = one.bare.lower()
        if re.search(rf"\b{re.escape(bare)}\b", asked) or one in taken:
            continue
        score = fits(pronoun, one) * weight * (2.0 if happens and one.kind == "event" else 1.0)
        score *= 0.5 if one.head in RELATIONAL else 1.0
        if score > 0.1 and (best is None or (score, place) > best[:2]):
            best = (score, place, one)
    return best[2] if best else None


def _put(words: Sequence[Token], at: int, one: Mention, question: str) -> tuple[str, int]:
    """Return what stands in the place of the pronoun at `at`, and where that place ends."""
    word, name = words[at], definite(one)
    followed = at + 1 < len(words) and is_content(words[at + 1])
    if word.lower in _DEMONSTRATIVES and followed:
        noun = next(iter(read_inside(question[word.end :])), None)
        end = word.end + (noun.end if noun else 0)
        # “this festival” is the festival; “this tradition” may be one.
        same = noun is not None and noun.head == one.head
        return (name, end) if same else (f"{question[word.start : end]} ({name})", end)
    if word.lower == "there":
        return f"in {name}", word.end
    if word.lower in _POSSESSIVES and followed and not words[at + 1].lower.endswith("ly"):
        return (f"{name}'" if one.plural and name.endswith("s") else f"{name}'s"), word.end
    return name, word.end


def _event_of(text: str, about: Mention | None) -> Mention | None:
    """Return the event that `text` names by what it belongs to: “Helena Voss's first concert”."""
    named = (one for one in mentions(text) if one.kind == "event")
    return next((one for one in named if about and about.bare in one.text), None)
