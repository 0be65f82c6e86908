#!/usr/bin/env python3
"""Writes docs/configuration.md and docs/slowpath.schema.json from the settings that `slowpath.config` reads.

usage: config_docs.py

A key's line is the text below its field, its flag the option of the same name: a new key needs nothing here, a new
table an example.
"""

from __future__ import annotations

import ast
import inspect
import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
import msgspec

from slowpath import config, rulebook
from slowpath.commands import diagnose, scan
from slowpath.model.limits import MAX_STARS
from slowpath.report.sarif import HOME

DOCS = Path(__file__).parents[1] / "docs"
PAGE, SCHEMA = DOCS / "configuration.md", DOCS / "slowpath.schema.json"
URL = f"{HOME}/raw/HEAD/docs/{SCHEMA.name}"

Json = dict[str, Any]

COMMANDS: dict[str, click.Command] = {"": scan.command, "diagnose": diagnose.command}
"""Table → the command whose options win over its keys."""

EXAMPLES = {
    "": """\
ignore = ["needless-memo", "cargo"]      # a rule, and a whole group
exclude = ["tools/", "**/generated/**"]
min-confidence = "medium"
fail-on = "warning"
rules = ["lint/slowpath"]

[per-file-ignores]
"scripts/**" = ["all"]
"src/admin/**" = ["n-plus-one"]
""",
    "paths": """\
[paths."tools/**"]
ignore = ["sql"]
fail-on = "error"

[paths."crates/hot/**"]
extend-select = ["unbounded-load", "deep-offset"]
min-confidence = "low"
""",
    "migrations": """\
[migrations]
start-after = "2024-06-01-000000"
""",
    "bundle": """\
[bundle.features]
editor = ["web/src/editor/**"]
charts = ["web/src/charts/**", "web/src/lib/plot.ts"]
""",
    "diagnose": """\
[diagnose]
script = "load/mix.js"
env = { TARGET = "http://127.0.0.1:8080" }
app = [":8080"]
logs = ["../pg/log/*.json"]
bundle = ["web/dist"]
isolate = true
pool-max = 8
""",
}

HEAD = """\
<!-- written by `python bench/config_docs.py` -->
# Configuration

`slowpath.toml` at the root of the project, or the same keys below `[tool.slowpath]` in `pyproject.toml`; where both are
there, `slowpath.toml` counts alone. Nothing is required: a project without either is scanned with the defaults below.
The project is the nearest folder above the scanned paths that holds one of these two, or a `.git`.

Unknown keys and wrong types are refused, with the key's name and exit code 2. A flag of the command line wins over the
key of its name. Patterns are those of `.gitignore`, relative to the project root, with at most {stars} stars in each.

**In an editor** that knows JSON Schema for TOML (Even Better TOML, taplo), this first line gives completion and checks:

```toml
#:schema {url}
```

Offline, copy [`slowpath.schema.json`](slowpath.schema.json) beside it and write `#:schema ./slowpath.schema.json`.
"""


def schema() -> Json:
    """The JSON Schema (draft-07, which every TOML editor reads) of slowpath.toml."""
    made = msgspec.json.schema(config.Config)
    top = _plain(made["$defs"].pop("Config"), made["$defs"], config.Config)
    own = {"anyOf": [{"enum": names()}, {"type": "string"}]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": URL,
        "title": "slowpath.toml",
        **top,
        "description": "Settings of slowpath, which finds what makes a product slow.",
        "definitions": {"rule": {"description": "A rule's id or a group; rules of your own have ids too.", **own}},
    }


def _plain(node: Json, definitions: Json, owner: type[msgspec.Struct] | None = None) -> Json:
    """A node with what it refers to in its place, what TOML cannot say (null) gone, and the texts below fields."""
    node = dict(node)
    if "$ref" in node:
        name = node.pop("$ref").rpartition("/")[2]
        kind = next(kind for kind in tables().values() if kind.__name__ == name)
        return _plain(definitions[name], definitions, kind)
    if node.pop("title", "") == "rule":
        return {"$ref": "#/definitions/rule"}
    if "anyOf" in node:
        told = [_plain(option, definitions) for option in node.pop("anyOf") if option != {"type": "null"}]
        node |= told[0] if len(told) == 1 else {"anyOf": told}
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(node.get(key), dict):
            node[key] = _plain(node[key], definitions)
    if "properties" in node:
        texts = documented(owner) if owner is not None else {}
        node["properties"] = {
            key: _plain(value, definitions) | ({"description": texts[key]} if key in texts else {})
            for key, value in node["properties"].items()
        }
    if "default" in node and not isinstance(node["default"], str | int | float):
        node.pop("default")
    if node.get("required") == []:
        node.pop("required")
    return node


def names() -> list[str]:
    """Ids and groups of the shipped rules."""
    rules = rulebook.load()
    return [*sorted({"all", *(rule.group for rule in rules)}), *(rule.id for rule in rules)]


def tables() -> dict[str, type[msgspec.Struct]]:
    """Path of a table → its struct, the top first."""
    return dict(_tables("", config.Config))


def _tables(path: str, kind: type[msgspec.Struct]) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    yield path, kind
    for field in msgspec.structs.fields(kind):
        below = struct_of(field.type)
        if below is not None:
            yield from _tables(f"{path}.{field.encode_name}".strip("."), below)


def struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a field's type is, or holds: a table of its own."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next((found for part in get_args(kind) if (found := struct_of(part)) is not None), None)


def documented(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Key → the text below its field."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    keys = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    texts = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            assert isinstance(text.value, ast.Constant)
            texts[keys[field.target.id]] = " ".join(str(text.value.value).split())
    return texts


def said(kind: Any, many: str = "") -> str:
    """A type, as a reader of TOML says it; `many` is the ending of a plural."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return parts[1].title + many if parts[1].title else said(parts[0], many) + limits(parts[1])
    if origin is Literal:
        return " \\| ".join(f'`"{part}"`' for part in parts)
    if origin is tuple:
        return f"list{many} of {said(parts[0], 's')}"
    if origin is dict:
        return f"table: {said(parts[0])} → {said(parts[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(said(part, many) for part in parts if part is not type(None))
    if struct_of(kind) is not None:
        return f"table{many}"
    return {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}[kind] + many


def limits(meta: msgspec.Meta) -> str:
    """The bounds of a number."""
    marks = (("≥", meta.ge), (">", meta.gt), ("≤", meta.le), ("<", meta.lt))
    told = [f"{mark} {bound}" for mark, bound in marks if bound is not None and abs(bound) < 1 << 32]
    return f" {', '.join(told)}" if told else ""


def value(default: Any) -> str:
    """A default, as TOML writes it."""
    if default is None or isinstance(default, msgspec.Struct) or default in ((), {}, ""):
        return "–"
    return f"`{json.dumps(default)}`"


def flag(table: str, name: str) -> str:
    """The option that wins over a key."""
    options = COMMANDS[table].params if table in COMMANDS else []
    own = next((option for option in options if option.name == name and isinstance(option, click.Option)), None)
    return f"`{own.opts[-1]}`" if own is not None else "–"


def page() -> str:
    """docs/configuration.md."""
    parts = [HEAD.format(stars=MAX_STARS, url=URL)]
    for table, kind in tables().items():
        parts.append(f"## `[{table}]`\n" if table else "## At the top\n")
        about = " ".join((kind.__doc__ or "").split()).removeprefix(f"`[{table}]`").lstrip(":. ")
        parts += [f"{about[:1].upper()}{about[1:]}\n"] if about else []
        parts += [f"```toml\n{EXAMPLES[table]}```\n", "".join(_rows(table, kind))]
        parts += [] if table else ["".join(_presets())]
    return "\n".join(parts)


def _rows(table: str, kind: type[msgspec.Struct]) -> Iterator[str]:
    yield "| key | what it is | default | flag | what it says |\n|---|---|---|---|---|\n"
    texts = documented(kind)
    for field in msgspec.structs.fields(kind):
        key, default = field.encode_name, None if field.default is msgspec.NODEFAULT else field.default
        below = f"[`[{key}]`](#{key})" if struct_of(field.type) else f"`{key}`"
        yield f"| {below} | {said(field.type)} | {value(default)} | {flag(table, field.name)} | {texts[key]} |\n"


def _presets() -> Iterator[str]:
    """What each preset stands for."""
    yield "| preset | rules | min-confidence | shows |\n|---|---|---|---|\n"
    for name, own in config.PRESETS.items():
        rules = "every rule" if own.every_rule else "those that are on by default"
        yield f"| `{name}` | {rules} | `{own.min_confidence}` | {own.words} |\n"


def main() -> None:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
