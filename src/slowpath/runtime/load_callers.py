"""What of a project runs a k6 script, and what is wrong with how it does: shell scripts, workflows, package scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from slowpath.discover import FOREIGN_FOLDERS, OUTPUT_FOLDERS
from slowpath.model.evidence import Remark
from slowpath.runtime.load_plan import LoadPlan, shown

SUFFIXES = frozenset([".sh", ".bash", ".yml", ".yaml", ".json", ".js", ".mjs", ".cjs", ".ts", ".ps1", ".mk"])
NAMES = frozenset(["Makefile", "justfile", "Justfile", "Taskfile"])
PROJECT = (".git", ".gitignore", "Cargo.toml", "package.json")
FILES = 20_000
LARGEST = 500_000
CALL = re.compile(r"(?P<before>(?:[A-Za-z_]\w*=\S*\s+)*)\bk6\s+run\b(?P<rest>(?:\\\n|[^\n;|&`'\"])*)")
NAME = re.compile(r"[A-Za-z_]\w*")
STOPS = re.compile(r"^\s*set\s+-\w*e", re.MULTILINE)


class Call(NamedTuple):
    """`k6 run …` in a file."""

    path: Path
    line: int
    words: tuple[str, ...]
    given: frozenset[str]
    """Variables that it sets for the script."""
    text: str
    """Of the whole file."""
    after: str
    """What follows in it."""


def remarks(plan: LoadPlan, read: frozenset[str], any_variable: bool) -> Iterator[Remark]:
    """`read` are the variables that the script reads. Looked for only where `plan.root` is a project's folder."""
    if not any((plan.root / name).exists() for name in PROJECT):
        return
    source = plan.script.read_text(errors="replace")
    for call in _calls(plan):
        about = shown(plan, call.path)
        outs = _values(call.words, ("--out", "-o"))
        if "json" in outs:
            told = "`--out json` names no file: samples and k6's own output mix on stdout, which is no JSON then"
            yield Remark("error", about, told, call.line, "--out json=samples.json")
        for name in sorted({out.removeprefix("json=") for out in outs if out.startswith("json=")}):
            if name in source:
                told = f"k6 writes its samples to {name}, and so does handleSummary() of the script"
                yield Remark("error", about, told, call.line, "--out json=samples.json")
        for name in sorted(call.given - read) if not any_variable else ():
            yield Remark("warning", about, f"sets {name}, which the script does not read", call.line)
        yield from _path(plan, call)
        if STOPS.search(call.text) and call.after.strip():
            told = "`set -e` ends this where k6 exits 99 for a crossed threshold: what follows is skipped"
            yield Remark("warning", about, told, call.line, "k6 run … || code=$?")


def _path(plan: LoadPlan, call: Call) -> Iterator[Remark]:
    for word in call.words:
        if Path(word).name != plan.script.name or "$" in word or Path(word).is_absolute():
            continue
        if "cd " in call.text[: call.text.find(word)] or (plan.root / word).exists():
            continue
        where = shown(plan, call.path.parent)
        told = f"finds {word} only when it is started in {where}: from elsewhere k6 exits 107"
        yield Remark("warning", shown(plan, call.path), told, call.line, f'$(dirname "$0")/{word}')


def _calls(plan: LoadPlan) -> Iterator[Call]:
    """Those that name the script, or run what a variable holds in a file that names it."""
    named = re.compile(rf"(?<![\w.-]){re.escape(plan.script.name)}\b").search
    for path in _files(plan.root):
        try:
            text = path.read_text(errors="replace") if path.stat().st_size <= LARGEST else ""
        except OSError:
            continue
        if "k6 run" not in text or not named(text) or path.resolve() == plan.script.resolve():
            continue
        for found in CALL.finditer(text):
            words = tuple(found["rest"].replace("\\\n", " ").split())
            if named(found["rest"]) or "$" in found["rest"]:
                pairs = [*found["before"].split(), *_values(words, ("-e", "--env"))]
                given = frozenset(pair.partition("=")[0] for pair in pairs)
                line = text.count("\n", 0, found.start()) + 1
                yield Call(path, line, words, frozenset(filter(NAME.fullmatch, given)), text, text[found.end() :])


def _values(words: tuple[str, ...], options: tuple[str, ...]) -> list[str]:
    """What stands after an option: `--out VALUE` or `--out=VALUE`."""
    apart = [word for option, word in pairwise(words) if option in options]
    joined = [word.partition("=")[2] for word in words if word.partition("=")[0] in options and "=" in word]
    return apart + joined


def _files(root: Path) -> Iterator[Path]:
    left = FILES
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - FOREIGN_FOLDERS - OUTPUT_FOLDERS)
        for name in sorted(names):
            if name in NAMES or Path(name).suffix in SUFFIXES:
                left -= 1
                if left < 0:
                    return
                yield Path(folder, name)
