"""`slowpath scan`: its options. The help and a shell's completion load no more than these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slowpath.commands import adopting, names, outputs
from slowpath.commands.sections import SectionedCommand
from slowpath.report import formats

LEVELS = ["error", "warning", "note"]
SECTIONS = {
    "What to show": (
        *("--preset", "--select", "--extend-select", "--ignore", "--min-confidence"),
        *("--since", "--staged", "--hook", "--evidence"),
    ),
    "In a product that has findings already": (
        *("--baseline", "--no-baseline", "--write-baseline", "--grow", "--strict-baseline", "--add-allow", "--reason"),
    ),
    "Fixes": ("--fix", "--unsafe-fixes", "--diff", "--measure"),
    "Output": (
        *("--format", "--output-file", "--output", "--sarif-output", "--sarif-category", "--statistics", "--watch"),
        *("--fail-on", "--exit-zero"),
    ),
    "Speed": ("--jobs", "--no-cache"),
}


@click.command("scan", cls=SectionedCommand, sections=SECTIONS)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(list(formats.FORMATS)),
    default="full",
    metavar="FORMAT",
    help=f"{', '.join(formats.FORMATS)}. Default: full.",
)
@click.option("--output-file", type=click.Path(path_type=Path), help="Write the report there, not to stdout.")
@click.option(
    "--output",
    "outputs",
    callback=outputs.parsed,
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write a report into that file as well. May be given several times.",
)
@click.option("--sarif-output", type=click.Path(path_type=Path), help="The same as --output sarif=FILE.")
@click.option("--sarif-category", default="", help="Tells analyses of one commit apart in code scanning.")
@names.option("--select", "Only these rules or groups, by comma.")
@names.option("--ignore", "Not these rules or groups, by comma.")
@click.option(
    "--min-confidence", type=click.Choice(["low", "medium", "high"]), help="Hide what is less sure. Default: medium."
)
@click.option("--fail-on", type=click.Choice(LEVELS), help="Least severity that makes the exit code 1. Default: note.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@click.option("--fix", "fixing", is_flag=True, help="Apply the safe fixes of what would be shown, and show the rest.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also fixes that need a look.")
@click.option(
    "--diff",
    is_flag=True,
    help="Print what --fix would change, as a diff, and change nothing. Exits 1 if there is something, else 0.",
)
@click.option(
    "--measure",
    "measure_builds",
    is_flag=True,
    help="Run `cargo check` from scratch on a copy, before and after the fixes of the Cargo rules that are shown, and "
    "print what they save. This runs the project's build scripts; nothing else does.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    help="What `slowpath measure join` wrote: say of each finding what it costs the running system.",
)
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Worker processes; 0 is one per core.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write cached facts.")
@click.option(
    "--statistics",
    is_flag=True,
    help="Print findings, fixes and known findings per rule, findings per folder and time per stage to stderr.",
)
@click.option("--since", metavar="REF", help="Show what the change REF... causes: since HEAD left REF, commits or not.")
@click.option("--staged", is_flag=True, help="Scan what is staged, and show only what it causes.")
@click.option(
    "--hook",
    is_flag=True,
    help="PATHS are the files of a commit: show what is in them, and what the commit causes elsewhere.",
)
@adopting.options
def command(**options: Any) -> None:
    """Scan a project and report on PATHS (default: here).

    The whole project is always analysed; PATHS say which findings are shown.

    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 wrong usage or configuration, or a path that cannot be
    read or written, 3 an error of slowpath's own.
    """
    from slowpath.commands import scanning

    scanning.run(options)
