#!/usr/bin/env python3
"""Every fix to a front end that slowpath proposes, applied to real projects and proven by parsers and type checks.

usage: web_fixes.py PROJECT... [--fixes safe all] [--min-confidence low] [--work D]

In: projects; where their dependencies are installed, their own TypeScript checks each tsconfig.json that a fix touches.
Each is copied (by hard links, new texts take a new file), so nothing happens to it. Out: a Markdown table of the fixes
applied by rule, first the safe ones alone and then all, with the files that changed, those that a type check covers,
its errors before, and the fixes after which there is a new one; what broke, with the errors. Exit code 1 if any broke.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from slowpath import engine, fix, rulebook
from slowpath.discover import language_of
from slowpath.extract.parsing import broken, parse_part
from slowpath.model.finding import Confidence, Finding, Fix
from slowpath.model.report import Report

GROUPS = ("typescript", "react", "bundle")
LEFT_OUT = frozenset([".git", ".next", "dist", ".turbo"])
"""Outputs that a copy needs not; in node_modules, `dist` is what the packages are."""
ERROR = re.compile(r"^(?P<path>[^\s(][^(\n]*)\((?P<line>\d+),\d+\): error (?P<text>TS\d+: .*)$", re.M)

Errors = Counter[tuple[str, str]]
"""(path, message); where in the file an error stands is what a fix may change."""


class Broken(msgspec.Struct):
    """A fix after which a file does not parse or a type check tells something new."""

    finding: Finding
    errors: list[str]


class Proof(msgspec.Struct):
    """What became of one project with its safe fixes, or with all of them."""

    project: str
    fixes: str
    applied: Counter[str]
    changed: int
    checked: int
    """Changed files that a type check reads."""
    before: int
    """Errors of these type checks without a fix."""
    broken: list[Broken]
    failure: str = ""


class Check(NamedTuple):
    """One tsconfig.json and the TypeScript that is installed for it."""

    config: Path
    compiler: Path

    def run(self, *arguments: str) -> str:
        command = [str(self.compiler), *arguments, "-p", str(self.config), "--pretty", "false"]
        env = {**os.environ, "NODE_OPTIONS": "--max-old-space-size=8192"}
        return subprocess.run(command, cwd=self.config.parent, capture_output=True, text=True, env=env).stdout

    def files(self) -> set[Path]:
        """What the type check reads."""
        return {Path(line) for line in self.run("--listFilesOnly").splitlines()}

    def errors(self, root: Path) -> Errors:
        found = ERROR.finditer(self.run("--noEmit"))
        paths = ((os.path.relpath(self.config.parent / one["path"], root), one["text"]) for one in found)
        return Counter(paths)


def _left_out(folder: str, names: list[str]) -> list[str]:
    if "node_modules" in Path(folder).parts:
        return []
    return [name for name in names if name in LEFT_OUT or name.endswith(".tsbuildinfo")]


class Trial:
    """A copy of a project, with a set of fixes applied at a time."""

    def __init__(self, source: Path, folder: Path, unsafe: bool, confidence: Confidence) -> None:
        self.root = folder / source.name
        shutil.copytree(source, self.root, symlinks=True, ignore=_left_out, copy_function=os.link)
        self.rules = [rule for rule in rulebook.load() if rule.path.split("/")[-2] in GROUPS]
        self.unsafe, self.confidence = unsafe, confidence
        self.done: set[str] = set()
        self.texts: dict[str, bytes] = {}
        self.fixes: dict[str, tuple[Finding, Fix]] = {}
        self.changed: set[str] = set()
        self.scan()

    def scan(self) -> Report:
        """Take the fixes of the project as it stands, those that were not taken before."""
        report = engine.scan(self.root, self.rules, min_confidence=self.confidence)
        found = dict(zip(report.fingerprints, report.findings, strict=True))
        self.texts = dict(report.sources.texts)
        chosen = fix.chosen(report, self.done, unsafe=self.unsafe)
        self.fixes = {name: (found[name], one) for name, one in chosen.items()}
        self.done |= self.fixes.keys()
        return report

    def apply(self, names: Iterable[str]) -> None:
        """These of the fixes and no others."""
        new = fix.applied(self.texts, [self.fixes[name][1] for name in names])
        for path in self.touched(self.fixes):
            text = new.get(path, self.texts.get(path))
            (self.root / path).unlink(missing_ok=True)
            if text is not None:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(text)

    def touched(self, names: Iterable[str]) -> set[str]:
        """The files that fixes edit."""
        return {edit.place.path for name in names for edit in self.fixes[name][1].edits}

    @cached_property
    def checks(self) -> list[Check]:
        """One for each tsconfig.json beside or above a file that a fix of the first round touches."""
        found: dict[Path, Check] = {}
        for path in sorted(self.touched(self.fixes)):
            config = self._above(self.root / path, "tsconfig.json")
            compiler = config and (
                self._above(config, "node_modules/.bin/tsc") or self._above(config, "node_modules/.bin/tsgo")
            )
            if config and compiler:
                found[config] = Check(config, compiler)
        return list(found.values())

    def _above(self, path: Path, name: str) -> Path | None:
        """The nearest file of a name, from a path's folder up to the project's."""
        folders = [folder for folder in path.parents if folder.is_relative_to(self.root)]
        return next((folder / name for folder in folders if (folder / name).is_file()), None)

    def errors(self, paths: Iterable[str]) -> Errors:
        """Of the parser in these files, and of the type checks."""
        found: Errors = Counter()
        for path in paths:
            language = language_of(path)
            if language in ("typescript", "tsx") and (self.root / path).exists():
                found[path, "does not parse"] += len(broken(parse_part(language, (self.root / path).read_bytes())))
        for check in self.checks:
            found += check.errors(self.root)
        return found

    def breaking(self, names: Sequence[str], before: Errors) -> dict[str, list[str]]:
        """The fixes that bring errors and these, found by halving."""
        self.apply(names)
        new = self.errors(self.touched(names)) - before
        if not new:
            return {}
        if len(names) == 1:
            return {names[0]: [f"{path}: {text}" for path, text in new]}
        half = len(names) // 2
        return self.breaking(names[:half], before) | self.breaking(names[half:], before)


def prove(source: Path, folder: Path, unsafe: bool, confidence: Confidence) -> Proof:
    """All fixes of one project at once; which of them break it, if it breaks."""
    trial = Trial(source, folder, unsafe, confidence)
    proof = Proof(source.name, "all" if unsafe else "safe", Counter(), 0, 0, 0, [])
    if not trial.fixes:
        return proof
    before = trial.errors(trial.touched(trial.fixes))
    proof.before = before.total()
    covered = set().union(*(check.files() for check in trial.checks))
    changed: set[str] = set()
    while trial.fixes and not proof.failure:
        found = trial.fixes
        changed |= trial.touched(found)
        told = trial.breaking(list(found), before)
        if told:
            trial.apply([name for name in found if name not in told])
            new = trial.errors(trial.touched(found)) - before
            proof.failure = "\n".join(f"{path}: {text}" for path, text in new)
        proof.applied.update(finding.rule for finding, _ in found.values())
        proof.broken += [Broken(found[name][0], errors) for name, errors in told.items()]
        trial.scan()  # of two fixes that touch each other only the first was applied
    proof.changed = len(changed)
    proof.checked = sum(trial.root / path in covered for path in changed)
    return proof


def table(proofs: Sequence[Proof]) -> str:
    """Two rows for each project."""
    rules = sorted({rule for one in proofs for rule in one.applied})
    titles = ["project", "fixes", *rules, "files", "type-checked", "errors before", "broken"]
    rows = [titles, ["---"] * len(titles)]
    for one in proofs:
        counts = [*(one.applied[rule] for rule in rules), one.changed, one.checked, one.before, len(one.broken)]
        rows.append([one.project, one.fixes, *map(str, counts)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--fixes", nargs="+", choices=["safe", "all"], default=["safe", "all"])
    parser.add_argument("--min-confidence", choices=["low", "medium", "high"], default="low")
    parser.add_argument("--work", type=Path, help="where copies go, on the projects' file system")
    options = parser.parse_args()
    proofs = []
    for source in options.projects:
        for fixes in options.fixes:
            with tempfile.TemporaryDirectory(dir=options.work) as folder:
                proofs.append(prove(source.resolve(), Path(folder).resolve(), fixes == "all", options.min_confidence))
    print(table(proofs))
    for one in proofs:
        for broke in one.broken:
            place = broke.finding.place
            kind = "safe" if broke.finding.fix and broke.finding.fix.safe else "unsafe"
            print(f"\n{one.project}: {kind} {broke.finding.rule}: {place.path}: {broke.finding.message}")
            print("\n".join(f"  {line}" for line in broke.errors[:5]))
        if one.failure:
            print(f"\n{one.project}: the fixes that hold singly break it together:\n{one.failure}")
    return 1 if any(one.broken or one.failure for one in proofs) else 0


if __name__ == "__main__":
    sys.exit(main())
