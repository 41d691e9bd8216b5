"""Commands that are imported when they are wanted, so that `dateline ask` does without the others.

>>> app = typer.Typer(cls=late({"keys": "api.commands.keys:app", "ask": "api.commands.asking:ask"}))

Each name is that of a function, or of a `Typer` with commands of its own. All of them together
would be a tenth of a short command.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

if TYPE_CHECKING:
    from typer._click.core import Command, Context


def late(commands: Mapping[str, str]) -> type[TyperGroup]:
    """Return a kind of group that has these commands: name -> `module:function`, in their order."""

    class Late(TyperGroup):
        def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - as it is called
            return list(commands)

        def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
            # For an unknown one the group looks among all for what may have been meant.
            for name in [cmd_name] if cmd_name in commands else commands:
                if name not in self.commands:
                    self.commands[name] = _imported(commands[name], name)
            return super().get_command(ctx, cmd_name)

    return Late


def _imported(where: str, name: str) -> Command:
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Command = get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command()(found)
        command = get_command(alone)
    command.name = name
    return command
