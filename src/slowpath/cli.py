"""The command line. What a command needs is imported when it runs: `--help` answers without loading a grammar."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from slowpath import __version__
from slowpath.commands import exits
from slowpath.commands.lazy import LazyGroup


def main() -> NoReturn:
    """The program. Exit codes: 0 clean, 1 findings, 2 usage, config or I/O, 3 a fault of slowpath's own."""
    try:
        cli.main(prog_name="slowpath", standalone_mode=True)
    except Exception as error:
        from slowpath.workers import blame

        click.echo(f"slowpath: internal error: {blame(error)}", err=True)
        sys.exit(exits.INTERNAL)
    sys.exit(0)


@click.group(
    cls=LazyGroup,
    lazy={
        "scan": ("scan", "Scan a project and report what makes it slow."),
        "explain": ("explain", "Print the page of a rule."),
        "rules": ("rules", "List the rules, or test pages of your own."),
        "init": ("init", "Look at a repository; write configuration, hook, workflow."),
        "completion": ("completion", "Print the completion script of bash, zsh or fish."),
        "server": ("server", "Speak the Language Server Protocol, for an editor to start."),
        "report": ("report", "Write the diagnosis as a document, or hold it against a gate."),
        "diagnose": ("diagnose", "Measure all that the configuration names, join it and report."),
    },
    sections={
        "Find what is slow": ("scan", "explain", "rules", "init", "server", "completion"),
        "Measure what it costs": ("measure", "diagnose", "report"),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
def cli() -> None:
    """Find what makes a Rust + TypeScript/React product slow, and show the path that proves it."""


@cli.group(
    cls=LazyGroup,
    lazy={
        "load": ("measure_load", "Find the breaking point with your own k6 script."),
        "resources": ("measure_resources", "Watch CPU, memory, disk, network and the database; name the limiter."),
        "queries": ("measure_queries", "Read what PostgreSQL was asked: logs, plans, statistics."),
        "schema": ("measure_schema", "Compare the running database with schema.rs and the migrations."),
        "bundle": ("measure_bundle", "Read what the bundler built: chunks, first load, leaks."),
        "join": ("measure_join", "Join parts into the evidence that `scan --evidence` and `report` read."),
    },
)
def measure() -> None:
    """Measure the running system, one part at a time."""
