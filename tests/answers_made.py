"""Answers written by us: what a server sends, and what one sends that means harm."""

from datetime import UTC, datetime
from typing import Any

from api.schemas.answers import ChatAnswer
from rag.types import AnswerSpan, Citation, Source, Verification

QUESTION = "Who blamed the water board?"
QUOTE = "Mayor Ida Quell blamed the water board for the delay."
# Colours, a title, a cursor that moves, a report that would be typed, C1 controls, letters turned.
EVIL = "\x1b[31mred\x1b]0;title\x07\x1b[2J\x1b[6n\x9b2A\x9d\x7f\r\x08‮evil⁦[bold]*b*[/bold]"


def citation(**said: Any) -> Citation:  # Any: fields of many types
    """Return a citation of an invented article."""
    whole: dict[str, Any] = {  # Any: fields of many types
        "id": "cit_1",
        "index": 1,
        "article_id": "bridge",
        "passage_id": "bridge:0:0",
        "title": "Hallow Bridge closes after flood",
        "url": "https://ledger.example/bridge",
        "source": "ledger.example",
        "author": "Nell Orrin",
        "published_at": datetime(2021, 5, 4, 6, tzinfo=UTC),
        "cited_text": QUOTE,
        "start_char_index": 62,
        "end_char_index": 62 + len(QUOTE),
        "attributed_to": None,
        "answer_spans": (AnswerSpan(start_index=0, end_index=9),),
        "score": 0.8,
        "support": "supported",
        "verified": True,
        "content_hash": "sha256:0",
    }
    return Citation(**whole | said)


def answer(**said: Any) -> ChatAnswer:  # Any: fields of many types
    """Return an answer with one citation."""
    whole: dict[str, Any] = {  # Any: fields of many types
        "id": "msg_1",
        "created_at": datetime(2021, 6, 1, tzinfo=UTC),
        "model": "extractive",
        "answer": "Mayor Ida Quell [1]",
        "short_answer": "Mayor Ida Quell",
        "answer_status": "answered",
        "confidence": 0.8,
        "standalone_question": QUESTION,
        "citations": (citation(),),
        "sources": (),
        "timings_ms": {"total": 53.0},
        "index_fingerprint": "f",
        "request_id": "req_1",
    }
    return ChatAnswer(**whole | said)


def evil_answer() -> ChatAnswer:
    """Return an answer whose every word would take the terminal over."""
    return answer(
        answer=f"{EVIL} [1]",
        answer_status="partial",
        standalone_question=f"{EVIL}?",
        citations=(
            citation(
                title=EVIL,
                url=f"https://ledger.example/{EVIL}",
                source=EVIL,
                author=EVIL,
                cited_text=EVIL,
                attributed_to=EVIL,
            ),
        ),
        sources=(Source(article_id="bridge", passages=1, title=EVIL, url=None, published_at=None),),
        note=EVIL,
    )


def verification(**said: int) -> Verification:
    """Return what became of three sentences."""
    whole = {
        "sentences": 3,
        "supported": 3,
        "unsupported": 0,
        "contradicted_removed": 0,
        "unscored": 0,
        "unsafe_removed": 0,
        "markers_invalid": 0,
        "quotes_dropped": 0,
    }
    return Verification(**whole | said, unsupported_spans=())
