"""Facts of a .sql file: what its statements do to a schema, in order. Names are lower case, without a `public.`."""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.diesel import Query
from slowpath.model.facts import Facts
from slowpath.model.finding import Span

EVERYTHING = "*"
"""As a table's name: any table may be meant."""


class Column(msgspec.Struct, array_like=True, frozen=True):
    """A column as declared. `nullable` is None, and `type` empty, where the statement does not say.

    `written` is the name in SQL, here and below, where it is not the bare name: in capitals, quoted, with a schema.
    `source` is the `table.column` whose type it has, where a query makes the table.
    """

    name: str
    type: str
    nullable: bool | None
    default: bool
    span: Span
    written: str = ""
    source: str = ""
    calls: tuple[str, ...] = ()
    """Functions that its DEFAULT calls."""
    generated: Literal["", "identity", "stored", "virtual"] = ""


KeyKind = Literal["primary", "unique", "foreign", "check"]


class Key(msgspec.Struct, array_like=True, frozen=True):
    """A constraint. `table`, `targets` and `on_delete` speak of the parent of a foreign key.

    `text` is what a CHECK asks; `valid` is False while rows from before it are not checked: NOT VALID.
    """

    kind: KeyKind
    columns: tuple[str, ...]
    name: str
    span: Span
    table: str = ""
    targets: tuple[str, ...] = ()
    on_delete: str = ""
    using_index: str = ""
    valid: bool = True
    text: str = ""


class Index(msgspec.Struct, array_like=True, frozen=True):
    """An index. A part in parentheses is an expression, others are columns; `where` is a partial one's predicate.

    `include` are columns that it carries along. `options` follow the parts, where any part has one: direction, operator
    class, collation, MySQL's length.
    """

    name: str
    parts: tuple[str, ...]
    unique: bool
    method: str
    where: str
    span: Span
    include: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


Copies = Literal["columns", "indexes", "partition", "heir"]
"""What a table takes over from another: columns alone, indexes too; or all that happens to it later as well."""


class CreateTable(msgspec.Struct, array_like=True, frozen=True, tag="table"):
    """`like` names a table whose columns come first; `opaque`: there may be more columns than those listed.

    SQLite's virtual tables are views here: what they hold, others say.

    `copies` says what is taken over from `like`; `partitioned`: rows live in the table's partitions.
    """

    name: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    indexes: tuple[Index, ...] = ()
    if_not_exists: bool = False
    view: bool = False
    like: str = ""
    opaque: bool = False
    copies: Copies = "indexes"
    partitioned: bool = False
    written: str = ""
    span: Span = (0, 0)
    """The statement, where what it says may not be known."""


class AttachPartition(msgspec.Struct, array_like=True, frozen=True, tag="attach"):
    """`child` becomes a partition of the table, or stops being one."""

    table: str
    child: str
    attached: bool


class DropTable(msgspec.Struct, array_like=True, frozen=True, tag="drop-table"):
    name: str


class RenameTable(msgspec.Struct, array_like=True, frozen=True, tag="rename-table"):
    name: str
    to: str
    written: str = ""


class SetSchema(msgspec.Struct, array_like=True, frozen=True, tag="set-schema"):
    table: str
    schema: str


class AddColumn(msgspec.Struct, array_like=True, frozen=True, tag="add-column"):
    table: str
    column: Column
    if_not_exists: bool


class DropColumn(msgspec.Struct, array_like=True, frozen=True, tag="drop-column"):
    table: str
    name: str


class RenameColumn(msgspec.Struct, array_like=True, frozen=True, tag="rename-column"):
    table: str
    name: str
    to: str
    written: str = ""


class AlterColumn(msgspec.Struct, array_like=True, frozen=True, tag="alter-column"):
    """Sets what is not None; `using` says how old values become new ones."""

    table: str
    name: str
    span: Span
    to_type: str | None = None
    nullable: bool | None = None
    using: str = ""


class AddKey(msgspec.Struct, array_like=True, frozen=True, tag="add-key"):
    table: str
    key: Key


class DropKey(msgspec.Struct, array_like=True, frozen=True, tag="drop-key"):
    """`kind` is set where the statement says which (MySQL), `name` otherwise."""

    table: str
    name: str
    kind: str = ""


class ValidateKey(msgspec.Struct, array_like=True, frozen=True, tag="validate-key"):
    table: str
    name: str
    span: Span


class AddIndex(msgspec.Struct, array_like=True, frozen=True, tag="add-index"):
    """`only`: of a partitioned table, not of its partitions."""

    table: str
    index: Index
    concurrently: bool = False
    only: bool = False


class DropIndex(msgspec.Struct, array_like=True, frozen=True, tag="drop-index"):
    name: str
    table: str = ""
    concurrently: bool = False
    span: Span = (0, 0)


class RenameIndex(msgspec.Struct, array_like=True, frozen=True, tag="rename-index"):
    """Also of a constraint, which shares its index's name."""

    name: str
    to: str
    table: str = ""


class DefineType(msgspec.Struct, array_like=True, frozen=True, tag="type"):
    """An enum or composite type, or a domain with its `base` type; `required`: it cannot be NULL."""

    name: str
    base: str = ""
    required: bool = False


class RenameType(msgspec.Struct, array_like=True, frozen=True, tag="rename-type"):
    name: str
    to: str


class Uncertain(msgspec.Struct, array_like=True, frozen=True, tag="uncertain"):
    """Something was done to these tables, if they exist, that was not understood."""

    tables: tuple[str, ...]
    span: Span = (0, 0)


Operation = (
    CreateTable
    | AttachPartition
    | DropTable
    | RenameTable
    | SetSchema
    | AddColumn
    | DropColumn
    | RenameColumn
    | AlterColumn
    | AddKey
    | DropKey
    | ValidateKey
    | AddIndex
    | DropIndex
    | RenameIndex
    | DefineType
    | RenameType
    | Uncertain
)


class SqlFacts(Facts, array_like=True):
    """Facts of a .sql file. `dialect` is what its text gives away: postgres, mysql, sqlite or nothing."""

    operations: list[Operation] = msgspec.field(default_factory=list)
    dialect: str = ""
    seeded: list[str] = msgspec.field(default_factory=list)
    """Tables that rows are written into, as literals."""
    queries: list[Query] = msgspec.field(default_factory=list)
    """Those of a file that holds no migration but statements with placeholders."""
    emptied: list[str] = msgspec.field(default_factory=list)
    """Tables that lose all rows."""
    statements: int = 0
    no_transaction: bool = False
    """It begins with sqlx's `-- no-transaction`."""
    weighed: list[Span] = msgspec.field(default_factory=list)
    """Statements below a comment that speaks of locks."""
    volatile: list[str] = msgspec.field(default_factory=list)
    """Functions that it creates which may give another value each time."""
