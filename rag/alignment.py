"""A sentence beside the passage it is said to come from: what they have in common, counted.

>>> premise = read_premise("The attack killed three soldiers. It wounded 14 others.")
>>> found = compare(read_words("The attack killed 14 soldiers."), premise)
>>> [finding.reason for finding in found.findings if finding.name == "numbers_misplaced"]
['14 does not stand in the passage beside “attack”, “killed”, “soldiers”; it stands beside …']
"""

from typing import NamedTuple

from rag.checks import CHECKS, FEATURES, Finding, View
from rag.premise import Premise
from rag.words import Word


class Comparison(NamedTuple):
    """The counts of a sentence, in the order of FEATURES, and the evidence they refer to."""

    findings: tuple[Finding, ...]
    evidence: str
    context: str

    def row(self) -> list[float]:
        """Return the values, one for each of FEATURES."""
        values = dict.fromkeys(FEATURES, 0.0)
        for found in self.findings:
            values[found.name] += found.value
        return list(values.values())


def compare(words: tuple[Word, ...], premise: Premise) -> Comparison:
    """Return what `words`, a sentence, has and has not in common with `premise`."""
    telling = tuple(word for word in words if word.matters)
    window = premise.window(telling)
    view = View(words, telling, premise, window)
    findings = tuple(finding for check in CHECKS for finding in check(view))
    # The sentence before says who “he” is.
    before = range(max(0, window.start - 1), window.stop)
    return Comparison(findings, premise.slice(window), premise.slice(before))
