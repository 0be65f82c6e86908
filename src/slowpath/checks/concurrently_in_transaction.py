"""CONCURRENTLY in a migration that runs in a transaction, where PostgreSQL refuses it."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Span, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddIndex, DropIndex
from slowpath.program import Program
from slowpath.program.changes import unless_ran
from slowpath.program.schema import Migration

CRATES = {"diesel": ("diesel", "diesel-async", "diesel_migrations"), "sqlx": ("sqlx",)}
NAMES = {"diesel": "Diesel", "sqlx": "sqlx"}
SWITCHES = {
    "diesel": "Put `run_in_transaction = false` into a metadata.toml beside it",
    "sqlx": "Make `-- no-transaction` its first line",
}


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    declared = {entry.registered for package in program.cargo.packages.values() for entry in package.entries}
    sites: dict[Migration, list[tuple[Span, str]]] = {}
    for schema in program.schema.schemas:
        for catalogue in schema.catalogues:
            for migration, operation, _, _ in catalogue.changes:
                if (
                    catalogue.dialect != "postgres"
                    or not migration.together
                    or declared.isdisjoint(CRATES[migration.tool])
                ):
                    continue
                if isinstance(operation, AddIndex) and operation.concurrently:
                    sites.setdefault(migration, []).append((operation.index.span, "CREATE"))
                elif isinstance(operation, DropIndex) and operation.concurrently:
                    sites.setdefault(migration, []).append((operation.span, "DROP"))
    for migration, found in sites.items():
        yield _finding(migration, found, unless_ran(program), rule)


def _finding(migration: Migration, found: list[tuple[Span, str]], ran: str, rule: Rule) -> Finding:
    alone = migration.statements == 1
    why = (
        f"{NAMES[migration.tool]} wraps this migration in one" if alone else "several statements sent together are one"
    )
    fix = SWITCHES[migration.tool] if alone else f"Put it {migration.apart}"
    return rule.finding(
        Place(migration.path, found[0][0]),
        related=[Step(Place(migration.path, span), "and this") for span, _ in found[1:]],
        verb=found[0][1],
        why=why,
        instead=fix,
        ran=ran,
    )
