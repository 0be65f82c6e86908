"""What an editor waits for: from a change of a file to its diagnostics, over the wire, and what of it is the analysis.

    python bench/editor.py PROJECT [EDITS]

Nothing of the project is written: the changes are of open documents.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
from lsp import Editor, editor

from slowpath.cache import Cache, directory
from slowpath.commands import project
from slowpath.session import Session

STATEMENT = {".rs": "    let bench_value = 1;\n", ".tsx": "  const benchValue = 1;\n"}
BODY = {".rs": re.compile(r"^ *(pub )?(async )?fn .*\{\n", re.M), ".tsx": re.compile(r"^.*(=>|\)) \{\n", re.M)}
"""After the first of these lines a statement is written."""


def main() -> None:
    root, count = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    for suffix, edits in chosen(root, count).items():
        print(f"{root.name}: {len(edits)} edits of {suffix} files")
        over_the_wire(root, edits)
        alone(root, edits)


def chosen(root: Path, count: int) -> dict[str, list[tuple[Path, str, str]]]:
    """By suffix: files, as they are and with a statement more."""
    own = project.opened([root])
    texts = Session(own.root, (), own.options).texts().files
    found: dict[str, list[tuple[Path, str, str]]] = {suffix: [] for suffix in STATEMENT}
    for name, _, source in texts:
        path, text = root / name, source.decode("utf-8", "replace")
        body = BODY[path.suffix].search(text) if path.suffix in BODY else None
        if body is not None:
            found[path.suffix].append((path, text, text[: body.end()] + STATEMENT[path.suffix] + text[body.end() :]))
    for files in found.values():
        random.Random(7).shuffle(files)
    return {suffix: files[: count // len(found)] for suffix, files in found.items()}


def over_the_wire(root: Path, edits: Iterable[tuple[Path, str, str]]) -> None:
    with editor() as opened:
        process = psutil.Process(opened.process.pid)
        began = time.perf_counter()
        opened.start(root)
        answered = time.perf_counter() - began
        first = next(iter(edits))
        uri = opened.open(first[0], first[1])
        opened.published(uri)
        print(f"started in {answered:.2f} s, first diagnostics after {time.perf_counter() - began:.2f} s", end="")
        print(f", {used(process):.1f} s of CPU, {process.memory_info().rss / 1e6:.0f} MB")
        wall, cpu = [], []
        for path, before, after in edits:
            uri = path.as_uri()
            if uri not in opened.versions:
                opened.open(path, before)
                opened.published(uri)
            busy = used(process)
            wall.append(timed(lambda uri=uri, after=after: changed(opened, uri, after)))
            cpu.append(used(process) - busy)
        print(f"didChange → publishDiagnostics: {shares(wall)}; CPU of the server {shares(cpu)}")
        print(f"the server at its end: {process.memory_info().rss / 1e6:.0f} MB")


def alone(root: Path, edits: Iterable[tuple[Path, str, str]]) -> None:
    """The same edits without a protocol."""
    own = project.opened([root])
    session = Session(own.root, own.rules, own.options | {"cache": Cache(directory())})
    session.report()
    wall, cpu = [], []
    for path, before, after in edits:
        name = path.relative_to(root).as_posix()
        session.hold(name, before.encode())
        session.report()
        session.hold(name, after.encode())
        busy = time.process_time()
        wall.append(timed(session.report))
        cpu.append(time.process_time() - busy)
    print(f"Session.report() alone: {shares(wall)}; CPU {shares(cpu)}")


def changed(opened: Editor, uri: str, text: str) -> None:
    opened.change(uri, text)
    opened.published(uri)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def shares(seconds: list[float]) -> str:
    """Percentiles in milliseconds."""
    ordered = sorted(seconds)
    marks = {"p50": 0.5, "p90": 0.9, "max": 1.0}
    return ", ".join(f"{name} {ordered[int((len(ordered) - 1) * at)] * 1000:.0f} ms" for name, at in marks.items())


if __name__ == "__main__":
    main()
