"""What a question and each sentence of some passages have in common, as counts one can check.

>>> candidates, rows = SentenceCounts(lexical).of("Who was blamed?", hits)
>>> dict(zip(COUNTS, rows[0]))["sentence_overlap"]
0.81

Which of the question's words stand in the sentence, beside it and in the headline, weighted by how
rare they are in the archive; whether something of the asked kind does: a name, a date, a number.
"""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rag.lexical import Bm25
from rag.question import content_words, families, holds, kind_of
from rag.sentences import sentence_spans
from rag.types import Hit

# What a word of the same family counts for, beside 1 for the word itself.
FAMILY_WEIGHT = 0.9

COUNTS = (
    "sentence_overlap",
    "family_overlap",
    "nearby_overlap",
    "passage_overlap",
    "bigram_overlap",
    "names_missing",
    "kind_held",
    "kind_open",
    "rank",
    "is_question",
    "brevity",
    "overlap_gap",
)


class Candidate(NamedTuple):
    """A sentence of a hit, before it is scored."""

    hit: Hit
    rank: int
    start: int
    end: int
    terms: frozenset[str]
    nearby: frozenset[str]
    passage: frozenset[str]

    @property
    def text(self) -> str:
        """The sentence."""
        return self.hit.passage.text[self.start : self.end]


class SentenceCounts:
    """Counts what a question and the sentences of some passages have in common."""

    def __init__(self, lexical: Bm25) -> None:
        """Take word rarity and stems from `lexical`."""
        self._lexical = lexical
        self._families = families(lexical.terms)

    def of(
        self, question: str, hits: Sequence[Hit]
    ) -> tuple[list[Candidate], npt.NDArray[np.float64]]:
        """Return each sentence and float64[n, len(COUNTS)], row i for sentence i."""
        asked = list(dict.fromkeys(self._lexical.terms(" ".join(content_words(question)))))
        rarity = self._lexical.rarity(asked)
        candidates = self._candidates(hits)
        if not candidates:
            return [], np.empty((0, len(COUNTS)))
        view = _Question(question, asked, rarity, self._families, self._lexical)
        rows = np.array([view.row(c) for c in candidates])
        # How far a sentence stays behind the best of its rivals, 0 for the best itself.
        overlap = rows[:, COUNTS.index("sentence_overlap")]
        return candidates, np.column_stack([rows, overlap - overlap.max()])

    def _candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        candidates: list[Candidate] = []
        for rank, hit in enumerate(hits):
            text = hit.passage.text
            spans = sentence_spans(text)
            terms = [frozenset(self._lexical.terms(text[a:b])) for a, b in spans]
            title = frozenset(self._lexical.terms(hit.article.title))
            whole = title.union(*terms)
            for i, (start, end) in enumerate(spans):
                nearby = title.union(*terms[max(0, i - 1) : i], *terms[i + 1 : i + 2])
                candidates.append(Candidate(hit, rank, start, end, terms[i], nearby, whole))
        return candidates


class _Question:
    """What is asked, in the form that sentences are compared with."""

    def __init__(
        self,
        text: str,
        asked: list[str],
        rarity: dict[str, float],
        related: Mapping[str, frozenset[str]],
        lexical: Bm25,
    ) -> None:
        self.asked = asked
        self.rarity = rarity
        self.kind = kind_of(text)
        self.words = frozenset(re.findall(r"\w+", text.lower()))
        self.families = {t: related.get(t, frozenset()) for t in asked}
        self.names = frozenset(
            term
            for word in re.findall(r"(?<!^)\b[A-Z][\w.’'-]+|\d+", text)
            for term in lexical.terms(word)
        )
        self.lexical = lexical

    def row(self, c: Candidate) -> list[float]:
        """Return the counts of one candidate alone, in the order of COUNTS."""
        text = c.text
        exact = _share(self.asked, c.terms, self.rarity)
        related = {t for t in self.asked if t in c.terms or self.families[t] & c.terms}
        family = _share(self.asked, related, self.rarity) - exact
        nearby = _share(self.asked, related | c.nearby, self.rarity) - exact - family
        held = holds(self.kind, text, self.words)
        return [
            exact + FAMILY_WEIGHT * family,
            family,
            nearby,
            _share(self.asked, c.passage, self.rarity),
            self._bigrams(text),
            len(self.names - c.passage) / len(self.names) if self.names else 0.0,
            float(held is True),
            float(held is None),
            1 / (1 + c.rank),
            float(text.rstrip("”\"'’ ").endswith("?")),
            1 / math.log2(4 + len(text.split())),
        ]

    def _bigrams(self, sentence: str) -> float:
        pairs = set(pairwise(self.asked))
        stems = self.lexical.terms(sentence)
        there = set(pairwise(stems))
        return len(pairs & there) / len(pairs) if pairs else 0.0


def _share(
    terms: Sequence[str], among: frozenset[str] | set[str], rarity: dict[str, float]
) -> float:
    """Return which share of `terms`, weighted by rarity, stands `among` the others, 0 to 1."""
    total = sum(rarity[term] for term in terms)
    return sum(rarity[term] for term in terms if term in among) / total if total else 0.0
