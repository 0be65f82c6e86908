"""Two incompatible versions of one heavy crate, where the project's own manifests decide about both.

Either members ask for both, or one asks for the newer and a dependency of another pulls the older in. What third
parties choose among themselves is not the project's to fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.cargo import Entry, Workspace

REQUIREMENT = re.compile(r"[\^~=v\s]*(\d+)(?:\.(\d+))?(?:\.(\d+))?")


class Asked(NamedTuple):
    """A direct dependency and the version that it gets."""

    series: tuple[int, ...]
    version: str
    entry: Entry


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per dependency to bump."""
    for workspace in program.cargo.workspaces:
        names = sorted({entry.registered for package in workspace.packages for entry in package.entries})
        for crate in names:
            if any(fnmatchcase(crate, pattern) for pattern in rule.settings["heavy"]):
                yield from both_asked(crate, workspace, rule)
        for crate in names:
            for heavy, feature in rule.settings["pulls"].get(crate, {}).items():
                yield from pulled(crate, heavy, feature, workspace, rule)


def both_asked(crate: str, workspace: Workspace, rule: Rule) -> Iterator[Finding]:
    """Members that ask for different series of one crate."""
    asked = direct(crate, workspace)
    if len({one.series for one in asked}) < 2:
        return
    newest = max(one.series for one in asked)
    other = next(one for one in asked if one.series == newest)
    for series in sorted({one.series for one in asked} - {newest}):
        older = [one for one in asked if one.series == series]
        steps = [Step(one.entry.place, f"asks for {crate} {one.version}") for one in [*older[1:], other]]
        yield rule.finding(
            older[0].entry.place,
            confidence="high" if workspace.lock else "medium",
            related=steps,
            crate=crate,
            older=older[0].version,
            newer=other.version,
            cause="are both asked for by this project",
            advice=f"move this one to {other.version}",
        )


def pulled(crate: str, heavy: str, feature: str, workspace: Workspace, rule: Rule) -> Iterator[Finding]:
    """A dependency that brings an older series of what a member asks for itself."""
    if workspace.lock is None:
        return
    newest = max(direct(heavy, workspace), default=None, key=lambda one: one.series)
    for one in direct(crate, workspace):
        locked = workspace.lock.named(f"{crate} {one.version}")
        for requirement in locked.dependencies if locked else ():
            brought = workspace.lock.named(requirement) if requirement.split(" ")[0] == heavy else None
            if newest and brought and series_of(brought.version) < newest.series:
                way = f" or switch its feature `{feature}` off" if feature else ""
                yield rule.finding(
                    one.entry.place,
                    confidence="medium",
                    related=[Step(newest.entry.place, f"asks for {heavy} {newest.version}")],
                    crate=heavy,
                    older=brought.version,
                    newer=newest.version,
                    cause=f"are both compiled: `{crate}` {one.version} pulls the older one in",
                    advice=f"bump `{crate}`{way}",
                )
                return


def direct(crate: str, workspace: Workspace) -> list[Asked]:
    """Every member's own dependency on a crate, for the product or its build."""
    found: list[Asked] = []
    for entry in workspace.entries(crate):
        version = chosen(entry, workspace)
        series = series_of(version)
        if series and entry.declared.scope != "dev":
            found.append(Asked(series, version, entry))
    return found


def chosen(entry: Entry, workspace: Workspace) -> str:
    """The version that the lock file gives an entry, or else the one that it asks for."""
    wanted = series_of(entry.version)
    for locked in workspace.lock.by_name.get(entry.registered, ()) if workspace.lock else ():
        if series_of(locked.version)[: len(wanted)] == wanted and wanted:
            return locked.version
    return entry.version if workspace.lock is None else ""


def series_of(version: str) -> tuple[int, ...]:
    """What must be equal for two versions to be compatible: (1,), (0, 25), (0, 0, 3); nothing where it is not said."""
    match = REQUIREMENT.match(version)
    if not match or "," in version:
        return ()
    numbers = [int(part) for part in match.groups() if part is not None]
    for length, number in enumerate(numbers, 1):
        if number:
            return tuple(numbers[:length])
    return ()
