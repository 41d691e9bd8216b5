"""What may be said on the command line, and the values it becomes; what is wrong is an InputError.

>>> filters("2020-03-01", None, None, ["jpost.com"], None).sources
('jpost.com',)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import BaseModel, ValidationError

    from rag.settings import Settings
    from rag.types import Filters

_MOST_TOLD = 5
_Model = TypeVar("_Model", bound="BaseModel")

DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the index lives (default: DATELINE_DATA_DIR or ./dateline-data)."),
]
Url = Annotated[
    str | None,
    typer.Option(
        help="Ask this server instead (default: DATELINE_URL); its key is read from "
        "DATELINE_API_KEY."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Mode = Annotated[str, typer.Option(help="hybrid, dense or bm25.")]
After = Annotated[str | None, typer.Option(help="Published on or after this date or time.")]
Before = Annotated[str | None, typer.Option(help="Published before this date or time.")]
AsOf = Annotated[str | None, typer.Option(help="As the archive stood at this date or time.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Outlet; repeatable.")]
BundleFile = Annotated[
    Path | None,
    typer.Option("--bundle", help="Write the answer with all its evidence; `-`: in its place."),
]
Articles = Annotated[list[str] | None, typer.Option("--article", help="Article id; repeatable.")]


def settings(data_dir: Path | None, **overrides: Any) -> Settings:
    """Return the settings with what was said in their place; None says nothing.

    Raises: InputError, ConfigurationError (`.env`, or settings that contradict each other).
    """
    from rag.errors import ConfigurationError
    from rag.settings import Settings

    given = {"data_dir": data_dir, **overrides}
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return valid(Settings, **chosen)
    # Some editors and shells of Windows write UTF-16.
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f".env cannot be read, which must be UTF-8: {exc}") from exc


def filters(
    after: str | None,
    before: str | None,
    as_of: str | None,
    source: list[str] | None,
    article: list[str] | None,
) -> Filters:
    """Return the filters that the options mean."""
    from rag.types import Filters

    return valid(
        Filters,
        published_after=after,
        published_before=before,
        as_of=as_of,
        sources=tuple(source) if source else None,
        article_ids=tuple(article) if article else None,
    )


def valid(model: type[_Model], **fields: Any) -> _Model:
    """Return the model, or raise InputError that names each field that is wrong."""
    from pydantic import ValidationError

    from rag.errors import InputError

    try:
        return model(**fields)
    except ValidationError as exc:
        raise InputError(said(exc)) from exc


def said(wrong: ValidationError) -> str:
    """Return the first fields that are wrong, and why, in one line."""
    found = wrong.errors()
    told = [f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in found[:_MOST_TOLD]]
    told = [one.replace("Value error, ", "", 1) for one in told]
    rest = len(found) - len(told)
    return "; ".join(told) + (f"; and {rest} more" if rest else "")


def now() -> datetime:
    """Return when the command was given."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


def print_json(value: Any) -> None:
    """Print `value`; what a terminal obeys, or its encoding may lack, as JSON writes it."""
    import json
    import re

    has_all = (sys.stdout.encoding or "utf-8").casefold().startswith("utf")
    text = json.dumps(value, ensure_ascii=not has_all, indent=2)
    # JSON itself escapes the other controls.
    sys.stdout.write(re.sub("[\x7f-\x9f]", lambda one: f"\\u{ord(one[0]):04x}", text) + "\n")
