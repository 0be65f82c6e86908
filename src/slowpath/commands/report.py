"""`slowpath report`: the diagnosis as files, and the gate."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from slowpath import config, parts
from slowpath.commands import exits, project
from slowpath.model.evidence import Evidence
from slowpath.model.report import Report
from slowpath.report import diagnosis, gate, markdown, page, thresholds
from slowpath.report.style import clean
from slowpath.report.text import troubles


@click.command("report")
@click.argument("path", metavar="[PROJECT]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--evidence", "evidence_file", required=True, type=click.Path(path_type=Path), help="What `measure join` wrote."
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder for DIAGNOSTIC_REPORT.md, report.html and thresholds.toml.",
)
@click.option(
    "--gate", "gate_file", type=click.Path(path_type=Path), help="thresholds.toml that the evidence must meet."
)
@click.option(
    "--inconclusive", type=click.Choice(["pass", "fail"]), help="Exit code 0 or 1, not 4, where the gate cannot tell."
)
def command(
    path: Path, evidence_file: Path, folder: Path | None, gate_file: Path | None, inconclusive: str | None
) -> None:
    """Write the diagnosis of PROJECT (default: here) as Markdown and as one HTML page, or hold it against a gate.

    Exit codes of the gate: 0 all passed, 1 one failed, 4 the measurement cannot tell.
    """
    if folder is None and gate_file is None:
        exits.fail("nothing to do: -o FOLDER writes the report, --gate FILE checks the evidence")
    plotly = _plotly() if folder else ""
    try:
        asked = thresholds.read(gate_file) if gate_file else None
        evidence = parts.read_as(evidence_file, Evidence)
        root, report = project.scanned(path, evidence)
    except (parts.PartError, config.ConfigError, thresholds.ThresholdsError) as error:
        exits.fail(str(error))
    lines = gate.judge(asked, evidence, report) if asked else []
    if folder:
        for name in write(folder, root, report, evidence, plotly, lines, keep=gate_file):
            click.echo(f"{name} written")
    for told in lines:
        click.echo(clean(f"{told.outcome:12}  {told.key}: asked {told.asked}, measured {told.measured}"))
    for line in troubles(report):
        click.echo(f"slowpath: {line}", err=True)
    if any(trouble.internal for trouble in report.troubles):
        sys.exit(exits.INTERNAL)
    if asked:
        sys.exit(_code(gate.overall(lines), inconclusive))


def write(
    folder: Path,
    root: Path,
    report: Report,
    evidence: Evidence,
    plotly: str,
    lines: Sequence[gate.Line] = (),
    keep: Path | None = None,
) -> list[Path]:
    """The three files but `keep`, into a folder that is made where it is missing. Links lead to the project."""
    document = diagnosis.diagnosis(report, evidence, lines)
    base = _way(folder, root)
    texts = {
        "DIAGNOSTIC_REPORT.md": markdown.render(document, base),
        "report.html": page.render(document, base, plotly),
        "thresholds.toml": diagnosis.thresholds_file(report, evidence),
    }
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            if text and (keep is None or keep.resolve() != (folder / name).resolve()):
                (folder / name).write_text(text, encoding="utf-8", errors="replace")
                written.append(folder / name)
    except OSError as error:
        exits.fail(f"{folder}: cannot be written: {error.strerror}")
    return written


def _way(folder: Path, root: Path) -> str:
    way = Path(os.path.relpath(root, folder.resolve())).as_posix()
    return "" if way == "." else f"{way}/"


def _plotly() -> str:
    try:
        source = import_module("plotly.offline").get_plotlyjs()
    except ImportError:
        exits.needs_extra("plotly")
    return str(source)


def _code(outcome: gate.Outcome, inconclusive: str | None) -> int:
    if outcome == "inconclusive":
        return {"pass": 0, "fail": exits.GATE}.get(inconclusive or "", exits.INCONCLUSIVE)
    return exits.GATE if outcome == "fail" else 0
