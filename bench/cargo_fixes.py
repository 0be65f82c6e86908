#!/usr/bin/env python3
"""Every fix to a Cargo.toml that slowpath proposes, applied to real projects and proven with `cargo check`.

usage: cargo_fixes.py PROJECT... [--target-dir D] [--clean] [--json FILE] [--cargo ARGUMENTS]

In: projects that compile here as they are. Each is copied, so nothing happens to it. Out: a Markdown table of the fixes
that held and that broke, crates and CPU seconds before and after; what broke, with the compiler's errors; JSON. Copies
and builds stay in D, so that the next run is short; `--clean` builds everything anew, before and after, and is what
tells seconds. Exit code 1 if a fix broke.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from slowpath import engine, fix, rulebook
from slowpath.model.finding import Finding, Fix
from slowpath.model.report import Report

RULES = ("unneeded-feature", "unused-dependency")
ERROR = re.compile(r"^error(?:.+\n)+", re.M)
LEFT_OUT = shutil.ignore_patterns(".git", "target", "node_modules", "rust-toolchain", "rust-toolchain.toml")


class Size(msgspec.Struct, frozen=True):
    """What a build takes: crates of the product, crates with those of tests, CPU seconds of a check from nothing."""

    product: int = 0
    all: int = 0
    seconds: float | None = None


class Broken(msgspec.Struct):
    """A fix after which the project no longer compiles."""

    rule: str
    path: str
    message: str
    errors: str


class Proof(msgspec.Struct):
    """What became of one project; `failure` tells why nothing could be shown. The counts are by rule."""

    project: str
    failure: str = ""
    findings: dict[str, int] = {}
    applied: dict[str, int] = {}
    broken: list[Broken] = []
    before: Size = Size()
    after: Size = Size()


class Trial:
    """A copy of a project, with a set of fixes applied at a time."""

    def __init__(self, source: Path, builds: Path, arguments: Sequence[str]) -> None:
        self.root = builds / "projects" / source.name
        self.target = builds / "target"
        self.arguments = arguments
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(source, self.root, symlinks=True, ignore=LEFT_OUT)
        if not (self.root / "Cargo.lock").exists():
            self.cargo("generate-lockfile")
        told = json.loads(self.cargo("metadata", "--no-deps", "--format-version", "1").stdout or '{"packages": []}')
        excluded = {name for option, name in pairwise(arguments) if option == "--exclude"}
        compiled = (package["manifest_path"] for package in told["packages"] if package["name"] not in excluded)
        self.manifests = {self.root / "Cargo.toml", *map(Path, compiled)}
        self.rules = [rule for rule in rulebook.load() if rule.id in RULES]
        self.fixes: dict[str, tuple[Finding, Fix]] = {}
        self.done: set[str] = set()

    def scan(self) -> Report:
        """Take the fixes of the project as it stands, those that were not taken before.

        `cargo check` compiles no package outside the workspace nor an excluded one, so nothing is shown for theirs.
        """
        report = engine.scan(self.root, self.rules)
        found = dict(zip(report.fingerprints, report.findings, strict=True))
        self.texts, self.lock = report.sources.texts, (self.root / "Cargo.lock").read_bytes()
        self.fixes = {
            name: (found[name], one)
            for name, one in fix.chosen(report, self.done, unsafe=True).items()
            if all(self.root / edit.place.path in self.manifests for edit in one.edits)
        }
        self.done |= self.fixes.keys()
        return report

    def apply(self, fixes: Sequence[Fix]) -> None:
        """These fixes and no others."""
        new = fix.applied(self.texts, fixes)
        for path in {edit.place.path for _, one in self.fixes.values() for edit in one.edits}:
            text = new.get(path, self.texts[path])
            if (self.root / path).read_bytes() != text:
                (self.root / path).write_bytes(text)
        (self.root / "Cargo.lock").write_bytes(self.lock)

    def cargo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["cargo", *arguments], cwd=self.root, capture_output=True, text=True, check=False)

    def check(self, target: Path | None = None) -> str:
        """The compiler's errors; empty where all compiles."""
        folder = str(target or self.target)
        done = self.cargo(
            "check", "--workspace", "--all-targets", "--keep-going", "--target-dir", folder, *self.arguments
        )
        return errors(done.stderr) if done.returncode else ""

    def breaking(self, names: Sequence[str]) -> dict[str, str]:
        """The fixes that break the build and its errors, found by halving."""
        self.apply([self.fixes[name][1] for name in names])
        failed = self.check()
        if not failed:
            return {}
        if len(names) == 1:
            return {names[0]: failed}
        half = len(names) // 2
        return self.breaking(names[:half]) | self.breaking(names[half:])

    def size(self, clean: bool) -> Size:
        """Of the project as it stands."""
        product, everything = (self._crates(kinds) for kinds in ("normal,build", "normal,build,dev"))
        if not clean:
            return Size(product, everything)
        with tempfile.TemporaryDirectory() as folder:
            before = _seconds()
            self.check(Path(folder))
            return Size(product, everything, round(_seconds() - before, 1))

    def _crates(self, kinds: str) -> int:
        listed = self.cargo("tree", "--workspace", "--edges", kinds, "--prefix", "none").stdout.splitlines()
        return len({tuple(line.split()[:2]) for line in listed if line})


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def errors(output: str) -> str:
    """What cargo and the compiler say is wrong, the first of it."""
    found = [block for block in ERROR.findall(output) if not block.startswith("error: could not compile")]
    return "\n".join(found[:5])[:4000] or output[-2000:]


def prove(source: Path, builds: Path, arguments: Sequence[str], clean: bool) -> Proof:
    """All fixes of one project at once; which of them break it, if it breaks."""
    trial, proof = Trial(source, builds, arguments), Proof(source.name)
    proof.failure = trial.check()
    if proof.failure:
        return proof
    proof.before = trial.size(clean)
    proof.findings = dict(Counter(finding.rule for finding in trial.scan().findings))
    applied: Counter[str] = Counter()
    while trial.fixes and not proof.failure:
        found = trial.fixes
        broken = trial.breaking(list(found))
        trial.apply([one for name, (_, one) in found.items() if name not in broken])
        failed = trial.check() if broken else ""
        proof.failure = failed and f"the fixes that hold singly break it together:\n{failed}"
        applied.update(finding.rule for finding, _ in found.values())
        for name, told in broken.items():
            finding = found[name][0]
            proof.broken.append(Broken(finding.rule, finding.place.path, finding.message, told))
        trial.scan()  # of two fixes that touch each other only the first was applied
    proof.applied = dict(applied)
    proof.after = trial.size(clean)
    return proof


def table(proofs: Sequence[Proof]) -> str:
    """A row for each project."""
    titles = ["project", *RULES, "broken", "crates before", "after", "with tests", "after", "CPU s", "after"]
    rows = [titles, ["---"] * len(titles)]
    for one in proofs:
        if not one.before.all:
            rows.append([one.project, "does not compile here", *[""] * (len(titles) - 2)])
            continue
        counts = [*(one.applied.get(rule, 0) for rule in RULES), len(one.broken)]
        sizes = [one.before.product, one.after.product, one.before.all, one.after.all]
        seconds = [one.before.seconds or "", one.after.seconds or ""]
        rows.append([one.project, *map(str, [*counts, *sizes, *seconds])])
    total = [sum(one.applied.get(rule, 0) for one in proofs) for rule in RULES]
    rows.append(["all", *map(str, total), str(sum(len(one.broken) for one in proofs)), *[""] * 6])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--target-dir", type=Path)
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--cargo", default="", help="arguments for cargo check: --all-features, --exclude PACKAGE")
    options = parser.parse_args()
    proofs = []
    with tempfile.TemporaryDirectory() as folder:
        builds = (options.target_dir or Path(folder)).resolve()
        for source in options.projects:
            proofs.append(prove(source.resolve(), builds, options.cargo.split(), options.clean))
            if options.json:
                options.json.write_bytes(msgspec.json.format(msgspec.json.encode(proofs)))
    print(table(proofs))
    for one in proofs:
        for broken in one.broken:
            print(f"\n{one.project}: {broken.path}: {broken.message}\n{broken.errors}")
        if one.failure:
            print(f"\n{one.project}: {one.failure}")
    return 1 if any(one.broken or (one.before.all and one.failure) for one in proofs) else 0


if __name__ == "__main__":
    sys.exit(main())
