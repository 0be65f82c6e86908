"""Facts about `table!` declarations and the columns that queries compare, join and order by.

A column reads `table.column`; `.column` where only a glob import can say whose it is. A table reads `table`, `.table`
where it may be a local variable, `Model!` where a model's type stands for it, and nothing where it cannot be read.
"""

from __future__ import annotations

import msgspec

from slowpath.model.facts import Facts
from slowpath.model.finding import Span

FILLERS = ("dsl", "columns")
"""Modules of a `table!` that a path may go through."""

LITERAL = "!"
"""As the value of a predicate: a literal, a constant or an enum's variant."""

MANDATORY, ALTERNATIVE, OPTIONAL = 0, 1, 2
"""A predicate's role: every row must pass; one branch of an OR; added under a condition."""


class MacroColumn(msgspec.Struct, array_like=True, frozen=True):
    """A column of `table!` by its SQL name; `type` is its Diesel type without paths, `rust` its name in code."""

    name: str
    type: str
    span: Span
    rust: str


class TableMacro(msgspec.Struct, array_like=True, frozen=True):
    """A `table!` by its SQL name; `rust` is the name of its module."""

    name: str
    rust: str
    primary: tuple[str, ...]
    columns: tuple[MacroColumn, ...]
    span: Span
    features: tuple[str, ...] = ()
    """Cargo features that it is compiled with."""


class Joinable(msgspec.Struct, array_like=True, frozen=True):
    """`joinable!(child -> parent (column))`."""

    child: str
    parent: str
    column: str


class Model(msgspec.Struct, array_like=True, frozen=True):
    """A struct with `table_name`; `parents` are the types that it belongs to, with the column that says so."""

    name: str
    table: str
    parents: tuple[tuple[str, str], ...]


class Predicate(msgspec.Struct, array_like=True, frozen=True):
    """`function(column) operator value`. The value is a column, LITERAL or nothing.

    Operators: eq, in, range, null, find, contains (a LIKE that begins with `%`, in SQL), other.
    """

    column: str
    operator: str
    value: str
    function: str
    role: int
    span: Span


class Query(msgspec.Struct, array_like=True, frozen=True):
    """One query, as far as a file tells.

    `tables` begins with the one selected from; `joins` are pairs that a `joinable!` explains; `opaque`: it may have
    predicates that could not be read.
    """

    verb: str
    function: str
    span: Span
    tables: tuple[str, ...]
    joins: tuple[tuple[str, str], ...]
    predicates: tuple[Predicate, ...]
    order: str
    order_span: Span
    limited: bool
    opaque: bool
    globs: tuple[str, ...]
    sql: bool = False
    """Written in SQL: tables and columns have their final names."""


class SqlFile(msgspec.Struct, array_like=True, frozen=True):
    """`query_file!` of a path below the package, in a function."""

    path: str
    function: str


class DieselFacts(msgspec.Struct, array_like=True):
    """One Rust file's part. `sql_types` maps marker types to the names of PostgreSQL types."""

    tables: list[TableMacro] = []
    joinables: list[Joinable] = []
    models: list[Model] = []
    sql_types: dict[str, str] = {}
    queries: list[Query] = []
    inserts: list[str] = []
    """Tables that rows are written into, as queries name tables, or as SQL does."""
    files: list[SqlFile] = []
    created: list[str] = []
    """Tables that SQL in the code creates."""
    embeds: list[Span] = []
    """Where migrations are compiled in."""


class Patched(msgspec.Struct, array_like=True, frozen=True):
    """What a patch changes in a file: tables, and (table, column), the table left out where it is not in sight."""

    target: str
    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


class PatchFacts(Facts, array_like=True):
    """A patch, as far as it is one of `table!`s."""

    parts: list[Patched] = msgspec.field(default_factory=list)
