"""What can be wrong with a sentence beside a passage: one function for each, a count and a reason.

>>> [found.name for check in CHECKS for found in check(view)]
['numbers_missing', 'words_missing_share', ...]

Nothing here is a model, and no count is a verdict: `rag.support` weighs them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rag.opposites import opposites
from rag.premise import Place, Premise, related
from rag.words import Word, denials, sayings

_BESIDE = 3
_TOGETHER_WORDS = 6
_LISTED = 3
# Of a longer sentence the rest is not looked at: no text may cost seconds.
_LONGEST = 200
_STRONG = frozenset("all every only never always entire entirely none most first last".split())
_HEDGES = frozenset(
    "may might could would perhaps possibly probably likely reportedly allegedly alleged suspected "
    "apparently appears seems believed unclear potential potentially".split()
)

FEATURES = (
    "words_missing",
    "words_missing_share",
    "words_far_share",
    "names_missing",
    "names_missing_share",
    "names_far",
    "dates_missing",
    "dates_far",
    "numbers_missing",
    "numbers_far",
    "numbers_misplaced",
    "numbers_conflicting",
    "denial_added",
    "denial_dropped",
    "denial_only_here",
    "opposites",
    "speaker_missing",
    "speaker_other",
    "apart_share",
    "apart",
    "bigrams_missing_share",
    "trigrams_missing_share",
    "bigrams_far_share",
    "order_changed",
    "strong_added",
    "hedge_dropped",
    "verbatim",
    "clause_missing",
    "clause_far",
    "seams_share",
    "uncopied_share",
)


class Finding(NamedTuple):
    """One count about a sentence, and what it says to a person when it is not zero."""

    name: str
    value: float
    reason: str | None = None


class View(NamedTuple):
    """A sentence, its words that say something, and the sentences of a passage that hold most."""

    words: tuple[Word, ...]
    telling: tuple[Word, ...]
    premise: Premise
    window: range

    def near(self, key: str, margin: int = 0) -> list[Place]:
        """Return where the word stands in the window, or up to `margin` sentences from it."""
        first, last = self.window.start - margin, self.window.stop + margin
        return [p for p in self.premise.find(key) if first <= p.sentence < last]


def _presence(view: View) -> Iterator[Finding]:
    """Which words, names, numbers and dates are nowhere, or stand only elsewhere."""
    kinds = {"content": "words", "name": "names", "number": "numbers", "date": "dates"}
    total = len(view.telling) or 1
    names = sum(word.kind == "name" for word in view.telling) or 1
    for word in view.telling:
        name = kinds[word.kind]
        if not view.premise.find(word.key):
            yield Finding(f"{name}_missing", 1.0, f"“{word.text}” does not stand in the passage")
            yield Finding("words_missing_share", 1 / total)
            if word.kind == "name":
                yield Finding("names_missing_share", 1 / names)
        elif not view.near(word.key, margin=int(word.kind == "name")):
            reason = f"“{word.text}” stands in the passage, but not where the rest of it does"
            yield Finding("words_far_share", 1 / total)
            if word.kind != "content":
                yield Finding(f"{name}_far", 1.0, reason)


def _numbers(view: View) -> Iterator[Finding]:
    """Numbers that the passage has beside other words, and words that have other numbers there."""
    for i, word in enumerate(view.words):
        beside = _beside(view.words, i, _BESIDE) if word.kind == "number" else []
        if not beside:
            continue
        there = [w for p in view.premise.find(word.key) for w in _around(view.premise, p)]
        if there and not _meets({w.key for w in beside}, {w.key for w in there}):
            reason = (
                f"{word.text} does not stand in the passage beside {_quoted(beside)}"
                f"; it stands beside {_quoted(there)}"
            )
            yield Finding("numbers_misplaced", 1.0, reason)
        rivals = {b: _numbers_beside(view.premise, b) for b in beside}
        if word.key not in {w.key for found in rivals.values() for w in found}:
            yield from _conflict(word, rivals)


def _conflict(word: Word, rivals: dict[Word, list[Word]]) -> Iterator[Finding]:
    """The first of the words beside the number that has another one in the passage."""
    beside = next((w for w, numbers in rivals.items() if numbers), None)
    if beside is not None:
        reason = f"beside “{beside.text}” the passage has {rivals[beside][0].text}, not {word.text}"
        yield Finding("numbers_conflicting", 1.0, reason)


def _numbers_beside(premise: Premise, word: Word) -> list[Word]:
    """Return the numbers that stand beside `word` somewhere in the passage."""
    return [
        near
        for place in premise.find(word.key)
        for near in _around(premise, place, kinds=("number",))
    ]


def _around(
    premise: Premise, place: Place, kinds: Sequence[str] = ("content", "name")
) -> list[Word]:
    """Return the words of these kinds beside a place, in its clause."""
    low, high = max(0, place.position - 3 * _BESIDE), place.position + 3 * _BESIDE
    near = [p for p in premise.places[low:high] if p.sentence == place.sentence]
    return _beside([p.word for p in near], near.index(place), _BESIDE + 1, kinds)


def _beside(
    words: Sequence[Word], at: int, reach: int, kinds: Sequence[str] = ("content", "name")
) -> list[Word]:
    """Return the words of these kinds among the telling ones next to `at`, in its clause."""

    def near(side: Sequence[Word]) -> list[Word]:
        same = [w for w in side if w.clause == words[at].clause and w.matters][:reach]
        return [w for w in same if w.kind in kinds]

    return near(words[:at][::-1])[::-1] + near(words[at + 1 :])


def _meets(keys: set[str], others: set[str]) -> bool:
    return bool(keys & others) or any(related(key) & others for key in keys)


def _quoted(words: Sequence[Word]) -> str:
    return ", ".join(f"“{text}”" for text in list(dict.fromkeys(w.text for w in words))[:_LISTED])


def _denials(view: View) -> Iterator[Finding]:
    """Words that one side denies and the other does not."""
    near = range(view.window.start, view.window.stop)
    there = [p.word for p in view.premise.places if p.sentence in near]
    denied = {w.key for w in there if w.denied}
    affirmed = {w.key for w in there if not w.denied}
    for word in view.telling:
        if word.denied and word.key in affirmed - denied:
            reason = f"the sentence denies “{word.text}”, the passage does not"
            yield Finding("denial_added", 1.0, reason)
        elif not word.denied and word.key in denied - affirmed:
            reason = f"the passage denies “{word.text}”, the sentence does not"
            yield Finding("denial_dropped", 1.0, reason)
    if denials(view.words) > denials(there):
        yield Finding("denial_only_here", 1.0, "the sentence has a negation that the passage lacks")


def _opposed(view: View) -> Iterator[Finding]:
    """Words in whose place the passage has their contrary."""
    there = {p.word.key: p.word for p in view.premise.places if p.sentence in view.window}
    for word in view.words:
        contrary = opposites(word.key) & there.keys()
        if contrary and word.key not in there:
            other = there[min(contrary)].text
            yield Finding("opposites", 1.0, f"the passage has “{other}”, not “{word.text}”")


def _speakers(view: View) -> Iterator[Finding]:
    """Sayings whose speaker is not the one near the same words in the passage."""
    near = range(view.window.start - 1, view.window.stop + 1)
    there = [p.word for p in view.premise.places if p.sentence in near]
    heard = sayings(there)
    known = {w.key for saying in heard for w in saying.speaker}
    for saying in sayings(view.words):
        keys = {w.key for w in saying.speaker}
        if not keys:
            continue
        who = _quoted(saying.speaker)
        if not keys & {w.key for w in there}:
            yield Finding("speaker_missing", 1.0, f"{who} is not named where this is said")
        elif not keys & known:
            said_by = _quoted([w for s in heard for w in s.speaker])
            reason = f"in the passage it is not {who} who says it"
            yield Finding("speaker_other", 1.0, f"{reason}, but {said_by}" if said_by else reason)


def _togetherness(view: View) -> Iterator[Finding]:
    """Neighbours in the sentence that stand far apart in the passage: facts mixed."""
    pairs = [
        (a, b, view.premise.find(a.key), view.premise.find(b.key))
        for a, b in pairwise(view.telling)
        if a.key != b.key
    ]
    pairs = [pair for pair in pairs if pair[2] and pair[3]]
    for a, b, here, there in pairs:
        if _distance(here, there) > _TOGETHER_WORDS:
            reason = f"“{a.text}” and “{b.text}” do not stand together in the passage"
            yield Finding("apart", 1.0, reason)
            yield Finding("apart_share", 1 / len(pairs))


def _distance(here: Sequence[Place], there: Sequence[Place]) -> int:
    return min(abs(p.position - q.position) for p in here for q in there)


def _runs(view: View) -> Iterator[Finding]:
    """Runs of two and three words that the passage, or its best part, does not have."""
    keys = [word.key for word in view.words]
    whole = [p.word.key for p in view.premise.places]
    near = [p.word.key for p in view.premise.places if p.sentence in view.window]
    yield Finding("bigrams_missing_share", _runs_missing(keys, whole, 2))
    yield Finding("trigrams_missing_share", _runs_missing(keys, whole, 3))
    yield Finding("bigrams_far_share", _runs_missing(keys, near, 2))
    yield Finding("verbatim", float(_runs_missing(keys, near, 2) == 0))


def _runs_missing(keys: Sequence[str], among: Sequence[str], n: int) -> float:
    runs = [tuple(keys[i : i + n]) for i in range(len(keys) - n + 1)]
    there = {tuple(among[i : i + n]) for i in range(len(among) - n + 1)}
    return sum(run not in there for run in runs) / len(runs) if runs else 0.0


def _clauses(view: View) -> Iterator[Finding]:
    """How much of its worst clause no single sentence of the passage has, 0 to 1."""
    clauses: dict[int, list[Word]] = {}
    for word in view.telling:
        clauses.setdefault(word.clause, []).append(word)
    worst = worst_near = 0.0
    for clause in clauses.values():
        if len(clause) > 1:
            held = Counter(
                s for w in clause for s in {p.sentence for p in view.premise.find(w.key)}
            )
            near = max((held[s] for s in view.window), default=0)
            worst = max(worst, 1 - max(held.values(), default=0) / len(clause))
            worst_near = max(worst_near, 1 - near / len(clause))
    yield Finding("clause_missing", worst)
    yield Finding("clause_far", worst_near)


def _copies(view: View) -> Iterator[Finding]:
    """How much of the sentence is not copied in runs, and how often it changes its place."""
    keys = [word.key for word in view.words]
    start = copied = runs = 0
    while start < len(keys):
        length = max(
            (_run(keys, start, view.premise, p) for p in view.premise.of_key.get(keys[start], ())),
            default=0,
        )
        if length > 2:
            copied, runs = copied + length, runs + 1
        start += max(1, length)
    yield Finding("uncopied_share", 1 - copied / len(keys) if keys else 0.0)
    yield Finding("seams_share", runs / copied if copied else 0.0)


def _run(keys: Sequence[str], start: int, premise: Premise, place: Place) -> int:
    """Return how many of `keys` from `start` on the passage has in a row from `place` on."""
    length = 0
    for key, there in zip(keys[start:], premise.places[place.position :], strict=False):
        if key != there.word.key:
            break
        length += 1
    return length


def _order(view: View) -> Iterator[Finding]:
    """How much of what both have stands in another order, 0 to 1."""
    near = [p.word.key for p in view.premise.places if p.sentence in view.window][: 2 * _LONGEST]
    held = set(near)
    keys = [word.key for word in view.telling if word.key in held][:_LONGEST]
    if len(keys) > 2:
        changed = 1 - _longest_common(keys, [k for k in near if k in set(keys)]) / len(keys)
        yield Finding("order_changed", changed)


def _longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for item in a:
        before = 0
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], before + 1 if item == other else max(row[j], row[j - 1])
    return row[-1]


def _strength(view: View) -> Iterator[Finding]:
    """Words that make a statement stronger than the passage has it."""
    there = {p.word.text.lower() for p in view.premise.places if p.sentence in view.window}
    here = {word.text.lower() for word in view.words}
    for text in sorted((here & _STRONG) - there):
        yield Finding("strong_added", 1.0, f"the passage does not say “{text}”")
    dropped = sorted((there & _HEDGES) - here)
    if dropped and not here & _HEDGES:
        yield Finding("hedge_dropped", 1.0, f"the passage says “{dropped[0]}”, the sentence not")


CHECKS = (
    _presence,
    _numbers,
    _denials,
    _opposed,
    _speakers,
    _togetherness,
    _runs,
    _clauses,
    _copies,
    _order,
    _strength,
)
