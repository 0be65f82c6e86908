"""Which of a project's sets of migrations, or of `table!`s without any, describes a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from slowpath.program.schema import Catalogue, Macro, Patch, Schema, SchemaProgram, Undescribed

SHARE = 0.5
"""Of its tables that a database must hold to be the one that is meant, where there are several."""


class Described(NamedTuple):
    """One database as a project describes it. `catalogue` is None where no migration does."""

    label: str
    """The folder of the migrations, or the schema file."""
    catalogue: Catalogue | None
    macros: Mapping[str, Macro]

    def tables(self) -> frozenset[str]:
        return frozenset(self.catalogue.tables if self.catalogue is not None else self.macros)


class ChoiceError(Exception):
    """Several may be meant, or none; the text is one line."""


def described(program: SchemaProgram) -> list[Described]:
    """All that the project describes of PostgreSQL."""
    found = []
    for schema in program.schemas:
        for catalogue in schema.catalogues:
            if catalogue.dialect == "postgres":
                macros = [
                    m for m in program.macros if m.schema.root == schema.root and catalogue in m.schema.catalogues
                ]
                found.append(Described(catalogue.root or ".", catalogue, _by_table(macros)))
    loose = [Described(each.files[0][0], None, _by_table(_loose(each))) for each in program.undescribed]
    return [*found, *loose]


def choose(candidates: list[Described], tables: Iterable[str], wanted: str = "") -> Described | None:
    """The one that is meant; None where the project describes no database. Raises ChoiceError."""
    if wanted:
        named = [each for each in candidates if each.label.strip("/") == wanted.strip("/")]
        if not named:
            raise ChoiceError(f"{wanted}: no such migrations; there are: {_listed(candidates) or 'none'}")
        return named[0]
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    real = set(tables)
    known = [each for each in candidates if each.tables() and len(each.tables() & real) >= SHARE * len(each.tables())]
    if len(known) == 1:
        return known[0]
    raise ChoiceError(
        f"{'several' if known else 'none'} of the project's databases can be this one: "
        f"choose with --migrations: {_listed(known or candidates)}"
    )


def _listed(candidates: Iterable[Described]) -> str:
    return ", ".join(each.label for each in candidates)


def _by_table(macros: Iterable[Macro]) -> dict[str, Macro]:
    """The fullest `table!` of each table; of variants only one is compiled, and it is not known which."""
    found: dict[str, Macro] = {}
    for macro in macros:
        if not macro.variant and (macro.table.name not in found or macro.fullest):
            found[macro.table.name] = macro
    return found


def _loose(package: Undescribed) -> Iterator[Macro]:
    for path, tables in package.files:
        for table in tables:
            yield Macro(path, table, Schema("", ()), Patch(), familiar=True)
