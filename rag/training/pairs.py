"""Passages with sentences that they support, contradict or leave open, from people and by rule.

>>> made = edited(["Police said three men died on Monday. Two more were hurt."], random.Random(1))
>>> {(pair.kind, pair.label) for pair in made}
{('untouched', 'supported'), ('number', 'contradicted'), ...}

`edited` makes what the judge is trained on and, from articles never trained on, measured with.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rag.sentences import sentence_spans
from rag.training.edits import NAMES, SAYING, SPEAKERS, Edit, capital, names, planted
from rag.training.groups import detokenised
from rag.training.rewrites import rewritten

Label = Literal["supported", "contradicted", "unsupported", "not_supported"]

PASSAGE_WORDS = 150
_ELSEWHERE = 0.6
_MIN_WORDS, _MAX_WORDS = 7, 45
# Licences allow weights trained on these; on QAGS and CLIFF, which state none, we only measure.
TRAINABLE = ("summedits", "expertqa", "wice")
# Kinds of edit that few sentences allow are chosen more often where one does.
_WANTED = {"attribution": 8, "date": 8, "number": 4, "mixed": 1.5}
_NLI: dict[str, Label] = {
    "entailment": "supported",
    "contradiction": "contradicted",
    "neutral": "unsupported",
}
_FORMS = ("{what}, {who} said.", "{Who} said {what}.", "According to {who}, {what}.",
          "{what}, according to {who}.", "{Who} announced that {what}.", "“{what},” said {who}.",
          "{Who} told reporters that {what}.", "“{what},” {who} said.")  # fmt: skip
_NOTE = re.compile(r"\s*\[\d+\]")


class Pair(NamedTuple):
    """A claim beside a premise; `group` names what both come from, never to be split."""

    premise: str
    claim: str
    label: Label
    source: str
    kind: str
    group: str


def judged_by_people(path: Path) -> list[Pair]:
    """Return the pairs of `support/pairs.jsonl`."""
    return [
        Pair(
            row["premise"],
            # A mark of a footnote says nothing that the passage could support.
            _NOTE.sub("", row["claim"]),
            "supported" if row["supported"] else "not_supported",
            row["set"],
            row["set"],
            f"{row['set']}/{row['premise'][:200]}",
        )
        for row in _rows(path)
    ]


def inferences(path: Path) -> list[Pair]:
    """Return the pairs of `support/nli.jsonl`."""
    return [
        Pair(
            _spaced(row["premise"]),
            _spaced(row["claim"]),
            _NLI[row["label"]],
            row["set"],
            row["label"],
            f"{row['set']}/{row['premise'][:100]}",
        )
        for row in _rows(path)
    ]


def texts(data: Path, samples: Path) -> dict[str, list[str]]:
    """Return source -> articles and paragraphs whose licence lets weights be trained on them."""
    squad = {row["context"] for row in _rows(data / "squad" / "dev.jsonl")}
    stories = _stories(data / "qamr" / "wiki-sentences.tsv")
    ours = [path.read_text(encoding="utf-8") for path in sorted(samples.glob("*.txt"))]
    return {"squad": sorted(squad), "qamr": stories, "samples": ours}


def edited(
    articles: Sequence[str], rng: random.Random, source: str = "", *, voices: bool = False
) -> list[Pair]:
    """Return, for each sentence of `articles`, true and false versions beside their passage.

    As many are true as are false: untouched or rewritten against edited, some of those after being
    rewritten, so that neither copying nor rewording tells anything.

    Args: voices: put speakers to some sentences first.
    """
    places = [(p, f"{source}/{n}") for n, article in enumerate(articles) for p in passages(article)]
    pairs: list[Pair] = []
    for i, (passage, group) in enumerate(places):
        said = voiced(passage, rng) if voices else passage
        pairs += _of_passage(said, rng, source, group)
        # A sentence of the passage before is mostly about the same, and not in this one.
        strangers = _sentences(places[i - 1][0])
        if strangers and passage != places[i - 1][0] and rng.random() < _ELSEWHERE:
            other = rng.choice(strangers)
            pairs.append(Pair(said, other, "unsupported", source, "elsewhere", group))
    return pairs


def passages(article: str) -> Iterator[str]:
    """Yield runs of whole sentences of about PASSAGE_WORDS words."""
    start = words = 0
    spans = sentence_spans(article)
    for i, (_, end) in enumerate(spans):
        words += len(article[spans[i][0] : end].split())
        if words >= PASSAGE_WORDS or i == len(spans) - 1:
            yield article[spans[start][0] : end]
            start, words = i + 1, 0


def _of_passage(passage: str, rng: random.Random, source: str, group: str) -> Iterator[Pair]:
    for sentence in _sentences(passage):
        said_otherwise = rewritten(sentence, rng)
        true = [Edit("untouched", sentence)]
        true += rng.sample(said_otherwise, min(1, len(said_otherwise)))
        base = true[-1].text if rng.random() < 0.5 else sentence
        false = planted(base, passage, rng)
        for edit in true:
            yield Pair(passage, edit.text, "supported", source, edit.kind, group)
        false.sort(key=lambda edit: rng.random() ** (1 / _WANTED.get(edit.kind, 1)), reverse=True)
        for edit in false[: len(true)]:
            yield Pair(passage, edit.text, "contradicted", source, edit.kind, group)


def voiced(passage: str, rng: random.Random, share: float = 0.3) -> str:
    """Return `passage` with a speaker put to some of its sentences, as news has it.

    Encyclopedias hardly ever say who said something; a judge of news must know that it matters.
    """
    said = []
    for start, end in sentence_spans(passage):
        sentence = passage[start:end]
        plain = sentence.endswith(".") and not re.search(rf"{SAYING}|[“”\"]", sentence)
        if plain and rng.random() < share:
            here = [match.group() for match in names(passage)]
            who = rng.choice(here if here and rng.random() < 0.5 else list(SPEAKERS + NAMES))
            sentence = rng.choice(_FORMS).format(who=who, what=sentence[:-1], Who=capital(who))
        said.append(sentence)
    return " ".join(said)


def _sentences(passage: str) -> list[str]:
    """Return the statements of `passage` that are neither too short nor too long to edit."""
    texts = [" ".join(passage[start:end].split()) for start, end in sentence_spans(passage)]
    return [
        text
        for text in texts
        if _MIN_WORDS <= len(text.split()) <= _MAX_WORDS and not text.endswith("?")
    ]


def _stories(path: Path) -> list[str]:
    """Return the paragraphs of Wikinews and Wikipedia that the sentences of QAMR come from."""
    stories: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        where, _, tokens = line.partition("\t")
        story = ":".join(where.split(":")[:3])
        stories.setdefault(story, []).append(detokenised(tokens.split(" "))[0])
    return [" ".join(sentences) for sentences in stories.values()]


def _spaced(text: str) -> str:
    """Return `text` without the spaces that its tokeniser left."""
    text = text.replace("-LRB-", "(").replace("-RRB-", ")").replace("``", "“").replace("''", "”")
    text = re.sub(r" ([.,;:?!)%”]|'s\b|n't\b)", r"\1", text)
    return re.sub(r"([(“$]) ", r"\1", text)


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
