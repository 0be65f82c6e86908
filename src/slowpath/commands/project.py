"""A project as its configuration describes it, and its scan."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from slowpath import config, engine, git, rulebook
from slowpath.cache import Cache, directory
from slowpath.config import Config, ConfigError
from slowpath.crate_lines import CrateSources
from slowpath.model.evidence import Evidence
from slowpath.model.finding import Trouble
from slowpath.model.report import Report
from slowpath.model.rule import Rule


class Project(NamedTuple):
    """What a scan of a project needs: `every` rule there is, the `rules` that run, `options` as `engine.scan` takes
    them, `broken` rule pages, and `prefix`, its folder below the root of its checkout.
    """

    root: Path
    settings: Config
    every: list[Rule]
    rules: list[Rule]
    options: dict[str, Any]
    broken: tuple[Trouble, ...]
    prefix: str


def opened(paths: Iterable[Path], flags: Mapping[str, object] = {}) -> Project:
    """The project that the paths lie in; `flags` replace settings of the same name. Raises ConfigError."""
    root = config.project_root(paths)
    settings = msgspec.structs.replace(config.load(root), **{name: value for name, value in flags.items() if value})
    every, errors = rulebook.load_usable(root / folder for folder in settings.rules)
    pages = (str(error).partition(": ") for error in errors)
    broken = tuple(Trouble(_shown(Path(page), root), 0, message) for page, _, message in pages)
    options = scan_options(root, settings, every)
    return Project(root, settings, every, selected(every, settings), options, broken, _prefix(root))


def scanned(path: Path, evidence: Evidence | None = None) -> tuple[Path, Report]:
    """The root of the project and its findings, joined with the evidence. Raises ConfigError."""
    own = opened([path])
    if own.broken:
        raise ConfigError(f"{own.broken[0].path}: {own.broken[0].message}")
    return own.root, engine.scan(own.root, own.rules, cache=Cache(directory()), evidence=evidence, **own.options)


def selected(known: list[Rule], settings: Config) -> list[Rule]:
    """The rules that run. Raises ConfigError for a name that is no rule or group."""
    chosen = _ids(known, settings.select) if settings.select else {rule.id for rule in known if rule.enabled}
    chosen = chosen - _ids(known, settings.ignore)
    return [rule for rule in known if rule.id in chosen]


def scan_options(root: Path, settings: Config, known: list[Rule]) -> dict[str, Any]:
    """What the configuration says of a scan, as `engine.scan` takes it. Raises ConfigError."""
    return {
        "exclude": settings.exclude,
        "min_confidence": settings.min_confidence,
        "ignores": {pattern: _ids(known, names) for pattern, names in settings.per_file_ignores.items()},
        "start_after": str(settings.migrations.start_after),
        "features": settings.bundle.features,
        "known": [rule.id for rule in known],
        "crate_sources": CrateSources(_cargo_home(), root),
    }


def relative(path: Path, root: Path) -> str:
    """A path as findings name it."""
    return path.resolve().relative_to(root).as_posix()


def _ids(known: Iterable[Rule], names: Iterable[str]) -> frozenset[str]:
    """The ids that rule ids and groups stand for. Raises ConfigError for a name that is neither."""
    found: set[str] = set()
    for name in names:
        own = {rule.id for rule in known if name in (rule.id, rule.group, "all")}
        if not own:
            raise ConfigError(f"{name}: no such rule or group (`slowpath rules` lists them)")
        found |= own
    return frozenset(found)


def _prefix(root: Path) -> str:
    """Where there is no repository, actions/checkout still says where its files start."""
    space = os.environ.get("GITHUB_WORKSPACE")
    checkout = git.checkout(root) or (Path(space).resolve() if space else root)
    return "" if checkout == root or not root.is_relative_to(checkout) else f"{relative(root, checkout)}/"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _cargo_home() -> Path:
    """Where cargo keeps what it downloaded."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
