"""Which changes of a column rewrite a table: each line was put to PostgreSQL 15, which says so at debug1."""

from __future__ import annotations

import pytest

from slowpath.program.rewrites import converts

TYPES = {"mood": "", "mood2": "", "score": "int"}
FREE = [
    ("varchar(10)", "varchar(20)", ""),
    ("varchar(10)", "varchar", ""),
    ("varchar(10)", "character varying(20)", ""),
    ("varchar(10)", "text", ""),
    ("varchar(10)", "citext", ""),
    ("varchar(10)", "varchar(20)", "c"),
    ("varchar(10)", "text", "cast ( c as text )"),
    ("text", "varchar", ""),
    ("text", "citext", ""),
    ("citext", "text", ""),
    ("text", "text", ""),
    ("text", "text", "c"),
    ("int", "integer", ""),
    ("int", "score", ""),
    ("score", "int", ""),
    ("numeric(5,2)", "numeric(7,2)", ""),
    ("numeric(5,2)", "decimal", ""),
    ("numeric(5)", "numeric(9,0)", ""),
    ("timestamp(3)", "timestamp", ""),
    ("timestamp(3)", "timestamp(6) without time zone", ""),
    ("timestamp", "timestamp(6)", ""),
    ("timestamp", "timestamptz", ""),
    ("timestamp with time zone", "timestamp", ""),
    ("time(3)", "time", ""),
    ("char", "character(1)", ""),
    ("bit", "bit(1)", ""),
    ("bit varying(4)", "varbit(8)", ""),
    ("float", "double precision", ""),
    ("cidr", "inet", ""),
    ("text[]", "text[]", ""),
]
DEAR = [
    ("varchar(10)", "varchar(5)", ""),
    ("varchar", "varchar(20)", ""),
    ("text", "varchar(20)", ""),
    ("char(5)", "text", ""),
    ("char(5)", "varchar(20)", ""),
    ("char(5)", "char(10)", ""),
    ("text", "char(10)", ""),
    ("text", "text", "upper ( c )"),
    ("int", "int", "c + 1"),
    ("int", "bigint", ""),
    ("bigint", "int", ""),
    ("serial", "bigint", ""),
    ("int", "smallint", ""),
    ("int", "text", ""),
    ("int", "numeric", ""),
    ("numeric(5,2)", "numeric(7,3)", ""),
    ("numeric(5,2)", "numeric(4,2)", ""),
    ("numeric", "numeric(7,2)", ""),
    ("timestamp", "timestamp(3)", ""),
    ("timestamp", "timestamptz", "c at time zone 'utc'"),
    ("timestamp", "date", ""),
    ("date", "timestamp", ""),
    ("json", "jsonb", ""),
    ("jsonb", "json", ""),
    ("text", "jsonb", ""),
    ("mood", "text", ""),
    ("text", "mood", ""),
    ("mood", "mood2", "c"),
    ("bool", "int", "c"),
    ("real", "double precision", ""),
    ("varchar(10)[]", "text[]", ""),
    ("int[]", "bigint[]", ""),
    ("uuid", "text", ""),
    ("bit(4)", "bit(8)", ""),
]
UNKNOWN = [
    ("", "text", ""),
    ("int", "oid", ""),
    ("int", "other", ""),
    ("float(10)", "real", ""),
    ("interval", "interval(3)", ""),
]


@pytest.mark.parametrize(("old", "new", "using"), FREE)
def test_free(old: str, new: str, using: str) -> None:
    assert not converts("c", old, new, using, TYPES)


@pytest.mark.parametrize(("old", "new", "using"), DEAR)
def test_dear(old: str, new: str, using: str) -> None:
    assert converts("c", old, new, using, TYPES)


@pytest.mark.parametrize(("old", "new", "using"), UNKNOWN)
def test_what_is_not_known_is_silent(old: str, new: str, using: str) -> None:
    assert not converts("c", old, new, using, TYPES)
