"""Where a project starts, and what its `slowpath.toml` (or `[tool.slowpath]` in pyproject.toml) asks for."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
import pathspec

from slowpath.model.finding import Confidence, Severity
from slowpath.model.limits import MAX_STARS

VERSION = re.compile(r"[0-9][0-9-]{0,30}(?:_|$)")

# What a message of msgspec's own would say badly is checked below, and told to editors alone: their schema has it.
RuleName = Annotated[str, msgspec.Meta(title="rule")]
FEW_STARS = {"pattern": rf"^([^*]*\*){{0,{MAX_STARS}}}[^*]*$"}
Pattern = Annotated[str, msgspec.Meta(title="pattern", extra_json_schema=FEW_STARS)]
Version = Annotated[str, msgspec.Meta(title="version", extra_json_schema={"pattern": rf"^$|^{VERSION.pattern}"})]
Variable = Annotated[str, msgspec.Meta(title="text", extra_json_schema={"pattern": "^[^\\d\\W]\\w*$"})]
Line = Annotated[str, msgspec.Meta(title="text", extra_json_schema={"pattern": "^[^\n]*$"})]


class ConfigError(Exception):
    """Settings or arguments that cannot be used; the text names the file or argument and what is wrong with it."""


class Migrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """`[migrations]`."""

    start_after: Version | Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)] = ""
    """The last migration that ran everywhere: its version, its name, or a date. Without it, only the newest may still
    be changed.
    """


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """`[bundle]`."""

    features: dict[str, Annotated[tuple[Pattern, ...], msgspec.Meta(extra_json_schema={"minItems": 1})]] = {}
    """Feature → .gitignore-style patterns of its code, which only `import()` may bring into a page."""


class Diagnose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """`[diagnose]`: what of the running system `slowpath diagnose` measures. Paths are relative to the project root."""

    script: str = ""
    """The k6 script."""
    env: dict[Variable, Line] = {}
    """What the script reads from `__ENV`."""
    statuses: tuple[int, ...] = ()
    """Answers outside of 200–399 that the script expects."""
    p95_ms: Annotated[float, msgspec.Meta(gt=0)] = 500.0
    """A level of users is good while 95 of 100 answers come within so many milliseconds …"""
    error_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """… and while no greater share of the answers fails."""
    hold: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """Seconds of a step."""
    start_vus: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Users of the first step."""
    max_vus: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Never more users; without it, what the free memory holds."""
    isolate: bool = False
    """Drive each route alone, to know its statements."""
    app: tuple[str, ...] = ()
    """Processes of the application: `:port`, a name or a process id."""
    postgres: str = ""
    """PostgreSQL's process, where it runs on this machine."""
    database_env: str = "DATABASE_URL"
    """The environment variable that holds the database's address."""
    docker: tuple[str, ...] = ()
    """Containers to watch: `NAME`, `app=NAME` or `postgres=NAME`."""
    kubectl: str = ""
    """Pods with this label, by `kubectl top`."""
    prometheus: str = ""
    """Address of the Prometheus that is asked for `ranges`."""
    ranges: dict[str, str] = {}
    """Name → PromQL."""
    pool_max: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Connections of the application's pool: tells a pool that is used up from one that is not."""
    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Threads that serve requests: tells workers that are blocked from those that compute."""
    logs: tuple[str, ...] = ()
    """PostgreSQL's log files; `*` stands for any part of a name."""
    bundle: tuple[str, ...] = ()
    """What the bundler says of its build."""
    output: str = "diagnosis"
    """The folder that parts and report are written into."""


class PathSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """`[paths."pattern"]`: other settings for files, named as in .gitignore. Of several tables that name a file each
    changes what those before it left.
    """

    select: tuple[RuleName, ...] = ()
    """Only these rule ids or groups speak here."""
    extend_select: tuple[RuleName, ...] = ()
    """These speak here as well."""
    ignore: tuple[RuleName, ...] = ()
    """These say nothing here."""
    min_confidence: Confidence | None = None
    """Show only what slowpath is at least so sure of here."""
    fail_on: Severity | None = None
    """Findings here that are less severe do not make the exit code 1."""


Preset = Literal["default", "strict", "all"]


class PresetSettings(NamedTuple):
    """What a preset stands for."""

    every_rule: bool
    min_confidence: Confidence
    words: str


PRESETS: dict[Preset, PresetSettings] = {
    "default": PresetSettings(False, "medium", "what is worth a look in any product"),
    "strict": PresetSettings(True, "medium", "also the rules that are off by default"),
    "all": PresetSettings(True, "low", "every rule, and what it is not sure of"),
}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a project sets. The command line wins over it."""

    preset: Preset = "default"
    """`default`: the rules that are on by default. `strict`: every rule. `all`: every rule, at low confidence too."""
    select: tuple[RuleName, ...] = ()
    """Rule ids or groups to run; empty means those of the preset."""
    extend_select: tuple[RuleName, ...] = ()
    """Rule ids or groups to run as well."""
    ignore: tuple[RuleName, ...] = ()
    """Rule ids or groups not to run."""
    min_confidence: Confidence | None = None
    """Show only what slowpath is at least so sure of. Default: `medium`, or `low` with the preset `all`."""
    fail_on: Severity = "note"
    """The least severity that makes the exit code 1."""
    baseline: str = ""
    """The file of the findings that are known and not shown. Default: slowpath-baseline.json, where there is one."""
    exclude: tuple[Pattern, ...] = ()
    """Files not to read at all: patterns as in .gitignore, relative to the project root."""
    rules: tuple[str, ...] = ()
    """Directories of the project's own rule pages, relative to the project root."""
    per_file_ignores: dict[Pattern, tuple[RuleName, ...]] = {}
    """.gitignore-style pattern → rule ids or groups that say nothing there."""
    paths: dict[Pattern, PathSettings] = {}
    """.gitignore-style pattern → other settings for the files that it names."""
    migrations: Migrations = Migrations()
    """What of the migrations cannot be helped any more."""
    bundle: Bundle = Bundle()
    """What the first load of the front end is to do without."""
    diagnose: Diagnose = Diagnose()
    """What of the running system is measured."""


TABLES: dict[str, type[msgspec.Struct]] = {
    "migrations": Migrations,
    "bundle": Bundle,
    "diagnose": Diagnose,
    "paths": PathSettings,
}


def project_root(paths: Iterable[Path]) -> Path:
    """The nearest folder above the paths with a slowpath.toml, a `[tool.slowpath]` or a .git; else the folder given.

    Raises ConfigError for a path that does not exist.
    """
    folders = []
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path}: no such file or directory")
        real = path.resolve()
        folders.append(real if real.is_dir() else real.parent)
    start = Path(os.path.commonpath(folders))
    return next((folder for folder in (start, *start.parents) if marked(folder)), start)


def load(root: Path) -> Config:
    """The settings of a project. Raises ConfigError naming the file."""
    own, shared = root / "slowpath.toml", root / "pyproject.toml"
    if own.is_file():
        return _checked(_convert(own, _read(own)), own)
    if _has_table(shared):
        return _checked(_convert(shared, _read(shared).get("tool", {}).get("slowpath", {})), shared)
    return Config()


def parse(text: str, path: Path) -> Config:
    """The settings that a slowpath.toml holds. Raises ConfigError naming the file."""
    return _checked(_convert(path, _toml(text, path)), path)


def _checked(config: Config, path: Path) -> Config:
    """Settings of a project that nobody vouches for: they read nothing outside it, and no pattern runs away."""
    for directory in config.rules:
        if not _within(path.parent, directory):
            raise ConfigError(f"{path}: rules: {directory} leaves the project")
    if not _within(path.parent, config.diagnose.output):
        raise ConfigError(f"{path}: diagnose.output: {config.diagnose.output} leaves the project (-o may)")
    if not _within(path.parent, config.baseline):
        raise ConfigError(f"{path}: baseline: {config.baseline} leaves the project (--baseline may)")
    for feature, patterns in config.bundle.features.items():
        if not any(pattern.strip() for pattern in patterns):
            raise ConfigError(f"{path}: bundle.features.{feature}: no pattern says which files it is")
    named = [pattern for patterns in config.bundle.features.values() for pattern in patterns]
    for pattern in (*config.exclude, *config.per_file_ignores, *config.paths, *named):
        if pattern.count("*") > MAX_STARS:
            raise ConfigError(f"{path}: {pattern}: more than {MAX_STARS} stars in one pattern")
        try:
            pathspec.GitIgnoreSpec.from_lines([pattern])
        except (ValueError, re.error) as error:
            raise ConfigError(f"{path}: {pattern}: {error}") from None
    for name, value in config.diagnose.env.items():
        if not name.isidentifier() or "\n" in value:
            raise ConfigError(f"{path}: diagnose.env: {name[:40]!r} is no name of a variable, or its value has lines")
    version = str(config.migrations.start_after)
    if version and not VERSION.match(version):
        raise ConfigError(f"{path}: migrations.start-after: {version!r} does not begin with a migration's version")
    return config


def _within(folder: Path, name: str) -> bool:
    """Whether a name, which nobody vouches for, stays in a folder; one with a NUL is no path."""
    return "\0" not in name and real(folder / name).is_relative_to(real(folder))


def real(path: Path) -> Path:
    """A path without its links. `Path.resolve` of Python 3.12 and before fails where they go in a circle."""
    return Path(os.path.realpath(path))


def marked(folder: Path) -> bool:
    """Whether a project starts here."""
    return (folder / "slowpath.toml").is_file() or (folder / ".git").exists() or _has_table(folder / "pyproject.toml")


def _has_table(path: Path) -> bool:
    try:
        return path.is_file() and b"[tool.slowpath" in path.read_bytes()  # no device, no pipe: those do not end
    except OSError:
        return False


def _read(path: Path) -> dict[str, dict[str, object]]:
    try:
        return _toml(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error}") from None


def _toml(text: str, path: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also of a number with thousands of digits
        raise ConfigError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None


def _convert(path: Path, settings: object) -> Config:
    try:
        return msgspec.convert(msgspec.to_builtins(settings), Config)  # dates as text
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}{_hint(str(error))}") from None


NAMED = re.compile(
    r"`(?P<key>[^`]*)`(?= - at `\$)|unknown field `(?P<alone>[^`]*)`$|Invalid enum value '(?P<value>.*)'"
)
CHOICES: dict[str, tuple[str, ...]] = {
    "preset": get_args(Preset),
    "min-confidence": get_args(Confidence),
    "fail-on": get_args(Severity),
}


def _hint(error: str) -> str:
    """What is known where a key or a value is not, and which of it was probably meant."""
    named = NAMED.search(error)
    if named is None:
        return ""
    if named["value"] is not None:
        key = re.findall(r"[\w-]+", error.rpartition("`$")[2])[-1]
        return f" ({guessed(named['value'], CHOICES.get(key, ()))}known: {', '.join(CHOICES.get(key, ()))})"
    owner = next((kind for name, kind in TABLES.items() if f"$.{name}" in error), Config)
    known = [field.encode_name for field in msgspec.structs.fields(owner)]
    return f" ({guessed(named['key'] or named['alone'], known)}known: {', '.join(known)})"


def guessed(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, as the beginning of a hint."""
    close = get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]}? " if close else ""
