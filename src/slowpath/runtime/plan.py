"""The plan of a diagnosis: which commands measure what `[diagnose]` names, and what is left out, and why."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from slowpath.config import Diagnose


class Step(NamedTuple):
    """One command, by its arguments after `slowpath`, and the file it writes; or why it is left out."""

    name: str
    command: tuple[str, ...] = ()
    output: Path = Path()
    reason: str = ""
    watches: bool = False
    """It runs beside the steps after it: beside routes driven alone, too, whose processor time it tells."""
    drives: bool = False
    """It loads the system, and shows how far it is on stderr."""
    told: str = ""
    """What it reads from stdin: values that a list of processes must not show."""


class Plan:
    """Steps of one diagnosis. `folder` takes the parts, `environ` holds the database's address."""

    def __init__(
        self, settings: Diagnose, root: Path, folder: Path, environ: Mapping[str, str], *, owned: bool
    ) -> None:
        self.settings, self.root, self.folder = settings, root, folder
        self.own = ("--i-own-this-target",) if owned else ()
        known = bool(environ.get(settings.database_env))
        self.database = ("--database-env", settings.database_env) if known else ()
        self.no_database = "" if known else f"the environment variable {settings.database_env} is not set"
        self.no_script = _no_script(settings.script, root)

    def live(self) -> Iterator[Step]:
        """What asks the running system. Each step is made when those before it have run: it looks for their files."""
        yield self._schema()
        yield self._snapshot("before")
        yield self._resources()
        yield self._load()
        yield self._snapshot("after")
        yield self._isolate()

    def files_only(self) -> Iterator[Step]:
        """What reads files, those of the live steps among them."""
        yield self._bundle()
        yield self._queries()
        yield self._limiter()

    @property
    def evidence(self) -> Path:
        """The parts, joined."""
        return self._file("evidence")

    def join(self) -> Step:
        """What makes the evidence of the parts."""
        command = ("measure", "join", *map(str, self.parts()), "-o", str(self.evidence))
        return Step("join", command, self.evidence)

    def report(self, gate: Path | None, inconclusive: str | None) -> Step:
        """What reports on the evidence, and holds it against a gate."""
        wanted = (*_one("--gate", gate), *_one("--inconclusive", inconclusive))
        command = ("report", str(self.root), "--evidence", str(self.evidence), "-o", str(self.folder), *wanted)
        return Step("report", command, self.folder / "report.html")

    def parts(self) -> list[Path]:
        """What was measured, as `measure join` takes it."""
        names = ("load", "isolated", "resources", "queries", "schema", "bundle")
        return [path for name in names if (path := self._file(name)).is_file()]

    def files(self) -> list[Path]:
        """Everything that the steps write."""
        names = ("bundle", "schema", "before", "resources", "load", "after", "isolated", "queries")
        return [self._file(name) for name in names]

    def _bundle(self) -> Step:
        built = _files(self.root, self.settings.bundle)
        reason = _no_files(self.settings.bundle, built, "bundle")
        return self._step("bundle", "bundle", ("bundle", *built, "--project", str(self.root)), reason)

    def _schema(self) -> Step:
        command = ("schema", str(self.root), *self.database, *self.own)
        return self._step("schema", "schema", command, self.no_database)

    def _snapshot(self, name: str) -> Step:
        command = ("measure", "queries", *self.database, *self.own, "--snapshot", str(self._file(name)))
        return Step(f"statistics {name}", command, self._file(name), self.no_script or self.no_database)

    def _resources(self) -> Step:
        own = self.settings
        command = (
            *("resources", *_many("--app", own.app), *_one("--postgres", own.postgres), *self.database),
            *(*_many("--docker", own.docker), *_one("--kubectl", own.kubectl)),
            *(*_one("--prometheus", own.prometheus), *_pairs("--range", own.ranges)),
            *(*_one("--pool-max", own.pool_max), *_one("--workers", own.workers), *self.own),
        )
        return self._step("resources", "resources", command, self.no_script)._replace(watches=True)

    def _load(self) -> Step:
        own = self.settings
        command = (
            *(*self._drive(), "--p95-ms", str(own.p95_ms), "--error-rate", str(own.error_rate)),
            *("--hold", str(own.hold), "--start-vus", str(own.start_vus), *_one("--max-vus", own.max_vus)),
        )
        return self._step("load", "load", command, self.no_script)._replace(drives=True, told=self._values())

    def _isolate(self) -> Step:
        wanted = "" if self.settings.isolate else "`isolate` in [diagnose] is not true"
        reason = self.no_script or self.no_database or wanted or self._missing("load")
        command = (*self._drive(), "--isolate", *self.database)
        return self._step("routes one by one", "isolated", command, reason)._replace(drives=True, told=self._values())

    def _queries(self) -> Step:
        logs = _files(self.root, self.settings.logs)
        counted = not self._missing("before", "after")
        command = (
            *("queries", *_many("--log", logs), "--load", str(self._file("load"))),
            *(("--before", str(self._file("before")), "--after", str(self._file("after"))) if counted else ()),
        )
        nothing = "" if counted or logs else _no_files(self.settings.logs, logs, "logs")
        nothing = nothing and f"{nothing}, and no statistics were taken"
        return self._step("queries", "queries", command, self.no_script or nothing or self._missing("load"))

    def _limiter(self) -> Step:
        resources, load = self._file("resources"), self._file("load")
        command = ("resources", "--judge", str(resources), "--load", str(load))
        return self._step("limiter", "resources", command, self.no_script or self._missing("resources", "load"))

    def _drive(self) -> tuple[str, ...]:
        own = self.settings
        env = ("--env", "-") if own.env else ()
        return ("load", str(self.root / own.script), *env, *_many("--status", own.statuses), *self.own)

    def _values(self) -> str:
        """The script's variables, a line each."""
        return "".join(f"{name}={value}\n" for name, value in self.settings.env.items())

    def _step(self, name: str, file: str, command: Iterable[str], reason: str) -> Step:
        return Step(name, ("measure", *command, "-o", str(self._file(file))), self._file(file), reason)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _missing(self, *names: str) -> str:
        lacking = [name for name in names if not self._file(name).is_file()]
        return f"there is no {' and no '.join(f'{name}.json' for name in lacking)}" if lacking else ""


def _no_script(script: str, root: Path) -> str:
    if not script:
        return "no `script` in [diagnose]"
    return "" if (root / script).is_file() else f"{script}: no such file"


def _files(root: Path, patterns: Iterable[str]) -> list[str]:
    base = glob.escape(str(root))
    return [name for pattern in patterns for name in sorted(glob.glob(os.path.join(base, pattern)))]  # noqa: PTH118, PTH207


def _no_files(patterns: tuple[str, ...], found: list[str], key: str) -> str:
    if not patterns:
        return f"no `{key}` in [diagnose]"
    return "" if found else f"no file is named {', '.join(patterns)}"


def _many(option: str, values: Iterable[object]) -> tuple[str, ...]:
    return tuple(part for value in values for part in (option, str(value)))


def _one(option: str, value: object) -> tuple[str, ...]:
    return (option, str(value)) if value else ()


def _pairs(option: str, values: Mapping[str, str]) -> tuple[str, ...]:
    return _many(option, (f"{name}={value}" for name, value in values.items()))
