"""What a load measurement is asked for, and what it tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from slowpath.model.evidence import Limits, LoadStep
from slowpath.runtime.load_steps import Phase

MEMORY_OF_USER = 1_000_000
SHARE_OF_MEMORY = 0.5


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """Durations in seconds, `limits.error_rate` and the share of failures from 0 to 1."""

    script: Path
    limits: Limits = field(default_factory=Limits)
    hold: float = 30.0
    start_vus: int = 10
    max_vus: int | None = None
    env: dict[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = ()
    """Answers that are no failure, besides 200 to 399."""
    owned: bool = False
    """Public addresses are the user's own."""
    isolate: bool = False
    isolate_seconds: float = 10.0
    """For each route."""
    database_env: str | None = None
    soak: float | None = None
    vus: int | None = None
    """Of the soak."""
    root: Path = field(default_factory=Path)
    """The project's folder: the script is named relative to it."""


class Moment(NamedTuple):
    """The level that runs and its last full second; or, with `step`, a level that has just been judged."""

    phase: Phase
    vus: int
    elapsed: float
    hold: float
    rps: float = 0.0
    p95: float | None = None
    errors: float = 0.0
    step: LoadStep | None = None


Progress = Callable[[Moment], None]


def shown(plan: LoadPlan, path: Path) -> str:
    """A file's name in reports: relative to the project where it lies there."""
    whole, root = path.resolve(), plan.root.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.as_posix()


def most_users(plan: LoadPlan) -> tuple[int, str]:
    """The most users that may be driven, and what sets that."""
    import psutil

    memory = max(1, int(psutil.virtual_memory().available * SHARE_OF_MEMORY / MEMORY_OF_USER))
    if plan.max_vus is not None and plan.max_vus <= memory:
        return plan.max_vus, "--max-vus"
    return memory, "half of the free memory, at 1 MB a user"
