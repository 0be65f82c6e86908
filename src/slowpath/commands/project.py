"""A project scanned as its configuration says, for commands that need its findings."""

from __future__ import annotations

import os
from pathlib import Path

from slowpath import config, engine, rulebook
from slowpath.cache import Cache, directory
from slowpath.config import ConfigError
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
    chosen = _ids(every, settings.select) if settings.select else {rule.id for rule in every if rule.enabled}
    dropped = _ids(every, settings.ignore)
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    report = engine.scan(
        root,
        [rule for rule in every if rule.id in chosen - dropped],
        exclude=settings.exclude,
        min_confidence=settings.min_confidence,
        cache=Cache(directory()),
        ignores={pattern: _ids(every, names) for pattern, names in settings.per_file_ignores.items()},
        start_after=str(settings.migrations.start_after),
        features=settings.bundle.features,
        known=[rule.id for rule in every],
        crate_sources=CrateSources(home, root),
        evidence=evidence,
    )
    return root, report


def _ids(known: list[Rule], names: tuple[str, ...]) -> frozenset[str]:
    """The ids that rule ids and groups stand for. Raises ConfigError for a name that is neither."""
    found: set[str] = set()
    for name in names:
        own = {rule.id for rule in known if name in (rule.id, rule.group, "all")}
        if not own:
            raise ConfigError(f"{name}: no such rule or group (`slowpath rules` lists them)")
        found |= own
    return frozenset(found)
