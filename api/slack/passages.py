"""The modal behind “Show passages”: each quotation, bold, inside its passage. Pure.

>>> passages_view([(citation, passage)])["title"]["text"]
'Passages'

Passages are rich text, not mrkdwn: nothing in them can be formatting, so they are exact.
"""

from collections.abc import Sequence

from api.slack.blocks import Block, context, modal, origin, section, titled
from rag.types import Citation, Passage

CALLBACK = "dateline_passages_shown"
# A modal has room for 100 blocks and 250,000 bytes; three blocks are needed for each.
_MOST = 20
# Of what stands before and after the quotation; and of a quotation without full stops.
_AROUND_CHARS = 1_500
_QUOTE_CHARS = 2_000
_GONE = "This article was changed or deleted since. The quotation as it stood:"


def passages_view(cited: Sequence[tuple[Citation, Passage | None]]) -> Block:
    """Return the view for `views.open`; None for a passage that is not there any more."""
    blocks: list[Block] = []
    for citation, passage in cited[:_MOST]:
        if blocks:
            blocks.append({"type": "divider"})
        blocks += _shown(citation, passage)
    if more := len(cited) - _MOST:
        blocks += [context(f"… and {more} more")] if more > 0 else []
    nothing = section("No passage of this answer is there any more.")
    return modal("Passages", blocks or [nothing], callback_id=CALLBACK)


def _shown(citation: Citation, passage: Passage | None) -> list[Block]:
    head = section(f"*[{citation.index}]* {titled(citation)}\n{origin(citation)}")
    words = _parts(citation, passage)
    quote = {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": words}]}
    return [head, quote] if passage else [head, context(_GONE), quote]


def _parts(citation: Citation, passage: Passage | None) -> list[Block]:
    quoted = citation.cited_text
    shown = quoted if len(quoted) <= _QUOTE_CHARS else f"{quoted[:_QUOTE_CHARS]} …"
    bold = {"type": "text", "text": shown, "style": {"bold": True}}
    if passage is None:
        return [bold]
    start = citation.start_char_index - passage.start_char_index
    before, after = passage.text[: max(start, 0)], passage.text[max(start, 0) + len(quoted) :]
    if len(before) > _AROUND_CHARS:
        before = "… " + before[-_AROUND_CHARS:].partition(" ")[2]
    if len(after) > _AROUND_CHARS:
        after = after[:_AROUND_CHARS].rpartition(" ")[0] + " …"
    around = [[{"type": "text", "text": text}] if text else [] for text in (before, after)]
    return [*around[0], bold, *around[1]]
