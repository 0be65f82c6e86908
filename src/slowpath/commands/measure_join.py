"""`slowpath measure join`: parts → the evidence that `scan --evidence` and `report` read."""

from __future__ import annotations

from pathlib import Path

import click

from slowpath import parts
from slowpath.commands.exits import fail
from slowpath.model.evidence import Evidence, Remark
from slowpath.model.snapshot import Snapshot
from slowpath.parts import PartError
from slowpath.runtime.joining import JoinError, join


@click.command()
@click.argument("files", metavar="PART…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Write the evidence there.")
def command(files: tuple[Path, ...], output: Path) -> None:
    """Join parts into the evidence that `scan --evidence` and `report` read.

    One of each kind at most, and beside that of the load one of `measure load --isolate`.
    """
    read = []
    try:
        for file in files:
            part = parts.read(file)
            if isinstance(part, Evidence):
                fail(f"{file}: is evidence already; give the parts that it was made of")
            if isinstance(part, Snapshot):
                fail(f"{file}: is a snapshot; `measure queries --before … --after …` makes a part of two")
            read.append((str(file), part))
        evidence = join(read)
        parts.write(output, evidence)
    except (PartError, JoinError) as error:
        fail(str(error))
    for remark in evidence.remarks:
        click.echo(f"slowpath: {told(remark)}", err=True)
    click.echo(f"{output}: {', '.join(kinds(evidence))}")


def kinds(evidence: Evidence) -> list[str]:
    """What the evidence has parts of."""
    return [name for name in ("load", "resources", "queries", "database", "bundle") if getattr(evidence, name)]


def told(remark: Remark) -> str:
    """A remark as a line."""
    instead = f"; {remark.instead}" if remark.instead else ""
    return f"{remark.level}: {remark.message}{instead}"
