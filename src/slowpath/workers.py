"""Extraction in worker processes: tasks in, encoded facts out, in order. No tree and no source comes back.

Tasks reach the workers by fork where that is safe, else by pipe. A worker that dies (out of memory, a fault in a
grammar) costs the one file that killed it: what it left undone is tried again, each file in a process of its own.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from slowpath.extract import extract

if TYPE_CHECKING:
    from concurrent.futures import Future

POOL_BYTES = 400_000
"""Below this much source, starting worker processes costs more than it saves."""
CHUNKS_PER_JOB = 12
GC_THRESHOLD = 200_000

Patterns = tuple[tuple[str, str], ...]
"""(rule id, query), of the query pages of one language."""


class Task(NamedTuple):
    """One file to extract."""

    language: str
    source: bytes
    patterns: Patterns


class Outcome(NamedTuple):
    """Encoded facts, or why there are none."""

    facts: bytes
    message: str = ""
    internal: bool = False


def extract_all(tasks: list[Task], jobs: int) -> Iterator[Outcome]:
    """The outcome of every task, in order. `jobs` 0 means one per core; small jobs run here."""
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1 or sum(len(task.source) for task in tasks) < POOL_BYTES:
        return map(extract_one, tasks)
    outcomes: dict[int, Outcome] = {}
    chunks = _chunks(tasks, jobs * CHUNKS_PER_JOB)
    _run(tasks, chunks, jobs, outcomes)
    for chunk in chunks:
        for index in chunk:
            if index not in outcomes:
                _run(tasks, [[index]], 1, outcomes)
            outcomes.setdefault(index, Outcome(b"", "a worker process died while reading it, skipped", internal=True))
    return (outcomes[index] for index in range(len(tasks)))


def extract_one(task: Task) -> Outcome:
    """Never raises: a file that cannot be read, or that slowpath fails on, is a message."""
    try:
        return Outcome(msgspec.msgpack.encode(extract(task.language, task.source, task.patterns)))
    except UnicodeDecodeError as error:
        return Outcome(b"", f"not UTF-8 (byte {error.start}), skipped")
    except RecursionError:
        return Outcome(b"", "nested too deeply, skipped")
    except Exception as error:
        return Outcome(b"", f"internal error, skipped: {blame(error)}", internal=True)


def aside(work: Callable[[], bytes]) -> Callable[[], bytes]:
    """Begin work in a process of its own, and have its answer later. Where that process dies, it is done here."""
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no process more is to be had
        os.close(reading)
        os.close(writing)
        return work
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as file:
                file.write(work())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)

    def answer() -> bytes:
        with os.fdopen(reading, "rb") as file:
            told = file.read()
        _, status = os.waitpid(child, 0)
        return told if status == 0 else work()

    return answer


def two_at_once(jobs: int) -> bool:
    """Whether a second process may work beside this one."""
    return jobs != 1 and sys.platform == "linux" and (os.cpu_count() or 1) > 1 and threading.active_count() == 1


def collect_rarely() -> None:
    """What a scan makes stays until its end: a walk through all of it, as often as Python does one, finds nothing."""
    gc.set_threshold(GC_THRESHOLD, 50, 100)


def blame(error: BaseException) -> str:
    """An exception in one line, with the place of ours that raised it."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "slowpath" in f.filename]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _chunks(tasks: list[Task], count: int) -> list[list[int]]:
    """Indexes of the tasks in bundles of about equal bytes, largest files first, so that no worker ends late."""
    largest = sorted(range(len(tasks)), key=lambda index: -len(tasks[index].source))
    return [bundle for bundle in (largest[start::count] for start in range(count)) if bundle]


_tasks: list[Task] = []


def _start(tasks: list[Task], parent: int) -> None:
    global _tasks
    _tasks = tasks
    gc.freeze()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Workers hold both ends of each other's pipes: those of a process that was killed would wait for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _work(chunk: list[int]) -> list[tuple[int, Outcome]]:
    return [(index, extract_one(_tasks[index])) for index in chunk]


def _run(tasks: list[Task], chunks: list[list[int]], jobs: int, outcomes: dict[int, Outcome]) -> None:
    # A warm scan starts no worker: 10 ms of imports that it does without.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    # A process with threads, as the server is, may fork while one of them holds a lock.
    may_fork = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if may_fork else "spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(tasks, os.getpid())) as pool:
        futures: list[Future[list[tuple[int, Outcome]]]] = []
        try:
            futures += [pool.submit(_work, chunk) for chunk in chunks]
            for future in futures:
                outcomes.update(future.result())
        except BrokenProcessPool:
            for future in futures:
                if future.done() and future.exception() is None:
                    outcomes.update(future.result())
