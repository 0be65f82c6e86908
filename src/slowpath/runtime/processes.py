"""Which processes a user means: by id, by the port they listen on, by name; the load generator, the database server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

GENERATOR = "k6"
MARK = "slowpath"
"""In the first words of a command of ours: `python -m slowpath`, `…/bin/slowpath`."""


class ProcessError(Exception):
    """A process that cannot be found; one line."""


def find(wanted: str) -> list[psutil.Process]:
    """The processes that a user means: a PID, `:PORT` (who listens there) or a name. None found is an empty list."""
    if wanted.startswith(":"):
        return _listening(wanted)
    if wanted.isdecimal():
        return _by_id(int(wanted))
    return _tops(_named(wanted))


def generators() -> list[psutil.Process]:
    """k6 among our own descendants, else among those of our parent, which may drive it beside us; else any k6 here."""
    import psutil

    own = psutil.Process()
    for above in (own, own.parent()):
        try:
            found = [child for child in above.children(recursive=True) if _name(child) == GENERATOR] if above else []
        except psutil.Error:
            continue
        if found:
            return found
    return _tops(_named(GENERATOR))


def readers(started: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Other slowpath processes, that started k6: what they spend on its results belongs to the load."""
    import psutil

    found = {}
    for process in started:
        try:
            parent = process.parent()
            if parent is not None and parent.pid != os.getpid() and any(MARK in word for word in parent.cmdline()[:4]):
                found[parent.pid] = parent
        except psutil.Error:
            continue
    return list(found.values())


def server_of(backend: int) -> list[psutil.Process]:
    """The postmaster above one of its backends, if that process is on this host and no other's of the same number."""
    import psutil

    try:
        process = psutil.Process(backend)
        parent = process.parent()
        both = parent is not None and _name(process).startswith("postgres") and _name(parent).startswith("postgres")
    except psutil.Error:
        return []
    return [parent] if both and parent is not None else []


def _listening(wanted: str) -> list[psutil.Process]:
    import psutil

    if not wanted[1:].isdecimal():
        raise ProcessError(f"{wanted[:60]}: a port is a number")
    port = int(wanted[1:])
    try:
        listed = psutil.net_connections("tcp")
    except psutil.Error:
        raise ProcessError(f"{wanted}: who listens there may not be read; name the process or its id") from None
    pids = {
        entry.pid
        for entry in listed
        if entry.status == psutil.CONN_LISTEN and entry.laddr and entry.laddr[1] == port and entry.pid
    }
    return _tops([process for pid in sorted(pids) for process in _by_id(pid)])


def _by_id(pid: int) -> list[psutil.Process]:
    import psutil

    try:
        return [psutil.Process(pid)]
    except (psutil.Error, OverflowError):
        return []


def _named(name: str) -> list[psutil.Process]:
    import psutil

    return [process for process in psutil.process_iter() if _name(process) == name and process.pid != os.getpid()]


def _name(process: psutil.Process) -> str:
    import psutil

    try:
        return process.name()
    except psutil.Error:
        return ""


def _tops(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of a set that are nobody's child in it: a server's workers come with the server."""
    import psutil

    own = {process.pid: process for process in processes}
    tops = []
    for process in own.values():
        try:
            if process.ppid() not in own:
                tops.append(process)
        except psutil.Error:
            continue
    return tops
