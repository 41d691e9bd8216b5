"""An answer as Markdown: its words, then each citation with quotation, outlet, date and link.

>>> escaped("*Two* <b>died</b> [1]")
'\\\\*Two\\\\* \\\\<b\\\\>died\\\\</b\\\\> \\\\[1\\\\]'

Text of articles stays text: every character that Markdown, or GitHub's, would read is escaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from api.commands.render import shown
from api.remarks import day, remarks

if TYPE_CHECKING:
    from rag.types import Answer, Citation

# The colon and the dot end what would become a link by itself, and names of little pictures.
_INLINE = re.compile(r"[\\`*_\[\]<>&|~$#@^]|:(?=\S)|(?<=www)\.", re.IGNORECASE)
# What would begin a heading, a list or a line across at the start of a line.
_START = re.compile(r"^(?:(\d{1,9})(?=[.)])|(?=[-+=]))")


def answer_markdown(question: str, answer: Answer, *, level: int = 1) -> str:
    """Return the answer as a section under a heading of this level, with a newline at its end."""
    parts = [f"{'#' * level} {escaped(question)}", escaped(answer.answer)]
    parts += [f"*{escaped(remark)}*" for remark in remarks(answer)]
    if answer.citations:
        parts.append("\n".join(_cited(citation) for citation in answer.citations))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return `text` in one line, as Markdown that means exactly these characters."""
    line = " ".join(shown(text).split())
    return _START.sub(r"\1\\", _INLINE.sub(r"\\\g<0>", line))


def _cited(citation: Citation) -> str:
    title = escaped(citation.title)
    link = _address(citation.url)
    parts = [f"[{title}]({link})" if link else title]
    parts += [escaped(part) for part in (citation.source, day(citation.published_at)) if part]
    by = f" (said by {escaped(citation.attributed_to)})" if citation.attributed_to else ""
    return f"- \\[{citation.index}\\] “{escaped(citation.cited_text)}”{by} — {', '.join(parts)}"


def _address(url: str | None) -> str | None:
    """Return what may be followed; other schemes than HTTP are no address of an article."""
    if url is None or not re.match(r"https?://", url, re.IGNORECASE):
        return None
    return f"<{quote(url, safe=':/?#[]@!$&()*+,;=%~')}>"
