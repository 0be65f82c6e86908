"""Facts → SchemaProgram: migrations replayed, each `table!` and each query joined to the database that it speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from posixpath import basename, commonprefix, dirname, join, normpath

from msgspec.structs import replace

from slowpath.link.migrations import narrowed, schemas, split_root
from slowpath.model.cargo import TomlFacts
from slowpath.model.diesel import DieselFacts, Model, Predicate, Query, TableMacro
from slowpath.model.rust import RustFacts
from slowpath.model.schema import SqlFacts
from slowpath.program import Program
from slowpath.program.schema import Macro, PlacedQuery, Schema, SchemaProgram


def link(program: Program) -> SchemaProgram:
    """The schema view of a program. Code that is not compiled, and tests, say nothing."""
    known = schemas(program)
    facts = list(_diesel(program))
    sql_types = {name: sql for _, diesel in facts for name, sql in diesel.sql_types.items()}
    if not known:
        return SchemaProgram([], [], [], sql_types)
    macros = _macros(facts, known, _patched(program))
    queries = [*_queries(facts, known, macros), *_filed(program, facts, known)]
    written = {name.strip(".!") for _, diesel in facts for name in diesel.inserts}
    written |= {macro.table.name for macro in macros if macro.table.rust in written}
    for schema in known:
        for catalogue in schema.catalogues:
            catalogue.lookup -= written
    return SchemaProgram(known, macros, queries, sql_types)


def _diesel(program: Program) -> Iterator[tuple[str, DieselFacts]]:
    for file in program.of("rust"):
        facts = file.facts
        if not isinstance(facts, RustFacts):
            continue
        diesel = facts.diesel
        parts = (diesel.tables, diesel.queries, diesel.models, diesel.sql_types, diesel.joinables, diesel.files)
        if any(parts) and (program.rust.is_compiled(file.path) and not program.rust.is_test(file.path)):
            yield file.path, diesel


def _patched(program: Program) -> set[str]:
    """Schema files that a diesel.toml generates with a patch."""
    found: set[str] = set()
    for file in program.of("toml"):
        if isinstance(file.facts, TomlFacts) and file.facts.diesel is not None and file.facts.diesel.patches:
            found.update(normpath(join(dirname(file.path), schema)) for schema in file.facts.diesel.schemas)
    return found


def _macros(facts: list[tuple[str, DieselFacts]], known: list[Schema], patched: set[str]) -> list[Macro]:
    widest: Counter[str] = Counter()
    for _, diesel in facts:
        for table in diesel.tables:
            widest[table.name] = max(widest[table.name], len(table.columns))
    macros = []
    for path, diesel in facts:
        schema = _schema_of(path, {table.name for table in diesel.tables}, known)
        if schema is not None:
            found = sum(schema.has(table.name) for table in diesel.tables)
            familiar = found * 10 >= len(diesel.tables) * 9
            for table in diesel.tables:
                fullest = len(table.columns) == widest[table.name]
                macros.append(Macro(path, table, schema, fullest, path in patched, familiar))
    return macros


def _schema_of(path: str, tables: Iterable[str], known: list[Schema]) -> Schema | None:
    """The database that most of these tables belong to, the nearest one if several do; it must know half of them."""
    wanted = set(tables)
    place = split_root(path)[0].split("/")

    def rank(schema: Schema) -> tuple[int, int]:
        return sum(schema.has(table) for table in wanted), len(commonprefix([schema.root.split("/"), place]))

    best = max(known, key=rank, default=None)
    return narrowed(best, path) if best is not None and rank(best)[0] * 2 >= max(len(wanted), 1) else None


class _Names:
    """What the names in queries mean: `table!` modules, models and joins of the whole program."""

    def __init__(self, facts: list[tuple[str, DieselFacts]], macros: list[Macro]) -> None:
        self.tables: dict[str, TableMacro] = {}
        self.schemas: dict[str, Schema] = {}
        for macro in macros:
            if macro.fullest:
                self.tables.setdefault(macro.table.rust, macro.table)
                self.schemas.setdefault(macro.table.rust, macro.schema)
        self.models: dict[str, Model] = {model.name: model for _, diesel in facts for model in diesel.models}
        self.joins = {(j.child, j.parent): j.column for _, diesel in facts for j in diesel.joinables}

    def table(self, name: str) -> str:
        """A Rust table name for what a query wrote, or nothing."""
        if name.endswith("!"):
            model = self.models.get(name[:-1])
            return model.table if model is not None and model.table in self.tables else ""
        bare = name.removeprefix(".")
        return bare if bare in self.tables else ""

    def column(self, name: str, query: Query) -> str:
        """`table.column` in Rust names, or nothing."""
        owner, _, column = name.rpartition(".")
        if owner:
            table = self.tables.get(owner)
            return name if table is not None and _has(table, column) else ""
        own = self.table(query.tables[0]) if query.tables else ""
        for candidate in (own, *query.globs):
            if candidate in query.globs and candidate in self.tables and _has(self.tables[candidate], column):
                return f"{candidate}.{column}"
        return ""

    def join(self, one: str, other: str) -> tuple[str, str] | None:
        """The columns that a `joinable!` compares."""
        for child, parent in ((one, other), (other, one)):
            column = self.joins.get((child, parent))
            if column and parent in self.tables:
                key = self.tables[parent].primary
                return f"{child}.{column}", f"{parent}.{key[0]}" if key else ""
        return None

    def sql(self, name: str) -> str:
        """A Rust `table.column` in SQL names."""
        owner, _, column = name.rpartition(".")
        table = self.tables.get(owner)
        if table is None:
            return name
        written = next((known.name for known in table.columns if known.rust == column), column)
        return f"{table.name}.{written}"


def _has(table: TableMacro, column: str) -> bool:
    return any(known.rust == column for known in table.columns)


def _queries(facts: list[tuple[str, DieselFacts]], known: list[Schema], macros: list[Macro]) -> Iterator[PlacedQuery]:
    names = _Names(facts, macros)
    for path, diesel in facts:
        for query in diesel.queries:
            if query.sql:
                schema = _schema_of(path, query.tables, known)
                if schema is not None:
                    yield PlacedQuery(path, _owned(query, schema), schema)
                continue
            resolved = _resolve(query, names)
            if resolved is not None:
                yield PlacedQuery(path, resolved[0], narrowed(resolved[1], path))


def _filed(program: Program, facts: list[tuple[str, DieselFacts]], known: list[Schema]) -> Iterator[PlacedQuery]:
    """What `query_file!` runs: its path starts at the package that asks."""
    folders = {dirname(file.path) for file in program.of("toml") if basename(file.path) == "Cargo.toml"}
    for path, diesel in facts:
        for used in diesel.files:
            package = next((folder for folder in _above(path) if folder in folders), "")
            file = program.files.get(normpath(join(package, used.path)))
            queries = file.facts.queries if file is not None and isinstance(file.facts, SqlFacts) else []
            for query in queries:
                schema = _schema_of(path, query.tables, known)
                if schema is not None and file is not None:
                    yield PlacedQuery(file.path, _owned(replace(query, function=used.function), schema), schema)


def _above(path: str) -> Iterator[str]:
    """The folders around a file, the nearest first."""
    while path:
        path = dirname(path)
        yield path


def _owned(query: Query, schema: Schema) -> Query:
    """The query with its bare columns given to the one table that has them; without those that none has."""

    def full(column: str) -> str:
        if not column.startswith("."):
            return column
        owners = [table for table in query.tables if schema.has(table, column[1:])]
        return owners[0] + column if len(owners) == 1 else ""

    named = [replace(p, column=full(p.column), value=full(p.value)) for p in query.predicates]
    lost = any(not p.column or (q.value and not p.value) for p, q in zip(named, query.predicates, strict=True))
    predicates = tuple(p for p in named if p.column)
    return replace(query, predicates=predicates, order=full(query.order), opaque=query.opaque or lost)


def _resolve(query: Query, names: _Names) -> tuple[Query, Schema] | None:
    """The query in SQL names with its implicit joins spelt out; a table that cannot be read makes it opaque."""
    tables = [names.table(table) for table in query.tables]
    predicates = []
    opaque = query.opaque
    for predicate in query.predicates:
        found = _predicate(predicate, query, names)
        if found is None:
            opaque = True
        else:
            predicates.append(found)
    for one, other in query.joins:
        pair = names.join(names.table(one), names.table(other))
        if pair is not None:
            predicates.append(Predicate(names.sql(pair[0]), "eq", names.sql(pair[1]), "", 0, query.span))
        else:
            opaque = True
    order = names.column(query.order, query) if query.order else ""
    base = tables[0] if tables else ""
    mentioned = [base, *(p.column.rpartition(".")[0] for p in predicates)]
    schema = next((names.schemas[name] for name in tables if name in names.schemas), None)
    if schema is None or not any(mentioned):
        return None
    resolved = Query(
        query.verb,
        query.function,
        query.span,
        tuple(names.tables[name].name for name in tables if name),
        (),
        tuple(predicates),
        names.sql(order) if order else "",
        query.order_span,
        query.limited,
        opaque or not base,
        (),
    )
    return resolved, schema


def _predicate(predicate: Predicate, query: Query, names: _Names) -> Predicate | None:
    if predicate.operator == "find":
        table = names.tables.get(names.table(predicate.column))
        column = f"{table.rust}.{table.primary[0]}" if table is not None and table.primary else ""
        operator, value = "eq", ""
    elif predicate.column.endswith("!"):
        model = names.models.get(predicate.column[:-1])
        parents = model.parents if model is not None else ()
        keys = {key for _, key in parents}
        column = (
            f"{model.table}.{keys.pop()}"
            if model is not None and len(keys) == 1 and model.table in names.tables
            else ""
        )
        operator, value = "in", ""
    else:
        column = names.column(predicate.column, query)
        operator, value = predicate.operator, predicate.value
        if value and value != "!":
            other = names.column(value, query)
            value = names.sql(other) if other else ""
    if not column:
        return None
    return Predicate(names.sql(column), operator, value, predicate.function, predicate.role, predicate.span)
