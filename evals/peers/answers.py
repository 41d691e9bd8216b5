"""Whole answers of ours and of other programs, all with the same small language model.

Put once with every article in the archive, and half of the questions again in an archive without
the articles that answer them, where the only right answer is none.
"""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from evals.local_llm import CONTEXT_TOKENS, MODEL, serve
from evals.peers.programs import Built, Llm
from evals.peers.rankings import Asked, read_articles
from evals.peers.replies import Said, Say, cited, f1, free, held, ours, put
from evals.peers.tables import interval, print_row, print_table
from ingest.pipeline import IngestReport
from rag.index import Index
from rag.settings import Settings
from rag.types import Article
from rag.wiring import build_answerer

# Fills an index of ours in a folder with the articles of a file.
Fill = Callable[[Path, Path], AbstractContextManager[tuple[Index, tuple[IngestReport, float]]]]
Build = Callable[[Sequence[Article]], Built]

_PLAIN = "Dateline, no model"
_PATIENCE_S = 120.0
_COLUMNS = [
    "answers", "gold answer held", "F1, text", "F1, short answer", "words", "refused",
    "given without the article", "citations verified", "s/question",
]  # fmt: skip


class Variant(NamedTuple):
    """A way to set one of the programs up; the one that finds most of the answers answers, too."""

    name: str
    build: Build
    answers: bool = False


def compare_answers(
    fill: Fill,
    articles_file: Path,
    folder: Path,
    index: Index,
    kept: Iterable[tuple[Variant, Built]],
    asked: Sequence[Asked],
) -> None:
    """Put the questions, then half of them again with all their articles taken out."""
    half = asked[: len(asked) // 2]
    gone = {article_id for one in half for article_id in one.relevant}
    rest = _without(articles_file, gone, folder / "rest.jsonl")
    print(f"{len(asked)} questions, {len(half)} of them again without their articles\n")
    print_row(_COLUMNS)
    print_row(["---"] * len(_COLUMNS))
    with serve() as url, fill(rest, folder / "rest") as (less, _):
        llm = Llm(url, MODEL, Settings().llm_max_tokens, CONTEXT_TOKENS, _PATIENCE_S)
        right = {}
        for name, say, say_less in chain(
            _theirs(kept, read_articles(rest), llm), _ours(index, less, llm)
        ):
            said = put(say, asked)
            right[name] = held(said, asked)
            print_row([name, *_cells(said, put(say_less, half), asked)])
    print_table(
        [f"minus {_PLAIN}", "holds a gold answer"],
        [[name, interval(one, right[_PLAIN], asked)] for name, one in right.items()],
    )


def _theirs(
    kept: Iterable[tuple[Variant, Built]], left: Sequence[Article], llm: Llm
) -> Iterator[tuple[str, Say, Say]]:
    for variant, built in kept:
        yield variant.name, free(built.answer_with(llm)), free(variant.build(left).answer_with(llm))


def _ours(index: Index, less: Index, llm: Llm) -> Iterator[tuple[str, Say, Say]]:
    written = Settings(
        llm_url=llm.url,
        llm_model=llm.model,
        llm_context_tokens=llm.context_tokens,
        llm_total_timeout_s=llm.timeout_s,
        llm_read_timeout_s=llm.timeout_s,
    )
    for name, settings in {_PLAIN: None, "Dateline, same model": written}.items():
        full, rest = (
            ours(build_answerer(one, settings=settings), _texts(one)) for one in (index, less)
        )
        yield name, full, rest


def _texts(index: Index) -> dict[str, str]:
    return {
        s.article.article_id: s.article.text
        for batch in index.catalog.staged("live")
        for s in batch
    }


def _without(articles: Path, gone: Container[str], rest: Path) -> Path:
    with articles.open(encoding="utf-8") as lines, rest.open("w", encoding="utf-8") as kept:
        kept.writelines(line for line in lines if json.loads(line)["id"] not in gone)
    return rest


def _cells(said: Mapping[str, Said], less: Mapping[str, Said], asked: Sequence[Asked]) -> list[str]:
    short = f1(said, asked, short=True)
    given = [answer for answer in said.values() if not answer.refused]
    return [
        f"{fmean(held(said, asked).values()):.3f}",
        f"{f1(said, asked, short=False):.3f}",
        "none given" if short is None else f"{short:.3f}",
        f"{fmean(len(answer.text.split()) for answer in given):.0f}" if given else "-",
        f"{fmean(answer.refused for answer in said.values()):.3f}",
        f"{fmean(not answer.refused for answer in less.values()):.3f}",
        cited(said.values()),
        f"{fmean(answer.elapsed_s for answer in said.values()):.1f}",
    ]
