"""Whether a sentence says that something will be: which Monday it means hangs on that.

>>> text = "The court, which met on Monday, will rule in June."
>>> ahead(text, 24, 30), ahead(text, 45, 49)
(False, True)
"""

import re

_NEAR = 200
_AHEAD = re.compile(
    r"\bwill\b|^\W*Will\b|\bwon[’']t\b|[’']ll\b|\bshall\b|\bwould\b(?! (?:\w+ )?have\b)"
    r"|\bgoing to\b|\b(?:is|are) to\b|\bplans? to\b|\bupcoming\b"
    r"|\b(?:is|are|was|were|be|been) (?:\w+ly )?"
    r"(?:due|set|scheduled|expected|planned|slated|likely)\b"
    r"|\b(?:set|scheduled|planned|slated) for\b|\bscheduled to\b|\bset to\b"
    # What is on a timetable: "he starts in March". Verbs of captions, which show what has been
    # ("the president arrives on Thursday", "a gunman opens fire"), are not among them.
    r"|\b(?:starts|restarts|begins|resumes|expires|ends|returns to)\b|\b(?:re)?opens\b(?! fire\b)"
    r"|\b(?:goes on (?:sale|trial)|kicks off|takes (?:effect|office|over|place)"
    r"|comes into (?:effect|force))\b"
    r"|\b(?:is|are) (?:\w+ly )?(?:starting|beginning|(?:re)?opening|resuming|ending|expiring"
    r"|closing|leaving|returning|arriving|hosting|launching|retiring|stepping down)\b"
)
_CLAUSE_ENDS = re.compile(
    r"[,;:—–()“”\"?!]|\.\s|\n|\b(?:that|which|who|and|but|while|after|before|when|because|although"
    r"|as|since|until|where)\b"
)
# What may stand before a time that opens its clause: "On Monday", "Late on the".
_OPENING = re.compile(r"\W*(?:(?:on|in|at|from|by|late|early|the|of)\b\W*)*", re.IGNORECASE)


def ahead(text: str, start: int, end: int) -> bool:
    """Return whether what `text[start:end]` is the time of lies ahead of the text.

    A cue counts in the clause of the time, before it ("will rule on Monday") or, when the time
    opens its clause, behind it ("on Monday the court will rule"). A clause of nothing but a time
    goes with the clause behind it at the start of a sentence, else with the one before.
    """
    before = text[max(0, start - _NEAR) : start]
    after = text[end : end + _NEAR]
    ends = [m.end() for m in _CLAUSE_ENDS.finditer(before)]
    own = before[ends[-1] :] if ends else before
    if _OPENING.fullmatch(own) is None:
        return _AHEAD.search(own) is not None
    rest = _clause(after)
    if rest.strip():
        return _AHEAD.search(rest) is not None
    sentence = re.split(r"[.?!]\s", before)[-1]
    if _OPENING.fullmatch(sentence):
        following = after[len(rest) :]
        mark = _CLAUSE_ENDS.match(following)
        return mark is not None and _AHEAD.search(_clause(following[mark.end() :])) is not None
    previous = before[: ends[-1] - 1] if ends else ""
    earlier = [m.end() for m in _CLAUSE_ENDS.finditer(previous, 0, max(0, len(previous) - 5))]
    return _AHEAD.search(previous[earlier[-1] :] if earlier else previous) is not None


def _clause(text: str) -> str:
    found = _CLAUSE_ENDS.search(text)
    return text[: found.start()] if found else text
