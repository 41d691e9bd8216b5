"""Groups of commands that are imported when they are wanted, so that `dateline ask` does without.

>>> app = typer.Typer(cls=late({"keys": "api.commands.keys"}))

Each module has its group as `app`. Together they would be a twentieth of a short command.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from typer._click.core import Command, Context


def late(modules: Mapping[str, str]) -> type[TyperGroup]:
    """Return a kind of group that has these names besides its own commands."""

    class Late(TyperGroup):
        def list_commands(self, ctx: Context) -> list[str]:
            return list(dict.fromkeys([*modules, *super().list_commands(ctx)]))

        def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
            if cmd_name in modules and cmd_name not in self.commands:
                group = get_group(import_module(modules[cmd_name]).app)
                group.name = cmd_name
                self.commands[cmd_name] = group
            return super().get_command(ctx, cmd_name)

    return Late
