"""Dateline beside LlamaIndex, Haystack and txtai: one embedder, one language model, one archive.

    python -m evals.bench systems --data ../shared/data

Retrieval on NewsQA as `evals.peers.rankings` judges it, each program as its documentation has it
and at its best; then answers: how many hold a gold answer, how many refuse, and how many are given
although the right article was taken out of the archive.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from evals.peers import programs
from evals.peers.answers import Build, Fill, Variant, compare_answers
from evals.peers.programs import DEPTH, Built, Found, Rank
from evals.peers.rankings import Asked, Ranked, ranked, read_articles, read_questions, squeezed
from evals.peers.tables import interval, print_table
from ingest.pipeline import IngestReport
from rag.embedder import Embedder
from rag.index import Index
from rag.retrieve import Retriever
from rag.types import Article, RetrievalMode

_HYBRID = "Dateline, hybrid (default)"
_RELEASES = {
    "llamaindex": ("llama-index-core", "chromadb"),
    "haystack": ("haystack-ai",),
    "txtai": ("txtai",),
}


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
    print(", ".join(f"{of} {version(of)}" for name in names for of in _RELEASES[name]))
    articles = read_articles(newsqa / "articles.jsonl")
    asked = read_questions(newsqa / "questions.jsonl", articles, questions)
    with fill(newsqa / "articles.jsonl", folder / "ours") as (index, (report, _)):
        rows, kept = _retrieval(_variants(names, index.embedder, folder), articles, asked)
        rows += _our_retrieval(index, articles, asked, report)
        _print_retrieval(rows, asked, len(articles))
        if answers:
            compare_answers(fill, newsqa / "articles.jsonl", folder, index, kept, asked[:answers])


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
        best = haystack(dense=False, bm25=True)
        yield Variant("Haystack, BM25", best, answers=True)
        yield Variant("Haystack, dense", haystack())
        yield Variant("Haystack, hybrid", haystack(bm25=True))
        yield Variant("Haystack, hybrid, headlines", haystack(bm25=True, headline=True))
    if "txtai" in names:
        yield Variant("txtai, dense", txtai())
        yield Variant("txtai, hybrid", txtai(hybrid=True), answers=True)
        yield Variant("txtai, hybrid, headlines", txtai(hybrid=True, headline=True))


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
    print_table(
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
    print_table(
        ["passage with the answer", *rows[0].ranked.passages],
        [[row.ranked.name, *_means(row.ranked.passages)] for row in rows],
    )
    ours = rows[-1].ranked
    print_table(
        [f"minus {_HYBRID}", "article MRR@10", "passage hit@4", "passage MRR@10", "passage read"],
        [
            [
                row.ranked.name,
                interval(row.ranked.articles["MRR@10"], ours.articles["MRR@10"], asked),
                *(
                    interval(row.ranked.passages[name], ours.passages[name], asked)
                    for name in ("hit@4", "MRR@10", "read")
                ),
            ]
            for row in rows[:-1]
        ],
    )


def _means(values: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [f"{fmean(by_question.values()):.3f}" for by_question in values.values()]
