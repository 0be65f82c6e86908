"""Each `table!` → the database that it speaks of: as diesel.toml says, else by the names of its file's tables.

Of several databases that know the tables the nearest in the tree counts; where none is nearest, nothing is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from posixpath import basename, dirname, join, normpath
from typing import NamedTuple

from slowpath.link.migrations import dialects, narrowed
from slowpath.model.cargo import TomlFacts
from slowpath.model.diesel import DieselFacts, PatchFacts, TableMacro
from slowpath.program import Program
from slowpath.program.schema import Macro, Patch, Schema

SURE = 3
"""Tables of a file that a database beside it must know; fewer could have their names by chance."""


class Printed(NamedTuple):
    """What a diesel.toml says of a schema file: the folder of its migrations, and its patch."""

    migrations: str
    patch: str


def printed(program: Program) -> dict[str, Printed]:
    """The schema files that diesel.toml files name. A path that leaves the project is that of no file."""
    found = {}
    for file in program.of("toml"):
        config = file.facts.diesel if isinstance(file.facts, TomlFacts) else None
        for schema in config.schemas if config is not None else ():
            folder = dirname(file.path)
            migrations = config.migrations if config is not None else ""
            found[_within(folder, schema.file)] = Printed(
                _within(folder, "migrations" if not migrations or migrations.startswith("/") else migrations),
                _within(folder, schema.patch) if schema.patch else "",
            )
    return found


def _within(folder: str, path: str) -> str:
    return normpath(join(folder, path))


def patches(program: Program, configured: Mapping[str, Printed]) -> dict[str, Patch]:
    """What is patched in each schema file, as diesel.toml or the patch itself says; all of it, if that is not read."""
    found: dict[str, Patch] = {
        path: Patch(everything=True)
        for path, schema in configured.items()
        if schema.patch and program.get(schema.patch) is None
    }
    users = {schema.patch: path for path, schema in configured.items() if schema.patch}
    for file in program.of("patch"):
        for part in file.facts.parts if isinstance(file.facts, PatchFacts) else ():
            target = users.get(file.path, part.target)
            known = found.get(target, Patch())
            found[target] = Patch(known.tables | set(part.tables), known.columns | set(part.columns), known.everything)
    return found


def macros(program: Program, facts: list[tuple[str, DieselFacts]], known: list[Schema]) -> list[Macro]:
    """All `table!`s whose database is known."""
    configured = printed(program)
    patched = patches(program, configured)
    packages = {dirname(file.path) for file in program.of("toml") if basename(file.path) == "Cargo.toml"}
    found = []
    for path, diesel in facts:
        home = configured[path].migrations if path in configured else ""
        for table, schema, familiar in _placed(path, diesel.tables, known, home, packages):
            found.append(Macro(path, table, schema, patch=patched.get(path, Patch()), familiar=familiar))
    widest: Counter[tuple[str, str]] = Counter()
    for macro in found:
        key = (macro.schema.root, macro.table.name)
        widest[key] = max(widest[key], len(macro.table.columns))
    copies = Counter((macro.path, macro.table.name, macro.schema.dialects) for macro in found)
    return [
        macro._replace(
            fullest=len(macro.table.columns) == widest[macro.schema.root, macro.table.name],
            variant=copies[macro.path, macro.table.name, macro.schema.dialects] > 1,
        )
        for macro in found
    ]


def _placed(
    path: str, tables: list[TableMacro], known: list[Schema], home: str, packages: Collection[str]
) -> Iterator[tuple[TableMacro, Schema, bool]]:
    """The tables of one file with their database, and whether that one surely is it."""
    schema = schema_of(path, {table.name for table in tables}, known, home, packages)
    if schema is not None:
        familiar = sum(schema.has(table.name) for table in tables) * 10 >= len(tables) * 9
        yield from ((table, _featured(schema, table), familiar) for table in tables)
    elif all(any(other.has(table.name) for other in known) for table in tables):
        for table in tables:  # one file for several databases
            own = schema_of(path, {table.name}, known, home, packages)
            if own is not None:
                yield table, _featured(own, table), False


def _featured(schema: Schema, table: TableMacro) -> Schema:
    """The schema in the dialects that the features around the `table!` name."""
    return schema.only({dialect for feature in table.features for dialect in dialects(feature)})


def schema_of(
    path: str, tables: Iterable[str], known: list[Schema], home: str = "", packages: Collection[str] | None = None
) -> Schema | None:
    """The database that these tables of a file belong to; it must know half of them.

    For tables of `table!`s, `packages` are the folders of all packages.
    """
    wanted = set(tables)
    ranked = []
    for number, schema in enumerate(known):
        count = sum(schema.has(table) for table in wanted)
        if count and count * 2 >= len(wanted):
            own = narrowed(schema, path)
            roots = [catalogue.root for catalogue in own.catalogues]
            if packages is not None and count < SURE and not any(_holds(root, path, packages) for root in roots):
                continue
            at_home = bool(home) and any(f"{root}/".startswith(f"{home}/") for root in roots)
            suits = packages is not None and any(catalogue.diesel for catalogue in own.catalogues)
            near = max(_shared(path, root) for root in roots)
            ranked.append(((at_home, count * 10 >= len(wanted) * 9, near, suits, count), number, own))
    ranked.sort()
    if len(ranked) > 1 and ranked[-1][0] == ranked[-2][0]:
        return None
    return ranked[-1][2] if ranked else None


def _holds(root: str, path: str, packages: Collection[str]) -> bool:
    """The package that a folder of migrations lies in, or the whole project, holds the path."""
    folder = dirname(root)
    while folder and folder not in packages:
        folder = dirname(folder)
    return not folder or path.startswith(f"{folder}/")


def nearest(path: str, imports: Iterable[str], among: list[Macro]) -> Macro | None:
    """The one of several `table!`s that a file means: by words of paths that only it has, else by folders in common."""
    words = [_words(macro.path) | _words(macro.table.name.rpartition(".")[0]) for macro in among]
    common = set.intersection(*words)
    own = _words(path).union(*(_words(used) for used in imports))
    ranked = sorted(
        (len((each - common) & own), _shared(path, macro.path), number)
        for number, (each, macro) in enumerate(zip(words, among, strict=True))
    )
    return None if ranked[-1][:2] == ranked[-2][:2] else among[ranked[-1][2]]


def _words(path: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", path.lower()))


def _shared(path: str, folder: str) -> int:
    """How many folders from the root on two paths share."""
    count = 0
    for one, other in zip(path.split("/"), folder.split("/"), strict=False):
        if one != other:
            break
        count += 1
    return count
