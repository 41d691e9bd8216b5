"""An answer as OpenAI's clients read it: whole, or in the chunks of a stream.

>>> completion(answer, base_url="http://127.0.0.1:8321/").choices[0].message.content
'Mayor Ida Quell, reports ledger.example (4 May 2021): “…” [1]'
"""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from rag.types import AbstainReason, Account, Answer, AnswerStatus, Citation, Usage, Value


class UrlCitation(Value):
    """Where in the content a citation stands, and where it leads."""

    start_index: int
    end_index: int
    title: str
    url: str = Field(description="the article's, or ours that opens the citation")


class Annotation(Value):
    """OpenAI's form of a citation."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class CompletionText(Value):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str = Field(description="with numbered markers: [1] is citations[0]")
    refusal: None = Field(default=None, description="to have no answer is an answer")
    annotations: tuple[Annotation, ...]


class Choice(Value):
    """There is always one."""

    index: Literal[0] = 0
    message: CompletionText
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Completion(Value):
    """An answer in OpenAI's form; the fields behind `usage` are ours."""

    id: str = Field(description="chatcmpl-X; for POST /v1/feedback the same answer is msg_X")
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = Field(description="who wrote the answer")
    choices: tuple[Choice, ...]
    system_fingerprint: str = Field(description="the index's")
    usage: Usage = Field(description="tokens of a language model; zeros when none was asked")
    citations: tuple[Citation, ...] = Field(description="in full, as in POST /v1/chat")
    accounts: tuple[Account, ...] = Field(description="the sides, where the articles disagree")
    answer_status: AnswerStatus
    abstain_reason: AbstainReason | None
    confidence: float = Field(ge=0, le=1)
    session_id: str | None


class Model(Value):
    """A name that may stand in `model`."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(default=0, description="not known")
    owned_by: str = "dateline"


class ModelList(Value):
    """All names that may stand in `model`."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


ANY_MODEL = "dateline"
_OURS = ("citations", "accounts", "answer_status", "abstain_reason", "confidence", "session_id")


def models(writer: str) -> tuple[Model, ...]:
    """Return the models there are, for a server whose answers `writer` writes."""
    return tuple(Model(id=name) for name in (ANY_MODEL, _name(writer)))


def completion(answer: Answer, *, base_url: str) -> Completion:
    """Return `answer` whole; `base_url` is ours, for articles that have no address."""
    message = CompletionText(content=answer.answer, annotations=_annotations(answer, base_url))
    return Completion(
        **_head(answer),
        choices=(Choice(message=message),),
        usage=answer.usage,
        **_ours(answer),
    )


def chunks(
    answer: Answer, *, base_url: str, with_usage: bool
) -> Iterator[dict[str, Any]]:  # Any: JSON
    """Yield `answer` as the chunks of a stream: role, text, annotations, end, and its usage."""
    annotations = [one.model_dump(mode="json") for one in _annotations(answer, base_url)]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    # A line never ends inside of a marker.
    deltas += [{"content": line} for line in answer.answer.splitlines(keepends=True)]
    if annotations:
        deltas.append({"annotations": annotations})
    # Asked for, usage is null in every chunk but its own.
    head = (
        _head(answer)
        | {"object": "chat.completion.chunk"}
        | ({"usage": None} if with_usage else {})
    )
    for delta in deltas:
        yield head | {"choices": [_piece(delta, None)]}
    yield head | {"choices": [_piece({}, "stop")]} | _ours(answer, as_json=True)
    if with_usage:
        yield head | {"choices": [], "usage": answer.usage.model_dump()}


def _head(answer: Answer) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{answer.id.removeprefix('msg_')}",
        "created": int(answer.created_at.timestamp()),
        "model": _name(answer.model),
        "system_fingerprint": answer.index_fingerprint,
    }


def _ours(answer: Answer, *, as_json: bool = False) -> dict[str, Any]:
    if as_json:
        return answer.model_dump(mode="json", include=set(_OURS))
    return {name: getattr(answer, name) for name in _OURS}


def _piece(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _annotations(answer: Answer, base_url: str) -> tuple[Annotation, ...]:
    """Return one annotation for each place in the answer where a citation stands."""
    found = [
        UrlCitation(
            start_index=span.start_index,
            end_index=span.end_index,
            title=citation.title,
            url=_address(citation, base_url),
        )
        for citation in answer.citations
        for span in citation.answer_spans
    ]
    found.sort(key=lambda one: (one.start_index, one.end_index))
    return tuple(Annotation(url_citation=one) for one in found)


def _address(citation: Citation, base_url: str) -> str:
    # What an article calls its address may be anything, and clients make links of this.
    if citation.url and citation.url.startswith(("https://", "http://")):
        return citation.url
    return f"{base_url}#/citation/{citation.id}"


def _name(writer: str) -> str:
    return f"{ANY_MODEL}-{writer}"
