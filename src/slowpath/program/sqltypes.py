"""SQL types and Diesel types in families, so that they can be compared across dialects.

They are those of `diesel print-schema`, as far as Diesel reads one type for another: text of all kinds is one. A type
that is not listed is its own family, under its SQL name. An array's family is that of its elements, with `[]`.
"""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES = {
    "text": "text varchar char bpchar citext character string clob tinytext mediumtext longtext nvarchar nchar name "
    "enum set charactervarying nationalcharacter nationalcharactervarying",
    "bool": "bool boolean",
    "small": "smallint int2 smallserial serial2 tinyint",
    "int": "int integer int4 serial serial4 mediumint year",
    "big": "bigint int8 bigserial serial8",
    "float": "real float4",
    "double": "float8 doubleprecision float double",
    "numeric": "numeric decimal dec",
    "money": "money",
    "timestamp": "timestamp datetime timestampwithouttimezone",
    "timestamptz": "timestamptz timestampwithtimezone timestamptzsqlite",
    "date": "date",
    "time": "time timetz timewithouttimezone timewithtimezone",
    "interval": "interval",
    "bytes": "bytea blob binary varbinary tinyblob mediumblob longblob",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
    "address": "inet cidr",
    "mac": "macaddr",
    "oid": "oid",
}
FAMILY = {name: family for family, names in FAMILIES.items() for name in names.split()}

DIESEL = {
    "text": "Text Varchar VarChar Char Citext CiText Bpchar BpChar CChar String Tinytext Mediumtext Longtext",
    "bool": "Bool",
    "small": "SmallInt Smallint Int2 TinyInt Tinyint SmallSerial",
    "int": "Integer Int4 Serial Int",
    "big": "BigInt Bigint Int8 BigSerial",
    "float": "Float Float4",
    "double": "Double Float8",
    "numeric": "Numeric Decimal",
    "money": "Money",
    "timestamp": "Timestamp Datetime TimestampWithoutTimeZone",
    "timestamptz": "Timestamptz TimestamptzSqlite",
    "date": "Date",
    "time": "Time Timetz",
    "interval": "Interval",
    "bytes": "Binary Bytea Blob Tinyblob Mediumblob Longblob Varbinary",
    "json": "Json",
    "jsonb": "Jsonb",
    "uuid": "Uuid",
    "address": "Inet Cidr",
    "mac": "MacAddr Macaddr",
    "oid": "Oid",
}
DIESEL_FAMILY = {name: family for family, names in DIESEL.items() for name in names.split()}

NUMBERS = frozenset(["bool", "small", "int", "big", "float", "double", "numeric"])
ALIKE = {
    "postgres": ({"timestamp", "timestamptz"}, {"int", "oid"}),
    "mysql": (NUMBERS, {"timestamp", "timestamptz"}, {"text", "json", "jsonb"}, {"text", "bytes"}),
}
"""Families that one dialect's types may stand for each other in: read alike, or written alike by hand."""


def bare(written: str) -> tuple[str, str, bool]:
    """A SQL type without its size: (name, what stood in parentheses, whether it is an array)."""
    text, bracket, _ = written.partition("[")
    name, _, detail = text.partition("(")
    inside, _, rest = detail.partition(")")
    name = "".join((name + rest).split()).removesuffix("zerofill").removesuffix("unsigned")
    return name, inside, bool(bracket)


def sql_family(written: str, types: Mapping[str, str]) -> str:
    """The family of a column's SQL type; domains are looked through. Nothing where it is not known."""
    array = False
    for _ in range(5):
        name, inside, many = bare(written)
        array |= many
        ending = "[]" if array else ""
        if (name, inside) == ("tinyint", "1"):
            return f"bool{ending}"
        if name == "float" and inside.isdigit() and int(inside[:3]) <= 24:
            return f"float{ending}"
        if name in FAMILY:
            return FAMILY[name] + ending
        domain = types.get(name) or types.get(name.rpartition(".")[2])
        if not domain:
            return name.rpartition(".")[2] + ending if name else ""
        written = domain
    return ""


def diesel_family(written: str, markers: Mapping[str, str]) -> str:
    """The family of a Diesel type, `Nullable` aside. Nothing where it is not known."""
    inner, ending = written, ""
    while inner.startswith(("Nullable<", "Unsigned<", "Array<")) and inner.endswith(">"):
        ending = "[]" if inner.startswith("Array<") else ending
        inner = inner.partition("<")[2][:-1]
    family = DIESEL_FAMILY.get(inner) or markers.get(inner, "")
    return family + ending if family else ""


def compatible(sql: str, diesel: str, dialect: str) -> bool:
    """Whether a column of family `sql` can be declared as `diesel`. What is not known is compatible."""
    one, other = sql.removesuffix("[]"), diesel.removesuffix("[]")
    if not sql or not diesel or sql == diesel:
        return True
    if one not in FAMILIES or other not in FAMILIES:
        return True
    if dialect == "sqlite":
        return not (sql in NUMBERS and diesel == "bytes") and not (sql == "bytes" and diesel in NUMBERS)
    return any({one, other} <= group for group in ALIKE[dialect]) and sql.endswith("[]") == diesel.endswith("[]")


def expressible(sql: str, markers: Mapping[str, str]) -> bool:
    """Diesel has a type for the family, or the program declares one; other columns are left out on purpose."""
    return sql.removesuffix("[]") in FAMILIES or sql in markers.values()
