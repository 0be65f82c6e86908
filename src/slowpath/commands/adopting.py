"""The options of a scan by which an old product takes slowpath in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from slowpath.config import PRESETS

OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option("--preset", type=click.Choice(list(PRESETS)), help="Which rules run, and how sure they must be."),
    click.option("--extend-select", multiple=True, metavar="RULES", help="These rules or groups as well, by comma."),
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
)


def options(function: Any) -> Any:
    """A command with these options, in this order."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function
