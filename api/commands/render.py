"""Answers, passages and reports on a terminal. Article text is printed as text, never as markup."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ingest.pipeline import IngestReport
from rag.bundle import Changes
from rag.index import CheckReport
from rag.types import Answer, ArticleMeta, Citation, Hit


def show_answer(console: Console, question: str, answer: Answer) -> None:
    """Print question, answer and every citation with where it stands."""
    console.print(Text.assemble(("Q  ", "dim"), (question, "bold")))
    style = "green" if answer.citations else "yellow"
    console.print(
        Text.assemble(("A  ", "dim"), (answer.answer, style)), soft_wrap=not console.is_terminal
    )
    for citation in answer.citations:
        _print_indented(console, _cited(citation))
    if answer.note:
        console.print(Text(f"   {answer.note}", "yellow"))
    spent = f"{answer.timings_ms['total']:.0f} ms"
    facts = f"   {answer.answer_status} · confidence {answer.confidence:.2f} · {spent}"
    console.print(Text(facts, "dim"))


def show_hits(console: Console, hits: Sequence[Hit]) -> None:
    """Print passages, best first."""
    for rank, hit in enumerate(hits, 1):
        passage = hit.passage
        span = f"characters {passage.start_char_index}–{passage.end_char_index}"
        head = Text.assemble(
            (f"{rank}. ", "dim"), (hit.article.title, "bold"), (f"  {_origin(hit.article)}", "dim")
        )
        console.print(head)
        _print_indented(console, Text(passage.text))
        console.print(Text(f"   {hit.article.article_id} · {span}", "dim"))


def show_ingest(console: Console, report: IngestReport) -> None:
    """Print what was taken in and, for everything that was not, why."""
    for error in report.errors:
        line = f":{error.line}" if error.line is not None else ""
        console.print(Text.assemble(("✗ ", "red"), f"{error.file}{line}: {error.reason}"))
    facts = [f"{count} {name}" for name, count in report.counts._asdict().items() if count]
    rate = report.counts.seen / report.elapsed_s if report.elapsed_s else 0.0
    console.print(
        f"{', '.join(facts) or 'nothing to do'} · {report.passages} passages written · "
        f"{report.elapsed_s:.1f} s · {rate:.1f} articles/s",
        highlight=False,
    )


def show_check(console: Console, report: CheckReport) -> None:
    """Print what was compared and what is wrong."""
    console.print(f"{report.articles} articles, {report.passages} passages", highlight=False)
    wrong = [(k, v) for k, v in report if v and k not in ("articles", "passages", "clean")]
    for name, count in wrong:
        console.print(Text.assemble(("✗ ", "red"), f"{name.replace('_', ' ')}: {count}"))
    if report.clean:
        console.print(Text("clean: catalog, vectors and BM25 agree", "green"))
    else:
        console.print("run `dateline check --repair` on this data directory to mend it")


def show_changes(console: Console, changes: Changes) -> None:
    """Print whether the answer is the same, and everything that is not."""
    said = ("the same answer", "green") if changes.same_answer else ("another answer", "yellow")
    console.print(Text.assemble(("Q  ", "dim"), (changes.question, "bold")))
    console.print(Text.assemble(said, f" · confidence {changes.confidence_delta:+.2f}"))
    for name, change in [*changes.answer.items(), *changes.made_with.items()]:
        _print_indented(console, Text(f"{name}: {change.old or '–'} → {change.new or '–'}"))
    for name in ("citations_gone", "citations_new", "citations_moved"):
        for quote in getattr(changes, name):
            text = f"{name.replace('_', ' ')}: {quote.article_id} “{quote.cited_text}”"
            _print_indented(console, Text(text))
    for name in ("articles_changed", "articles_gone", "passages_lost", "passages_found"):
        if ids := getattr(changes, name):
            _print_indented(console, Text(f"{name.replace('_', ' ')}: {', '.join(ids)}"))


def _print_indented(console: Console, text: Text) -> None:
    """Print `text` three columns in, wrapped on a terminal and whole lines into a pipe."""
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, 3)))
    else:
        for line in text.split():
            console.print(Text("   ") + line, soft_wrap=True)


def _cited(citation: Citation) -> Text:
    span = f"characters {citation.start_char_index}–{citation.end_char_index}"
    return Text.assemble(
        (f"[{citation.index}] ", "cyan"),
        (citation.title, "bold"),
        (f"\n    {_origin(citation)}", "dim"),
        f"\n    “{citation.cited_text}”",
        (f"\n    {citation.url or citation.article_id} · {span} · verified ✓", "dim"),
    )


def _origin(article: ArticleMeta | Citation) -> str:
    parts = [article.source, article.author, _day(article.published_at)]
    return " · ".join(part for part in parts if part) or "no source, author or date"


def _day(moment: datetime | None) -> str | None:
    return f"{moment.day} {moment:%B %Y}" if moment else None
