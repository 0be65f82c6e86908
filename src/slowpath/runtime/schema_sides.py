"""One thing as the database, the migrations and schema.rs have it, and what follows where they disagree.

A side that cannot know says None, and disagrees with nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from slowpath.model.evidence import SchemaDifference
from slowpath.model.finding import Place
from slowpath.program.schema import Catalogue, Macro

What = Literal["table", "column", "type", "nullable", "index", "constraint"]
THERE, MISSING, UNKNOWN = "there", "missing", "unknown"


class Sides(NamedTuple):
    """What is compared. `applied` is what the migrations leave that the database notes as run, `full` all of them."""

    database: Catalogue
    applied: Catalogue | None
    full: Catalogue | None
    macros: Mapping[str, Macro]
    """By the table's name in SQL."""
    markers: Mapping[str, str] = {}
    """Rust's marker types → names of SQL types."""
    elsewhere: frozenset[str] = frozenset()
    """Tables that other migrations of the project know: several programs may share one database."""


class Thing(NamedTuple):
    """Texts of the three sides, and who disagrees with whom. `applied` is the migrations' side as far as they ran."""

    what: What
    name: str
    database: str
    applied: str | None
    full: str | None
    code: str | None
    database_applied: bool
    """They disagree; so below."""
    database_code: bool
    full_code: bool
    place: Place | None = None
    """Where the side stands that has it."""
    instead: str = ""
    """Said in the place of the usual advice."""


class Found(NamedTuple):
    """A difference and where it stands."""

    difference: SchemaDifference
    place: Place | None


def disagreement(thing: Thing) -> Found | None:
    """The difference, if there is one that no migration explains which has yet to run."""
    pending = thing.applied != thing.full
    explained = pending and thing.database_code != thing.full_code
    if not thing.database_applied and (explained or not (thing.database_code or thing.full_code)):
        return None
    told = [f"{_quoted(thing.database)} in the database"]
    if thing.applied is not None:
        so_far = " that ran here" if pending else ""
        told.append(f"{_quoted(thing.applied)} after the migrations{so_far}")
    if pending and thing.full is not None:
        told.append(f"{_quoted(thing.full)} after those that have yet to run")
    if thing.code is not None:
        told.append(f"{_quoted(thing.code)} in schema.rs")
    subject = "column" if thing.what in ("type", "nullable") else thing.what
    message = f"{subject} `{thing.name}`: {', '.join(told)}. {thing.instead or _advice(thing)}"
    difference = SchemaDifference(
        thing.what, thing.name, thing.database, thing.code or UNKNOWN, thing.full or thing.applied or UNKNOWN, message
    )
    return Found(difference, thing.place)


def _quoted(value: str) -> str:
    return value if value in (THERE, MISSING, "can be NULL", "NOT NULL") or value.startswith("there") else f"`{value}`"


def _advice(thing: Thing) -> str:
    """Which side is behind, and what to do."""
    if thing.applied != thing.full and thing.database == thing.full:
        return "The database has already what a migration will do that has yet to run: it may fail here"
    if thing.database_applied and thing.code is not None and not thing.database_code:
        return "The migrations are behind: add one that does what was done to the database by hand"
    if thing.database_applied and thing.database_code and thing.full_code:
        return "All three differ: settle on one, add a migration for it, and correct schema.rs"
    if thing.database_applied:
        if thing.database == MISSING:
            return (
                "The database is behind: it was dropped by hand, or this database was not made by these migrations. "
                "Make it again"
            )
        if thing.applied == MISSING:
            return "The migrations are behind: add one that makes it, or drop it if nobody needs it"
        return "The database was changed by hand: add a migration if that was meant, else change it back"
    if thing.applied is None or thing.full is None:
        return "schema.rs or the database is behind: run `diesel print-schema` and read its diff"
    if thing.what == "table":
        return "Nothing makes it, and its queries fail: add the migration, or drop the `table!`"
    return "schema.rs is behind: correct it, or run `diesel print-schema`"
