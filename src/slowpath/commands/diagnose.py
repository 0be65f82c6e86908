"""`slowpath diagnose`: all that `[diagnose]` names, measured, joined and reported."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from slowpath import parts
from slowpath.commands import exits
from slowpath.model.evidence import Evidence, Remark

if TYPE_CHECKING:
    from slowpath.runtime.steps import Outcome


@click.command("diagnose")
@click.argument("project", metavar="[PROJECT]", default=".", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the parts and the report.")
@click.option("--gate", type=click.Path(path_type=Path), help="thresholds.toml that the system must meet.")
@click.option("--inconclusive", type=click.Choice(["pass", "fail"]), help="Exit code 0 or 1, not 4, where it is open.")
@click.option("--i-own-this-target", "owned", is_flag=True, help="Public addresses may be measured.")
def command(project: Path, output: Path | None, gate: Path | None, inconclusive: str | None, owned: bool) -> None:
    """Measure the running PROJECT (default: here) as `[diagnose]` of its configuration says, join and report.

    What is not there is left out, with the reason. Exit codes: 0 measured, 1 gate failed, 2 nothing was measured, 4
    inconclusive or cut short.
    """
    from slowpath import config
    from slowpath.runtime.plan import Plan
    from slowpath.runtime.steps import run

    for needed in ("psutil", "plotly"):
        if find_spec(needed) is None:
            exits.needs_extra(needed)
    try:
        root = config.project_root([project])
        settings = config.load(root).diagnose
    except config.ConfigError as error:
        exits.fail(str(error))
    folder = output or root / settings.output
    plan = Plan(settings, root, folder, os.environ, owned=owned)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _clear([*plan.files(), plan.evidence])
    outcomes = run(plan.live(), _tell)
    outcomes += run(plan.files_only(), _tell)
    if plan.parts():
        outcomes += run([plan.join()], _tell)
        _noted(plan.evidence, outcomes)
        outcomes += run([plan.report(gate, inconclusive)], _tell)
    _list(outcomes)
    if not plan.parts():
        exits.fail("nothing was measured")
    sys.exit(_code(outcomes, gated=gate is not None))


def _clear(files: Iterable[Path]) -> None:
    """Parts of an earlier diagnosis are not taken for those of this one. A file that is no part is not ours to lose."""
    there = [file for file in files if file.exists()]
    foreign = next((file for file in there if not parts.ours(file)), None)
    if foreign is not None:
        exits.fail(f"{foreign}: is no part of a measurement, and would be replaced: give another folder by -o")
    for file in there:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            exits.fail(f"{file}: cannot be replaced: {error.strerror}")


def _tell(line: str) -> None:
    click.echo(f"── {line}")


def _noted(path: Path, outcomes: Iterable[Outcome]) -> None:
    """The evidence says what was left out: the report shows it."""
    left_out = tuple(Remark("note", each.name, f"{each.state}: {each.reason}") for each in outcomes if each.reason)
    try:
        evidence = parts.read_as(path, Evidence)
        parts.write(path, msgspec.structs.replace(evidence, remarks=(*evidence.remarks, *left_out)))
    except parts.PartError as error:
        exits.fail(str(error))


def _list(outcomes: Iterable[Outcome]) -> None:
    click.echo("")
    for each in outcomes:
        click.echo(f"{each.state:8} {each.name}{f': {each.reason}' if each.reason else ''}")


def _code(outcomes: list[Outcome], *, gated: bool) -> int:
    *measured, report = outcomes
    if gated or report.code:
        return report.code
    return exits.INCONCLUSIVE if any(each.state in ("partial", "failed") for each in measured) else 0
