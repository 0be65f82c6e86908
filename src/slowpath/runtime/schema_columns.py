"""The columns of one table as the database, the migrations and schema.rs have them: there, of what type, nullable."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.diesel import MacroColumn
from slowpath.model.finding import Place
from slowpath.program.schema import Catalogue, Macro, Table, TableColumn
from slowpath.program.sqltypes import bare, compatible, diesel_family, expressible, sql_family
from slowpath.runtime.catalogue import plain
from slowpath.runtime.schema_sides import MISSING, THERE, Found, Sides, Thing, What, disagreement

SYSTEM_COLUMNS = frozenset("ctid xmin xmax cmin cmax tableoid oid".split())


def columns(
    own: Table, applied: Table | None, full: Table | None, macro: Macro | None, sides: Sides
) -> Iterator[Found]:
    declared = {column.name: column for column in macro.table.columns} if macro is not None else {}
    names = {*own.columns, *declared, *(applied.columns if applied else ()), *(full.columns if full else ())}
    for name in sorted(names - SYSTEM_COLUMNS):
        column, wanted = own.columns.get(name), declared.get(name)
        before, after = (table.columns.get(name) if table else None for table in (applied, full))
        said = None if macro is None or macro.patch.touches(macro.table, name) else macro
        wanted = wanted if said is not None else None
        earlier, later = (_has(before) if applied else None, _has(after) if full else None)
        code = _listed(own, said, name, wanted, sides)
        thing = _thing("column", own, name, _has(column), earlier, later, code)
        found = disagreement(thing._replace(place=_where(said, wanted, after or before)))
        if found is not None:
            yield found
        elif column is not None:
            pair = (before, after)
            yield from _type(own, column, pair, wanted, said, sides)
            if not own.view:
                yield from _nullable(own, column, pair, wanted, said, sides)


def _has(column: TableColumn | None) -> str:
    return MISSING if column is None else THERE


def _thing(
    what: What, table: Table, name: str, database: str, applied: str | None, full: str | None, code: str | None
) -> Thing:
    return Thing(
        what,
        f"{table.name}.{name}",
        database,
        applied,
        full,
        code,
        applied is not None and applied != database,
        code is not None and code != database,
        code is not None and full is not None and code != full,
    )


def _listed(own: Table, macro: Macro | None, name: str, wanted: MacroColumn | None, sides: Sides) -> str | None:
    """Whether schema.rs has a column; None where it leaves it out on purpose."""
    if macro is None:
        return None
    if wanted is not None:
        return THERE
    listed = {column.name for column in macro.table.columns}
    column = own.columns.get(name)
    if not macro.fullest or own.view or len(own.columns.keys() - listed) > len(listed):
        return None
    family = sql_family(column.type, sides.database.types) if column is not None else ""
    return MISSING if not family or expressible(family, sides.markers) else None


def _type(
    own: Table,
    column: TableColumn,
    pair: tuple[TableColumn | None, TableColumn | None],
    wanted: MacroColumn | None,
    macro: Macro | None,
    sides: Sides,
) -> Iterator[Found]:
    database = plain(column.type)
    before, after = (plain(each.type) if each is not None and each.type and not own.view else None for each in pair)
    code = wanted.type if wanted is not None else None
    family = diesel_family(code, sides.markers) if code else ""

    def refuses(written: str, catalogue: Catalogue | None) -> bool:
        known = catalogue.types if catalogue is not None else {}
        return not compatible(sql_family(written, known), family, "postgres")

    thing = Thing(
        "type",
        f"{own.name}.{column.name}",
        database,
        before,
        after,
        code,
        before is not None and _bare_type(before) != _bare_type(database),
        refuses(column.type, sides.database),
        pair[1] is not None and after is not None and refuses(pair[1].type, sides.full),
        _where(macro, wanted, pair[1] or pair[0]),
    )
    found = disagreement(thing)
    if found is not None:
        yield found


def _bare_type(kind: str) -> str:
    """Without the schema: which one is searched is not the migrations' to say."""
    name, paren, rest = kind.partition("(")
    return name.rpartition(".")[2] + paren + rest


def _nullable(
    own: Table,
    column: TableColumn,
    pair: tuple[TableColumn | None, TableColumn | None],
    wanted: MacroColumn | None,
    macro: Macro | None,
    sides: Sides,
) -> Iterator[Found]:
    code = None if wanted is None else _null(wanted.type.startswith("Nullable<"))
    required = sides.database.required
    # whether a domain forbids NULL is its own matter: the migrations' side has the column's word alone
    really = False if bare(column.type)[0] in required else column.nullable
    before, after = (_null(each.nullable) if each is not None else None for each in pair)
    thing = _thing("nullable", own, column.name, _null(column.nullable) or MISSING, before, after, code)
    thing = thing._replace(
        database_code=code is not None and code != _null(really),
        full_code=thing.full_code and bare(column.type)[0] not in required,
        place=_where(macro, wanted, pair[1] or pair[0]),
    )
    found = disagreement(thing)
    if found is not None:
        yield found


def _null(nullable: bool | None) -> str | None:
    return None if nullable is None else "can be NULL" if nullable else "NOT NULL"


def _where(macro: Macro | None, wanted: MacroColumn | None, column: TableColumn | None) -> Place | None:
    if column is not None and column.place.path:
        return column.place
    if macro is not None:
        return Place(macro.path, wanted.span) if wanted is not None else declared_at(macro)
    return None


def declared_at(macro: Macro) -> Place:
    return Place(macro.path, macro.table.span)
