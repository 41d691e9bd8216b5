"""Articles in, as JSON or as a file, cleaned by the same code as files on disk.

POST /v1/documents {"title": "Bridge closes", "text": "It closed on Tuesday."}
"""

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.deps import ArticleId, Facts, Served, WriteTurn
from api.errors import responses
from api.schemas.documents import ArticleIn, UploadReport
from ingest.pipeline import Outcome, Pipeline
from ingest.read import Read, Rejected, read_bytes
from rag.errors import IngestError, InputError
from rag.types import Article

router = APIRouter(
    prefix="/v1/documents", tags=["documents"], responses=responses(400, 413, 422, 500, 503)
)


class Posted(NamedTuple):
    """A file as `ingest.read` knows it: the suffix of its name is its format."""

    name: str
    data: bytes


async def _posted(request: Request) -> Posted:
    """Return the file of a multipart form, or the JSON body as one.

    One route takes both, which FastAPI cannot declare, so the body is read here.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        return await _posted_file(request)
    try:
        return _as_file(ArticleIn.model_validate(json.loads(await request.body())))
    except json.JSONDecodeError as exc:
        problem = {"type": "json_invalid", "loc": ("body", exc.pos), "ctx": {"error": exc.msg}}
        raise RequestValidationError([problem]) from exc
    except ValidationError as exc:
        found = [{**error, "loc": ("body", *error["loc"])} for error in exc.errors()]
        raise RequestValidationError(found) from exc
    except (ValueError, RecursionError, ClientDisconnect) as exc:
        raise HTTPException(400, "The body is not JSON that can be read.") from exc


async def _posted_file(request: Request) -> Posted:
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if len(form) != 1 or not isinstance(file, UploadFile):
                raise InputError("send one file, in the form field 'file'")
            return Posted(_file_name(file.filename or ""), await file.read())
    except (ValueError, ClientDisconnect) as exc:  # ValueError: a charset that cannot decode
        raise HTTPException(400, "The body is not a form that can be read.") from exc


def _file_name(given: str) -> str:
    name = PurePath(given.replace("\\", "/")).name
    return name[-200:].encode("utf-8", "backslashreplace").decode()


_REQUEST_BODY: dict[str, Any] = {  # Any: a piece of an OpenAPI document
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ArticleIn"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
_CREATED: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    201: {"model": Outcome, "description": "Created; 200 when it was there before"}
}


# In this order: whoever sends slowly must not hold a turn to write meanwhile.
@router.post(
    "",
    openapi_extra=_REQUEST_BODY,
    responses=_CREATED,
    dependencies=[Depends(_posted), WriteTurn],
)
def add(
    posted: Annotated[Posted, Depends(_posted)], services: Served, facts: Facts, response: Response
) -> Outcome | UploadReport:
    """Take in one article, or a file of one or several: txt, md, html, pdf, json, jsonl.

    The same content again is `unchanged`. A file with several articles gets one result for each.
    """
    items = list(read_bytes(posted.name, posted.data))
    report = _take_in(services.pipeline, items)
    facts.update(articles=len(report.results), rejected=len(report.errors))
    services.metrics.ingested(report.results, rejected=len(report.errors))
    if not report.results:
        raise IngestError(_reasons(report.errors))
    if len(items) > 1:
        return report
    return _single(report.results[0], response)


@router.put("/{article_id}", responses=_CREATED, dependencies=[WriteTurn])
def replace(
    article_id: ArticleId, article: ArticleIn, services: Served, response: Response
) -> Outcome:
    """Store the article under this id, in place of the version that was there."""
    if article.id not in (None, article_id):
        raise InputError(f"the body says id {article.id!r}, the address {article_id!r}")
    named = article.model_copy(update={"id": article_id})
    [item] = read_bytes(*_as_file(named))
    if isinstance(item, Rejected):
        raise IngestError(item.reason)
    outcome = services.pipeline.put(item.article)
    services.metrics.ingested([outcome])
    return _single(outcome, response)


def _as_file(article: ArticleIn) -> Posted:
    return Posted("article.json", json.dumps(article.model_dump(exclude_none=True)).encode())


def _take_in(pipeline: Pipeline, items: Sequence[Read | Rejected]) -> UploadReport:
    """Put what can be read; of two different articles with one id the first stays."""
    results: list[Outcome] = []
    errors: list[Rejected] = []
    first: dict[str, Article] = {}
    for item in items:
        if isinstance(item, Rejected):
            errors.append(item)
            continue
        article = item.article
        earlier = first.setdefault(article.article_id, article)
        if earlier.content_hash == article.content_hash:
            results.append(pipeline.put(article))
        else:
            reason = f"another article of this file has the id {article.article_id} already"
            errors.append(Rejected(file=item.origin, reason=reason))
    return UploadReport(results=tuple(results), errors=tuple(errors))


def _reasons(errors: Sequence[Rejected]) -> str:
    if not errors:
        return "the file holds no article"
    rest = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].reason}{rest}"


def _single(outcome: Outcome, response: Response) -> Outcome:
    response.status_code = 201 if outcome.status == "created" else 200
    return outcome
