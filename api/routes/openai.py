"""The routes that OpenAI's clients call, so that programs which use them can ask the archive.

>>> client = openai.OpenAI(base_url="http://127.0.0.1:8321/v1", api_key="dl_…")
>>> asked = [{"role": "user", "content": "Who was blamed for the Taji attack?"}]
>>> client.chat.completions.create(model="dateline", messages=asked).choices[0].message.content
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api import errors
from api.asking import Asked, Stopped
from api.deps import Asker, RequestId, Served, Services
from api.errors import enveloped_responses
from api.openai.reply import Completion, Model, ModelList, chunks, completion, models
from api.openai.request import CompletionRequest
from api.routes.chat import asking_turn, prepared, watched
from api.schemas.events import MEDIA_TYPE
from api.schemas.questions import ChatRequest
from api.streams import HEADERS, KEEP_ALIVE_S
from api.watch.metrics import observed
from rag.types import Answer

router = APIRouter(prefix="/v1", tags=["openai"], responses=enveloped_responses(500, 503))

logger = logging.getLogger("dateline.api")

_KEEP_ALIVE = b": keep-alive\n\n"
_DONE = b"data: [DONE]\n\n"
_CHUNK = {"type": "object", "required": ["data"], "properties": {"data": {"type": "string"}}}
_STREAM: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    200: {
        "description": "the answer, or its chunks as server-sent events; [DONE] is the last",
        "content": {MEDIA_TYPE: {"schema": _CHUNK}},
    }
}
ModelName = Annotated[str, Path(max_length=300, pattern=r"^[^\x00]+$")]


@router.post(
    "/chat/completions",
    response_model=Completion,
    responses=_STREAM | enveloped_responses(400, 404, 408, 413),
)
async def complete(
    request: CompletionRequest,
    services: Served,
    caller: Asker,
    request_id: RequestId,
    connection: Request,
) -> Completion | Response:
    """Answer as OpenAI's chat completions do, from the archive, with citations as annotations.

    Instructions in system and developer messages are not obeyed: an answer says what the archive
    says. A stream begins when the whole answer has been judged, because its protocol cannot take
    back what was sent.
    """
    if request.model not in _names(services):
        return errors.respond(connection, errors.no_such_model(request.model))
    asking = _meant(request)
    async with AsyncExitStack() as turn:
        stop = await turn.enter_async_context(watched(connection))
        await turn.enter_async_context(asking_turn(services, connection))
        asked = await prepared(services, asking, caller, request_id, stop)
        work = asyncio.create_task(_answer(services, connection, asked, stop, turn.pop_all()))
        # Whoever hangs up leaves nobody to look at how it ended, maybe before `_pieces` began.
        work.add_done_callback(partial(_looked_at, request_id))
    if not request.stream:
        return completion(await work, base_url=str(connection.base_url))
    # What fails by then has its own status still.
    await asyncio.wait({work}, timeout=KEEP_ALIVE_S)
    if work.done():
        work.result()
    pieces = _pieces(work, request, connection)
    return StreamingResponse(pieces, media_type=MEDIA_TYPE, headers=HEADERS)


@router.get("/models")
def list_models(services: Served) -> ModelList:
    """List the names that may stand in `model`: any writer, and the one there is."""
    return ModelList(data=models(services.desk.model))


@router.get("/models/{model:path}", response_model=Model, responses=enveloped_responses(400, 404))
async def get_model(model: ModelName, services: Served, connection: Request) -> Model | Response:
    """Return one of the models."""
    found = [one for one in models(services.desk.model) if one.id == model]
    if not found:
        return errors.respond(connection, errors.no_such_model(model))
    return found[0]


def _names(services: Services) -> set[str]:
    return {model.id for model in models(services.desk.model)}


def _meant(request: CompletionRequest) -> ChatRequest:
    try:
        return request.chat_request()
    except ValidationError as exc:
        # Everything else has been looked at.
        found = [{**error, "loc": ("body", "messages")} for error in exc.errors()]
        raise RequestValidationError(found) from exc


async def _answer(
    services: Services,
    connection: Request,
    asked: Asked,
    stop: threading.Event,
    turn: AsyncExitStack,
) -> Answer:
    async with turn:
        answer = await run_in_threadpool(services.desk.complete, asked, stop=stop)
    observed(answer, asked.evidence, connection.state.facts, services.metrics)
    return answer


def _looked_at(request_id: str, work: asyncio.Task[Answer]) -> None:
    """Take the failure of the work, if any, which asyncio would print with all that it says."""
    failure = None if work.cancelled() else work.exception()
    if failure is not None and not isinstance(failure, Stopped):
        logger.warning("%s has no answer: %s", request_id, type(failure).__name__)


async def _pieces(
    work: asyncio.Task[Answer], request: CompletionRequest, connection: Request
) -> AsyncIterator[bytes]:
    """Yield signs of life until the answer is there, then the answer."""
    while not work.done():
        yield _KEEP_ALIVE
        await asyncio.wait({work}, timeout=KEEP_ALIVE_S)
    try:
        answer = work.result()
    except Exception as exc:  # the status is sent: what happened can only be said in the stream
        yield f"data: {errors.noted(connection, exc).model_dump_json()}\n\n".encode()
        return
    with_usage = bool(request.stream_options and request.stream_options.include_usage)
    for chunk in chunks(answer, base_url=str(connection.base_url), with_usage=with_usage):
        yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
    yield _DONE
