"""A command whose options stand in sections of its help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

OTHER = "Other options"


class SectionedCommand(click.Command):
    """`sections` maps a title to options by their longest names, in order; what stands in none comes last."""

    def __init__(self, *arguments: Any, sections: Mapping[str, tuple[str, ...]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sections = sections

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        records = {max(option.opts, key=len): option.get_help_record(context) for option in self.get_params(context)}
        listed = {name for names in self.sections.values() for name in names}
        rest = tuple(name for name in records if name not in listed)
        for title, names in (*self.sections.items(), (OTHER, rest)):
            rows = [record for name in names if (record := records.get(name)) is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
