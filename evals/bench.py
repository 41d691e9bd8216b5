"""Measurements, side by side with what others would use; run by hand, never by a test.

    python -m evals.bench systems --data ../shared/data       beside LlamaIndex, Haystack and txtai
    python -m evals.bench ingest --data ../shared/data        articles/s and the encoder's share
    python -m evals.bench ask                                 cold, warm and import times
    python -m evals.bench cold                                a fresh `dateline ask --url` alone
    python -m evals.bench encode                              tokens/s of every model that ships
    python -m evals.bench judges --data ../shared/data        ours and others' judges of support
    python -m evals.bench load --clients 50 --seconds 60      many at once against a server

`--data` holds `newsqa/articles.jsonl` and `newsqa/questions.jsonl`. `systems` needs the extra
`peers`; `--peers llamaindex` leaves out what is not installed, `--peers none` measures ours alone,
`--questions N` asks N questions of retrieval and `--answers N` has N of them answered, half of them
twice, with the language model of `evals.local_llm` (0: none).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tokenizers import Encoding

from evals import cold
from evals import load as load_test
from evals.cases import SAMPLE_CORPUS, SAMPLE_SET, load
from evals.metrics import percentile
from evals.peers import judges
from ingest.pipeline import IngestReport, Pipeline
from ingest.read import Read, read
from ingest.split import Splitter
from rag.embedder import MAX_TOKENS, Embedder, Vectors
from rag.index import Index
from rag.onnx import MODELS, Model, load_tokenizer
from rag.settings import Settings
from rag.types import Question
from rag.wiring import build_answerer, open_index

_WHAT = ("systems", "judges", "ingest", "ask", "cold", "encode", "load")
# Enough for a steady figure, few enough for a minute.
ENCODED = 100


def main(argv: Sequence[str] | None = None) -> None:
    """Run one of the benchmarks and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=[*_WHAT])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", default="llamaindex,haystack,txtai", help="or none")
    parser.add_argument("--questions", type=int, default=None, help="default: all")
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if args.what == "encode":
            _encode()
        elif args.what == "judges":
            judges.bench(args.data, judges.Others({}))
        elif args.what == "load":
            load_test.bench(clients=args.clients, seconds=args.seconds)
        elif args.what == "systems":
            _systems(args, Path(folder))
        elif args.what == "ingest":
            _ingest(args.data / "newsqa" / "articles.jsonl", Path(folder))
        elif args.what == "cold":
            _cold(Path(folder))
        else:
            _ask(Path(folder))


def _systems(args: argparse.Namespace, folder: Path) -> None:
    from evals.peers.systems import compare

    compare(
        _filled,
        args.data / "newsqa",
        folder,
        names=[] if args.peers == "none" else args.peers.split(","),
        questions=args.questions,
        answers=args.answers,
    )


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
    fresh = ["ask", "Who was blamed for the Taji attack?", "--data-dir", str(folder)]
    print(f"cold `dateline ask`: median of 5 {_median_s(fresh):.2f} s")
    print(f"`dateline --help`: median of 5 {_median_s(['--help']):.2f} s")


def _cold(folder: Path) -> None:
    with _filled(SAMPLE_CORPUS, folder) as (index, _):
        answerer, question = build_answerer(index), Question(text=cold.QUESTION)
        answer = answerer.answer(question, now=datetime.now(UTC))
    cold.bench(answer.model_dump_json().encode(), runs=15)


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
