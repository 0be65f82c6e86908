"""A group of commands that imports a command when it runs: `--help` of the group loads none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from slowpath.commands import exits


class LazyGroup(click.Group):
    """`lazy` maps a command's name to its module below `slowpath.commands` and its line in the help; `sections` a title
    of the help to the commands below it.
    """

    def __init__(
        self,
        *arguments: Any,
        lazy: dict[str, tuple[str, str]] | None = None,
        sections: dict[str, tuple[str, ...]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy or {}
        self.sections = sections or {}

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
        listed = {name for names in self.sections.values() for name in names}
        rest = tuple(sorted(told.keys() - listed))
        for title, names in (self.sections | ({"Commands": rest} if rest else {})).items():
            with formatter.section(title):
                formatter.write_dl([(name, told[name]) for name in names])
