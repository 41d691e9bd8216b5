"""The OpenAPI document, and the same as a plain page that needs no script and no network.

GET /openapi.json
"""

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from api.errors import MEDIA_TYPE
from api.guards.access import needed
from api.openai.envelope import is_enveloped
from api.schemas.documents import ArticleIn

router = APIRouter(include_in_schema=False)

# Any below: an OpenAPI document is untyped JSON.
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
       padding: 0 1rem }}
code {{ font-size: 1rem }} td {{ padding: .4rem .8rem .4rem 0; vertical-align: top }}
</style></head><body>
<h1>{title}</h1><p>{description}</p>
<p>The whole description, for programs: <a href="openapi.json">openapi.json</a></p>
<table>{rows}</table>
</body></html>
"""
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "dl_…",
    "description": "made with `dateline keys create`; x-scope says which scope a request needs",
}
_ROW = "<tr><td><code>{method} {path}</code></td><td>{description}</td><td>{statuses}</td></tr>"


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    return JSONResponse(document(request.app))


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Return the list of routes as a page."""
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(page(document(request.app)), headers=headers)


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of `app`, its failures declared as problems.

    It is made once: that takes a tenth of a second, and everyone may ask for it.
    """
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def page(made: dict[str, Any]) -> str:
    """Return an OpenAPI document as HTML."""
    rows = [
        _ROW.format(
            method=escape(method.upper()),
            path=escape(path),
            description=escape(operation.get("description", "")).replace("\n\n", "<br>"),
            statuses=escape(", ".join(sorted(operation["responses"]))),
        )
        for path, method, operation in _operations(made)
    ]
    title, description = escape(made["info"]["title"]), escape(made["info"]["description"])
    return _PAGE.format(title=title, description=description, rows="\n".join(rows))


def table(made: dict[str, Any]) -> str:
    """Return which failures each route of an OpenAPI document declares, as a Markdown table.

    >>> print(table(document(create_app(Settings()))))
    """
    failing = {
        f"{method.upper()} {path}": {one for one in operation["responses"] if one >= "400"}
        for path, method, operation in _operations(made)
    }
    statuses = sorted(set().union(*failing.values()))
    lines = ["| | " + " | ".join(statuses) + " |", "|---" * (len(statuses) + 1) + "|"]
    for route, declared in failing.items():
        marks = "".join(" ✓ |" if status in declared else " |" for status in statuses)
        lines.append(f"| `{route}` |{marks}")
    return "\n".join(lines)


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    template = "#/components/schemas/{model}"
    made["components"]["schemas"]["ArticleIn"] = ArticleIn.model_json_schema(ref_template=template)
    made["components"]["securitySchemes"] = {"key": _KEY}
    for path, method, operation in _operations(made):
        scope = needed(method.upper(), path)
        if scope:
            # The empty one: a server on loopback asks for no key until the first is made.
            operation["security"] = [{"key": []}, {}]
            operation["x-scope"] = scope
        for status in _never(path, operation):
            operation["responses"].pop(status, None)
        for response in operation["responses"].values():
            _as_problem(response)
    return made


def _never(path: str, operation: dict[str, Any]) -> set[str]:
    """Return the statuses that are declared for all routes of a family, but not this one's."""
    never = set() if "requestBody" in operation else {"400", "408", "413"}
    if not operation.get("parameters") and never:
        never.add("422")
    # FastAPI declares 422 by itself, for parameters that are wrong; there they are 400.
    return (never - {"400"}) | {"422"} if is_enveloped(path) else never


def _operations(made: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in made["paths"].items()
        for method, operation in methods.items()
    ]


def _as_problem(response: dict[str, Any]) -> None:
    """Give a failure its media type: FastAPI declares every model as application/json."""
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref") == "#/components/schemas/Problem":
        content[MEDIA_TYPE] = content.pop("application/json")
