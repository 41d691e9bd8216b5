"""What OpenAI's clients send, and the question that it means here.

>>> asked = {"model": "dateline", "messages": [{"role": "user", "content": "Who was blamed?"}]}
>>> CompletionRequest(**asked).chat_request().question().text
'Who was blamed?'

Their parameters are of three kinds: those that mean something here, those without meaning here that
change no promise (temperature, max_tokens, seed, tools that may be left alone, and whatever comes
up next), which are taken and not used, and those that ask for another kind of reply, which are
refused with their name.
"""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from api.errors import UNSUPPORTED
from api.schemas.questions import ChatRequest, Message, Retrieval
from api.schemas.sessions import SessionName
from rag.types import Filters, Storable

# Those before cannot be meant any more, and a long conversation is not refused for its length.
_TURNS_READ = 200
_LISTS = ("sources", "article_ids")


def _only(*allowed: Any) -> AfterValidator:  # Any: JSON
    """Return what refuses every value but `allowed` and null."""
    said = " or ".join(json.dumps(one) for one in (*allowed, None))

    def checked(value: Any) -> Any:
        if value is None or value in allowed:
            return value
        raise PydanticCustomError(UNSUPPORTED, "this server supports only {said}", {"said": said})

    return AfterValidator(checked)


def _text_alone(kind: str) -> str:
    if kind not in ("text", "refusal"):
        raise PydanticCustomError(UNSUPPORTED, "this server reads text only: send type text")
    return kind


def _as_parts(content: Any) -> Any:  # Any: as pydantic hands it over
    """Return content that is a string, or null, as the list that it stands for."""
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _written(value: Any) -> Any:
    """Return what a string says as JSON or as `key=value&key=value`, undecoded."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise ValueError("is not JSON that can be read") from exc
    said: dict[str, list[str]] = {}
    for name, is_pair, one in (part.partition("=") for part in value.split("&") if part):
        if not is_pair:
            raise ValueError("is neither JSON nor key=value&key=value")
        said.setdefault(name.strip(), []).append(one.strip())
    return {name: ones if name in _LISTS or ones[1:] else ones[0] for name, ones in said.items()}


class _Sent(BaseModel):
    """Keeps what we read; OpenAI's clients send new fields every month."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Part(_Sent):
    """A piece of a message."""

    type: Annotated[str, AfterValidator(_text_alone)] = Field(description="text; others are 400")
    text: Annotated[Storable, StringConstraints(max_length=100_000)] = ""


class CompletionMessage(_Sent):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"] = Field(
        description="what system, developer, tool and function say is taken and not used"
    )
    content: Annotated[
        tuple[Part, ...],
        Field(max_length=1_000),
        BeforeValidator(_as_parts, json_schema_input_type=str | list[Part] | None),
    ] = ()

    def text(self) -> str:
        """Return what is said, its parts one a line."""
        return "\n".join(part.text for part in self.content)


class StreamOptions(_Sent):
    """How a stream ends."""

    include_usage: bool | None = None


class Metadata(_Sent):
    """OpenAI's place for what is ours; its values are strings. Other keys are not used."""

    session_id: SessionName | None = None
    filters: Annotated[
        Filters | None, BeforeValidator(_written, json_schema_input_type=str | Filters | None)
    ] = Field(default=None, description="JSON, or sources=a&sources=b&as_of=2021-05-04")
    retrieval: Annotated[
        Retrieval | None, BeforeValidator(_written, json_schema_input_type=str | Retrieval | None)
    ] = Field(default=None, description="JSON, or mode=bm25&top_k=4")


class CompletionRequest(_Sent):
    """A request of OpenAI's chat completions; parameters that are not listed are not used.

    `session_id`, `filters` and `retrieval` are as in POST /v1/chat, here or in `metadata`.
    """

    model: Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")] = Field(
        description="dateline, or another of GET /v1/models"
    )
    messages: tuple[CompletionMessage, ...] = Field(
        min_length=1, max_length=10_000, description="the last user message is the question"
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: Metadata | None = None
    session_id: SessionName | None = None
    filters: Filters | None = None
    retrieval: Retrieval | None = None
    n: Annotated[int | None, _only(1)] = None
    # Any below: JSON of several types, of which one value or two are allowed.
    response_format: Annotated[Any, _only({"type": "text"})] = None
    logprobs: Annotated[Any, _only(False)] = None
    top_logprobs: Annotated[Any, _only(0)] = None
    tool_choice: Annotated[Any, _only("none", "auto")] = None
    function_call: Annotated[Any, _only("none", "auto")] = None
    modalities: Annotated[Any, _only(["text"])] = None
    audio: Annotated[Any, _only()] = None

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        for name in ("session_id", "filters", "retrieval"):
            if getattr(self, name) is not None and getattr(self.metadata, name, None) is not None:
                raise ValueError(f"send {name} by itself or in metadata, not both")
        return self

    def chat_request(self) -> ChatRequest:
        """Return the same as POST /v1/chat takes it; raises ValidationError."""
        said = [
            Message(role=message.role, content=message.text())
            for message in self.messages
            if message.role in ("user", "assistant")
        ]
        return ChatRequest(
            messages=tuple(said[-_TURNS_READ:]),
            session_id=self._ours("session_id"),
            filters=self._ours("filters") or Filters(),
            retrieval=self._ours("retrieval") or Retrieval(),
        )

    def _ours(self, name: str) -> Any:
        own = getattr(self, name)
        return own if own is not None else getattr(self.metadata, name, None)
