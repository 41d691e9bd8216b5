"""The page at `/`: plain files, with a policy that lets nothing in from elsewhere.

GET /web/app.js

The files are read once, when they are first asked for. Whoever has them asks whether they changed:
an answer to that has no body, and a new version of the program is never mixed with an old page.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Header, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
IfNoneMatch = Annotated[str | None, Header()]


class _File(NamedTuple):
    data: bytes
    media_type: str
    etag: str


@router.get("/")
async def index(if_none_match: IfNoneMatch = None) -> Response:
    """Return the page."""
    return _sent(_files()["index.html"], if_none_match)


@router.get("/favicon.ico")
async def favicon(if_none_match: IfNoneMatch = None) -> Response:
    """Return the icon for browsers that look for it here."""
    return _sent(_files()["icon.svg"], if_none_match)


@router.get("/web/{name}")
async def file(name: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return a script, a style or the icon of the page."""
    found = _files().get(name)
    if found is None:
        raise HTTPException(404)
    return _sent(found, if_none_match)


def _sent(found: _File, if_none_match: str | None) -> Response:
    headers = _HEADERS | {"ETag": found.etag}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if found.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=found.media_type, headers=headers)


@cache
def _files() -> dict[str, _File]:
    """Return what is served, by name: a closed set, so that no name is ever a path."""
    found = {}
    for entry in files("api").joinpath("web").iterdir():
        media_type = _MEDIA_TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_file() and media_type:
            data = entry.read_bytes()
            etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
            found[entry.name] = _File(data, media_type, etag)
    return found
