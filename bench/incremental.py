"""What it takes to scan a project again: `python bench/incremental.py DIR [EDITS]`.

Works on a copy that is a git repository, as a commit hook sees it. Processes from start to end, then a session in which
files change one after the other, as people edit them; wall seconds and CPU seconds of each.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from slowpath.cache import Cache, directory
from slowpath.commands import project
from slowpath.session import Session
from slowpath.workers import collect_rarely

REPEATS = 3
CHANGED = 10
NEW = {
    "rust": (b"\n    let _ = std::fs::read(path);\n", b"\n    // a note\n", b"\n    let total = rows.len() + 1;\n"),
    "web": (b"\n  const rows = await fetch('/rows');\n", b"\n  // a note\n", b"\n  const total = rows.length + 1;\n"),
    "sql": (b"\n-- a note\n", b"\nCREATE INDEX made ON users (id);\n"),
    "toml": (b"\n# a note\n",),
}
Texts = list[tuple[str, str, bytes]]


def copied(source: Path, into: Path) -> Path:
    """The project as a git repository with one commit."""
    ignored = shutil.ignore_patterns(".git", "node_modules", "target")
    root = shutil.copytree(source, into / "p", symlinks=True, ignore=ignored)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.fsmonitor=false"]
        subprocess.run(["git", *identity, *command], cwd=root, check=True)
    return root


def process(root: Path, *paths: str) -> tuple[float, float]:
    """Wall and CPU seconds of one scan, as pre-commit starts it."""
    command = [sys.executable, "-m", "slowpath", "scan", "--exit-zero", *(str(root / path) for path in paths or (".",))]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=root, check=True, capture_output=True, env={**os.environ, "PRE_COMMIT": "1"})
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def edited(text: bytes, language: str, dice: random.Random) -> bytes:
    """A line more, in a function where there is one: half of them say nothing, half call something."""
    kind = "web" if language in ("tsx", "typescript") else language
    opened = [at + 2 for at in range(len(text)) if text.startswith(b"{\n", at)] if kind in ("rust", "web") else []
    at = dice.choice(opened) if opened else len(text)
    return text[:at] + dice.choice(NEW.get(kind, NEW["toml"])) + text[at:]


def change(root: Path, texts: Texts, dice: random.Random) -> list[str]:
    """Edit ten files, and stage them."""
    chosen = dice.sample([entry for entry in texts if entry[1] in ("rust", "tsx", "typescript")], CHANGED)
    for path, language, _ in chosen:
        file = root / path
        file.write_bytes(edited(file.read_bytes(), language, dice))
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return [path for path, _, _ in chosen]


def table(name: str, runs: list[tuple[float, float]]) -> None:
    walls, cpus = (sorted(column) for column in zip(*runs, strict=True))
    at = [f"{column[len(column) // 2]:.3f} ({column[int(len(column) * 0.9)]:.3f})" for column in (walls, cpus)]
    print(f"| {name} | {at[0]} | {at[1]} |", flush=True)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def editing(root: Path, count: int, dice: random.Random) -> None:
    """Rows for a session, one for each kind of file and one for all."""
    collect_rarely()
    own = project.opened([root])
    session = Session(own.root, own.rules, own.options | {"cache": Cache(directory()), "jobs": 1})
    table("session: first report", [timed(session.report)])
    runs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(count):
        path, language, text = dice.choice(session.texts().files)
        session.hold(path, edited(text, language, dice))
        runs.setdefault(language, []).append(timed(session.report))
    for language, own_runs in sorted(runs.items()):
        table(f"session: {len(own_runs)} edits of {language}", own_runs)
    table(f"session: {count} edits of any file", [run for each in runs.values() for run in each])


def main() -> None:
    source, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    dice = random.Random(8)
    with tempfile.TemporaryDirectory() as folder:
        root = copied(source, Path(folder))
        os.environ["SLOWPATH_CACHE_DIR"] = f"{folder}/cache"
        print("| | wall s (90 %) | CPU s (90 %) |\n|---|--:|--:|")
        process(root)  # byte code, the file cache of the system
        cold = []
        for _ in range(REPEATS):
            shutil.rmtree(f"{folder}/cache")
            cold.append(process(root))
        table("cold", cold)
        table("warm, unchanged", [process(root) for _ in range(REPEATS)])
        own = project.opened([root])
        texts = Session(own.root, own.rules, own.options).texts().files
        table(f"warm, {CHANGED} files changed", [process(root, *change(root, texts, dice)) for _ in range(REPEATS)])
        editing(root, count, dice)


if __name__ == "__main__":
    main()
