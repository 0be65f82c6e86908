"""CONCURRENTLY in a migration that runs in a transaction, where PostgreSQL refuses it."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Span, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddIndex, DropIndex
from slowpath.program import Program
from slowpath.program.changes import apart, unless_ran
from slowpath.program.schema import Catalogue, Migration

CRATES = {"diesel": ("diesel", "diesel-async", "diesel_migrations"), "sqlx": ("sqlx",)}
NAMES = {"diesel": "Diesel", "sqlx": "sqlx"}


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    declared = {entry.registered for package in program.cargo.packages.values() for entry in package.entries}
    for schema in program.schema.schemas:
        for catalogue in schema.catalogues:
            if catalogue.dialect == "postgres":
                for migration, sites in _sites(catalogue).items():
                    if not declared.isdisjoint(CRATES[migration.tool]):
                        yield _finding(migration, sites, catalogue, unless_ran(program), rule)


def _sites(catalogue: Catalogue) -> dict[Migration, list[tuple[Span, str]]]:
    """Where migrations that are one transaction say CONCURRENTLY, and of which verb."""
    found: dict[Migration, list[tuple[Span, str]]] = {}
    for migration, operation, _, _ in catalogue.changes:
        if isinstance(operation, AddIndex | DropIndex) and operation.concurrently and migration.together:
            site = (operation.index.span, "CREATE") if isinstance(operation, AddIndex) else (operation.span, "DROP")
            found.setdefault(migration, []).append(site)
    return found


def _finding(
    migration: Migration, sites: list[tuple[Span, str]], catalogue: Catalogue, ran: str, rule: Rule
) -> Finding:
    alone = migration.statements == 1
    wrapped = f"{NAMES[migration.tool]} wraps this migration in one"
    return rule.finding(
        Place(migration.path, sites[0][0]),
        related=[Step(Place(migration.path, span), "and this") for span, _ in sites[1:]],
        verb=sites[0][1],
        why=wrapped if alone else "several statements sent together are one",
        instead=f"Put it {apart(migration, catalogue)}",
        ran=ran,
    )
