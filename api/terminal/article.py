"""The article behind a citation, with the quoted characters marked.

>>> open_citation(console, client, answer.citations[0])

What fits on the terminal, or around the quotation, is printed; a long article opens in the pager
at the quotation, too.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from api.commands.render import shown
from api.remarks import byline

if TYPE_CHECKING:
    from rich.console import Console

    from api.client import Dateline
    from rag.types import Article, Citation

_MARK = "bold black on yellow"
_AROUND_CHARS = 600
_LINES_BEFORE = 5
# The shell reads the reader's own settings; -R lets colours through and nothing else.
_PAGER = """
[ -n "$PAGER" ] || command -v less > /dev/null || exit 0
export LESS="-R $LESS +$0"
eval "exec ${PAGER:-less}"
"""


class Place(NamedTuple):
    """Where the quotation stands in the article; None: it does not any more."""

    start: int
    end: int


def open_citation(console: Console, client: Dateline, citation: Citation) -> None:
    """Print the article around the quotation, and open all of it where there is a pager.

    Raises: NotFound when the article was deleted.
    """
    article = client.article(citation.article_id)
    place = _place(client, article, citation)
    _print_head(console, article, changed=article.content_hash != citation.content_hash)
    if place is None:
        console.print(Text("The quoted words do not stand in it any more:", "yellow"))
        console.print(Text(f"“{shown(citation.cited_text)}”"))
        place = Place(0, 0)
    whole, place = _marked(console, shown(article.text), place)
    lines = whole.wrap(console, console.width)
    if console.is_terminal and len(lines) <= console.height - _LINES_BEFORE:
        console.print(whole)
        return
    console.print(_around(whole, place))
    if console.is_terminal and not console.is_dumb_terminal:
        above = len(whole[: place.start].wrap(console, console.width)) if place.start else 0
        page(console, whole, max(1, above - _LINES_BEFORE))


def page(console: Console, text: Text, line: int) -> None:
    """Open the text in the reader's pager, at a line of it; without one nothing happens."""
    with console.capture() as capture:
        console.print(text)
    try:
        pager = subprocess.Popen(["sh", "-c", _PAGER, str(line)], stdin=subprocess.PIPE)  # noqa: S603, S607 - nothing of others is in it
    except FileNotFoundError:
        return
    try:
        with suppress(BrokenPipeError):
            pager.communicate(capture.get().encode(errors="replace"))
    except KeyboardInterrupt:
        # Ctrl-C is the pager's: it goes back to its own prompt.
        _wait(pager)


def _wait(pager: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            pager.wait()
        except KeyboardInterrupt:
            continue
        return


def _place(client: Dateline, article: Article, citation: Citation) -> Place | None:
    """Return where the quoted characters stand in the article as it is now."""
    start = citation.start_char_index
    if article.content_hash != citation.content_hash:
        found = client.citation(citation.id).current_start_char_index
        if found is None:
            return None
        start = found
    return Place(start, start + len(citation.cited_text))


def _print_head(console: Console, article: Article, *, changed: bool) -> None:
    console.print(Text(shown(article.title), "bold"))
    where = byline(article.source, article.author, article.published_at)
    console.print(Text(shown(where), "dim"))
    address = article.url or article.article_id
    console.print(Text(shown(address), "dim"), soft_wrap=True)
    if changed:
        console.print(Text("The article has changed since it was quoted.", "yellow"))
    console.print()


def _marked(console: Console, text: str, place: Place) -> tuple[Text, Place]:
    """Return the article with the quotation in colour, or between signs where there is none."""
    start, end = place
    if console.color_system is None and end > start:
        text = f"{text[:start]}>>{text[start:end]}<<{text[end:]}"
        return Text(text), Place(start, end + len(">><<"))
    marked = Text(text)
    marked.stylize(_MARK, start, end)
    return marked, place


def _around(whole: Text, place: Place) -> Text:
    """Return what stands around the quotation, cut between words."""
    plain = whole.plain
    start, end = max(0, place.start - _AROUND_CHARS), min(len(plain), place.end + _AROUND_CHARS)
    if start:
        start = max(start, plain.find(" ", start, place.start) + 1)
    if end < len(plain) and (space := plain.rfind(" ", place.end, end)) >= 0:
        end = space
    begun, left = "… " if start else "", " …" if end < len(plain) else ""
    return Text.assemble(begun, whole[start:end], left)
