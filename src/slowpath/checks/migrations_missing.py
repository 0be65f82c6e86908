"""A package declares tables with `table!`, and nothing in the project says how its database comes about."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for package in program.schema.undescribed:
        count = sum(len(tables) for _, tables in package.files)
        sure = bool(package.embeds) or package.configured
        if count < rule.settings["few"] and not sure:
            continue
        (path, tables), *others = package.files
        embedded = ", although `embed_migrations!` compiles some in" if package.embeds else ""
        yield rule.finding(
            Place(path, tables[0].span),
            confidence="high" if sure else "medium",
            related=[
                *(Step(place, "compiles migrations in, so they must be somewhere") for place in package.embeds),
                *(Step(Place(file, own[0].span), f"{_tables(len(own))} more") for file, own in others),
            ],
            tables=_tables(count),
            embedded=embedded,
        )


def _tables(count: int) -> str:
    return f"{count} table{'s' if count > 1 else ''}"
