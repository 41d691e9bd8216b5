"""Every failure as one RFC 9457 problem; the only place where an error has an HTTP status.

On the routes that OpenAI's clients call it is sent in the envelope that those expect.

>>> status_of(NotFound("no article 'a1'"))
404

A problem never says more than its reader may know: what is our fault or the operator's is logged
under the request id and answered in general terms.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.asking import Stopped
from api.openai.envelope import Envelope, enveloped, is_enveloped
from api.watch.frames import frames
from rag.errors import (
    AnswerContractError,
    Busy,
    ConfigurationError,
    DatelineError,
    DependencyError,
    FingerprintMismatch,
    IndexInUse,
    IngestError,
    InputError,
    NotFound,
)
from rag.types import Value

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
# The type of a pydantic error: the value has a meaning, but not here.
UNSUPPORTED = "unsupported_value"
_MAX_ERRORS = 50
_MAX_CHARS = 500

STATUS: dict[type[DatelineError], int] = {
    DatelineError: 500,
    InputError: 422,
    IngestError: 422,
    NotFound: 404,
    DependencyError: 503,
    IndexInUse: 503,
    Busy: 503,
    ConfigurationError: 500,
    FingerprintMismatch: 500,
    AnswerContractError: 500,
}
_CODES = {
    400: "malformed_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    421: "wrong_host",
    422: "invalid_input",
    429: "rate_limited",
    500: "internal_error",
}
# What comes with every failure of its status.
_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
_OURS = "Something went wrong on our side; tell the operator the request_id."
_BELOW = f"Something that the answer needs is unavailable; try again in {RETRY_AFTER_S} s."
_BUSY = f"Too many requests are being answered already; try again in {RETRY_AFTER_S} s."

logger = logging.getLogger("dateline.api")


class FieldError(Value):
    """One value of the request that cannot be used."""

    pointer: str = Field(
        description="JSON pointer into the body; begins with /query, /path or /header elsewhere"
    )
    message: str


class Problem(Value):
    """RFC 9457 problem details, with what a program needs to react."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="stable; match on it, not on detail")
    request_id: str
    retryable: bool = Field(description="whether the same request may succeed later")
    errors: tuple[FieldError, ...] | None = Field(default=None, description="on 400 and 422")


class Failure(NamedTuple):
    """What is known of a failure before it meets its request."""

    status: int
    code: str
    detail: str
    retryable: bool = False
    errors: tuple[FieldError, ...] | None = None


def status_of(error: DatelineError) -> int:
    """Return the HTTP status of the nearest class that has one."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    app.exception_handler(DatelineError)(_on_dateline_error)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(Stopped)(_on_stopped)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """Return what a route declares in OpenAPI for these failures."""
    return {
        status: {
            "model": Problem,
            "description": _title(_code(status)),
            "headers": {name: {"schema": {"type": "string"}} for name in _HEADERS.get(status, ())},
        }
        for status in statuses
    }


def enveloped_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: as above
    """Return what a route that OpenAI's clients call declares for these failures."""
    return {status: {**said, "model": Envelope} for status, said in responses(*statuses).items()}


def respond(
    request: Request, failure: Failure, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the response for a failure of `request`."""
    status, body = _said(request, failure)
    is_problem = isinstance(body, Problem)
    return Response(
        body.model_dump_json(exclude_none=is_problem),
        status_code=status,
        media_type=MEDIA_TYPE if is_problem else "application/json",
        headers=headers,
    )


def noted(request: Request, exc: Exception) -> BaseModel:
    """Return what is sent of a failure after the first byte, logged as any other would be."""
    if not isinstance(exc, DatelineError):
        request.state.facts.update(error=type(exc).__name__, frames=frames(exc))
        return _said(request, Failure(500, _CODES[500], _OURS))[1]
    return _said(request, _failure(request, exc))[1]


def unexpected(request: Request) -> Response:
    """Return the response for an error that nobody foresaw; it says nothing about the inside."""
    return respond(request, Failure(500, _CODES[500], _OURS))


def body_too_large(limit_bytes: int) -> Failure:
    """Return the failure of a request whose body exceeds the limit."""
    return Failure(413, _CODES[413], f"The body is larger than {limit_bytes:,} bytes.")


def unspecific(exc: DatelineError) -> str:
    """Return what a caller may know of a failure that is not the caller's."""
    if isinstance(exc, Busy):
        return _BUSY
    return _BELOW if exc.retryable else _OURS


def two_lengths() -> Failure:
    """Return the failure of a request that says in two ways how long its body is."""
    return Failure(400, _CODES[400], "Send Content-Length or Transfer-Encoding, not both.")


def request_timeout(seconds: float) -> Failure:
    """Return the failure of a request whose body comes too slowly."""
    detail = f"No more of the body came for {seconds:g} s, or it came too slowly."
    return Failure(408, _CODES[408], detail, retryable=True)


def unauthorized() -> Failure:
    """Return the failure of a request without a valid key; which of the ways stays in the log."""
    detail = "This needs a valid API key, sent as `Authorization: Bearer dl_…`."
    return Failure(401, _CODES[401], detail)


def forbidden(scope: str) -> Failure:
    """Return the failure of a key that lacks a scope."""
    return Failure(403, _CODES[403], f"This needs a key with the scope {scope!r}.")


def foreign_origin() -> Failure:
    """Return the failure of a page elsewhere that wants to change something here."""
    detail = "The Origin of this request is not this server; see DATELINE_CORS_ORIGINS."
    return Failure(403, "foreign_origin", detail)


def wrong_host() -> Failure:
    """Return the failure of a request to a name that this server does not go by."""
    detail = "This server does not go by the name in the Host header; see DATELINE_ALLOWED_HOSTS."
    return Failure(421, _CODES[421], detail)


def no_such_model(name: str) -> Failure:
    """Return the failure of a request for a model that is not there."""
    message = f"There is no model {name!r}; see GET /v1/models."
    errors = (FieldError(pointer="/model", message=_printable(message)),)
    return Failure(404, "model_not_found", message, errors=errors)


def rate_limited(retry_after_s: int) -> Failure:
    """Return the failure of a caller who asks too often."""
    detail = f"Too many requests; try again in {retry_after_s} s."
    return Failure(429, _CODES[429], detail, retryable=True)


async def respond_to(request: Request, error: DatelineError) -> Response:
    """Return the response for an error that is raised before a route is reached."""
    return await _on_dateline_error(request, error)


def _said(request: Request, failure: Failure) -> tuple[int, Problem | Envelope]:
    """Return the status and the body of a failure, as the callers of its route expect them."""
    if is_enveloped(request.scope["path"]):
        errors = [(error.pointer, error.message) for error in failure.errors or ()]
        return enveloped(failure.status, failure.code, _printable(failure.detail), errors)
    return failure.status, _problem(request, failure)


def _problem(request: Request, failure: Failure) -> Problem:
    return Problem(
        type=f"urn:dateline:error:{failure.code}",
        title=_title(failure.code),
        status=failure.status,
        detail=_printable(failure.detail),
        instance=_printable(request.scope["path"]),
        code=failure.code,
        request_id=request.state.request_id,
        retryable=failure.retryable,
        errors=failure.errors,
    )


def _failure(request: Request, exc: DatelineError) -> Failure:
    """Return what is said of a failure, and log what is not."""
    status = status_of(exc)
    detail = str(exc)
    if status >= 500:
        request.state.facts.update(error=type(exc).__name__, error_code=exc.code)
        logger.error("%s %s: %s", request.state.request_id, exc.code, exc)
        detail = unspecific(exc)
    return Failure(status, exc.code, detail, exc.retryable)


async def _on_dateline_error(request: Request, exc: DatelineError) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if exc.retryable else None
    return respond(request, _failure(request, exc), headers)


async def _on_invalid_request(request: Request, exc: RequestValidationError) -> Response:
    found = exc.errors()
    if found and found[0]["type"] == "json_invalid":
        where = f"character {found[0]['loc'][-1]}"
        detail = f"The body is not JSON: {found[0]['ctx']['error']} at {where}."
        return respond(request, Failure(400, _CODES[400], detail))
    errors = tuple(_field_errors(found[:_MAX_ERRORS]))
    said = "; ".join(f"{e.pointer or 'body'}: {e.message}" for e in errors[:3])
    rest = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    code = UNSUPPORTED if found and found[0]["type"] == UNSUPPORTED else _CODES[422]
    return respond(request, Failure(422, code, said + rest, errors=errors))


async def _on_http_exception(request: Request, exc: HTTPException) -> Response:
    details = {404: "Nothing has this address.", 405: "This address has other methods: see Allow."}
    detail = details.get(exc.status_code, exc.detail)
    failure = Failure(exc.status_code, _code(exc.status_code), detail, exc.status_code == 408)
    return respond(request, failure, exc.headers)


async def _on_stopped(request: Request, exc: Stopped) -> Response:  # noqa: ARG001
    # Nobody reads it; in the log it is nginx's number for a client that hung up.
    return Response(status_code=499)


# Any: pydantic reports its errors as untyped dictionaries.
def _field_errors(found: Sequence[Mapping[str, Any]]) -> Iterable[FieldError]:
    for error in found:
        message = str(error["msg"]).removeprefix("Value error, ")
        if error["type"] == "model_attributes_type":
            message = "expected a JSON object, sent with Content-Type: application/json"
        yield FieldError(pointer=_pointer(error["loc"]), message=_printable(message))


def _pointer(loc: Sequence[int | str]) -> str:
    parts = loc[1:] if loc and loc[0] == "body" else loc
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return _printable("".join(f"/{part}" for part in escaped))


def _printable(text: str) -> str:
    # A lone surrogate, which JSON can spell, can be neither encoded nor sent back.
    return text[:_MAX_CHARS].encode("utf-8", "backslashreplace").decode()


def _code(status: int) -> str:
    return _CODES.get(status, "unavailable" if status == 503 else "http_error")


def _title(code: str) -> str:
    return code.replace("_", " ").capitalize()
