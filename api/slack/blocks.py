"""Answers as Slack shows them: Block Kit JSON within Slack's limits. Pure.

>>> [block["type"] for block in footer_blocks(answer)]
['context', 'context', 'actions', 'context_actions']

What articles say is escaped (api/slack/mrkdwn.py); quotations stand below the text with headline,
outlet, day and who said it, and whole passages in a modal (api/slack/passages.py).
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from api.remarks import ADVICE, day, unproved
from api.slack.mrkdwn import escape, link, shortened, size, split
from rag.types import AbstainReason, Answer, Citation

# What a click on an element brings back as its action_id.
PASSAGES = "dateline_passages"
FEEDBACK = "dateline_feedback"

# Any: JSON, whose keys differ from type to type.
Block = dict[str, Any]

# Slack refuses messages whose blocks hold more than some 12,000 characters; JSON is counted here.
_MESSAGE_CHARS = 11_500
_MESSAGE_BLOCKS = 50
# All citations of a message; those that find no room are counted.
_CITATIONS_CHARS = 5_000
_MOST_CITATIONS = 10
_MOST_ACCOUNTS = 6
_TITLE_CHARS = 150
_QUOTE_CHARS = 300
_NAME_CHARS = 80
_CLAIM_CHARS = 160
_FALLBACK_CHARS = 3_500

_TRY: dict[AbstainReason, str] = {
    **ADVICE,
    "empty_index": "Whoever runs me can fill it with `dateline ingest PATH`.",
    "filtered_out": "`/dateline filters off` lets every article answer again.",
    "unverified": "What I cannot verify I do not show. Ask for one fact at a time.",
}
_WIDER = "The filters may leave the answer out: `/dateline filters off` lets every article answer."
_DIFFER = ":warning: *Accounts differ.* Each stands with who gives it."


def answer_messages(
    answer: Answer, filters: str = "", question: str = "", *, kept: bool = True
) -> list[list[Block]]:
    """Return the blocks of the message that `answer` is, or of several where Slack wants that.

    Args: filters: those that were active, as people type them.  question: as it was asked.
        kept: whether the archive knows the answer when a button below it is pressed.
    """
    units = [[block] for block in _body(answer)]
    units.append(footer_blocks(answer, filters, question, kept=kept))
    messages: list[list[Block]] = [[]]
    for unit in units:
        whole = messages[-1] + unit
        if messages[-1] and (_size(whole) > _MESSAGE_CHARS or len(whole) > _MESSAGE_BLOCKS):
            messages.append(unit)
        else:
            messages[-1] = whole
    return messages


def footer_blocks(
    answer: Answer, filters: str = "", question: str = "", *, kept: bool = True
) -> list[Block]:
    """Return what stands below the text of `answer`, streamed or not; arguments as above."""
    return [
        *_beside(answer),
        *_cited(answer.citations, kept=kept),
        *_notes(answer, filters, question),
        *(_buttons(answer) if kept else ()),
    ]


def fallback_text(answer: Answer) -> str:
    """Return `answer` as mrkdwn without blocks: for notifications, and where blocks fail."""
    text = shortened(escape(answer.answer), _FALLBACK_CHARS // 2)
    sources = [f"[{one.index}] {titled(one)}, {origin(one)}" for one in answer.citations]
    return shortened("\n".join([text, *sources]), _FALLBACK_CHARS)


def feedback_value(rating: Literal["up", "down"], message_id: str) -> str:
    """Return what a feedback button brings back; `rated` reads it."""
    return f"{rating} {message_id}"


def rated(value: str) -> tuple[Literal["up", "down"], str]:
    """Return the rating and the message's id from a feedback button's value."""
    rating, _, message_id = value.partition(" ")
    return ("up" if rating == "up" else "down"), message_id


def section(text: str) -> Block:
    """Return a section of mrkdwn, whose URLs and names stay text."""
    return {"type": "section", "text": _mrkdwn(text), "expand": True}


def context(text: str) -> Block:
    """Return small print of mrkdwn."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def plain(text: str) -> Block:
    """Return words that are never formatted."""
    return {"type": "plain_text", "text": text, "emoji": False}


def modal(title: str, blocks: list[Block], **more: Any) -> Block:
    """Return a view in front of the channel."""
    view = {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": blocks}
    return view | more


def titled(citation: Citation) -> str:
    """Return the headline, escaped, as a link to the article where it has an address."""
    return link(citation.url, shortened(citation.title, _TITLE_CHARS))


def origin(citation: Citation) -> str:
    """Return outlet, author and day, escaped."""
    names = [_name(name) for name in (citation.source, citation.author) if name]
    parts = [*names, day(citation.published_at)]
    return " · ".join(part for part in parts if part) or "no outlet or date"


def _body(answer: Answer) -> Iterator[Block]:
    text, short = escape(answer.answer).strip(), escape(answer.short_answer or "").strip()
    if answer.answer_status == "no_answer" and text:
        text = f"*{' '.join(text.split())}*"
    elif short and text.startswith(short) and "\n" not in short:
        text = f"*{short}*{text[len(short) :]}"
    # The extractive answer says no more than its accounts do.
    if not (answer.model == "extractive" and _beside(answer)):
        yield from map(section, split(text))


def _beside(answer: Answer) -> list[Block]:
    """Return the sides of a conflict in two columns; nothing when they cannot be told apart."""
    if not answer.accounts:
        return []
    cited = {one.index: one for one in answer.citations}
    fields = [
        _mrkdwn(_side(one.claim, [cited[index] for index in one.citations]))
        for one in answer.accounts[:_MOST_ACCOUNTS]
    ]
    return [{"type": "section", "text": _mrkdwn(_DIFFER), "fields": fields}]


def _side(claim: str, citations: Sequence[Citation]) -> str:
    lead, *others = citations
    said = lead.attributed_to
    who = _within(said) if said else lead.source or lead.title
    lines = [
        f"*{_name(f'{claim[:1].upper()}{claim[1:]}', _CLAIM_CHARS)}* [{lead.index}]",
        f"{'according to' if said else 'reported by'} *{_name(who)}*",
        " · ".join(filter(None, [_name(lead.source or lead.title), day(lead.published_at)])),
    ]
    if others:
        also = [f"{_name(one.source or one.title)} [{one.index}]" for one in others]
        lines.append(f"_Also:_ {shortened(', '.join(also), _QUOTE_CHARS)}")
    return "\n".join(lines)


def _cited(citations: Sequence[Citation], *, kept: bool) -> list[Block]:
    found: list[Block] = []
    left = _CITATIONS_CHARS
    for one in citations[:_MOST_CITATIONS]:
        said = f" · said by *{_name(_within(one.attributed_to))}*" if one.attributed_to else ""
        quote = shortened(escape(" ".join(one.cited_text.split())), _QUOTE_CHARS)
        block = context(f"*[{one.index}]* {titled(one)}\n“{quote}”\n{origin(one)}{said}")
        left -= _size(block)
        if left < 0:
            break
        found.append(block)
    if more := len(citations) - len(found):
        where = ", all of them under *Show passages*" if kept else ""
        found.append(context(f"… and {more} more{where}"))
    return found


def _notes(answer: Answer, filters: str, question: str) -> Iterator[Block]:
    lines = [*_state(answer, filters)]
    if question and " ".join(question.split()) != " ".join(answer.standalone_question.split()):
        asked = shortened(escape(answer.standalone_question), _QUOTE_CHARS)
        lines.append(f"I understood: “{' '.join(asked.split())}”")
    if filters:
        lines.append(f"Only these articles may answer: `{_name(filters, _QUOTE_CHARS)}`")
    if lines:
        yield context("\n".join(lines))


def _state(answer: Answer, filters: str) -> Iterator[str]:
    """Yield what a reader should know about the answer, and what to try next."""
    if answer.answer_status == "no_answer":
        yield _TRY[answer.abstain_reason or "low_confidence"]
        if filters and answer.abstain_reason != "filtered_out":
            yield _WIDER
    yield from unproved(answer)
    if answer.note:
        yield f":information_source: {shortened(escape(answer.note), _QUOTE_CHARS)}"
    if answer.citations:
        how = "Quoted word for word"
        if answer.model != "extractive":
            how = f"Written by {_name(answer.model)}"
        yield f"{how} · confidence {answer.confidence:.0%}"


def _buttons(answer: Answer) -> Iterator[Block]:
    if answer.citations:
        words = plain("Show passages")
        button = {"type": "button", "action_id": PASSAGES, "text": words, "value": answer.id}
        yield {"type": "actions", "elements": [button]}
    good, bad = plain("Good answer"), plain("Bad answer")
    thumbs = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": {"text": good, "value": feedback_value("up", answer.id)},
        "negative_button": {"text": bad, "value": feedback_value("down", answer.id)},
    }
    yield {"type": "context_actions", "elements": [thumbs]}


def _name(name: str, limit: int = _NAME_CHARS) -> str:
    """Return a name in one line, escaped and not too long."""
    return shortened(" ".join(escape(name).split()), limit)


def _within(who: str) -> str:
    """Return a speaker as it reads inside a sentence."""
    first, _, rest = who.partition(" ")
    articles = ("A", "An", "The", "Some", "One", "Two", "Three", "Several")
    return f"{first.lower()} {rest}" if rest and first in articles else who


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _size(blocks: Block | list[Block]) -> int:
    return size(json.dumps(blocks, ensure_ascii=False))
