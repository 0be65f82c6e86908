"""What a scan does: settings → scan, or fixes → what is shown → reports → exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from slowpath import config, engine, fix_diff, fix_files
from slowpath.baseline_file import BaselineError
from slowpath.cache import Cache, directory
from slowpath.commands import (
    adopting,
    allow,
    baselines,
    changes,
    exits,
    fixed,
    links,
    outputs,
    project,
    terminal,
)
from slowpath.commands.allow import Added
from slowpath.commands.baselines import Baseline
from slowpath.commands.outputs import Output
from slowpath.commands.project import Project
from slowpath.config import ConfigError
from slowpath.engine import Mended
from slowpath.git import GitError
from slowpath.model.evidence import Evidence
from slowpath.model.report import Report, Stats
from slowpath.report import formats, statistics, text
from slowpath.workers import collect_rarely


class Asked(msgspec.Struct, frozen=True):
    """The options of the command, by the names of click."""

    paths: tuple[Path, ...]
    style: str
    output_file: Path | None
    outputs: tuple[Output, ...]
    sarif_output: Path | None
    sarif_category: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    min_confidence: str | None
    fail_on: str | None
    exit_zero: bool
    fixing: bool
    unsafe_fixes: bool
    diff: bool
    measure_builds: bool
    evidence: Path | None
    jobs: int
    no_cache: bool
    statistics: bool
    since: str | None
    staged: bool
    hook: bool
    preset: str | None
    extend_select: tuple[str, ...]
    baseline: Path | None
    no_baseline: bool
    write_baseline: bool
    grow: bool
    strict_baseline: bool
    add_allow: bool
    reason: str | None
    watch: bool

    @property
    def is_whole(self) -> bool:
        """Nothing but what the project itself sets narrows what is shown, and people read it."""
        narrowed = self.select or self.ignore or self.extend_select or self.preset or self.min_confidence or self.diff
        return not narrowed and self.style in formats.FOR_PEOPLE and self.change == changes.Wanted(None, False, False)

    @property
    def change(self) -> changes.Wanted:
        """Which change is asked about."""
        return changes.Wanted(self.since, self.staged, self.hook)


def run(options: dict[str, Any]) -> NoReturn:
    """The command with its options, by the names of click."""
    asked = Asked(**options)
    if asked.unsafe_fixes and not (asked.fixing or asked.diff):
        exits.fail("--unsafe-fixes goes with --fix or --diff")
    if asked.measure_builds and asked.fixing:
        exits.fail("--measure compares with what --fix would do: it goes without it")
    adopting.refuse(asked)
    collect_rarely()
    if asked.watch:
        _watched(asked)
        sys.exit(0)
    try:
        parts = changes.parts(asked.paths) if asked.hook else [asked.paths]
        if len(parts) > 1 and (asked.output_file or asked.outputs or asked.sarif_output):
            exits.fail("the files are of several projects, each with a report of its own: call it for each of them")
        sys.exit(max(_scanned(msgspec.structs.replace(asked, paths=paths)) for paths in parts))
    except (ConfigError, GitError, BaselineError) as error:
        exits.fail(str(error))


def _scanned(asked: Asked) -> int:
    """One project; the exit code."""
    own = _project(asked)
    progress, finish = terminal.progress(quiet=asked.hook)
    scanning = _scanning(asked, own) | {"progress": progress}
    scanning |= changes.options(asked.change, own, scanning, asked.paths)
    used = _baseline(asked, own)
    if used is not None:
        scanning["narrow"] = used.before(scanning.get("narrow"))
    mended: Mended | None = None
    unwritten: dict[str, str] = {}
    allows: Added | None = None
    if asked.fixing or (asked.diff and not asked.add_allow):
        mended = engine.mend(own.root, own.rules, unsafe=asked.unsafe_fixes, **scanning)
        report = mended.before
    else:
        report = engine.scan(own.root, own.rules, **scanning)
    saved, failed = _saved(own, report, progress) if asked.measure_builds else ("", False)
    if mended and asked.fixing and not asked.diff:
        fixes = [each.fix for each in mended.fixed]
        stale = changes.UNEQUAL if asked.staged else fix_files.CHANGED
        unwritten = fix_files.write(own.root, mended.before.sources.texts, mended.texts, fixes, stale)
        report = engine.scan(own.root, own.rules, **scanning) if unwritten or asked.staged else mended.report
    if asked.add_allow:
        allows = allow.added(report, own.root, asked.reason, diff=asked.diff)
        report = report if asked.diff else engine.scan(own.root, own.rules, **scanning)
    finish()
    if used is not None and asked.write_baseline:
        report = baselines.written(used, own.root, grow=asked.grow)
    changed = mended.texts if mended else allows.texts if allows else {}
    patch = fix_diff.diff(report.sources.texts, changed) if asked.diff else ""
    report = msgspec.structs.replace(report, troubles=(*own.broken, *report.troubles), prefix=own.prefix)
    report = links.followed(report, own.root)
    _show(report, asked, patch)
    if asked.style in formats.WITH_TEXT:
        for line in text.troubles(report):
            terminal.warn(line)
    if mended:
        for line in fixed.lines(mended, unwritten, asked.diff):
            terminal.warn(line)
        if asked.staged and asked.fixing and mended.texts.keys() - unwritten.keys():
            terminal.warn("what is staged is as it was: `git add` the files that are fixed")
    for line in allows.lines if allows else ():
        terminal.warn(line)
    whole = asked.is_whole and not _scope(asked, own)
    gone = used is not None and not asked.write_baseline and baselines.kept_up(used, own.root, whole=whole)
    failed_check = gone and asked.strict_baseline and not asked.exit_zero
    unusable = bool(own.broken or unwritten or failed or (allows and allows.failed))
    if asked.statistics:
        click.echo(statistics.render(report), err=True, nl=False)
    click.echo(saved, err=True, nl=False)
    return max(_exit_code(report, own, asked, changed, unusable), failed_check)


def _watched(asked: Asked) -> None:
    """Show what is found, and again after each change."""
    from slowpath.commands.watch import watch

    paths = tuple(path.absolute() for path in asked.paths or (Path(),))
    asked = msgspec.structs.replace(asked, paths=paths)
    progress, finish = terminal.progress()

    def opened() -> tuple[Project, dict[str, Any]]:
        own = _project(asked)
        scanning = _scanning(asked, own) | {"progress": progress}
        scanning |= changes.options(asked.change, own, scanning, asked.paths)
        used = _baseline(asked, own)
        return own, scanning | ({"narrow": used.before(scanning.get("narrow"))} if used is not None else {})

    def shown(report: Report, own: Project) -> None:
        finish()
        report = msgspec.structs.replace(report, troubles=(*own.broken, *report.troubles), prefix=own.prefix)
        _show(report, asked, "")
        for line in text.troubles(report):
            terminal.warn(line)

    watch(config.project_root(paths), opened, shown)


def _project(asked: Asked) -> Project:
    flags = {
        "min_confidence": asked.min_confidence,
        "fail_on": asked.fail_on,
        "select": _split(asked.select),
        "ignore": _split(asked.ignore),
        "preset": asked.preset,
        "extend_select": _split(asked.extend_select),
    }
    paths = {path.parent for path in asked.paths} if asked.hook else asked.paths
    return project.opened(paths or (Path(),), flags)


def _baseline(asked: Asked, own: Project) -> Baseline | None:
    """The baseline of this scan, unless it is to be left aside."""
    if asked.no_baseline and not asked.write_baseline:
        return None
    return baselines.opened(own, asked.baseline, _scope(asked, own), writing=asked.write_baseline)


def _scanning(asked: Asked, own: Project) -> dict[str, Any]:
    """The options of the engine."""
    return own.options | {
        "jobs": asked.jobs,
        "cache": None if asked.no_cache else Cache(directory()),
        "scope": _scope(asked, own),
        "count_calls": asked.statistics,
        "evidence": _evidence(asked.evidence) if asked.evidence is not None else None,
    }


def _scope(asked: Asked, own: Project) -> tuple[str, ...]:
    """The files and folders to report on, all where empty."""
    scope = () if asked.hook else (project.relative(path, own.root) for path in asked.paths or (Path(),))
    return tuple(entry for entry in scope if entry != ".")


def _saved(own: Project, report: Report, progress: Any) -> tuple[str, bool]:
    from slowpath.commands import savings

    return savings.measured(own.root, report, progress)


def _show(report: Report, asked: Asked, patch: str) -> None:
    """The report, where it was asked to go; a diff instead, unless the report goes to a file."""
    on_terminal = asked.output_file is None and sys.stdout.isatty()
    # Equal input gives equal bytes, whatever cache and jobs.
    stable = msgspec.structs.replace(report, stats=Stats(files=report.stats.files))
    if asked.output_file or not asked.diff:
        shown = report if asked.statistics or (asked.style in formats.FOR_PEOPLE and on_terminal) else stable
        colored = asked.output_file is None and terminal.color(on_terminal)
        terminal.write(asked.output_file, formats.rendered(shown, asked.style, colored, asked.sarif_category))
    if asked.diff:
        terminal.write(None, patch)
    beside = [Output("sarif", asked.sarif_output)] if asked.sarif_output else []
    outputs.write((*asked.outputs, *beside), stable, asked.sarif_category)


def _exit_code(report: Report, own: Project, asked: Asked, changed: Mapping[str, bytes], unusable: bool) -> int:
    if any(trouble.internal for trouble in report.troubles):
        return exits.INTERNAL
    if unusable:
        return exits.USAGE
    failing = project.failing(own.settings, report.findings)
    if asked.diff:
        failing = bool(changed)
    return exits.FINDINGS if failing and not asked.exit_zero else 0


def _split(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _evidence(path: Path) -> Evidence:
    from slowpath import parts

    try:
        found = parts.read(path)
    except parts.PartError as error:
        exits.fail(str(error))
    if not isinstance(found, Evidence):
        exits.fail(
            f"{path}: is one part ({found.schema}): join it with `slowpath measure join {path} -o evidence.json` first"
        )
    return found
