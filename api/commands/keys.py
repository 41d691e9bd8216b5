"""`dateline keys create | list | revoke`: who may ask a server. It works while the server runs.

$ dateline keys create newsroom --scope read --expires 90d
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.opened import database
from api.commands.options import DataDir, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.auth import Key, Keys, Scope

app = typer.Typer(help="API keys: make, list and revoke them.", no_args_is_help=True)

_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_MAX_NAME_CHARS = 100


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whom or what it is for.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, write or admin (which may do all); repeatable. Default: read."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 12h, 90d, 52w. Default: never.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once."""
    now = datetime.now(UTC)
    named, scopes = _name(name), _scopes(scope or ["read"])
    expires_at = None if expires is None else now + _lifetime(expires)
    with _keys(data_dir, make=True) as keys:
        made = keys.create(named, scopes, now=now, expires_at=expires_at)
    if as_json:
        _print(made.key.model_dump(mode="json") | {"token": made.token})
        return
    typer.echo(made.token)
    typer.echo("Keep it: only its hash is stored, and it cannot be shown again.", err=True)
    typer.echo("Send it as `Authorization: Bearer …`.", err=True)


@app.command(name="list")
def list_(*, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show every key that was ever made, without its secret."""
    with _keys(data_dir) as keys:
        found = keys.all()
    if as_json:
        _print([key.model_dump(mode="json") for key in found])
        return
    if not found:
        typer.echo("no key was ever made")
    for key in found:
        typer.echo(_line(key, datetime.now(UTC)))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id that `keys list` shows.")],
    *,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a key useless at once, and for good."""
    with _keys(data_dir) as keys:
        key = keys.revoke(key_id, now=datetime.now(UTC))
    if as_json:
        _print(key.model_dump(mode="json"))
    else:
        typer.echo(f"{key.id} ({key.name}) is revoked")


@contextmanager
def _keys(data_dir: Any, *, make: bool = False) -> Iterator[Keys]:  # Any: typer's Path or None
    from api.auth import Keys

    with database(data_dir, make=make) as engine:
        yield Keys(engine)


def _name(given: str) -> str:
    from rag.errors import InputError

    name = given.strip()
    if not name or len(name) > _MAX_NAME_CHARS or not name.isprintable():
        raise InputError(f"a key's name has 1 to {_MAX_NAME_CHARS} printable characters")
    return name


def _scopes(given: list[str]) -> tuple[Scope, ...]:
    from api.auth import SCOPES
    from rag.errors import InputError

    unknown = [one for one in given if one not in SCOPES]
    if unknown:
        raise InputError(f"no scope is called {unknown[0]!r}; there are {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in given)


def _lifetime(given: str) -> timedelta:
    from rag.errors import InputError

    parts = _LIFETIME.fullmatch(given)
    if parts is None:
        raise InputError(f"--expires {given!r} cannot be read: write 12h, 90d or 52w")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


def _line(key: Key, now: datetime) -> str:
    state = "valid"
    if key.revoked_at:
        state = f"revoked {key.revoked_at:%Y-%m-%d}"
    elif key.expires_at and key.expires_at <= now:
        state = f"expired {key.expires_at:%Y-%m-%d}"
    elif key.expires_at:
        state = f"until {key.expires_at:%Y-%m-%d}"
    used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
    return f"{key.id}  {key.name}  {'+'.join(key.scopes)}  {state}  last used {used}"


def _print(value: Any) -> None:  # Any: whatever is to be JSON
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
