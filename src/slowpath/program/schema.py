"""The database side of a program: its schemas as the migrations leave them, its `table!`s, and its queries.

A schema has one catalogue per dialect. All names are lower case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from copy import copy
from typing import Literal, NamedTuple

from slowpath.model.diesel import Query, TableMacro
from slowpath.model.finding import Place
from slowpath.model.schema import Index, Key, Operation
from slowpath.program.sqltypes import FAMILIES, sql_family

DIALECT_NAMES = {"postgres": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}
ORDERED = frozenset(FAMILIES) - {"json"}
"""Families of types whose values an index can keep in order; enums are, too."""
MATCHING = frozenset(["gin", "gist", "spgist", "fulltext", "rum", "hnsw", "ivfflat"])
BARE = re.compile(r"^(?:not )?\w+$")


class TableColumn(NamedTuple):
    """`type` is empty and `nullable` None where the migrations do not tell."""

    name: str
    type: str
    nullable: bool | None
    default: bool
    place: Place
    written: str = ""


class Table:
    """A table or view of one catalogue. `uncertain`: something was done to it that was not understood."""

    def __init__(self, name: str, view: bool = False) -> None:
        self.name = name
        self.view = view
        self.written = ""
        """Its name in SQL, where it is not the bare name; so for columns."""
        self.uncertain = False
        self.doubts: list[Place] = []
        """The statements on it that were not understood."""
        self.partitioned = False
        self.parent = ""
        """The table that it is a partition of, or inherits from."""
        self.created = ""
        """The migration that creates it."""
        self.columns: dict[str, TableColumn] = {}
        self.keys: list[tuple[Key, str]] = []
        self.indexes: list[Index] = []
        self.sources: dict[str, str] = {}
        """The migration that creates an index, by its name."""

    def copy(self) -> Table:
        """The table as it is now."""
        now = copy(self)
        now.columns, now.keys, now.indexes = dict(self.columns), list(self.keys), list(self.indexes)
        return now

    def doubt(self, place: Place) -> None:
        """A statement did something to it that was not understood."""
        self.uncertain = True
        self.doubts.append(place)

    @property
    def primary(self) -> tuple[str, ...]:
        return next((key.columns for key, _ in self.keys if key.kind == "primary"), ())

    def names(self) -> Iterator[str]:
        """Names of its keys and indexes."""
        yield from (key.name for key, _ in self.keys)
        yield from (index.name for index in self.indexes)

    def foreign(self) -> Iterator[tuple[Key, Place]]:
        """Foreign keys, and where they are declared."""
        for key, path in self.keys:
            if key.kind == "foreign":
                yield key, Place(path, key.span)


class Runner(NamedTuple):
    """Where a folder's next migration goes, and how it is run.

    `style`: `directory` with up.sql and down.sql, `pair` of .up.sql and .down.sql, or one `file`. `newest` is the last
    version as written. `outside`: a migration may ask to be run outside of a transaction.
    """

    folder: str
    style: str
    newest: str
    outside: bool


class Migration(NamedTuple):
    """One that may not have run yet. `transaction`: its tool wraps it in one."""

    path: str
    tool: Literal["diesel", "sqlx"]
    transaction: bool
    statements: int

    @property
    def together(self) -> bool:
        """All that it does is one transaction: PostgreSQL makes one of several statements that are sent together."""
        return self.transaction or self.statements > 1


class Change(NamedTuple):
    """One operation of such a migration. `table` is what it finds, if it may have many rows by then.

    `weighed`: a comment above it speaks of locks, so somebody thought of them.
    """

    migration: Migration
    operation: Operation
    table: Table | None
    weighed: bool


class Access(NamedTuple):
    """What a query asks of one table's column, as far as an index could serve it."""

    column: str
    operator: str
    function: str


class Catalogue:
    """All tables after the last migration. `doubtful` are names that appeared in something not understood."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.tables: dict[str, Table] = {}
        self.types: dict[str, str] = {}
        self.required: set[str] = set()
        """Domains that cannot be NULL."""
        self.doubtful: set[str] = set()
        self.lookup: set[str] = set()
        """Tables that only migrations fill, with literal rows."""
        self.volatile: set[str] = set()
        """Own functions that may give another value each time."""
        self.changes: list[Change] = []
        """What the migrations do that may not have run yet, in order."""
        self.migrations: list[str] = []
        """Paths of the migrations, in order."""
        self.runner: Runner | None = None
        """Where a new migration goes."""
        self.guessed = False
        """Neither a path, nor the text, nor a manifest says which dialect this is."""

        self.root = ""
        """The folder that the migrations lie in."""
        self.diesel = False
        """They are laid out as Diesel wants them."""

    def certain(self, name: str) -> Table | None:
        """The table, if all that happened to it was understood."""
        table = self.tables.get(name)
        return None if table is None or table.uncertain else table

    def paths(self, table: Table) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """(parts, method, predicate) of what can serve a look-up: indexes, keys, InnoDB's own for foreign keys."""
        for key, _ in table.keys:
            if key.kind in ("primary", "unique") or (key.kind == "foreign" and self.dialect == "mysql"):
                yield key.columns, "", ""
        for index in table.indexes:
            yield index.parts, index.method, index.where

    def leads(self, table: Table, access: Access, beside: Iterable[Access] = ()) -> bool:
        """An index begins with the column, and its predicate, if it is partial, follows from what the query asks."""
        others = list(beside)
        return any(
            parts and self._serves(parts[0], method, access) and _implied(where, [access, *others])
            for parts, method, where in self.paths(table)
        )

    def matches(self, table: Table, column: str) -> bool:
        """An index for matches of another kind than equality and order has the column: full text, containment."""
        word = re.compile(rf"\b{re.escape(column)}\b")
        return any(
            method in MATCHING and any(word.search(part) for part in parts) for parts, method, _ in self.paths(table)
        )

    def tiny(self, table: Table) -> bool:
        """The table has few rows by construction: filled by migrations alone, or with a key of booleans."""
        for key, _ in table.keys:
            types = [table.columns[name].type for name in key.columns if name in table.columns]
            if key.kind in ("primary", "unique") and types and all(kind.startswith("bool") for kind in types):
                return True
        return table.name in self.lookup

    def orders(self, table: Table, column: str) -> bool:
        """The column's type is known, and an index can list it."""
        known = table.columns.get(column)
        family = sql_family(known.type, self.types) if known is not None else ""
        return family in ORDERED or self.types.get(family) == ""

    def covers(self, table: Table, column: str) -> bool:
        """An index begins with the column that an equality on it alone can use."""
        return self.leads(table, Access(column, "eq", ""))

    def _serves(self, part: str, method: str, access: Access) -> bool:
        if part.startswith("("):
            return bool(access.function) and part == f"({access.function} ( {access.column} ))"
        if access.function or part != access.column:
            return False
        if method in ("gin", "fulltext"):
            return False
        return access.operator in ("eq", "in") or method not in ("hash", "brin") or access.operator == "range"


def _implied(where: str, asked: list[Access]) -> bool:
    """Each condition of a partial index's predicate follows from the query's own; one that is not understood may."""
    return all(_follows(part.strip(" ()"), asked) for part in re.split(r"\band\b", where) if part.strip())


def _follows(condition: str, asked: list[Access]) -> bool:
    words = condition.replace("=", " = ").split()
    if len(words) < 1 or re.search(r"\bor\b", condition):
        return True
    column = words[1] if words[0] == "not" and len(words) == 2 else words[0]
    on_column = [access for access in asked if access.column == column]
    if words[1:] == ["is", "not", "null"]:
        return any(access.operator in ("eq", "in", "range") for access in on_column)
    if words[1:] == ["is", "null"]:
        return any(access.operator == "null" for access in on_column)
    if BARE.match(condition) or words[1:2] == ["="] or words[1:] in (["is", "true"], ["is", "false"]):
        return any(access.operator in ("eq", "in") for access in on_column)
    return True


class Schema(NamedTuple):
    """Migrations that describe one database: one catalogue per dialect, and the macros that speak of it."""

    root: str
    catalogues: tuple[Catalogue, ...]

    @property
    def dialects(self) -> tuple[str, ...]:
        return tuple(catalogue.dialect for catalogue in self.catalogues)

    def only(self, dialects: Collection[str]) -> Schema:
        """The schema in these dialects, in all of its own if it has none of them."""
        kept = tuple(catalogue for catalogue in self.catalogues if catalogue.dialect in dialects)
        return Schema(self.root, kept or self.catalogues)

    def has(self, table: str, column: str = "") -> bool:
        found = [catalogue.tables[table] for catalogue in self.catalogues if table in catalogue.tables]
        return any(not column or column in each.columns for each in found)

    def where(self, table: str, some: Iterable[Catalogue]) -> str:
        """Names the dialects of some catalogues, unless they are all that have the table."""
        dialects = {catalogue.dialect for catalogue in some}
        if dialects >= {catalogue.dialect for catalogue in self.catalogues if table in catalogue.tables}:
            return ""
        return " in " + " and ".join(DIALECT_NAMES[dialect] for dialect in sorted(dialects))

    def certain(self, table: str) -> list[tuple[Catalogue, Table]]:
        """The table in each dialect that has it; none if any of them is uncertain."""
        known = [(catalogue, catalogue.certain(table)) for catalogue in self.catalogues if table in catalogue.tables]
        return [(c, t) for c, t in known if t is not None] if all(t is not None for _, t in known) else []


class Patch(NamedTuple):
    """What is changed on purpose in a generated schema file. A column's table is empty where the patch does not say."""

    tables: frozenset[str] = frozenset()
    columns: frozenset[tuple[str, str]] = frozenset()
    everything: bool = False
    """There is a patch, but it was not read."""

    def touches(self, table: TableMacro, column: str) -> bool:
        names = {column, *(known.rust for known in table.columns if known.name == column)}
        owners = {"", table.rust.lower(), table.name.rpartition(".")[2]}
        return bool(owners & self.tables) or any((owner, name) in self.columns for owner in owners for name in names)


class Macro(NamedTuple):
    """A `table!` and the schema that it speaks of."""

    path: str
    table: TableMacro
    schema: Schema
    patch: Patch
    familiar: bool
    """Nine in ten tables of its file are known to the migrations, so these are surely its own."""
    fullest: bool = True
    """No other `table!` of this table lists more columns."""
    variant: bool = False
    """Its file declares the table again for the same database: only one of them is compiled."""


class PlacedQuery(NamedTuple):
    """A query with its names resolved: `tables` are SQL names, columns `table.column`."""

    path: str
    query: Query
    schema: Schema


class Undescribed(NamedTuple):
    """The `table!`s of one package that nothing in the project creates, the file with most of them first."""

    files: tuple[tuple[str, tuple[TableMacro, ...]], ...]
    embeds: tuple[Place, ...]
    """Where the package compiles migrations in that are not there."""
    configured: bool
    """A diesel.toml says that one of the files is printed from a database."""


class SchemaProgram:
    """The questions that rules ask."""

    def __init__(
        self,
        schemas: list[Schema],
        macros: list[Macro],
        queries: list[PlacedQuery],
        sql_types: dict[str, str],
        undescribed: list[Undescribed],
    ) -> None:
        self.schemas = schemas
        self.macros = macros
        self.queries = queries
        self.sql_types = sql_types
        """Rust's marker types → names of SQL types."""
        self.undescribed = undescribed
