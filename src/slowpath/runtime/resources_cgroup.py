"""The CPU quota of a process' control group, cgroup 2 or 1: how many cores it may use, and how often it hit that.

kernel.org/doc/html/latest/admin-guide/cgroup-v2.html: `cpu.max` is "quota period" in microseconds or "max period"; the
tightest of a group and those above holds. cgroup 1 has `cpu.cfs_quota_us`, -1 for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


class Quota(NamedTuple):
    """Counters since the group was made."""

    cores: float
    periods: float
    throttled: float


def quota(pid: int, proc: Path = PROC, groups: Path = GROUPS) -> Quota | None:
    """None where nothing limits the process, or nobody can see it."""
    found = [limit for folder in _folders(proc / str(pid) / "cgroup", groups) if (limit := _limit(folder)) is not None]
    return min(found, default=None)


def _folders(listed: Path, groups: Path) -> Iterator[Path]:
    """The group of a process and those above it. A path that leads out of the root is another namespace's."""
    for line in _text(listed).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / controllers if controllers else groups
        parts = [] if ".." in path.split("/") else [part for part in path.split("/") if part]
        yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _limit(folder: Path) -> Quota | None:
    given = _text(folder / "cpu.max").split() or [
        _text(folder / "cpu.cfs_quota_us").strip(),
        _text(folder / "cpu.cfs_period_us").strip(),
    ]
    if len(given) != 2 or not all(word.isdecimal() for word in given) or not int(given[1]):
        return None
    pairs = (line.split() for line in _text(folder / "cpu.stat").splitlines())
    stat = {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
    return Quota(int(given[0]) / int(given[1]), stat.get("nr_periods", 0.0), stat.get("nr_throttled", 0.0))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
