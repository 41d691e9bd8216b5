"""What a conversation has come to: its last question, its answer, and what was named on the way.

>>> after(State(), Rewriting("Who won?"), "Helena Voss (3 September 2020): “…” [1]").answer
'Helena Voss'
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.entities import Mention, mentions, nested, read_inside
from rag.lexical import stem
from rag.prompts import NO_ANSWER
from rag.question import content_words

_LONGEST_TURN_CHARS = 600
_OLDER = 0.5
RELATIONAL = frozenset(
    "type types kind kinds sort role roles cause causes symptom symptoms advantage advantages "
    "disadvantage disadvantages benefit benefits effect effects impact purpose purposes history "
    "origin origins cost costs price difference differences example examples name names meaning "
    "importance future function functions characteristics feature features theme themes aim aims "
    "rule rules use uses evidence consequences result results reason reasons pros cons risks risk "
    "side size number level age length definition toll objectives concerns criticisms classes "
    "factors applications options versions variants models model tasks measures components variety "
    "sources features places winners rest first second".split()
)
NEW_TOPIC = re.compile(
    r"^\W*(?:tell me (?:more )?about|describe|what (?:is|are|was|were) (?!the\b))", re.I
)


class Known(NamedTuple):
    """Something named earlier, and how present it still is."""

    mention: Mention
    weight: float


class State(NamedTuple):
    """What a conversation has come to: the last question made self-contained, and what is known."""

    question: str = ""
    focus: Mention | None = None
    earlier: Mention | None = None
    answer: str = ""
    claim: str = ""
    known: tuple[Known, ...] = ()


class Rewriting(NamedTuple):
    """A question made self-contained, and what it turned out to be about."""

    text: str
    about: Mention | None = None


def after(state: State, made: Rewriting, answered: str | None) -> State:
    """Return what `state` becomes with a question, made self-contained, and the answer it got."""
    answer, claim = _short(answered)
    focus = made.about or _new_focus(made.text, state.focus)
    known = [Known(one, weight * _OLDER) for one, weight in state.known if weight > 0.05]
    known += [Known(one, 0.8) for one in nested(made.text)]
    if focus is not None:
        known.append(Known(focus, 1.2))
    known += [Known(one, 0.5) for one in mentions(claim)[:8]]
    known += _answering(answer, made.text)
    moved = state.focus is not None and focus is not None and focus.bare != state.focus.bare
    earlier = state.focus if moved else state.earlier
    return State(made.text, focus, earlier, answer, claim, tuple(known[-60:]))


def stems(text: str) -> set[str]:
    """Return the stems of the content words of `text`, possessives cut."""
    bare = (re.sub(r"['’]s?$", "", word) for word in content_words(text))
    return {stem(word) for word in bare if content_words(word)}


def lacking(last: str, question: str) -> list[str]:
    """Return the content words of `last` that `question` lacks."""
    asked = stems(question)
    return [word for word in content_words(last) if not stems(word) <= asked]


def added(question: str, words: Sequence[str]) -> str:
    """Return `question` with `words` in brackets before its question mark."""
    if not words:
        return question
    body = question.rstrip(" ?")
    return f"{body} ({' '.join(words)}){'?' if '?' in question[len(body) :] else ''}"


def definite(one: Mention) -> str:
    """Return what was named as something known: “a trust” is “the trust” from then on."""
    return one.text if one.text == one.bare else f"the {one.bare}"


def _answering(answer: str, question: str) -> list[Known]:
    """Return what an answer names; what it begins with is most often what was asked for.

    A sentence that answers “Who was named?” begins with who named him.
    """
    named = [one for one in mentions(answer)[:6] if one.kind not in ("date", "number")]
    passive = (
        len(named) > 1 and re.match(r"\W*who (?:was|were) \w+ed\b", question, re.I) is not None
    )
    first = [one for one in named if one.named][1:2] if passive else named[:1]
    leads = first if passive or (named and named[0].start == 0) else []
    return [Known(one, 1.35 if one in leads else 0.85) for one in named]


def _short(answer: str | None) -> tuple[str, str]:
    """Return the words that answer, and the sentence that is quoted for them."""
    if answer is None or answer in NO_ANSWER.values():
        return "", ""
    text = " ".join(re.sub(r"\[\d+\]", "", answer[:_LONGEST_TURN_CHARS]).split())
    quoted = re.search(r"[“\"](.+?)[”\"]", text)
    claim = quoted[1].strip(" …,.") if quoted else ""
    if quoted and quoted.start() == 0:
        return "", claim
    short = re.split(r",\s|[:;(]", text, maxsplit=1)[0].strip(" .")
    return ("" if short.lower() in ("yes", "no") else short), claim or text.strip(" .")


def _new_focus(question: str, focus: Mention | None) -> Mention | None:
    """Return what is talked about after `question`, which stood on its own.

    A name stays in focus until another name or an introduction (“What is …?”) takes its place.
    """
    topic = _topic(question)
    if topic is None or focus is None:
        return topic or focus
    introduced = NEW_TOPIC.match(question) is not None
    stays = _has_name(focus) and not _has_name(topic) and not introduced
    return focus if stays or (topic.head in RELATIONAL and topic.of is None) else topic


def _has_name(one: Mention) -> bool:
    return any(map(str.isupper, one.bare))


def _topic(question: str) -> Mention | None:
    """Return what `question` is about: of “the causes of the fire”, the fire."""
    found = [one for one in mentions(question) if one.kind not in ("date", "number")]
    if not found:
        return None
    about = re.search(
        r"\b(?:tell me|learn|know|information) (?:more )?(?:about|on) ", question, re.I
    )
    found = [one for one in found if about is None or one.start >= about.end()] or found
    wh = re.match(r"\W*(?:how (?:many|much)|which|what|whose)\s+(?=\w)", question, re.IGNORECASE)
    rest = [one for one in found if not (wh and one.start == wh.end())] or found
    best = rest[0]
    if best.of and best.head in RELATIONAL:
        return next(iter(read_inside(best.of)), best)
    return best
