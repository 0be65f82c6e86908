#!/usr/bin/env python3
"""CPU time of linking Rust, and how it grows with the number of lines.

usage: link.py DIR

In: a directory. Out: a Markdown table: for an eighth, a quarter, half and all of its Rust files (whole folders, in
order of path) the CPU seconds of linking, of the rules in rules/rust, and of resolving every call, each time anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from slowpath import rulebook
from slowpath.asking import answer
from slowpath.cache import Cache, directory
from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.program import File, Program

SHARES = (8, 4, 2, 1)


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    before = time.process_time()
    work()
    return time.process_time() - before


def part(files: dict[str, File], share: int) -> dict[str, File]:
    """The first of `share` equal parts of the Rust files, and all other files."""
    rust = sorted(path for path, file in files.items() if file.language == "rust")
    kept = set(rust[: len(rust) // share])
    return {path: file for path, file in files.items() if file.language != "rust" or path in kept}


def measure(files: dict[str, File], lines: int) -> str:
    """One row of the table."""
    rules = [rule for rule in rulebook.load() if rule.group == "rust"]
    program: Program = link(files)
    linking = timed(lambda: program.rust)
    ruling = timed(lambda: [answer(program, rule) for rule in rules if rule.kind != "allow"])
    calls = timed(program.rust.tally)
    total = sum(count for _, count in program.rust.tally())
    per = (linking + ruling + calls) / lines * 100_000
    return f"| {lines:,} | {total:,} | {linking:.2f} | {ruling:.2f} | {calls:.2f} | {per:.2f} |"


def main() -> None:
    found = discover(Path(sys.argv[1]), ())
    counted = {path: source.count(b"\n") for path, language, source in found.files if language == "rust"}
    files, _, _ = facts_of(found, [], 0, Cache(directory()))
    print("| lines | calls | link | rules | every call | s per 100,000 lines |\n|--:|--:|--:|--:|--:|--:|")
    for share in SHARES:
        some = part(files, share)
        print(measure(some, sum(lines for path, lines in counted.items() if path in some)), flush=True)


if __name__ == "__main__":
    main()
