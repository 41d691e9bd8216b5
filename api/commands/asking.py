"""`dateline ask`, `search` and `replay`: one question, of an archive here or of a server.

    dateline ask 'Who was blamed for the Taji attack?' --url http://127.0.0.1:8321
    echo 'Who was blamed for the Taji attack?' | dateline ask --format markdown

Of a server as little is imported as its answer takes; of an archive here, no HTTP.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands import bundles
from api.commands.opened import open_data
from api.commands.options import (
    After,
    Articles,
    AsOf,
    Before,
    BundleFile,
    DataDir,
    Json,
    Mode,
    Sources,
    Url,
    filters,
    now,
    print_json,
    valid,
)
from api.commands.reached import remote
from rag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from api.client import Dateline
    from api.schemas.answers import FoundPassage
    from rag.bundle import Bundle
    from rag.types import Answer, Question


# Many times what a question may have, and little enough to be thrown away.
_MOST_READ = 100_000


class Format(StrEnum):
    """How an answer is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"


def ask(
    question: Annotated[
        str | None, typer.Argument(help="The question; `-`, or none in a pipe: read from stdin.")
    ] = None,
    *,
    url: Url = None,
    data_dir: DataDir = None,
    output: Annotated[
        Format | None, typer.Option("--format", help="How to print the answer.")
    ] = None,
    json: Json = False,
    mode: Mode = "hybrid",
    top_k: Annotated[int, typer.Option(help="Passages to read.")] = 8,
    min_confidence: Annotated[
        float | None, typer.Option(help="0 to 1; 0 answers whenever a passage was found.")
    ] = None,
    after: After = None,
    before: Before = None,
    as_of: AsOf = None,
    source: Sources = None,
    article: Articles = None,
    bundle: BundleFile = None,
    session: Annotated[
        str | None, typer.Option(help="Go on with this conversation, or begin it.")
    ] = None,
) -> None:
    """Answer a question with verified citations."""
    as_ = _format(output, json=json)
    with _quick():
        from rag.types import Question

        asked = valid(
            Question,
            text=_question(question),
            filters=filters(after, before, as_of, source, article),
            mode=mode,
            top_k=top_k,
            min_confidence=min_confidence,
        )
        client, _ = remote(url, data_dir)
        if client is not None:
            with client:
                answer, whole = _answer_there(client, asked, session, with_bundle=bool(bundle))
    if client is None:
        answer, whole = _answer_here(data_dir, asked, session, with_bundle=bool(bundle))
    if bundle != bundles.STANDARD:
        _print(as_, asked.text, answer)
    if bundle and whole:
        bundles.write(bundle, whole)
    raise typer.Exit(1 if answer.answer_status == "no_answer" else 0)


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    url: Url = None,
    data_dir: DataDir = None,
    json: Json = False,
    mode: Mode = "hybrid",
    k: Annotated[int, typer.Option("-k", "--top-k", help="Passages to show.")] = 8,
    after: After = None,
    before: Before = None,
    as_of: AsOf = None,
    source: Sources = None,
    article: Articles = None,
) -> None:
    """Show the passages that match, without an answer."""
    with _quick():
        from rag.types import Question

        chosen = filters(after, before, as_of, source, article)
        wanted = valid(Question, text=query.strip(), filters=chosen, mode=mode, top_k=k)
        client, _ = remote(url, data_dir)
        if client is not None:
            with client:
                hits = client.search(query, k=k, filters=chosen, mode=wanted.mode)
    if client is None:
        hits = _found_here(data_dir, wanted)
    if json:
        print_json({"hits": [hit.model_dump(mode="json") for hit in hits]})
    else:
        _print_hits(hits)
    raise typer.Exit(0 if hits else 1)


def replay(
    file: Annotated[Path, typer.Argument(help="A file of `ask --bundle`; `-`: standard input.")],
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Ask a bundle's question again, as of its own time, and say what changed."""
    from api.commands.render import show_changes, terminal

    old = bundles.read(file)
    with open_data(data_dir) as opened:
        changes = bundles.replay(old, opened.answerer(), opened.index)
    if json:
        print_json(changes.model_dump(mode="json"))
    else:
        show_changes(terminal(), changes)
    raise typer.Exit(0 if changes.same_answer else 1)


@contextmanager
def _quick() -> Iterator[None]:
    """Import without what a short command has no use for: each takes a part of it.

    httpx 0.28 imports its own command line, with click and pygments, unless that cannot be had
    (httpx2 has learned to wait: its #947); and pydantic looks through all installed packages for
    plugins of its own.
    """
    with (
        _held(sys.modules, "httpx._main", None),  # how Python says: not to be had
        _held(os.environ, "PYDANTIC_DISABLE_PLUGINS", "1"),
    ):
        yield


@contextmanager
def _held(names: MutableMapping[str, Any], name: str, value: object) -> Iterator[None]:
    """Have `name` mean `value` for a while, unless it means something already."""
    if name in names:
        yield
        return
    names[name] = value
    try:
        yield
    finally:
        del names[name]


def _format(output: Format | None, *, json: bool) -> Format:
    if json and output not in (None, Format.json):
        raise InputError("--json and --format exclude each other: --json is --format json")
    return Format.json if json else output or Format.text


def _question(said: str | None) -> str:
    if said is None and sys.stdin.isatty():
        raise InputError("write a question behind `dateline ask`, or pipe one in")
    if said not in (None, "-"):
        return str(said).strip()
    try:
        # Some editors put a mark before a text, which is no part of its first word.
        return sys.stdin.read(_MOST_READ).removeprefix("\ufeff").strip()
    except UnicodeDecodeError as exc:
        raise InputError(f"the question on standard input is no {exc.encoding} text") from exc


def _answer_here(
    data_dir: Path | None, asked: Question, session: str | None, *, with_bundle: bool
) -> tuple[Answer, Bundle | None]:
    with open_data(data_dir) as opened:
        evidence, answer = opened.ask(asked, now=now(), session_id=session)
    if not with_bundle:
        return answer, None
    from rag.bundle import bundle, versions

    return answer, bundle(evidence, answer, versions())


def _answer_there(
    client: Dateline, asked: Question, session: str | None, *, with_bundle: bool
) -> tuple[Answer, Bundle | None]:
    if session is not None:
        client.begin_session(session)
    answer = client.ask(
        asked.text,
        session_id=session,
        filters=asked.filters,
        mode=asked.mode,
        top_k=asked.top_k,
        min_confidence=asked.min_confidence,
        include=("bundle",) if with_bundle else (),
    )
    return answer, answer.bundle


def _found_here(data_dir: Path | None, wanted: Question) -> tuple[FoundPassage, ...]:
    from api.schemas.answers import FoundPassage
    from rag.retrieve import Retriever

    with open_data(data_dir) as opened:
        hits = Retriever(opened.index).retrieve(wanted, now=now())
    return tuple(FoundPassage.of(hit, scores=True) for hit in hits)


def _print(as_: Format, question: str, answer: Answer) -> None:
    if as_ is Format.json:
        # Of a server it has a bundle, too, which --bundle writes.
        print_json(answer.model_dump(mode="json", exclude={"bundle"}))
    elif as_ is Format.markdown:
        from api.commands.markdown import answer_markdown

        sys.stdout.write(answer_markdown(question, answer))
    else:
        from api.commands.render import show_answer, terminal

        show_answer(terminal(), question, answer)


def _print_hits(hits: Sequence[FoundPassage]) -> None:
    from api.commands.render import show_hits, terminal

    console = terminal()
    if hits:
        show_hits(console, hits)
    else:
        console.print("nothing found")
