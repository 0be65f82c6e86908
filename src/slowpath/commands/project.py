"""A project as its configuration describes it, and its scan."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pathspec

from slowpath import config, engine, git, rulebook
from slowpath.cache import Cache, directory
from slowpath.config import PRESETS, Config, ConfigError
from slowpath.crate_lines import CrateSources
from slowpath.model.evidence import Evidence
from slowpath.model.finding import SEVERITIES, Finding, Trouble
from slowpath.model.report import Report
from slowpath.model.rule import Rule
from slowpath.per_path import Override


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
    settings = _with_flags(config.load(root), {name: value for name, value in flags.items() if value})
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
    """The rules that run, somewhere at least. Raises ConfigError for a name that is no rule or group."""
    chosen = _speaking(known, settings)
    for pattern, own in settings.paths.items():
        chosen = chosen | _ids(known, (*own.select, *own.extend_select), f'paths."{pattern}"')
    return [rule for rule in known if rule.id in chosen]


def scan_options(root: Path, settings: Config, known: list[Rule]) -> dict[str, Any]:
    """What the configuration says of a scan, as `engine.scan` takes it. Raises ConfigError."""
    return {
        "exclude": settings.exclude,
        "min_confidence": settings.min_confidence or PRESETS[settings.preset].min_confidence,
        "overrides": tuple(_overrides(known, settings)),
        "start_after": str(settings.migrations.start_after),
        "features": settings.bundle.features,
        "known": [rule.id for rule in known],
        "crate_sources": CrateSources(_cargo_home(), root),
    }


def failing(settings: Config, findings: Iterable[Finding]) -> bool:
    """Whether one of the findings is as severe as `fail-on` asks for where it is."""
    specs = [
        (pathspec.GitIgnoreSpec.from_lines([pattern]), own.fail_on)
        for pattern, own in settings.paths.items()
        if own.fail_on is not None
    ]
    for finding in findings:
        own = [least for spec, least in specs if spec.match_file(finding.place.path)]
        if SEVERITIES.index(finding.severity) >= SEVERITIES.index(own[-1] if own else settings.fail_on):
            return True
    return False


def _with_flags(settings: Config, flags: dict[str, Any]) -> Config:
    """What is asked for in the command line replaces what the project sets, also for single paths; --extend-select adds
    to it.
    """
    over: dict[str, Any] = dict.fromkeys(flags.keys() & {"min_confidence", "fail_on"})
    over |= {"select": (), "extend_select": ()} if "select" in flags else {}
    paths = {pattern: msgspec.structs.replace(own, **over) for pattern, own in settings.paths.items()}
    if "preset" in flags:
        flags = {"select": (), "min_confidence": None, **flags}
    more = () if flags.get("select") else settings.extend_select
    flags |= {"extend_select": (*more, *flags.get("extend_select", ())), "paths": paths}
    return msgspec.structs.replace(settings, **flags)


def _speaking(known: list[Rule], settings: Config) -> frozenset[str]:
    """The rules that speak where no path says otherwise."""
    every = PRESETS[settings.preset].every_rule
    of_preset = frozenset(rule.id for rule in known if rule.enabled or every)
    chosen = _ids(known, settings.select, "select") if settings.select else of_preset
    return chosen.union(_ids(known, settings.extend_select, "extend-select")) - _ids(known, settings.ignore, "ignore")


def _overrides(known: list[Rule], settings: Config) -> Iterator[Override]:
    """The settings of single paths; those of all others come first."""
    silent = {rule.id for rule in selected(known, settings)} - _speaking(known, settings)
    if silent:
        yield Override("*", never=tuple(sorted(silent)))
    for pattern, own in settings.paths.items():
        of = f'paths."{pattern}"'
        yield Override(
            pattern,
            only=tuple(sorted(_ids(known, own.select, f"{of}.select"))) if own.select else None,
            also=tuple(sorted(_ids(known, own.extend_select, f"{of}.extend-select"))),
            never=tuple(sorted(_ids(known, own.ignore, f"{of}.ignore"))),
            min_confidence=own.min_confidence,
        )
    for pattern, names in settings.per_file_ignores.items():  # last: no table of `paths` speaks against them
        yield Override(pattern, never=tuple(sorted(_ids(known, names, "per-file-ignores"))))


def relative(path: Path, root: Path) -> str:
    """A path as findings name it."""
    return path.resolve().relative_to(root).as_posix()


def _ids(known: Iterable[Rule], names: Iterable[str], key: str) -> frozenset[str]:
    """The ids that rule ids and groups stand for. Raises ConfigError, with the key, for a name that is neither."""
    found: set[str] = set()
    for name in names:
        own = {rule.id for rule in known if name in (rule.id, rule.group, "all")}
        if not own:
            hint = config.guessed(name, sorted({word for rule in known for word in (rule.id, rule.group)}))
            raise ConfigError(f"{key}: {name}: no such rule or group ({hint}`slowpath rules` lists them)")
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
