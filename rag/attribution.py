"""Who is named as the source of a claim in news text; None where the outlet speaks for itself.

>>> text = "Milley said militias did it, but Tehran denied any role."
>>> attributed_to(text, 0, len(text), 47, 55)
'Tehran'
>>> attributed_to("The ferry sank at noon.", 0, 23)

Pure rules for news English, no model. What reports.py takes for a report is the speaker's; the rest
is the outlet's: the speaker's name, the day of the saying, what hangs on either, and acts (to urge,
order, ask or call for is to act). With an answer, the innermost speaker counts (“police said the
driver told them …”: the driver); without one, the outermost, if half of the sentence is theirs.
A description gives way to the name beside it; a statement or a report to whoever issued it.
"""

from collections.abc import Sequence

from rag.antecedents import resolve
from rag.reports import Report, find_reports
from rag.sentences import sentence_spans
from rag.tokens import QUOTES, Token, tokenize

_BEFORE_CHARS, _SENTENCE_CHARS, _AFTER_CHARS = 1_500, 2_000, 600
_NEAR_SENTENCES = 4
# Without an answer to look for, a report is the sentence's claim from this share of it.
_SHARE = 0.5
# An answer is what is said if this share of it is: a reader's span may begin with “that”.
_MOST = 0.6
# Fewer words in quotation marks within a sentence are a title or a name.
_LEAST_QUOTED = 8

Span = tuple[int, int]


def attributed_to(
    text: str,
    start: int,
    end: int,
    answer_start: int | None = None,
    answer_end: int | None = None,
) -> str | None:
    """Return who says what `text[start:end]` says, as written, or None if nobody is named.

    The answer, a part of the sentence, tells which of its claims is meant. White space of the name
    is collapsed. An apposition is left out, a title is not; “he” or “the general” becomes the name
    it stands for where one is found earlier in `text`.
    """
    start, end = max(start, 0), min(end, len(text), max(start, 0) + _SENTENCE_CHARS)
    begin = _window_start(text, start)
    tokens = tokenize(text, begin, min(len(text), end + _AFTER_CHARS))
    here = [token for token in tokens if start <= token.start and token.end <= end]
    if not here:
        return None
    answer = None
    if answer_start is not None and answer_end is not None:
        answer = (max(answer_start, start), min(answer_end, end))
    reports = find_reports(here)
    chosen = _chosen(reports, here, answer)
    if chosen is not None:
        before = [*_sentences(text, tokens, (begin, start)), here[: chosen.first]]
        return _name(text, resolve(here[chosen.first : chosen.stop], before))
    if reports or not _is_quotation(here, answer):
        return None
    before = _sentences(text, tokens, (begin, start))
    after = _sentences(text, tokens, (end, min(len(text), end + _AFTER_CHARS)))
    return _quoted_speaker(text, before, here, after)


def _window_start(text: str, start: int) -> int:
    """Return where to begin reading: not within a word, and not far off."""
    begin = max(0, start - _BEFORE_CHARS)
    space = text.find(" ", begin, start)
    return begin if not begin or space < 0 else space + 1


def _chosen(reports: Sequence[Report], here: Sequence[Token], answer: Span | None) -> Report | None:
    """Return the innermost report that holds the answer, or else the sentence's main one."""
    if answer is not None:
        fitting = [report for report in reports if _holds(report, answer)]
        return min(fitting, key=lambda report: report.end - report.start, default=None)
    main = [report for report in reports if report.main]
    largest = max(main, key=_size, default=None)
    if largest is None:
        return None
    same = [report for report in main if report.first == largest.first]
    all_said = here[-1].end - here[0].start - (largest.aside[1] - largest.aside[0])
    return largest if sum(_size(report) for report in same) >= _SHARE * all_said else None


def _size(report: Report) -> int:
    first, last = report.aside
    inside = report.start <= first and last <= report.end
    return report.end - report.start - (last - first if inside else 0)


def _holds(report: Report, answer: Span) -> bool:
    """Return whether most of the answer is what is said."""
    spoken = _overlap((report.start, report.end), answer) - _overlap(report.aside, answer)
    return spoken >= _MOST * (answer[1] - answer[0]) > 0


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _is_quotation(here: Sequence[Token], answer: Span | None) -> bool:
    """Return whether the claim stands in quotation marks from end to end."""
    words = [token for token in here if token.text[0].isalnum()]
    if answer is not None and sum(token.quoted for token in words) >= _LEAST_QUOTED:
        words = [t for t in words if answer[0] < t.end and t.start < answer[1]]
    return bool(words) and all(token.quoted for token in words)


def _quoted_speaker(
    text: str,
    before: Sequence[Sequence[Token]],
    here: Sequence[Token],
    after: Sequence[Sequence[Token]],
) -> str | None:
    """Return who is quoted: named after the quotation if it goes on, else before it."""
    behind = range(len(before) - 1, max(-1, len(before) - 1 - _NEAR_SENTENCES), -1)
    ahead = range(min(len(after), _NEAR_SENTENCES))
    goes_on = here[-1].quoted
    for forward in (goes_on, not goes_on):
        for at in ahead if forward else behind:
            sentence = after[at] if forward else before[at]
            reports = find_reports(sentence)
            if reports:
                report = reports[0] if forward else reports[-1]
                known = [*before, here, *after[:at]] if forward else before[:at]
                speaker = sentence[report.first : report.stop]
                return _name(text, resolve(speaker, [*known, sentence[: report.first]]))
            if not _is_quotation(sentence, None):
                break
    return None


def _sentences(text: str, tokens: Sequence[Token], span: Span) -> list[list[Token]]:
    """Return the tokens of each sentence of a span of `text`."""
    first, last = span
    found = []
    for start, end in sentence_spans(text[first:last]):
        inside = [t for t in tokens if first + start <= t.start and t.end <= first + end]
        if inside:
            found.append(inside)
    return found


def _name(text: str, speaker: Sequence[Token] | None) -> str | None:
    while speaker and (speaker[0].text in QUOTES or not speaker[0].text[0].isalnum()):
        speaker = speaker[1:]
    return (
        " ".join(text[speaker[0].start : speaker[-1].end].split()).rstrip("'’") if speaker else None
    )
