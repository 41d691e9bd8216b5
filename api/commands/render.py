"""Answers, passages and reports on a terminal. Text of others is printed as text, never as markup.

>>> shown("\\x1b]0;owned\\x07")
'␛]0;owned␇'

What a terminal would obey is shown instead, character for character, so that offsets stay right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from api.remarks import byline, origin, remarks

if TYPE_CHECKING:
    from api.schemas.answers import FoundPassage
    from ingest.pipeline import IngestReport
    from rag.bundle import Changes
    from rag.index import CheckReport
    from rag.types import Answer, Citation

# Controls as their pictures, and what turns the order of letters round as a question mark.
_OBEYED = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
}


# Where less would be left for a line, the terminal breaks it itself.
_NARROWEST = 20
_UNKNOWN_WIDTH = 80


def terminal(*, no_color: bool | None = None, stderr: bool = False) -> Console:
    """Return where to print; it obeys NO_COLOR, reads no markup and breaks no line in a pipe."""
    console = Console(
        no_color=no_color, stderr=stderr, markup=False, emoji=False, highlight=False
    )  # fmt: skip
    # FORCE_COLOR makes a terminal of a pipe for Rich, whose colours are wanted there and no more.
    console.soft_wrap = not console.file.isatty()
    # Where COLUMNS is 0, as in a terminal that has no size, Rich would print nothing at all.
    if not console.width:
        console.width = _UNKNOWN_WIDTH
    return console


def shown(text: str) -> str:
    """Return `text`, as long as before, without anything that a terminal obeys."""
    return text.translate(_OBEYED)


def show_answer(console: Console, question: str, answer: Answer) -> None:
    """Print question, answer and every citation with where it stands."""
    console.print(Text.assemble(("Q  ", "dim"), (shown(question), "bold")))
    if answer.standalone_question != question:
        about = shown(f"   understood as: {answer.standalone_question}")
        console.print(Text(about, "dim"))
    style = "green" if answer.citations else "yellow"
    console.print(Text.assemble(("A  ", "dim"), (shown(answer.answer), style)))
    for citation in answer.citations:
        _print_indented(console, _cited(citation))
    show_remarks(console, answer)


def show_citations(console: Console, answer: Answer) -> None:
    """Print every citation in short: what it is from, and the quoted words."""
    for citation in answer.citations:
        number = f"[{citation.index}] "
        title = Text.assemble((number, "cyan"), (shown(citation.title), "bold"))
        where = Text(shown(origin(citation, author=False)), "dim")
        behind = 3 + len(number)
        if behind + title.cell_len + where.cell_len <= console.width:
            _print_indented(console, Text.assemble(title, "  ", where))
        else:
            _print_indented(console, title)
            _print_indented(console, where, behind)
        _print_indented(console, Text(f"“{shown(citation.cited_text)}”"), behind)


def show_remarks(console: Console, answer: Answer, *, besides: str = "") -> None:
    """Print how far the answer goes and what it took."""
    for remark in remarks(answer):
        _print_indented(console, Text(shown(remark), "yellow"))
    spent = f"{answer.timings_ms.get('total', 0):.0f} ms"
    status = answer.answer_status.replace("_", " ")
    facts = f"   {status} · confidence {answer.confidence:.2f} · {spent}"
    console.print(Text(shown(facts + besides), "dim"))


def show_hits(console: Console, hits: Sequence[FoundPassage]) -> None:
    """Print passages, best first."""
    for rank, hit in enumerate(hits, 1):
        span = f"characters {hit.start_char_index}–{hit.end_char_index}"
        where = byline(hit.source, None, hit.published_at)
        head = Text.assemble(
            (f"{rank}. ", "dim"), (shown(hit.title), "bold"), (f"  {shown(where)}", "dim")
        )
        console.print(head)
        _print_indented(console, Text(shown(hit.text)))
        console.print(Text(f"   {shown(hit.article_id)} · {span}", "dim"))


def show_ingest(console: Console, report: IngestReport) -> None:
    """Print what was taken in and, for everything that was not, why."""
    for error in report.errors:
        line = f":{error.line}" if error.line is not None else ""
        wrong = shown(f"{error.file}{line}: {error.reason}")
        console.print(Text.assemble(("✗ ", "red"), wrong))
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
    console.print(Text.assemble(("Q  ", "dim"), (shown(changes.question), "bold")))
    console.print(Text.assemble(said, f" · confidence {changes.confidence_delta:+.2f}"))
    for name, change in [*changes.answer.items(), *changes.made_with.items()]:
        _print_indented(console, Text(shown(f"{name}: {change.old or '–'} → {change.new or '–'}")))
    for name in ("citations_gone", "citations_new", "citations_moved"):
        for quote in getattr(changes, name):
            text = f"{name.replace('_', ' ')}: {quote.article_id} “{quote.cited_text}”"
            _print_indented(console, Text(shown(text)))
    for name in ("articles_changed", "articles_gone", "passages_lost", "passages_found"):
        if ids := getattr(changes, name):
            _print_indented(console, Text(shown(f"{name.replace('_', ' ')}: {', '.join(ids)}")))


def _print_indented(console: Console, text: Text, columns: int = 3) -> None:
    """Print `text` some columns in, wrapped on a terminal and whole lines into a pipe."""
    is_wide = console.width > columns + _NARROWEST
    wrapped = is_wide and not console.soft_wrap
    for line in text.wrap(console, console.width - columns) if wrapped else text.split():
        console.print(Text(" " * columns) + line, soft_wrap=True)


def _cited(citation: Citation) -> Text:
    span = f"characters {citation.start_char_index}–{citation.end_char_index}"
    where = f"{citation.url or citation.article_id} · {span} · verified ✓"
    return Text.assemble(
        (f"[{citation.index}] ", "cyan"),
        (shown(citation.title), "bold"),
        (f"\n    {shown(origin(citation))}", "dim"),
        f"\n    “{shown(citation.cited_text)}”",
        (f"\n    {shown(where)}", "dim"),
    )
