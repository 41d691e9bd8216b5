"""Measurements, side by side with what others would use; run by hand, never by a test.

    python -m evals.bench retrieval --data ../shared/data     ours and stock LlamaIndex + Chroma
    python -m evals.bench ingest --data ../shared/data        articles/s and the encoder's share
    python -m evals.bench ask                                 cold, warm and import times
    python -m evals.bench encode                              tokens/s of every model that ships
    python -m evals.bench judges --data ../shared/data        ours and others' judges of support

`--data` holds `newsqa/articles.jsonl` and `newsqa/questions.jsonl`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Encoding

from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, load
from evals.metrics import hit_at, percentile, reciprocal_rank
from evals.peers import judges
from ingest.pipeline import IngestReport, Pipeline
from ingest.read import Read, read
from ingest.split import Splitter
from rag.embedder import MAX_TOKENS, Embedder, Vectors
from rag.index import Index
from rag.onnx import MODELS, Model, load_tokenizer
from rag.retrieve import CANDIDATES, Retriever
from rag.settings import Settings
from rag.types import RetrievalMode
from rag.wiring import build_answerer, open_index

Rank = Callable[[str], list[str]]

# Enough for a steady figure, few enough for a minute.
ENCODED = 100


class _Asked(NamedTuple):
    question: str
    relevant: list[str]


def main(argv: Sequence[str] | None = None) -> None:
    """Run one of the benchmarks and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["retrieval", "ingest", "ask", "encode", "judges"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if args.what == "encode":
            _encode()
        elif args.what == "judges":
            judges.bench(args.data, judges.Others({}))
        elif args.what == "retrieval":
            _retrieval(args.data / "newsqa", Path(folder))
        elif args.what == "ingest":
            _ingest(args.data / "newsqa" / "articles.jsonl", Path(folder))
        else:
            _ask(Path(folder))


def _retrieval(data: Path, folder: Path) -> None:
    with (data / "questions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    asked = [_Asked(row["question"], row["relevant_article_ids"]) for row in rows]
    print(f"{len(asked)} questions; article-level")
    print(f"{'':34}{'hit@1':>7}{'hit@4':>7}{'hit@10':>7}{'MRR@10':>8}{'ms/question':>13}")
    with _filled(data / "articles.jsonl", folder / "ours") as (index, _):
        _print_ranking("stock LlamaIndex + Chroma", _stock(index, folder / "stock"), asked)
        retriever = Retriever(index)

        def ours(mode: RetrievalMode) -> Rank:
            return lambda question: [
                hit.article.article_id
                for hit in retriever.search(
                    question, k=CANDIDATES, mode=mode, per_article=CANDIDATES
                )
            ]

        _print_ranking("Dateline, dense only", ours("dense"), asked)
        _print_ranking("Dateline, BM25 only", ours("bm25"), asked)
        _print_ranking("Dateline, hybrid (default)", ours("hybrid"), asked)


def _stock(index: Index, folder: Path) -> Rank:
    retriever = stock_index(index, folder).as_retriever(similarity_top_k=CANDIDATES)
    return lambda question: [str(found.node.ref_doc_id) for found in retriever.retrieve(question)]


def stock_index(index: Index, folder: Path) -> Any:  # Any: importing its type costs seconds
    """Return LlamaIndex's index as its tutorial has it, with our model and 256-token chunks."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from rag.faces import DatelineEmbedding

    documents = [
        Document(text=s.article.text, id_=s.article.article_id, metadata={"title": s.article.title})
        for batch in index.catalog.staged("live")
        for s in batch
    ]
    client = chromadb.PersistentClient(str(folder), ChromaSettings(anonymized_telemetry=False))
    store = ChromaVectorStore(
        chroma_collection=client.create_collection("stock", embedding_function=None)
    )
    return VectorStoreIndex.from_documents(
        documents,
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=DatelineEmbedding(index.embedder),
        transformations=[SentenceSplitter(chunk_size=256, chunk_overlap=20)],
    )


def _print_ranking(name: str, rank: Rank, asked: Sequence[_Asked]) -> None:
    began = time.perf_counter()
    ranked = [rank(question) for question, _ in asked]
    ms = (time.perf_counter() - began) * 1_000 / len(asked)
    pairs = list(zip(ranked, (relevant for _, relevant in asked), strict=True))
    hits = "".join(
        f"{statistics.fmean(hit_at(ids, relevant, k) for ids, relevant in pairs):7.3f}"
        for k in (1, 4, 10)
    )
    mrr = statistics.fmean(reciprocal_rank(ids, relevant) for ids, relevant in pairs)
    print(f"{name:34}{hits}{mrr:8.3f}{ms:13.1f}", flush=True)


def _ingest(articles: Path, folder: Path) -> None:
    with _filled(articles, folder) as (_, filled):
        report, encoder_s = filled
        seen, elapsed = report.counts.seen, report.elapsed_s
        print(f"{seen} articles, {report.passages} passages in {elapsed:.1f} s")
        print(f"{seen / elapsed:.1f} articles/s, {report.passages / elapsed:.1f} passages/s")
        print(f"encoder {encoder_s:.1f} s, {encoder_s / elapsed:.0%} of it")


def _ask(folder: Path) -> None:
    questions = [case.asked() for case in load(SAMPLE_SET)]
    with _filled(SAMPLE_CORPUS, folder) as (index, _):
        answerer, now = build_answerer(index), datetime.now(UTC)
        stages: dict[str, list[float]] = {}
        for question in questions:
            for stage, ms in answerer.prepare(question, now=now).timings_ms.items():
                stages.setdefault(stage, []).append(ms)
    for stage, times in stages.items():
        print(f"warm {stage}: p50 {percentile(times, 0.5)} ms, p95 {percentile(times, 0.95)} ms")
    cold = ["ask", "Who was blamed for the Taji attack?", "--data-dir", str(folder)]
    print(f"cold `dateline ask`: median of 5 {_median_s(cold):.2f} s")
    print(f"`dateline --help`: median of 5 {_median_s(['--help']):.2f} s")


def _encode() -> None:
    splitter, tokenizer = Splitter(Settings().passage_tokens), load_tokenizer(max_tokens=MAX_TOKENS)
    articles = [found.article for found in read([SAMPLE_CORPUS]) if isinstance(found, Read)]
    passages = [passage.text for article in articles for passage in splitter.cut(article)]
    encodings = tokenizer.encode_batch(passages[:ENCODED])
    tokens = sum(len(encoding.ids) for encoding in encodings)
    print(f"{len(encodings)} passages of {tokens / len(encodings):.0f} tokens; best of 5")
    for path in sorted(MODELS.glob("*.onnx")):
        for threads in (1, 2):
            model = Model(path, threads=threads)
            best_s = min(_elapsed_s(model, encodings) for _ in range(5))
            print(f"{path.stem:12} {threads} side by side {tokens / best_s:8.0f} tokens/s")


def _elapsed_s(model: Model, encodings: Sequence[Encoding]) -> float:
    began = time.perf_counter()
    model.run(encodings)
    return time.perf_counter() - began


def _median_s(arguments: Sequence[str]) -> float:
    def once() -> float:
        began = time.perf_counter()
        command = [sys.executable, "-m", "api.cli", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(5))


class _Timed(Embedder):
    """The embedder with a stopwatch."""

    elapsed_s = 0.0

    def embed(self, texts: Sequence[str]) -> Vectors:
        began = time.perf_counter()
        try:
            return super().embed(texts)
        finally:
            self.elapsed_s += time.perf_counter() - began


@contextmanager
def _filled(articles: Path, folder: Path) -> Iterator[tuple[Index, tuple[IngestReport, float]]]:
    settings = Settings(data_dir=folder)
    with open_index(settings) as index:
        timed = _Timed(threads=settings.threads)
        index.embedder = timed
        report = Pipeline(index, Splitter(settings.passage_tokens)).run(read([articles]))
        yield index, (report, timed.elapsed_s)


if __name__ == "__main__":
    main()
