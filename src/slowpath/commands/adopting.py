"""The options of a scan by which an old product takes slowpath in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from slowpath.commands import exits, names
from slowpath.report.formats import FOR_PEOPLE

PRESETS = ["default", "strict", "all"]
OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--preset", type=click.Choice(["default", "strict", "all"]), help="Which rules run, and how sure they must be."
    ),
    names.option("--extend-select", "These rules or groups as well, by comma."),
    click.option(
        "--baseline",
        type=click.Path(path_type=Path),
        help="Do not show what this file holds. Default: slowpath-baseline.json in the project's root, if it is there.",
    ),
    click.option("--no-baseline", is_flag=True, help="Show what the baseline holds, too."),
    click.option(
        "--write-baseline",
        is_flag=True,
        help="Write the baseline: all findings where there is none yet; else take out what is gone.",
    ),
    click.option("--grow", is_flag=True, help="With --write-baseline: take in what is new as well."),
    click.option("--strict-baseline", is_flag=True, help="Exit 1 where the baseline holds what is gone."),
    click.option("--add-allow", is_flag=True, help="Write a comment that allows it beside all that would be shown."),
    click.option("--watch", is_flag=True, help="Scan again whenever a file changes, until Ctrl-C."),
    click.option("--reason", metavar="TEXT", help="With --add-allow: what the comments say."),
)


def options(function: Any) -> Any:
    """A command with these options, in this order."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def refuse(asked: Any) -> None:
    """End where options do not go together."""
    if asked.grow and not asked.write_baseline:
        exits.fail("--grow goes with --write-baseline")
    if asked.write_baseline and (asked.preset or asked.min_confidence):
        exits.fail("--write-baseline goes without --preset and --min-confidence: set them in slowpath.toml")
    of_change = asked.since or asked.staged or asked.hook
    if asked.write_baseline and (asked.diff or of_change):
        exits.fail("--write-baseline goes without --diff, --since, --staged and --hook")
    elsewhere = asked.output_file or asked.outputs or asked.sarif_output or asked.staged or asked.hook
    changing = asked.fixing or asked.diff or asked.write_baseline or asked.add_allow or asked.measure_builds
    if asked.watch and (elsewhere or changing or asked.style not in FOR_PEOPLE):
        exits.fail("--watch only shows findings: it goes without options that write, and with --format full or concise")
    if asked.reason is not None and not asked.add_allow:
        exits.fail("--reason goes with --add-allow")
    if asked.add_allow and (asked.fixing or asked.write_baseline or asked.measure_builds or asked.staged or asked.hook):
        exits.fail("--add-allow goes without --fix, --write-baseline, --measure, --staged and --hook")
    if asked.reason is not None:
        from slowpath.allow import unusable

        words = unusable(asked.reason)
        if words:
            exits.fail(words)
