"""`slowpath init`: look at the repository, scan it once, and write configuration, hook and workflow."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from slowpath import config, engine, fix_diff, fix_files
from slowpath.baseline_file import BaselineError
from slowpath.cache import Cache, directory
from slowpath.commands import baselines, exits, init_files, init_plan, project, terminal
from slowpath.commands.init_found import Found, look
from slowpath.commands.init_plan import Plan, Where
from slowpath.config import Config, ConfigError
from slowpath.discover import discover
from slowpath.model.finding import CONFIDENCES, SEVERITIES, Edit, Finding, Fix, Place
from slowpath.model.report import Report
from slowpath.report import style, text
from slowpath.workers import collect_rarely

SHOWN = 3
MANY = 20
"""Findings: more than these nobody fixes before the first commit."""


@click.command("init")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--diff", "--dry-run", "diff", is_flag=True, help="Print what would be written, and write nothing.")
@click.option("--pre-commit/--no-pre-commit", default=None, help="Add the hook. Default: where pre-commit is in use.")
@click.option("--workflow/--no-workflow", default=None, help="Add a workflow. Default: where GitHub is in use.")
@click.option("--no-scan", is_flag=True, help="Look at the files only.")
def command(path: Path, diff: bool, pre_commit: bool | None, workflow: bool | None, no_scan: bool) -> None:
    """Set slowpath up for the project in PATH (default: here).

    Looks at the repository, scans it once and shows what matters most; then writes slowpath.toml, the pre-commit hook
    and a workflow. What is there already stays as it is.
    """
    if not path.is_dir():
        exits.fail(f"{path}: no such folder")
    try:
        where = init_plan.located(path)
        found = look(where.root, discover(where.root))
        if not found.files:
            click.echo(f"slowpath: nothing to scan in {path}: no Rust, TypeScript, JavaScript or SQL")
            return
        for line in found.told():
            click.echo(style.clean(line))
        plan = init_plan.planned(where, found, pre_commit, workflow)
        if not no_scan:
            _scan(where, found)
    except (ConfigError, BaselineError) as error:
        exits.fail(str(error))
    _finish(where, plan, diff)


def _scan(where: Where, found: Found) -> None:
    """Scan as the written settings ask for, and show what matters most."""
    collect_rarely()
    own = project.opened([where.root])._replace(root=where.root)
    settings = own.settings
    if settings == Config():
        settings = config.parse(init_files.config(found), where.root / init_plan.CONFIG)
    progress, done = terminal.progress()
    options = project.scan_options(where.root, settings, own.every) | {"progress": progress}
    held = baselines.opened(own, None)
    if held is not None:
        options["narrow"] = held.narrow
    report = engine.scan(where.root, own.rules, cache=Cache(directory()), **options)
    done()
    click.echo(_first(report, terminal.color(sys.stdout.isatty())))


def _first(report: Report, color: bool) -> str:
    """The findings to look at first, and how many there are."""
    best = foremost(report)
    shown = report.holding((finding, "") for finding in best)
    blocks, _, _ = text.full(shown, color).rstrip().rpartition("\n")
    summary = text.concise(report, color).rstrip().rpartition("\n")[2]
    count = len(report.findings)
    more = " These first, of a rule each; `slowpath scan` shows all." if count > len(best) else ""
    new = "\nTo see only what is new from now on: `slowpath scan --write-baseline`." if count > MANY else ""
    return f"\n{blocks}{summary}{more}{new}\n"


def foremost(report: Report) -> list[Finding]:
    """The findings to look at first, each of another rule: dear, on the way of a request, of code, and sure."""

    def rank(finding: Finding) -> tuple[int, bool, bool, int]:
        manifest = report.rules[finding.rule].group == "cargo"
        confidence = CONFIDENCES.index(finding.confidence)
        return -SEVERITIES.index(finding.severity), not finding.routes, manifest, -confidence

    best: dict[str, Finding] = {}
    for finding in sorted(report.findings, key=rank):
        best.setdefault(finding.rule, finding)
    return list(best.values())[:SHOWN]


def _finish(where: Where, plan: Plan, diff: bool) -> None:
    if diff:
        click.echo(fix_diff.diff(plan.old, plan.new), nl=False)
    else:
        together = Fix("", True, tuple(Edit(Place(path, (0, 0)), "") for path in plan.new))
        unwritten = fix_files.write(where.checkout, plan.old, plan.new, [together])
        if unwritten:
            exits.fail(next(iter(unwritten.values())))
        for path in plan.new:
            click.echo(f"{'changed' if path in plan.old else 'wrote'} {path}")
    for line in plan.told:
        click.echo(style.clean(line))
