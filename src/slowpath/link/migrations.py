"""Folders of migrations → the databases that they describe, one catalogue per dialect."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from posixpath import dirname
from typing import NamedTuple

from slowpath.link.layout import Order, version
from slowpath.link.pending import Versioned, Watcher
from slowpath.link.replay import replay
from slowpath.model.cargo import TomlFacts
from slowpath.model.schema import EVERYTHING, CreateTable, SqlFacts
from slowpath.program import File, Program
from slowpath.program.schema import Catalogue, Runner, Schema

DIALECT_WORDS = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "pg": "postgres",
    "psql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "maria": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}
DRIVERS = frozenset(["sqlx", "diesel", "diesel-async", "sea-orm", "deadpool-diesel"])
"""Crates whose features name the databases that they speak to."""
RUNNERS = {"diesel": ("diesel_migrations", (2,)), "sqlx": ("sqlx", (0, 8, 3))}
"""Crate, and the first version that runs a migration up and down outside of a transaction where it says so."""
FOREIGN = "clickhouse"
"""A dialect that no rule speaks of."""
WORD = re.compile(r"[a-z]+3?")


def narrowed(schema: Schema, path: str) -> Schema:
    """The schema for a file whose path names one of its dialects."""
    return schema.only([split_root(path)[1]])


def dialects(name: str) -> list[str]:
    """The dialects that words of a name stand for."""
    return [DIALECT_WORDS[word] for word in WORD.findall(name.lower()) if word in DIALECT_WORDS]


def split_root(root: str) -> tuple[str, str]:
    """A root without the words that name a dialect, and the dialect, if one is named."""
    dialect = ""
    kept = []
    for part in root.split("/"):
        named = next(iter(dialects(part)), "")
        dialect = named or dialect
        kept.append(
            WORD.sub(lambda m: "" if m[0] in DIALECT_WORDS else m[0], part.lower()).strip("-_. ") if named else part
        )
    return "/".join(part for part in kept if part), dialect


class Migrations(NamedTuple):
    """The migrations of one folder: (place in the order, path, facts). `unread` are those that could not be read."""

    folder: str
    diesel: bool
    files: list[tuple[Order, str, SqlFacts]]
    unread: list[str]

    def creates(self) -> bool:
        return any(isinstance(operation, CreateTable) for _, _, facts in self.files for operation in facts.operations)


def schemas(program: Program) -> list[Schema]:
    """All databases that the project's migrations describe, by root folder."""
    groups: dict[str, dict[str, Migrations]] = defaultdict(dict)
    for migrations in _folders(program.of("sql"), program.unread):
        group, dialect = split_root(migrations.folder)
        dialect = dialect or _vote(migrations) or driver(migrations.folder, program)
        if dialect in groups[group]:
            group = migrations.folder  # a second database beside the first
        if dialect != FOREIGN:
            groups[group][dialect] = migrations
    return [
        Schema(group, tuple(_catalogue(dialect, dialects[dialect], program) for dialect in sorted(dialects)))
        for group, dialects in sorted(groups.items())
        if dialects
    ]


def _folders(files: Iterable[File], unread: Iterable[str]) -> list[Migrations]:
    """Each folder of migrations; one that makes no table goes on where the only one beside it ends."""
    found: dict[str, Migrations] = {}
    for file in files:
        known = version(file.path)
        if known is not None and isinstance(file.facts, SqlFacts):
            each = found.setdefault(known.folder, Migrations(known.folder, known.diesel, [], []))
            each.files.append((known.order, file.path, file.facts))
    for path in unread:
        known = version(path) if path.endswith(".sql") else None
        if known is not None and known.folder in found:
            found[known.folder].unread.append(path)
    creating = [each for each in found.values() if each.creates()]
    for each in [each for each in found.values() if not each.creates()]:
        beside = [other for other in creating if dirname(other.folder) == dirname(each.folder)]
        same = [other for other in beside if split_root(other.folder)[1] == split_root(each.folder)[1]]
        if len(same) == 1:
            same[0].files.extend(each.files)
            del found[each.folder]
    return list(found.values())


def _catalogue(dialect: str, migrations: Migrations, program: Program) -> Catalogue:
    files = sorted(migrations.files, key=lambda file: file[:2])
    steps = [Versioned(numbers[0], digits, path, facts) for (numbers, digits), path, facts in files]
    watcher = Watcher(steps, program.start_after, _untransacted(program))
    catalogue = replay(dialect or "postgres", ((step.path, step.facts.operations) for step in steps), watcher)
    catalogue.changes = watcher.changes
    catalogue.lookup.update(name for step in steps for name in step.facts.seeded)
    catalogue.volatile.update(name for step in steps for name in step.facts.volatile)
    catalogue.guessed = not dialect
    catalogue.root, catalogue.diesel = migrations.folder, migrations.diesel
    catalogue.runner = _runner(catalogue.migrations, program)
    if migrations.unread:
        catalogue.doubtful.add(EVERYTHING)
        for table in catalogue.tables.values():
            table.uncertain = True
    return catalogue


def _untransacted(program: Program) -> frozenset[str]:
    """Folders whose metadata.toml asks Diesel for no transaction."""
    files = program.of("toml")
    return frozenset(
        dirname(file.path) for file in files if isinstance(file.facts, TomlFacts) and not file.facts.in_transaction
    )


def _vote(migrations: Migrations) -> str:
    votes = Counter(facts.dialect for _, _, facts in migrations.files if facts.dialect)
    return votes.most_common(1)[0][0] if votes else ""


def _runner(paths: list[str], program: Program) -> Runner:
    """How most of the migrations are laid out, and the last one of that layout."""
    styles = [_style(path) for path in paths]
    style = Counter(styles).most_common(1)[0][0]
    folder, _, name = next(
        path for path, own in zip(paths[::-1], styles[::-1], strict=True) if own == style
    ).rpartition("/")
    if style == "directory":
        folder, _, name = folder.rpartition("/")
    return Runner(folder, style, name.partition("_")[0].strip(), outside(folder, style, program))


def _style(path: str) -> str:
    return "directory" if path.endswith("/up.sql") else "pair" if path.endswith(".up.sql") else "file"


def outside(folder: str, style: str, program: Program) -> bool:
    """Whether the runner lets a migration ask for no transaction. One that no Cargo.lock names is taken as new."""
    crate, since = RUNNERS["diesel" if style == "directory" else "sqlx"]
    while folder:
        folder = dirname(folder)
        file = program.get(f"{folder}/Cargo.lock" if folder else "Cargo.lock")
        locked = file.facts.lock if file is not None and isinstance(file.facts, TomlFacts) else ()
        versions = [_numbers(each.version) for each in locked if each.name == crate]
        if versions:
            return max(versions) >= since
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3])


def driver(folder: str, program: Program) -> str:
    """The one dialect that the nearest manifest's drivers speak, or nothing."""
    while folder:
        folder = dirname(folder)
        file = program.get(f"{folder}/Cargo.toml" if folder else "Cargo.toml")
        manifest = file.facts.manifest if file is not None and isinstance(file.facts, TomlFacts) else None
        if manifest is not None:
            listed = [*manifest.dependencies, *manifest.shared]
            features = {word for each in listed if each.registered in DRIVERS for word in each.features}
            spoken = {DIALECT_WORDS[word] for word in features if word in DIALECT_WORDS}
            if spoken:
                return spoken.pop() if len(spoken) == 1 else ""
    return ""
