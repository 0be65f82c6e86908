#!/usr/bin/env python3
"""CPU, wall time and peak memory of slowpath, ast-grep and semgrep on one tree, in one run.

In: a directory. Out: a Markdown table of medians on stdout. slowpath runs all its rules, cold (an empty cache), warm,
and after one edited file; the peers match seven simple patterns. CPU is user + system of the whole process tree;
memory is the largest sum of resident sets seen by sampling it, so short peaks can be missed. Works on a copy of the
tree.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

SAMPLE_SECONDS = 0.01

AWAIT_IN_LOOP = {"kind": "await_expression", "inside": {"kind": "for_in_statement", "stopBy": "end"}}

# name → (language, the rule in ast-grep, the pattern in semgrep)
PATTERNS: dict[str, tuple[str, dict[str, object], str]] = {
    name: (language, {"pattern": pattern}, pattern.replace("$$$", "..."))
    for name, language, pattern in [
        ("regex-new", "rust", "Regex::new($X)"),
        ("read-file", "rust", "std::fs::read_to_string($X)"),
        ("sleep", "rust", "std::thread::sleep($X)"),
        ("hash", "rust", "bcrypt::hash($X, $Y)"),
        ("memo", "typescript", "useMemo($$$)"),
        ("callback", "typescript", "useCallback($$$)"),
    ]
} | {"await-in-loop": ("typescript", AWAIT_IN_LOOP, "for (const $A of $B) { ... await $C; ... }")}


class Cost(NamedTuple):
    """Seconds, seconds, bytes."""

    cpu: float
    wall: float
    memory: int


class FailedError(Exception):
    """A command could not do its work; the text says why."""


def measure(command: list[str], environment: dict[str, str], allowed: tuple[int, ...] = (0,)) -> Cost:
    """Run a command to its end. Raises FailedError where its exit code is none of the allowed."""
    settings = os.environ | environment
    settings.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed tool has its bytecode at hand
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=os.environ | environment)
        memory = 0
        while process.poll() is None:
            memory = max(memory, resident(process))
            time.sleep(SAMPLE_SECONDS)
        wall = time.perf_counter() - started
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
    if process.returncode not in allowed:
        raise FailedError(f"exit {process.returncode}: {' '.join(last)[:100]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, memory)


def resident(process: psutil.Process) -> int:
    """Bytes that a process and its children hold now."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def tool(name: str) -> str:
    """A command of this interpreter's environment, else of PATH. Raises FailedError."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise FailedError(f"{name} is not installed")
    return found


def slowpath(tree: Path, scratch: Path, times: int) -> dict[str, list[Cost]]:
    """Each repetition scans with an empty cache, then with the full one, then after an edit."""
    costs: dict[str, list[Cost]] = {"cold": [], "warm": [], "one edited file": []}
    command = [tool("slowpath"), "scan", str(tree), "--format", "json", "--exit-zero"]
    edited = largest(tree, ".rs", ".ts", ".tsx")
    for number in range(times):
        cache = {"SLOWPATH_CACHE_DIR": str(scratch / f"cache{number}")}
        costs["cold"].append(measure(command, cache))
        costs["warm"].append(measure(command, cache))
        with edited.open("a") as source:
            source.write(f"// edit {number}\n")
        costs["one edited file"].append(measure(command, cache))
    return {f"slowpath, {name}": values for name, values in costs.items()}


def largest(tree: Path, *suffixes: str) -> Path:
    """The file whose edit costs most to read again."""
    sources = [path for path in tree.rglob("*") if path.suffix in suffixes and path.is_file()]
    return max(sources, key=lambda path: (path.stat().st_size, path))


def ast_grep(tree: Path, scratch: Path, times: int) -> dict[str, list[Cost]]:
    """`scan` with inline rules; the TypeScript patterns for .ts and .tsx."""
    grammars = {"rust": ["rust"], "typescript": ["tsx", "typescript"]}
    rules = [
        {"id": f"{name}-{grammar}", "language": grammar, "rule": rule}
        for name, (language, rule, _) in PATTERNS.items()
        for grammar in grammars[language]
    ]
    text = "\n---\n".join(json.dumps(rule) for rule in rules)
    command = [tool("ast-grep"), "scan", "--inline-rules", text, "--json=compact", str(tree)]
    return {"ast-grep": [measure(command, {}, allowed=(0, 1)) for _ in range(times)]}


def semgrep(tree: Path, scratch: Path, times: int) -> dict[str, list[Cost]]:
    """Local rules, no metrics, no look for a new version: nothing goes out."""
    rules = [
        {"id": name, "languages": [language], "pattern": pattern, "message": name, "severity": "WARNING"}
        for name, (language, _, pattern) in PATTERNS.items()
    ]
    file = scratch / "semgrep.json"
    file.write_text(json.dumps({"rules": rules}))
    quiet = ["--metrics=off", "--disable-version-check", "--json", "--quiet"]
    command = [tool("semgrep"), "scan", "--config", str(file), *quiet, str(tree)]
    scripts = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"semgrep": [measure(command, {"PATH": scripts}) for _ in range(times)]}


def median(costs: list[Cost]) -> Cost:
    cpu, wall, memory = (statistics.median(column) for column in zip(*costs, strict=True))
    return Cost(cpu, wall, int(memory))


def table(rows: dict[str, Cost | str]) -> Iterator[str]:
    """Markdown; the ratios are to ast-grep where it ran."""
    base = rows.get("ast-grep")
    yield "| | CPU s | wall s | peak MB | CPU ÷ ast-grep | wall ÷ ast-grep |"
    yield "|---|--:|--:|--:|--:|--:|"
    for name, cost in rows.items():
        if isinstance(cost, str):
            yield f"| {name} | {cost} | | | | |"
            continue
        ratios = (
            [f"{a / b:.2f}" for a, b in zip(cost[:2], base[:2], strict=True)] if isinstance(base, Cost) else ["", ""]
        )
        yield f"| {name} | {cost.cpu:.2f} | {cost.wall:.2f} | {cost.memory / 1e6:.0f} | {' | '.join(ratios)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--times", type=int, default=5, help="repetitions of each row (default 5)")
    parser.add_argument("--without", nargs="*", default=[], choices=["ast-grep", "semgrep"])
    options = parser.parse_args()
    if not options.directory.is_dir():
        sys.exit(f"{options.directory}: not a directory")
    tools = {"slowpath": slowpath, "ast-grep": ast_grep, "semgrep": semgrep}
    rows: dict[str, Cost | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        skipped = shutil.ignore_patterns("node_modules", "target")
        shutil.copytree(options.directory, tree, symlinks=True, ignore=skipped)
        for name in [name for name in tools if name not in options.without]:
            try:
                costs = tools[name](tree, Path(folder), options.times)
            except FailedError as error:
                rows[name] = f"did not run: {error}"
            else:
                rows |= {row: median(values) for row, values in costs.items()}
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
