"""Facts → SchemaProgram: migrations replayed, each `table!` and each query joined to the database that it speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename, dirname, join, normpath

from msgspec.structs import replace

from slowpath.link.migrations import narrowed, schemas
from slowpath.link.tables import macros, nearest, schema_of
from slowpath.link.undescribed import undescribed
from slowpath.model.diesel import DieselFacts, Model, Predicate, Query, TableMacro
from slowpath.model.rust import RustFacts
from slowpath.model.schema import SqlFacts
from slowpath.program import Program
from slowpath.program.schema import Macro, PlacedQuery, Schema, SchemaProgram

NOTHING = DieselFacts()


def link(program: Program) -> SchemaProgram:
    """The schema view of a program. Code that is not compiled, and tests, say nothing."""
    known = schemas(program)
    facts = list(_diesel(program))
    sql_types = {name: sql for _, diesel in facts for name, sql in diesel.sql_types.items()}
    placed = macros(program, facts, known)
    queries = [*_queries(program, facts, known, placed), *_filed(program, facts, known)]
    written = {name.strip(".!") for _, diesel in facts for name in diesel.inserts}
    written |= {macro.table.name for macro in placed if macro.table.rust in written}
    for schema in known:
        for catalogue in schema.catalogues:
            catalogue.lookup -= written
    return SchemaProgram(known, placed, queries, sql_types, list(undescribed(program, facts, placed, known)))


def _diesel(program: Program) -> Iterator[tuple[str, DieselFacts]]:
    for file in program.of("rust"):
        facts = file.facts
        if not isinstance(facts, RustFacts):
            continue
        diesel = facts.diesel
        if diesel != NOTHING and program.rust.is_compiled(file.path) and not program.rust.is_test(file.path):
            yield file.path, diesel


class _Directory:
    """What the names in queries mean. A table that several databases or files have is the one that a file means."""

    def __init__(self, program: Program, facts: list[tuple[str, DieselFacts]], placed: list[Macro]) -> None:
        self.program = program
        self.models = {model.name: model for _, diesel in facts for model in diesel.models}
        self.joins = {(j.child, j.parent): j.column for _, diesel in facts for j in diesel.joinables}
        known: dict[str, dict[tuple[str, str], Macro]] = {}
        for macro in placed:
            if macro.fullest:
                known.setdefault(macro.table.rust, {}).setdefault((macro.schema.root, macro.table.name), macro)
        self.single = [next(iter(each.values())) for each in known.values() if len(each) == 1]
        self.several = [list(each.values()) for each in known.values() if len(each) > 1]
        self.common = _Names(self.single, self.models, self.joins)

    def names(self, path: str) -> _Names:
        """The names as the queries of a file mean them."""
        if not self.several:
            return self.common
        imports = [used for module in self.program.rust.modules[path] for used, _ in module.uses.values()]
        chosen = [nearest(path, imports, each) for each in self.several]
        return _Names([*self.single, *(macro for macro in chosen if macro is not None)], self.models, self.joins)


class _Names:
    """What the names in one folder's queries mean: `table!` modules, models and joins."""

    def __init__(self, placed: list[Macro], models: dict[str, Model], joins: dict[tuple[str, str], str]) -> None:
        self.tables = {macro.table.rust: macro.table for macro in placed}
        self.schemas = {macro.table.rust: macro.schema for macro in placed}
        self.models = models
        self.joins = joins

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


def _queries(
    program: Program, facts: list[tuple[str, DieselFacts]], known: list[Schema], placed: list[Macro]
) -> Iterator[PlacedQuery]:
    directory = _Directory(program, facts, placed)
    for path, diesel in facts:
        names = directory.names(path) if diesel.queries else directory.common
        for query in diesel.queries:
            if query.sql:
                schema = schema_of(path, query.tables, known)
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
            file = program.get(normpath(join(package, used.path)))
            queries = file.facts.queries if file is not None and isinstance(file.facts, SqlFacts) else []
            for query in queries:
                schema = schema_of(path, query.tables, known)
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
