"""Where a sentence reports what someone says: who, and which of its words are theirs.

>>> tokens = tokenize("Nine boats sank, the coast guard said.")
>>> [" ".join(t.text for t in tokens[r.first : r.stop]) for r in find_reports(tokens)]
['the coast guard']

What is no report: saying that is denied or supposed (“did not say”, “refused to say”, “would say”),
that has no one to say it (“is said to be”), and what signs, clocks and laws say: the outlet read
them. Announcing, denying, vowing and blaming are reports of what is announced, denied and vowed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rag.phrases import Phrase, opening_phrase, phrase_after, phrase_before
from rag.tokens import AUXILIARIES, POSSESSIVES, PRONOUNS, QUOTES, Token, is_occasion
from rag.verbs import BASES, CALLING, PARTICIPLES, TELLING, VERBS, is_adjective, is_report, manner

_MUTE = frozenset(
    (
        "sign signs clock clocks law laws rule rules label labels proverb saying thermometer map "
        "poster banner plaque menu logic evidence there what which that this who nobody none "
        "everybody everyone anyone someone noone himself herself itself"
    ).split()
)
_MEASURES = frozenset(
    "plan schedule number size amount rank age need custom tradition taste type law rules".split()
)
_TURNS = frozenset("but and while whereas though although".split())
_HANGS = frozenset(
    (
        "after before because when since although though despite than until as how why where what"
    ).split()
)
_RELATIVES = frozenset("which who whom whose that".split())


class Report(NamedTuple):
    """Tokens [first, stop) say what stands in the characters [start, end), save `aside`.

    `main` when the sentence itself is the report, not a clause that hangs on it.
    """

    first: int
    stop: int
    start: int
    end: int
    aside: tuple[int, int]
    main: bool


def find_reports(tokens: Sequence[Token]) -> list[Report]:
    """Return the reports in one sentence, in order; none inside quotation marks."""
    found: list[Report] = []
    for at, token in enumerate(tokens):
        if token.quoted or token.text in QUOTES or (token.capital and at and token.lower in VERBS):
            continue
        report = None
        if token.lower == "according" and _is(tokens, at + 1, "to"):
            report = _according(tokens, at)
        elif token.lower in ("in", "as"):
            report = _in_words_of(tokens, at)
        elif token.lower in PARTICIPLES and at and tokens[at - 1].text == ",":
            report = _elided(tokens, at, found)
        elif token.lower in VERBS:
            report = _said(tokens, at, found)
        if report is not None:
            found = [*_cut(found, tokens, report), report]
    return found


def _according(tokens: Sequence[Token], at: int) -> Report | None:
    phrase = phrase_after(tokens, at + 2)
    if phrase is None or _mute(tokens, phrase):
        return None
    words = {token.lower for token in tokens[phrase.first : phrase.stop]}
    if _MEASURES & words and not any(t.capital for t in tokens[phrase.first : phrase.stop]):
        return None
    return _whole(tokens, phrase, at, phrase.stop)


def _in_words_of(tokens: Sequence[Token], at: int) -> Report | None:
    """“In X's words”, “in the words of X”."""
    ahead = [token.lower for token in tokens[at : at + 12]]
    if ahead[:4] == ["in", "the", "words", "of"]:
        phrase = phrase_after(tokens, at + 4)
        return phrase and _whole(tokens, phrase, at, phrase.stop)
    if "words" in ahead and ahead[ahead.index("words") - 1] == "'s":
        stop = at + ahead.index("words") - 1
        if stop > at + 1 and not any(token.text == "," for token in tokens[at:stop]):
            return _whole(tokens, Phrase(at + 1, stop, at), at, stop + 2)
    return None


def _said(tokens: Sequence[Token], at: int, before: Sequence[Report]) -> Report | None:
    verb = tokens[at].lower
    last, how = manner(tokens, at)
    if how == "passive":
        return _by(tokens, at)
    if how == "unsaid" or is_adjective(tokens, last):
        return None
    if last >= 0 and tokens[last].lower in ("and", "but", "or", "then"):
        spoken = verb not in BASES and is_report(tokens, at, at + 1)
        return _elided(tokens, at, before) if spoken else None
    if verb == "quoted":
        return None
    return _inverted(tokens, at) or _forward(tokens, at, last)


def _forward(tokens: Sequence[Token], at: int, last: int) -> Report | None:
    """“X said (that) …” or “…, X said”."""
    phrase = phrase_before(tokens, last + 1)
    if phrase is None or _mute(tokens, phrase):
        return None
    after = _complement(tokens, at)
    opener = tokens[phrase.begin - 1].lower if phrase.begin else ""
    if opener in ("if", "whether", "unless") or _acted(tokens, phrase):
        return None
    over = _over(tokens, after) or (tokens[at].lower == "put" and _is(tokens, after, "it"))
    if _ends_quotation(tokens, phrase.begin) or (
        over and (opener == "as" or _told_before(tokens, phrase.begin))
    ):
        return _whole(tokens, phrase, phrase.begin, after)
    if after >= len(tokens) or not is_report(tokens, at, after):
        return None
    return _part(tokens, phrase, at, after, opener)


def _acted(tokens: Sequence[Token], phrase: Phrase) -> bool:
    """Return whether the phrase ends in a verb: “the envoy rejected | calls for a truce”."""
    last, before = tokens[phrase.stop - 1], tokens[max(phrase.stop - 2, phrase.first)]
    return not last.capital and last.lower.endswith("ed") and before.capital and before != last


def _part(tokens: Sequence[Token], phrase: Phrase, at: int, after: int, opener: str) -> Report:
    hangs = opener in _HANGS or opener in _RELATIVES
    stop = len(tokens)
    for i in range(after, len(tokens)):
        if _parts(tokens[i]) or (hangs and i > after and _closes(tokens, i)):
            stop = i
            break
    # “who said” hangs, too: its subject stands before the “who”.
    hangs = hangs or any(t.lower == "who" for t in tokens[at - 1 : at])
    start = tokens[after].start
    if opener in _RELATIVES - {"that"}:
        start = tokens[phrase.begin].start
    aside = (tokens[phrase.begin].start, tokens[after - 1].end)
    return Report(phrase.first, phrase.stop, start, tokens[stop - 1].end, aside, not hangs)


def _closes(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].text == "," and not tokens[i].quoted


def _inverted(tokens: Sequence[Token], at: int) -> Report | None:
    """“…,” said X."""
    if not at or tokens[at - 1].text not in QUOTES | {",", "—", "–"}:
        return None
    phrase = phrase_after(tokens, at + 1)
    if phrase is None or _mute(tokens, phrase) or tokens[at].lower in CALLING | TELLING:
        return None
    if tokens[at - 1].text not in QUOTES:
        if tokens[at + 1].lower in POSSESSIVES:
            return None
        ahead = tokens[phrase.stop : phrase.stop + 1]
        if ahead and ahead[0].text not in ".,;" and not is_occasion(tokens, phrase.stop):
            return None
        if phrase_before(tokens, at) is not None:
            return None
    return _whole(tokens, phrase, at, phrase.stop)


def _by(tokens: Sequence[Token], at: int) -> Report | None:
    """“Was blamed by X”, “is quoted as saying”."""
    if tokens[at].lower == "quoted" and _is(tokens, at + 1, "as") and _is(tokens, at + 2, "saying"):
        phrase = phrase_before(tokens, at - 1)
        if phrase is None or at + 3 >= len(tokens):
            return None
        return _part(tokens, phrase, at, at + 3, "")
    supposed = any(token.lower in ("if", "unless") for token in tokens[max(at - 8, 0) : at])
    if (
        supposed
        or not _is(tokens, at + 1, "by")
        or tokens[at].lower in ("found", "put", "called", "reported")
    ):
        return None
    # What follows these belongs to the blame, not to who lays it.
    cuts = {"accused": ("of",), "blamed": ("for", "on")}.get(tokens[at].lower, ("as",))
    stop = next((i for i in range(at + 2, len(tokens)) if tokens[i].lower in cuts), len(tokens))
    phrase = phrase_after(tokens[:stop], at + 2)
    if phrase is None or _mute(tokens, phrase):
        return None
    return _whole(tokens, phrase, at, phrase.stop)


def _elided(tokens: Sequence[Token], at: int, before: Sequence[Report]) -> Report | None:
    """“… and said”, “…, saying”: the subject is the speaker before, or the sentence's own."""
    same = next((report for report in reversed(before) if report.main), None)
    phrase = Phrase(same.first, same.stop, same.first) if same else opening_phrase(tokens)
    after = _complement(tokens, at)
    if phrase is None or phrase.stop > at or _mute(tokens, phrase) or after >= len(tokens):
        return None
    aside = (tokens[at].start, tokens[at].end)
    end = tokens[-1].end
    main = same is not None or tokens[at].lower not in PARTICIPLES
    return Report(phrase.first, phrase.stop, tokens[after].start, end, aside, main)


def _whole(tokens: Sequence[Token], phrase: Phrase, begin: int, stop: int) -> Report:
    """Return a report of all of the sentence, or of its part between semicolons."""
    first = last = begin
    while first > 0 and not _parts(tokens[first - 1]):
        first -= 1
    while last < len(tokens) and not _parts(tokens[last]):
        last += 1
    aside = (tokens[begin].start, tokens[stop - 1].end)
    end = tokens[max(last - 1, 0)].end
    return Report(phrase.first, phrase.stop, tokens[first].start, end, aside, main=True)


def _mute(tokens: Sequence[Token], phrase: Phrase) -> bool:
    """Return whether the phrase is nobody, or a thing that the outlet reads for itself."""
    words = [token.lower for token in tokens[phrase.first : phrase.stop]]
    head = next((i for i, word in enumerate(words) if i and word in ("of", "for", "in")), None)
    return (
        words[0] in ("no", "nobody", "neither", "none", "few", "whoever")
        or words in (["another"], ["one"], ["each"], ["originally"], ["formerly"], ["commonly"])
        or words[:head][-1] in _MUTE
        or (words[-1] in PRONOUNS and len(words) > 1)
        or not any(word[0].isalpha() for word in words)
    )


def _complement(tokens: Sequence[Token], at: int) -> int:
    """Return where what is said begins, past “reporters”, “on Thursday” and “that”."""
    for i in range(at + 1, min(at + 12, len(tokens))):
        if tokens[i].text in ".;:" or tokens[i].text in QUOTES or tokens[i].lower in AUXILIARIES:
            break
        if tokens[i].lower == "that" and (i == at + 1 or _skips(tokens, at)):
            return i + 1
    after = at + 1
    if tokens[at].lower in TELLING:
        heard = phrase_after(tokens, after)
        after = heard.stop if heard else after
    while after < len(tokens) and is_occasion(tokens, after):
        ended = phrase_after(tokens, after + 1)
        times = tokens[after].lower not in ("in", "on", "at", "by", "during", "from")
        after = after + 1 if times or ended is None else max(ended.stop, after + 2)
    return after


def _skips(tokens: Sequence[Token], at: int) -> bool:
    told = tokens[at].lower in TELLING | {"warned", "warns", "promised"}
    return told or is_occasion(tokens, at + 1) or tokens[at + 1].lower in ("in", "on", "at", "to")


def _parts(token: Token) -> bool:
    return token.text == ";" and not token.quoted


def _told_before(tokens: Sequence[Token], begin: int) -> bool:
    """Return whether something that can be reported stands before the speaker."""
    return begin > 2 and (tokens[begin - 1].text in QUOTES or tokens[begin - 1].text in ",—–")


def _ends_quotation(tokens: Sequence[Token], begin: int) -> bool:
    """Return whether “…,” stands before the speaker."""
    return begin > 2 and tokens[begin - 1].text in QUOTES and tokens[begin - 2].text in ",.?!—…"


def _over(tokens: Sequence[Token], after: int) -> bool:
    """Return whether nothing reported follows the verb before the next stop."""
    if after >= len(tokens) or tokens[after].text in ".,;!?—–)":
        return True
    if tokens[after].lower not in "in on at to by during from after via as about while".split():
        return False
    for token in tokens[after:]:
        if token.text in ".,;":
            return True
        if token.lower in AUXILIARIES or token.lower == "that":
            return False
    return True


def _cut(found: list[Report], tokens: Sequence[Token], later: Report) -> list[Report]:
    """Return the reports, those that ran on into a new one ended there.

    A new one begins after “but” or “and”, or is the “X said” that all before it ends with.
    """
    start = later.aside[0]
    turn = next((i for i, token in enumerate(tokens) if token.start >= start), 0) - 1
    turns = turn >= 1 and tokens[turn].lower in _TURNS
    if not turns and later.start >= start:
        return found
    end = tokens[turn - 1].end if turns else start
    return [r._replace(end=end) if r.aside[1] <= r.start < end < r.end else r for r in found]


def _is(tokens: Sequence[Token], at: int, word: str) -> bool:
    return at < len(tokens) and tokens[at].lower == word
