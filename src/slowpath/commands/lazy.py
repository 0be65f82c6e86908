"""A group of commands that imports a command when it runs: `--help` of the group loads none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from slowpath.commands import exits


class LazyGroup(click.Group):
    """`lazy` maps a command's name to its module below `slowpath.commands` and its line in the help."""

    def __init__(self, *arguments: Any, lazy: dict[str, tuple[str, str]] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy or {}

    def invoke(self, context: click.Context) -> Any:
        """An interrupt that no command has heard ends the program, and not with click's exit code 1."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            exits.fail("interrupted", exits.INTERRUPTED)

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *self.lazy})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return super().get_command(context, name)
        command = import_module(f"slowpath.commands.{self.lazy[name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        own = {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        told = own | {name: words for name, (_, words) in self.lazy.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(told.items()))
