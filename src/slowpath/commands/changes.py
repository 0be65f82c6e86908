"""`--since`, `--staged` and `--hook`: which state of the project is scanned, and what of it is shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from slowpath import config, engine, git, since, snapshot
from slowpath.commands.project import Project
from slowpath.discover import Discovery, printable
from slowpath.model.finding import Finding
from slowpath.model.report import Report
from slowpath.model.source import Sources
from slowpath.since import Base, Change

OWN = ("scope", "narrow", "read", "progress", "count_calls", "evidence", "crate_sources")
"""Options of a scan that the analysis of what was before goes without."""
UNEQUAL = "is not in the working tree as it is staged"
NOTHING = Base(Discovery([], []), {})
"""What the first commit comes after."""


class Wanted(NamedTuple):
    """What was asked for."""

    since: str | None
    staged: bool
    hook: bool


def parts(paths: tuple[Path, ...]) -> list[tuple[Path, ...]]:
    """The files of a hook by the project that they lie in. Raises ConfigError for one that is not there."""
    if not paths:
        raise config.ConfigError("--hook goes with the files of a commit; --staged finds them itself")
    roots: dict[Path, Path] = {}
    found: dict[Path, list[Path]] = {}
    for path in paths:
        if not os.path.lexists(path):
            raise config.ConfigError(f"{path}: no such file or directory")
        if path.parent not in roots:
            roots[path.parent] = config.project_root([path.parent])
        found.setdefault(roots[path.parent], []).append(path)
    return [tuple(own) for _, own in sorted(found.items())]


def options(wanted: Wanted, own: Project, scanning: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """The options of the engine that make a scan one of a change. Raises GitError."""
    if wanted == Wanted(None, False, False):
        return {}
    commits = _before(wanted, own.root)
    exclude = scanning["exclude"]
    analysed = {name: value for name, value in scanning.items() if name not in (*OWN, "exclude")}
    known: list[Base] = []

    def change(now: Sources) -> Change:
        if not known:
            known.extend(_base(own.root, exclude, commit, now.texts) for commit in commits)
            known.extend([] if commits else [NOTHING])
        return Change(known, lambda found: engine.analyse(found, own.rules, **analysed), now)

    if wanted.hook:
        passed = frozenset(_name(path, own.root) for path in paths)
        whole = wanted.since is None and not wanted.staged
        narrow = _Hook(change, passed, lambda: _listed(own.root, commits), whole=whole).narrow
    else:
        narrow = _Narrow(change, scanning["scope"]).narrow
    return {"scope": (), "narrow": narrow} | ({"read": snapshot.staged} if wanted.staged else {})


def _before(wanted: Wanted, root: Path) -> tuple[str, ...]:
    """The commits that the state comes after."""
    if wanted.since is not None:
        return (git.fork(root, wanted.since),)
    pushed, tip = os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF")
    if wanted.hook and not wanted.staged and pushed and tip:
        return (git.fork(root, pushed, tip),)
    return git.parents(root)


def _base(root: Path, exclude: Iterable[str], commit: str, texts: Mapping[str, bytes]) -> Base:
    found = snapshot.committed(root, exclude, commit, texts)
    then = {path: text for path, _, text in found.files}
    gone = {text: path for path, text in then.items() if path not in texts}
    moved = {path: gone[text] for path, text in texts.items() if path not in then and text in gone}
    by_git = {printable(now): printable(old) for now, old in git.renamed(root, commit).items()}
    return Base(found, moved | {now: old for now, old in by_git.items() if now in texts})


def _listed(root: Path, commits: Iterable[str]) -> frozenset[str]:
    """What the index holds otherwise than the commits, also where only the mode is another."""
    return frozenset(printable(name) for commit in commits for name in git.changed(root, commit))


def _name(path: Path, root: Path) -> str:
    """A file as findings name it; a link by its own name."""
    full = path.parent.resolve() / path.name
    return printable(full.relative_to(root).as_posix()) if full.is_relative_to(root) else ""


class _Narrow:
    """What the change causes, in the files and folders that were asked for."""

    def __init__(self, change: Callable[[Sources], Change], scope: Iterable[str]) -> None:
        self.change = change
        self.scope = tuple(scope)

    def narrow(self, report: Report) -> Report:
        change = self.change(report.sources)
        fresh = change.fresh(report)
        shown = {index: one for index, one in fresh.items() if engine.in_scope(one.place.path, self.scope)}
        aside = sum(not engine.in_scope(one.place.path, self.scope) for one in report.findings)
        narrow = since.narrowed(report, shown, change.touched)
        return msgspec.structs.replace(narrow, known=narrow.known - aside)


class _Hook:
    """What is in the files that were passed, and what the change causes in files that it leaves alone.

    Many files come in several calls, in each of which this is one process that knows nothing of the others. So what is
    found elsewhere belongs to the call that got the file which causes it.
    """

    def __init__(
        self,
        change: Callable[[Sources], Change],
        passed: frozenset[str],
        listed: Callable[[], frozenset[str]],
        *,
        whole: bool,
    ) -> None:
        self.change = change
        self.passed = passed
        self.listed = listed
        self.whole = whole

    def narrow(self, report: Report) -> Report:
        inside = {i: one for i, one in enumerate(report.findings) if one.place.path in self.passed}
        if self.whole and (len(inside) == len(report.findings) or not self._is_of_change(report)):
            return since.narrowed(report, inside, self.passed)
        change = self.change(report.sources)
        fresh = change.fresh(report)
        own = inside if self.whole else {index: one for index, one in fresh.items() if index in inside}
        elsewhere = {index: one for index, one in fresh.items() if self._is_ours(one, change)}
        return since.narrowed(report, own | elsewhere, self.passed)

    def _is_of_change(self, report: Report) -> bool:
        """Files that are as they were are passed where a run is over all files, or some that somebody chose."""
        alike = (self.passed & report.sources.texts.keys()) - self.change(report.sources).touched
        return not alike or alike <= self.listed()

    def _is_ours(self, finding: Finding, change: Change) -> bool:
        if finding.place.path in change.changed | self.passed:
            return False
        return len(change.all) > 1 or change.cause(finding) in self.passed
