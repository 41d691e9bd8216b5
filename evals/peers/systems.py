"""Dateline beside LlamaIndex, Haystack and txtai: one embedder, one language model, one archive.

    python -m evals.bench systems --data ../shared/data

Retrieval on NewsQA as `evals.peers.rankings` judges it, each program as its documentation has it and at
its best; then answers, with the same small language model for all: how many hold a gold answer, how
many refuse, and how many are given although the right article was taken out of the archive.
"""

import json
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from evals.local_llm import CONTEXT_TOKENS, MODEL, serve
from evals.peers import programs
from evals.peers.programs import DEPTH, Built, Found, Llm, Rank
from evals.peers.rankings import (
    Asked,
    Ranked,
    difference,
    ranked,
    read_articles,
    read_questions,
    squeezed,
)
from evals.peers.replies import Said, Say, cited, f1, free, held, ours, put
from ingest.pipeline import IngestReport
from rag.embedder import Embedder
from rag.index import Index
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.types import Article, RetrievalMode
from rag.wiring import build_answerer

# Fills an index of ours in a folder with the articles of a file.
Fill = Callable[[Path, Path], AbstractContextManager[tuple[Index, tuple[IngestReport, float]]]]
Build = Callable[[Sequence[Article]], Built]

_HYBRID = "Dateline, hybrid (default)"
_PLAIN = "Dateline, no model"
_PATIENCE_S = 120.0
_ANSWER_COLUMNS = [
    "answers", "gold answer held", "F1, text", "F1, short answer", "words", "refused",
    "given without the article", "citations verified", "s/question",
]  # fmt: skip


class Variant(NamedTuple):
    """A way to set one of the programs up; the last one of each program answers, too."""

    name: str
    build: Build
    answers: bool = False


def compare(
    fill: Fill,
    newsqa: Path,
    folder: Path,
    *,
    names: Sequence[str],
    questions: int | None,
    answers: int,
) -> None:
    """Measure the programs in `names` beside ours and print the tables.

    Raises: ConfigurationError when one of them is not installed.
    """
    programs.require(names)
    articles = read_articles(newsqa / "articles.jsonl")
    asked = read_questions(newsqa / "questions.jsonl", articles, questions)
    with fill(newsqa / "articles.jsonl", folder / "ours") as (index, (report, _)):
        rows, kept = _retrieval(_variants(names, index.embedder, folder), articles, asked)
        rows += _our_retrieval(index, articles, asked, report)
        _print_retrieval(rows, asked, len(articles))
        if answers:
            _answers(fill, newsqa / "articles.jsonl", folder, index, kept, asked[:answers])


def _variants(names: Sequence[str], embedder: Embedder, folder: Path) -> Iterator[Variant]:
    def llama_index(number: int, **options: Any) -> Build:  # Any: passed on
        made = iter(range(99))  # a folder of its own each time it is built
        return lambda articles: programs.llama_index(
            articles, embedder, folder / f"llama{number}-{next(made)}", **options
        )

    def haystack(**options: bool) -> Build:
        return lambda articles: programs.haystack(articles, embedder, **options)

    def txtai(**options: bool) -> Build:
        return lambda articles: programs.txtai(articles, embedder, **options)

    small = {"chunk_tokens": 256, "overlap_tokens": 20}
    if "llamaindex" in names:
        yield Variant("LlamaIndex + Chroma, 1,024 tokens", llama_index(1))
        yield Variant("LlamaIndex + Chroma, 256 tokens", llama_index(2, **small))
        best = llama_index(3, **small, hybrid=True)
        yield Variant("LlamaIndex + Chroma, hybrid, 256 tokens", best, answers=True)
    if "haystack" in names:
        yield Variant("Haystack, BM25", haystack(dense=False, bm25=True))
        yield Variant("Haystack, dense", haystack())
        yield Variant("Haystack, hybrid", haystack(bm25=True))
        best = haystack(bm25=True, headline=True)
        yield Variant("Haystack, hybrid, headlines", best, answers=True)
    if "txtai" in names:
        yield Variant("txtai, dense", txtai())
        yield Variant("txtai, hybrid", txtai(hybrid=True))
        yield Variant("txtai, hybrid, headlines", txtai(hybrid=True, headline=True), answers=True)


class _Row(NamedTuple):
    ranked: Ranked
    passages: int
    index_s: float


def _retrieval(
    variants: Iterable[Variant], articles: Sequence[Article], asked: Sequence[Asked]
) -> tuple[list[_Row], list[tuple[Variant, Built]]]:
    texts = {article.article_id: squeezed(article.text) for article in articles}
    rows, kept = [], []
    for variant in variants:
        began = time.perf_counter()
        built = variant.build(articles)
        index_s = time.perf_counter() - began
        rows.append(_Row(ranked(variant.name, built.rank, asked, texts), built.passages, index_s))
        if variant.answers:
            kept.append((variant, built))
    return rows, kept


def _our_retrieval(
    index: Index, articles: Sequence[Article], asked: Sequence[Asked], report: IngestReport
) -> list[_Row]:
    texts = {article.article_id: squeezed(article.text) for article in articles}
    retriever = Retriever(index)

    def ours(mode: RetrievalMode) -> Rank:
        return lambda question: [
            Found(hit.article.article_id, hit.passage.text)
            for hit in retriever.search(question, k=DEPTH, mode=mode)
        ]

    named: list[tuple[str, RetrievalMode]] = [
        ("Dateline, dense", "dense"),
        ("Dateline, BM25", "bm25"),
        (_HYBRID, "hybrid"),
    ]
    return [
        _Row(ranked(name, ours(mode), asked, texts), report.passages, report.elapsed_s)
        for name, mode in named
    ]


def _print_retrieval(rows: Sequence[_Row], asked: Sequence[Asked], articles: int) -> None:
    print(f"{len(asked)} questions, {articles} articles\n")
    _print_table(
        ["right article", *rows[0].ranked.articles, "passages", "index s", "ms/question"],
        [
            [
                row.ranked.name,
                *_means(row.ranked.articles),
                f"{row.passages:,}",
                f"{row.index_s:.1f}",
                f"{row.ranked.ms:.1f}",
            ]
            for row in rows
        ],
    )
    _print_table(
        ["passage with the answer", *rows[0].ranked.passages],
        [[row.ranked.name, *_means(row.ranked.passages)] for row in rows],
    )
    ours = rows[-1].ranked
    _print_table(
        [f"minus {_HYBRID}", "article MRR@10", "passage hit@4", "passage MRR@10", "passage read"],
        [
            [
                row.ranked.name,
                _interval(row.ranked.articles["MRR@10"], ours.articles["MRR@10"], asked),
                *(
                    _interval(row.ranked.passages[name], ours.passages[name], asked)
                    for name in ("hit@4", "MRR@10", "read")
                ),
            ]
            for row in rows[:-1]
        ],
    )


def _means(values: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [f"{fmean(by_question.values()):.3f}" for by_question in values.values()]


def _interval(one: Mapping[str, float], other: Mapping[str, float], asked: Sequence[Asked]) -> str:
    found = difference(one, other, asked)
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table."""
    for row in (header, ["---"] * len(header), *rows):
        _print_row(row)
    print()


def _print_row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def _answers(
    fill: Fill,
    articles_file: Path,
    folder: Path,
    index: Index,
    kept: Sequence[tuple[Variant, Built]],
    asked: Sequence[Asked],
) -> None:
    """Put the questions, then half of them again with all their articles taken out."""
    half = asked[: len(asked) // 2]
    gone = {article_id for one in half for article_id in one.relevant}
    rest = _without(articles_file, gone, folder / "rest.jsonl")
    print(f"{len(asked)} questions, {len(half)} of them again without their articles\n")
    _print_row(_ANSWER_COLUMNS)
    _print_row(["---"] * len(_ANSWER_COLUMNS))
    with serve() as url, fill(rest, folder / "rest") as (less, _):
        llm = Llm(url, MODEL, Settings().llm_max_tokens, CONTEXT_TOKENS, _PATIENCE_S)
        right = {}
        for name, say, say_less in chain(
            _theirs(kept, read_articles(rest), llm), _ours(index, less, llm)
        ):
            said = put(say, asked)
            right[name] = held(said, asked)
            _print_row([name, *_answer_cells(said, put(say_less, half), asked)])
    _print_table(
        [f"minus {_PLAIN}", "holds a gold answer"],
        [[name, _interval(one, right[_PLAIN], asked)] for name, one in right.items()],
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


def _answer_cells(
    said: Mapping[str, Said], less: Mapping[str, Said], asked: Sequence[Asked]
) -> list[str]:
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
