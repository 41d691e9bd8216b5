"""What a language model writes, as it comes in, to text and citation markers. Pure.

>>> parser = MarkerParser(known=2)
>>> parser.feed("It burned [1") + parser.feed("][2, 9].") + parser.close()
[Text('It burned '), Marker((1,), 0), Marker((2,), 1), Text('.')]

A marker is a bracket with numbers in it: `[1]`, `[1, 2]`, `[1-3]`, `[^1]`, `[Passage 1]`, `【1】`.
`(1)` is none, because newspapers write ages and amounts so. Numbers that name no passage are
dropped and counted. What is half-seen is held back until it is clear what it is; in code it is
text. Each character is looked at by itself, so that it does not matter how the text was cut.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

_CLOSING = {"[": "]", "【": "】", "［": "］", "〔": "〕"}
_LONGEST = 60
# As far as a marker may have come before its closing bracket.
_PARTIAL = re.compile(
    r"\s*(?:[a-z]{1,8}\.?\s*)?[\^#]?[\d\s,;&\-–—#^]*(?:a(?:n(?:d\s*\d*)?)?)?(?:†.*)?", re.I
)
_WORD = re.compile(r"(?:passages?|sources?|articles?|refs?|no)\.?", re.IGNORECASE)
_NUMBERS = re.compile(
    r"\s*(?P<word>[a-z]{1,8}\.?)?\s*[#^]?(?P<numbers>\d{1,6}(?:\s*(?:[,;&\-–—]|and)?\s*[#^]?\d{1,6})*)"
    r"\s*,?\s*(?:†.*)?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d+)\s*[-–—]\s*(\d+)|(\d+)")
_WIDEST_RANGE = 20


class Text(NamedTuple):
    """Characters that are to be read."""

    text: str


class Marker(NamedTuple):
    """The passages that a marker names, each once, and how many that it names do not exist."""

    numbers: tuple[int, ...]
    invalid: int


Event = Text | Marker


class MarkerParser:
    """Holds what is half-seen of one text."""

    def __init__(self, known: int) -> None:
        """Read a text whose markers may name the passages 1 to `known`."""
        self._known = known
        self._held = ""
        self._closing = ""
        # How many backticks opened the code that we are in, and how many were just seen.
        self._code = 0
        self._ticks = 0

    def feed(self, text: str) -> list[Event]:
        """Return what is clear after `text`, neighbouring text as one."""
        return merged(event for char in text for event in self._step(char))

    def close(self) -> list[Event]:
        """Return what was held back: the text has ended."""
        held, self._held, self._closing = self._held, "", ""
        return [Text(held)] if held else []

    def _step(self, char: str) -> Iterable[Event]:
        if char == "`":
            self._ticks += 1
            yield from self.close()
            yield Text(char)
            return
        if self._ticks:
            self._turn_code()
        if self._code:
            # Inline code ends with its line at the latest: a stray backtick is none.
            self._code = 0 if char == "\n" and self._code < 3 else self._code
            yield Text(char)
        elif self._closing:
            yield from self._inside(char)
        else:
            yield from self._outside(char)

    def _turn_code(self) -> None:
        if not self._code:
            self._code = self._ticks
        elif self._ticks == self._code:
            self._code = 0
        self._ticks = 0

    def _outside(self, char: str) -> Iterable[Event]:
        if char in _CLOSING:
            self._held, self._closing = char, _CLOSING[char]
        else:
            yield Text(char)

    def _inside(self, char: str) -> Iterable[Event]:
        if char == self._closing:
            marker = read_marker(self._held[1:], self._known)
            whole = self._held + char
            self._held = self._closing = ""
            yield marker if marker else Text(whole)
        elif char in _CLOSING:
            yield from self.close()
            yield from self._outside(char)
        else:
            self._held += char
            if len(self._held) > _LONGEST or not _PARTIAL.fullmatch(self._held[1:]):
                yield from self.close()


def read_marker(inside: str, known: int) -> Marker | None:
    """Return the marker with these characters between its brackets; None when it is none."""
    found = _NUMBERS.fullmatch(inside)
    if not found or (found["word"] and not _WORD.fullmatch(found["word"])):
        return None
    numbers: dict[int, None] = {}
    for first, last, single in _RANGE.findall(found["numbers"]):
        low, high = int(first or single), int(last or single)
        # What runs backwards is no range, but both its ends are named.
        named = range(low, min(high, low + _WIDEST_RANGE) + 1) or (low, high)
        numbers.update(dict.fromkeys(named))
    valid = tuple(number for number in numbers if 1 <= number <= known)
    return Marker(valid, len(numbers) - len(valid))


def merged(events: Iterable[Event]) -> list[Event]:
    """Return the events with neighbouring texts as one."""
    joined: list[Event] = []
    for event in events:
        if isinstance(event, Text) and joined and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].text + event.text)
        else:
            joined.append(event)
    return joined
