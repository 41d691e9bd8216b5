"""Sentences said otherwise by rule: what was true stays true.

>>> rewritten("Police said 14 men did not stay.", random.Random(1))
[Edit(kind='number_written_out', text='Police said fourteen men did not stay.'), ...]

The counterpart of `rag.training.edits`: without these a model would learn that to copy is to be
faithful.
"""

import random
import re
from collections.abc import Callable, Iterator

from rag.training.edits import DAYS, MONTHS, Edit, capital

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = ["", "", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]
_SYNONYMS = (
    "approximately about|attack assault|attacked assaulted|began started|begin start|"
    "bought purchased|"
    "children kids|help assist|helped assisted|killed slain|died perished|wounded injured|"
    "injured hurt|large big|huge enormous|people individuals|men males|women females|"
    "home house|job position|company firm|companies firms|police officers|lawyer attorney|"
    "lawyers attorneys|doctor physician|doctors physicians|movie film|movies films|car vehicle|"
    "cars vehicles|ended finished|end finish|needed required|need require|wanted wished|"
    "used utilized|use utilize|showed demonstrated|shows demonstrates|won captured|"
    "increased rose|decreased declined|rose climbed|fell dropped|created established|"
    "built constructed|found discovered|received got|gave provided|asked requested|"
    "allowed permitted|stopped halted|tried attempted|trying attempting|chose selected|"
    "located situated|famous well-known|important significant|difficult hard|dangerous hazardous|"
    "quickly rapidly|often frequently|usually normally|nearly almost|almost nearly|"
    "while whereas|although though|because since|numerous many|several some|total overall|"
    "main primary|whole entire|former previous|previous earlier|several various|enough sufficient|"
    "blaze fire|explosion blast|talks negotiations|victory win|government administration|"
    "deal agreement|agreement accord|law legislation|plan proposal|leader chief|head leader|"
    "demanded>called for|criticized condemned|praised lauded|announced declared|warned cautioned|"
    "revealed disclosed|arrested detained|accused charged|murdered killed|launched started|"
    "delayed postponed|resigned quit|fled escaped|destroyed wrecked|damaged harmed|"
    "occurred happened|"
    "took place>happened|holds has|kept retained|lives resides|lived resided|becomes>turns into|"
    "contains includes|consists of>comprises|known recognized|called named|named called"
).split("|")
_SAID = "stated|declared|noted|remarked".split("|")
_CONTRACTIONS = (
    "did not>didn't|was not>wasn't|were not>weren't|is not>isn't|are not>aren't|has not>hasn't|"
    "have not>haven't|had not>hadn't|will not>won't|would not>wouldn't|could not>couldn't|"
    "cannot>can't|do not>don't|does not>doesn't|it is>it's|It is>It's|that is>that's|"
    "they are>they're|we are>we're|I am>I'm|he is>he's|should not>shouldn't"
).split("|")
_SPELLINGS = (
    "percent>%| per cent>%|%> percent|United States>U.S.|U.S.>United States|United Kingdom>U.K.|"
    "United Nations>U.N.|U.N.>United Nations|more than>over|at least>no fewer than|"
    "over the course of>during|as well as>and|in order to>to|due to>because of|"
    "prior to>before|following>after|a number of>several|such as>like|for example>for instance"
).split("|")
_DROPPED = (
    re.compile(r", (?:which|who|where) [^,;“”\"]{8,90}(?=,)(?:,)"),
    re.compile(r", (?:which|who|where|including|adding|making) [^,;“”\"]{8,120}(?=[.]$)"),
    re.compile(r" \([^)]{3,80}\)"),
    re.compile(
        r"^(?:But|And|However|Meanwhile|Also|Still|In addition|For example|Additionally),? "
    ),
    re.compile(rf"(?:,)? (?:on|last|late|early) (?:{'|'.join(DAYS)})(?=[ ,.])"),
    re.compile(r"^(?:On|In|At|During|After) [^,“”\"]{4,60}, (?=[a-zA-Z])"),
    re.compile(r" (?:also|then|just|even|still|reportedly|really|very|quite)(?= )"),
    re.compile(r"(?<=\w), an? [^,;“”\"]{6,70}(?:,)(?= )"),
)
_WHO = r"(?!Although|While|If|When|In |That )[^,“”\"()]{2,60}?"
_FIRST = re.compile(
    rf"^(?P<who>{_WHO}) (?P<verb>said|says|claimed|reported)(?: that)? "
    r"(?P<what>[^“”\"]{15,}[^“”\",])\.$"
)
_LAST = re.compile(
    rf"^(?P<what>[^“”\"]{{15,}}), (?P<who>{_WHO}) (?P<verb>said|says|stated|reported)\.$"
)
_QUOTED = re.compile(
    rf"^(?P<what>[“\"].{{15,}}),(?P<q>[”\"]) (?P<who>{_WHO}) (?P<verb>said|says)\.$"
)
_ACCORDING = re.compile(rf"^(?P<what>[^“”\"]{{15,}}),? according to (?P<who>{_WHO})\.$")
_PASSIVE = re.compile(
    r"^(?P<what>[^,;“”\"]{3,60}?) (?:was|were) (?P<verb>[a-z]+(?:ed)) by (?P<who>[^,;“”\"]{3,60}?)"
    r"(?P<rest>(?: (?:in|on|at|after|during|for|when|last) [^“”\"]*)?)\.$"
)
# A second verb means a second clause, which these patterns would tear apart.
_FINITE = re.compile(r"\b(?:was|were|is|are|has|had|have|will|would|that|which|who|it|It)\b")
_NOUN = r"(?:(?:[Tt]he|[Aa]n?) [\w’'-]+|[A-Z][\w’'-]+(?: [A-Z][\w’'-]+){0,3})"
_ACTIVE = re.compile(
    rf"^(?P<who>{_NOUN}) (?P<verb>attacked|killed|arrested|blamed|accused|defeated|launched|signed|"
    r"released|opened|approved|rejected|created|designed|established|elected|founded|published|"
    r"produced|introduced|ordered|used|visited|wounded|announced|directed|formed|invaded|captured|"
    r"developed|discovered|owned|supported|replaced|completed) "
    rf"(?P<what>{_NOUN})(?P<rest>(?: (?:in|on|at|after|during|for|when|last) [^“”\"]*)?)\.$"
)


def rewritten(sentence: str, rng: random.Random) -> list[Edit]:
    """Return one true version of `sentence` for each kind of rewriting that fits it."""
    found = []
    for kind, rule in _RULES.items():
        texts = [text for text in rule(sentence, rng) if text != sentence and len(text) > 20]
        if texts:
            found.append(Edit(kind, rng.choice(texts)))
    return found


def _small(text: str) -> str:
    """Return `text` going on within a sentence; names keep their capital."""
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first in _LOWERED else text


_LOWERED = frozenset(
    "The A An This That These Those It He She They We There His Her Their Its In On At After When "
    "Police Officials Some Many Most All Several Two Three Four Five".split()
)


def _clause_dropped(sentence: str, _: random.Random) -> Iterator[str]:
    for pattern in _DROPPED:
        for match in pattern.finditer(sentence):
            yield capital((sentence[: match.start()] + sentence[match.end() :]).strip())


def _attribution_moved(sentence: str, rng: random.Random) -> Iterator[str]:
    if match := _FIRST.match(sentence):
        who, what = match["who"], match["what"]
        yield f"{capital(what)}, {_small(who)} {match['verb']}."
        yield f"According to {_small(who)}, {_small(what)}."
        yield f"{capital(what)}, according to {_small(who)}."
    elif match := _LAST.match(sentence):
        who, what = match["who"], match["what"]
        yield f"{capital(who)} {match['verb']} that {_small(what)}."
        yield f"According to {who}, {_small(what)}."
    elif match := _QUOTED.match(sentence):
        who, what, quote = match["who"], match["what"], match["q"]
        yield f"{capital(who)} {rng.choice(_SAID)}, {what}.{quote}"
        yield f"{capital(who)} {match['verb']}: {what}.{quote}"
    elif match := _ACCORDING.match(sentence):
        yield f"{capital(match['who'])} said that {_small(match['what'])}."


def _voice_changed(sentence: str, _: random.Random) -> Iterator[str]:
    if len(_FINITE.findall(sentence)) > 1:
        return
    if match := _PASSIVE.match(sentence):
        yield f"{capital(match['who'])} {match['verb']} {_small(match['what'])}{match['rest']}."
    elif match := _ACTIVE.match(sentence):
        what, who = match["what"], match["who"].strip()
        be = "were" if what.endswith("s") and not what.endswith("ss") else "was"
        yield f"{capital(what)} {be} {match['verb']} by {_small(who)}{match['rest']}."


def _synonym(sentence: str, rng: random.Random) -> Iterator[str]:
    changed = sentence
    for pair in rng.sample(_SYNONYMS, len(_SYNONYMS)):
        first, _, second = pair.partition(">" if ">" in pair else " ")
        once = re.sub(rf"\b{first}\b", second, sentence, count=1)
        if once != sentence:
            yield once
            changed = re.sub(rf"\b{first}\b", second, changed, count=1)
    yield changed
    yield re.sub(r"\bsaid\b(?! (?:he|she|they|it)\b)", rng.choice(_SAID), sentence, count=1)


def _number_written_out(sentence: str, _: random.Random) -> Iterator[str]:
    for match in re.finditer(
        r"(?<![\w.,$£€-])\d{1,2}(?![\w.,%-]*\d| percent|%|th|st|nd|rd)\b", sentence
    ):
        yield _replaced(sentence, match, _written_out(int(match.group())))
    words = {_written_out(n): n for n in range(2, 100)}
    for match in re.finditer(r"\b[A-Za-z]+(?:-[a-z]+)?\b", sentence):
        if (value := words.get(match.group().lower())) is not None:
            yield _replaced(sentence, match, str(value))


def _written_out(value: int) -> str:
    if value < 20:
        return _UNITS[value]
    return _TENS[value // 10] + (f"-{_UNITS[value % 10]}" if value % 10 else "")


def _replaced(sentence: str, match: re.Match[str], text: str) -> str:
    return capital(sentence[: match.start()] + text + sentence[match.end() :])


def _contraction(sentence: str, _: random.Random) -> Iterator[str]:
    for pair in _CONTRACTIONS:
        full, short = pair.split(">")
        yield re.sub(rf"\b{full}\b", short, sentence)
        yield re.sub(rf"\b{short.replace(chr(39), '[’' + chr(39) + ']')}\b", full, sentence)


def _spelling(sentence: str, _: random.Random) -> Iterator[str]:
    for pair in _SPELLINGS:
        first, second = pair.split(">")
        yield sentence.replace(first, second)
    yield re.sub(rf"\b({'|'.join(MONTHS)}) (\d{{1,2}})\b", r"\2 \1", sentence)
    yield re.sub(rf"\b(\d{{1,2}}) ({'|'.join(MONTHS)})\b", r"\2 \1", sentence)
    yield re.sub(r"\$(\d[\d.,]*(?: (?:million|billion))?)\b", r"\1 dollars", sentence)


_RULES: dict[str, Callable[[str, random.Random], Iterator[str]]] = {
    "clause_dropped": _clause_dropped,
    "attribution_moved": _attribution_moved,
    "voice_changed": _voice_changed,
    "synonym": _synonym,
    "number_written_out": _number_written_out,
    "contraction": _contraction,
    "spelling": _spelling,
}
