"""SQL types and Diesel types in families, so that they can be compared across dialects.

Families: text, bool, small, int, big, float, numeric, timestamp, timestamptz, date, time, bytes, json, uuid, array; any
other type is its own family, under its SQL name.
"""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES = {
    "text": "text varchar char bpchar citext character string clob tinytext mediumtext longtext nvarchar nchar name "
    "enum set charactervarying",
    "bool": "bool boolean",
    "small": "smallint int2 smallserial serial2 tinyint",
    "int": "int integer int4 serial serial4 mediumint year",
    "big": "bigint int8 bigserial serial8",
    "float": "real float4 float8 doubleprecision float double",
    "numeric": "numeric decimal dec money",
    "timestamp": "timestamp datetime timestampwithouttimezone",
    "timestamptz": "timestamptz timestampwithtimezone timestamptzsqlite",
    "date": "date",
    "time": "time timetz timewithouttimezone timewithtimezone",
    "bytes": "bytea blob binary varbinary tinyblob mediumblob longblob",
    "json": "json jsonb",
    "uuid": "uuid",
}
FAMILY = {name: family for family, names in FAMILIES.items() for name in names.split()}

DIESEL = {
    "text": "Text Varchar VarChar Char Citext CiText Bpchar BpChar CChar String Tinytext Mediumtext Longtext",
    "bool": "Bool",
    "small": "SmallInt Smallint Int2 TinyInt Tinyint SmallSerial",
    "int": "Integer Int4 Serial Int",
    "big": "BigInt Bigint Int8 BigSerial",
    "float": "Float Float4 Double Float8",
    "numeric": "Numeric Decimal Money",
    "timestamp": "Timestamp Datetime TimestampWithoutTimeZone",
    "timestamptz": "Timestamptz TimestamptzSqlite",
    "date": "Date",
    "time": "Time Timetz",
    "bytes": "Binary Bytea Blob Tinyblob Mediumblob Longblob Varbinary",
    "json": "Json Jsonb",
    "uuid": "Uuid",
}
DIESEL_FAMILY = {name: family for family, names in DIESEL.items() for name in names.split()}

NUMBERS = frozenset(["bool", "small", "int", "big", "float", "numeric"])
ALIKE = {
    "postgres": ({"timestamp", "timestamptz"},),
    "mysql": (
        {"bool", "small", "int"},
        {"timestamp", "timestamptz"},
        {"text", "json"},
        {"text", "bytes"},
        {"float", "numeric"},
        {"int", "big"},
    ),
    "sqlite": (NUMBERS,),
}
"""Families that one dialect's types may stand for each other in: stored alike, or written alike by hand."""


def sql_family(written: str, types: Mapping[str, str]) -> str:
    """The family of a column's SQL type; domains are looked through. Nothing where it is not known."""
    for _ in range(5):
        if written.endswith("[]") or "[" in written:
            return "array"
        bare, _, detail = written.partition("(")
        rest = detail.partition(")")[2]
        bare = "".join((bare + rest).split()).removesuffix("unsigned").removesuffix("zerofill")
        if bare == "tinyint" and detail.startswith("1)"):
            return "bool"
        if bare in FAMILY:
            return FAMILY[bare]
        domain = types.get(bare.rpartition(".")[2]) or types.get(bare)
        if not domain:
            return bare.rpartition(".")[2]
        written = domain
    return ""


def diesel_family(written: str, markers: Mapping[str, str]) -> str:
    """The family of a Diesel type, `Nullable` aside. Nothing where it is not known."""
    inner = written
    while inner.startswith(("Nullable<", "Unsigned<")):
        inner = inner[9:-1]
    if inner.startswith("Array<"):
        return "array"
    if inner in DIESEL_FAMILY:
        return DIESEL_FAMILY[inner]
    return markers.get(inner, "")


def compatible(sql: str, diesel: str, dialect: str) -> bool:
    """Whether a column of family `sql` can be declared as `diesel`. What is not known is compatible."""
    if not sql or not diesel or sql == diesel:
        return True
    known = set(FAMILIES) | {"array"}
    if sql not in known or diesel not in known:
        return True
    if dialect == "sqlite":
        return not (sql in NUMBERS and diesel == "bytes") and not (sql == "bytes" and diesel in NUMBERS)
    return any({sql, diesel} <= group for group in ALIKE[dialect])


def expressible(sql: str, markers: Mapping[str, str]) -> bool:
    """Diesel has a type for the family, or the program declares one; other columns are left out on purpose."""
    return sql in FAMILIES or sql == "array" or sql in markers.values()
