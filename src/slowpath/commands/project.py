"""A project's rules and the options of its scan, as its configuration says, and the scan itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slowpath import config, engine, rulebook
from slowpath.cache import Cache, directory
from slowpath.config import Config, ConfigError
from slowpath.crate_lines import CrateSources
from slowpath.model.evidence import Evidence
from slowpath.model.report import Report
from slowpath.model.rule import Rule


def scanned(path: Path, evidence: Evidence | None = None) -> tuple[Path, Report]:
    """The root of the project and its findings, joined with the evidence. Raises ConfigError."""
    root = config.project_root([path])
    settings = config.load(root)
    every, errors = rulebook.load_usable(root / folder for folder in settings.rules)
    if errors:
        raise ConfigError(str(errors[0]))
    options = scan_options(root, settings, every)
    return root, engine.scan(root, selected(every, settings), cache=Cache(directory()), evidence=evidence, **options)


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


def _ids(known: Iterable[Rule], names: Iterable[str]) -> frozenset[str]:
    """The ids that rule ids and groups stand for. Raises ConfigError for a name that is neither."""
    found: set[str] = set()
    for name in names:
        own = {rule.id for rule in known if name in (rule.id, rule.group, "all")}
        if not own:
            raise ConfigError(f"{name}: no such rule or group (`slowpath rules` lists them)")
        found |= own
    return frozenset(found)


def _cargo_home() -> Path:
    """Where cargo keeps what it downloaded."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
