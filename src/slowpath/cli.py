"""The command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def main() -> None:
    """Find what makes a Rust + TypeScript/React product slow."""


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--format", "output_format", default="json")
@click.option("--exit-zero", is_flag=True)
@click.option("--no-cache", is_flag=True)
@click.option("--jobs", default=0)
@click.option("--min-confidence", default="medium")
@click.option("--select", default="")
def scan(
    path: Path, output_format: str, exit_zero: bool, no_cache: bool, jobs: int, min_confidence: str, select: str
) -> None:
    """Scan a checkout."""
    from slowpath import engine, rulebook
    from slowpath.cache import Cache, directory
    from slowpath.report import json

    rules = [r for r in rulebook.load() if (r.id in select.split(",") if select else r.enabled)]
    report = engine.scan(
        path,
        rules,
        min_confidence=min_confidence,
        jobs=jobs,
        cache=None if no_cache else Cache(directory()),
    )
    click.echo(json.render(report), nl=False)
    sys.exit(0 if exit_zero or not report.findings else 1)
