"""Which .sql files are migrations, of which database, and in what order. Diesel's and sqlx's layouts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from slowpath.link.replay import replay
from slowpath.model.schema import SqlFacts
from slowpath.program import File
from slowpath.program.schema import Schema

DIALECT_WORDS = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "pg": "postgres",
    "psql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}
WORD = re.compile(r"[a-z]+3?")
SQLX = re.compile(r"^\d+_[^/]*\.sql$")


def _version(path: str) -> tuple[str, tuple[int, str]] | None:
    """A migration's root folder and place in the order, or nothing where the file is none."""
    folder, _, name = path.rpartition("/")
    if name == "up.sql":
        root, _, migration = folder.rpartition("/")
        version = migration.partition("_")[0].replace("-", "").strip()
        return (root, (0, version)) if version[:1].isdigit() else None
    if SQLX.match(name) and not name.endswith(".down.sql") and "migration" in folder.lower():
        return folder, (int(name.partition("_")[0]), "")
    return None


def narrowed(schema: Schema, path: str) -> Schema:
    """The schema for a file whose path names one of its dialects."""
    dialect = split_root(path)[1]
    catalogues = tuple(catalogue for catalogue in schema.catalogues if catalogue.dialect == dialect)
    return Schema(schema.root, catalogues or schema.catalogues)


def split_root(root: str) -> tuple[str, str]:
    """A root without the words that name a dialect, and the dialect, if one is named."""
    dialect = ""
    kept = []
    for part in root.split("/"):
        words = WORD.findall(part.lower())
        named = next((DIALECT_WORDS[word] for word in words if word in DIALECT_WORDS), "")
        dialect = named or dialect
        kept.append(
            WORD.sub(lambda m: "" if m[0] in DIALECT_WORDS else m[0], part.lower()).strip("-_. ") if named else part
        )
    return "/".join(part for part in kept if part), dialect


def schemas(files: Iterable[File]) -> list[Schema]:
    """All databases that the project's migrations describe, by root folder."""
    by_root: dict[str, list[tuple[tuple[int, str], str, SqlFacts]]] = defaultdict(list)
    for file in files:
        version = _version(file.path)
        if version is not None and isinstance(file.facts, SqlFacts):
            by_root[version[0]].append((version[1], file.path, file.facts))
    groups: dict[str, dict[str, list[tuple[tuple[int, str], str, SqlFacts]]]] = defaultdict(dict)
    for root, migrations in by_root.items():
        group, dialect = split_root(root)
        groups[group].setdefault(dialect or _vote(facts for _, _, facts in migrations), []).extend(migrations)
    found = []
    for group, dialects in sorted(groups.items()):
        catalogues = [
            replay(dialect, ((path, facts.operations) for _, path, facts in sorted(migrations, key=lambda m: m[:2])))
            for dialect, migrations in sorted(dialects.items())
        ]
        for catalogue, (_, migrations) in zip(catalogues, sorted(dialects.items()), strict=True):
            catalogue.lookup.update(name for _, _, facts in migrations for name in facts.seeded)
        found.append(Schema(group, tuple(catalogues)))
    return found


def _vote(facts: Iterable[SqlFacts]) -> str:
    votes = Counter(fact.dialect for fact in facts if fact.dialect)
    return votes.most_common(1)[0][0] if votes else "postgres"
