"""`thresholds.toml`: what a gate asks of the evidence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import msgspec

Above = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class ThresholdsError(Exception):
    """Thresholds that cannot be used; the text names the file and the key."""


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[load]`. `p95_ms` and `error_rate` hold at `min_users` where that is given, else at the last good step."""

    p95_ms: Above | None = None
    error_rate: Share | None = None
    min_users: Annotated[int, msgspec.Meta(ge=1)] | None = None
    rps: Above | None = None
    """Requests a second at the last good step, at least."""


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[db]`."""

    n_plus_one_max: Count | None = None
    """Statements that repeat within one checkout of a connection."""


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[schema]`."""

    drift: Count | None = None
    """Differences between database, code and migrations."""


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[bundle]`: the first load, in kB of 1,000 bytes."""

    initial_kb: Above | None = None
    initial_gzip_kb: Above | None = None


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[findings]`."""

    confirmed_max: Count | None = None
    share_max: Share | None = None
    """Of the work of all requests at the knee, that any one confirmed finding may take."""


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not given is not asked."""

    load: Load = Load()
    db: Database = Database()
    schema: Schema = Schema()
    bundle: Bundle = Bundle()
    findings: Findings = Findings()


def read(path: Path) -> Thresholds:
    """The thresholds in a file. Raises ThresholdsError."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ThresholdsError(f"{path}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ThresholdsError(f"{path}: {error.strerror}") from None


def parse(text: str, name: str) -> Thresholds:
    """The thresholds that a text holds. Raises ThresholdsError, where it asks for nothing as well."""
    try:
        tables = tomllib.loads(text)
    except ValueError as error:  # also of a number with thousands of digits
        raise ThresholdsError(f"{name}: {error}") from None
    except RecursionError:
        raise ThresholdsError(f"{name}: nested too deeply") from None
    try:
        asked = msgspec.convert(msgspec.to_builtins(tables), Thresholds)
    except msgspec.ValidationError as error:
        raise ThresholdsError(f"{name}: {error}{_known(str(error))}") from None
    if asked == Thresholds():
        raise ThresholdsError(f"{name}: asks for nothing")
    return asked


def text(asked: Thresholds, notes: dict[str, str]) -> str:
    """As a file. `notes` are the comments, by `table.key`."""
    lines = ["# For `slowpath report --gate`. What is left out is not asked."]
    for table, keys in msgspec.to_builtins(asked).items():
        given = {key: value for key, value in keys.items() if value is not None}
        if given:
            lines += ["", f"[{table}]"]
        for key, value in given.items():
            lines += [f"# {line}" for line in wrap(notes.get(f"{table}.{key}", ""), 96)]
            lines.append(f"{key} = {int(value) if value == int(value) else value}")
    return "\n".join(lines) + "\n"


def _known(message: str) -> str:
    """The keys that there are, where one is unknown."""
    if "unknown field" not in message:
        return ""
    tables: dict[str, type[msgspec.Struct]] = {
        "load": Load, "db": Database, "schema": Schema, "bundle": Bundle, "findings": Findings,
    }  # fmt: skip
    owner = next((kind for name, kind in tables.items() if f"`$.{name}`" in message), Thresholds)
    return f" (known: {', '.join(field.name for field in msgspec.structs.fields(owner))})"
