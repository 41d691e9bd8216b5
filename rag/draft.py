"""Text and markers, as they come in, to the sentences of a draft and what each cites. Pure.

>>> drafting = Drafting()
>>> drafting.feed([Text("It burned"), Marker((1,), 0), Text(". It rained all ")])
[Sentence(text='It burned.', cited=(1,), invalid=0, listed=False)]

A sentence is complete when the first word of the next one is. A marker belongs to the sentence it
stands in or behind. Whatever is markup for a reader (bullets, bold, headings) is left out.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.markers import Event, Marker
from rag.sentences import sentence_spans

_BULLET = re.compile(r"\s*(?:[-*•–]\s+|\d{1,2}[.)]\s+)")
_LABEL = re.compile(r"\s*(?:#{1,6}\s+)?(?:(?:short |final )?answer\s*:\s*)?", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*\*|__|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)")
_LONGEST_QUOTATION = 600
_CLOSES_UP = ".,;:!?"


class Sentence(NamedTuple):
    """A sentence of a draft, on one line, and the numbers of the passages that it cites.

    `invalid` counts the numbers in its markers that name no passage.
    """

    text: str
    cited: tuple[int, ...]
    invalid: int
    listed: bool

    @property
    def is_finished(self) -> bool:
        """Whether it ends as sentences do: one that was cut off does not."""
        return self.text.rstrip("”\"’')*`").endswith((".", "!", "?", "…"))


class Drafting:
    """Holds the unfinished end of a draft."""

    def __init__(self) -> None:
        """Begin with an empty page."""
        self._text = ""
        self._markers: list[tuple[int, Marker]] = []

    def feed(self, events: Sequence[Event]) -> list[Sentence]:
        """Return the sentences that `events` complete."""
        done: list[Sentence] = []
        for event in events:
            if isinstance(event, Marker):
                self._markers.append((len(self._text), event))
                continue
            for char in event.text:
                done += self._step(char)
        return done

    def close(self) -> list[Sentence]:
        """Return the rest: the draft has ended."""
        done = self._complete(final=True)
        last = self._take(len(self._text))
        return [*done, last] if last.text else done

    def _step(self, char: str) -> list[Sentence]:
        bare = self._text.rstrip()
        if char in _CLOSES_UP and self._markers and self._markers[-1][0] >= len(bare):
            self._text = bare
            self._markers = [(min(at, len(self._text)), m) for at, m in self._markers]
        self._text += char
        return self._complete() if char.isspace() else []

    def _complete(self, *, final: bool = False) -> list[Sentence]:
        """Take every sentence that another one follows."""
        done = []
        while len(spans := _spans(self._text)) > 1:
            if not final and _is_quoting(self._text[: spans[1][0]]):
                break
            done.append(self._take(spans[1][0]))
        return [sentence for sentence in done if sentence.text]

    def _take(self, end: int) -> Sentence:
        """Cut the text at `end` and return what was before, with its markers."""
        before, self._text = self._text[:end], self._text[end:]
        mine = [marker for at, marker in self._markers if at <= end]
        self._markers = [(at - end, marker) for at, marker in self._markers if at > end]
        bullet = _BULLET.match(before)
        bare = _EMPHASIS.sub("", before[bullet.end() :] if bullet else before)
        bare = bare[_match_end(_LABEL, bare) :]
        cited = dict.fromkeys(number for marker in mine for number in marker.numbers)
        return Sentence(
            text=" ".join(bare.split()),
            cited=tuple(cited),
            invalid=sum(marker.invalid for marker in mine),
            listed=bullet is not None,
        )


def _match_end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0


def _is_quoting(text: str) -> bool:
    """Return whether a quotation that began in `text` may go on behind it."""
    opened = text.count("“") > text.count("”") or text.count('"') % 2 == 1
    return opened and "\n" not in text and len(text) < _LONGEST_QUOTATION


def _spans(text: str) -> list[tuple[int, int]]:
    """Return where the sentences lie; none goes over a line, and a bullet belongs to its line."""
    spans: list[tuple[int, int]] = []
    start = 0
    for line in text.splitlines(keepends=True):
        skipped = _match_end(_BULLET, line)
        found = sentence_spans(line[skipped:])
        for i, (low, high) in enumerate(found):
            # The first sentence begins with its bullet.
            begin = len(line) - len(line.lstrip()) if skipped and not i else skipped + low
            spans.append((start + begin, start + skipped + high))
        start += len(line)
    return spans
