"""A follow-up made self-contained, so that "and when?" finds what it is about.

>>> standalone("And K-1?", [Turn(question="When was Qayyarah handed to Iraqi forces?")])
'When was K-1 handed to Iraqi forces?'

What points back is replaced by what it points to: the last short answer, what the last question
was about, or what else was named, whatever fits the pronoun best. Where nothing can be replaced,
words are added in brackets. What is already self-contained is left alone.
"""

import re
from collections.abc import Sequence

from rag.bridging import bridged
from rag.dialogue import Known, Rewriting, State, added, after, lacking, stems
from rag.ellipsis import asked_alone, asked_anew, lowered, named_alone, parallel, said_so
from rag.entities import mentions, read_inside, tokens
from rag.lexical import stem
from rag.pronouns import POINTING, replaced
from rag.sentences import sentence_spans
from rag.types import Turn
from rag.words import denials, read_words

# Older turns hardly ever are what is meant, and long histories must not cost more.
_TURNS = 10
_LONGEST_CHARS = 4_000
# Whoever writes more than this says what it is about.
_LONGEST_TURN_CHARS = 600
_MOST_ADDED_CHARS = 300
# Words that a rewriting may leave out: they stand for others or say nothing.
_EXCUSED = frozenset("one ones same other ok okay oh please that's what's interesting wow".split())


def standalone(question: str, history: Sequence[Turn]) -> str:
    """Return `question`, completed from `history` (oldest turn first) when it needs it."""
    if not history or len(question) > _LONGEST_TURN_CHARS:
        return question
    state = State()
    for turn in history[-_TURNS:]:
        asked = " ".join(turn.question[:_LONGEST_TURN_CHARS].split())
        state = after(state, _rewritten(asked, state), turn.answer)
    text = _rewritten(question, state).text
    return text if len(text) <= _LONGEST_CHARS else question


def accepted(rewriting: str, question: str, history: Sequence[Turn]) -> bool:
    """Return whether `rewriting` may be asked in place of `question`, whoever wrote it.

    Refused: several lines or none, far more characters than `question`, a word that stands neither
    in it nor in the last ten turns, a word of it left out, a denial more or less.
    """
    longest = min(_LONGEST_CHARS, len(question) + _MOST_ADDED_CHARS)
    if not rewriting.strip() or len(rewriting) > longest or len(rewriting.splitlines()) > 1:
        return False
    turns = history[-_TURNS:]
    said = [question, *(f"{turn.question} {turn.answer or ''}" for turn in turns)]
    ours, asked = stems(rewriting), stems(question)
    known: set[str] = set().union(*map(stems, said))
    excused = {stem(word) for word in _EXCUSED}
    denied = denials(read_words(rewriting)) == denials(read_words(question))
    return ours <= known and asked - excused <= ours and denied


def _rewritten(question: str, state: State) -> Rewriting:
    if not state.question:
        return Rewriting(question)
    # “Oh, almonds? Can you show me recipes with it?”: what comes first is said, not asked.
    sentences = sentence_spans(question)
    if len(sentences) > 1:
        before, last = question[: sentences[-1][0]], question[sentences[-1][0] :]
        said = mentions(before) if before.rstrip().endswith("?") else []
        known = [Known(one, 1.4) for one in said]
        made = _completed(last, state._replace(known=(*state.known, *known)))
        return made._replace(text=before + made.text)
    return _completed(question, state)


def _completed(question: str, state: State) -> Rewriting:
    question = _asked_out(_counted(question, state))
    return (
        _who_said(question, state)
        or _elliptical(question, state)
        or replaced(question, state)
        or bridged(question, state)
        or Rewriting(question)
    )


def _counted(question: str, state: State) -> str:
    """Return `question` with what “British ones” are in place of “ones”."""
    bare = state.focus.bare if state.focus else "ones"
    return re.sub(r"(?<=\w )ones\b", lambda _: bare, question)


def _asked_out(question: str) -> str:
    """Return “And his salary?” as a question."""
    named = named_alone(question)
    whose = named and re.match(r"(?:his|her|its|their)\s+(?=\w)", named, re.IGNORECASE)
    return f"What is {named[:1].lower() + named[1:]}?" if named and whose else question


def _who_said(question: str, state: State) -> Rewriting | None:
    if not said_so(question):
        return None
    claim = state.claim or state.answer
    if not claim:
        return Rewriting(added(question, lacking(state.question, question)), state.focus)
    lost = [word for word in lacking(state.question, claim) if word[0].isupper()]
    return Rewriting(added(f"Who said that {lowered(claim)}?", lost), state.focus)


def _elliptical(question: str, state: State) -> Rewriting | None:
    """Return a question of asking words or of a name alone, with the last question's words."""
    wh = asked_alone(question)
    if wh is not None:
        answer = state.answer if len(state.answer.split()) <= 8 else ""
        made = asked_anew(wh, state.question, answer=lowered(answer))
        text = made or added(question, lacking(state.question, question))
        return Rewriting(added(text, lacking(state.question, text) if made else []), state.focus)
    named = named_alone(question)
    if named is None or any(word.lower in POINTING for word in tokens(named)):
        return None
    made = parallel(named, state.question)
    if made is not None:
        return Rewriting(made, next(iter(read_inside(named)), None))
    return bridged(question, state) or Rewriting(
        added(question, lacking(state.question, question)), state.focus
    )
