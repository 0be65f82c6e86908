"""A package.json, tsconfig or jsconfig → JsonFacts. TypeScript allows comments and trailing commas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slowpath.model.web import JsonFacts

TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?(?:\*/|\Z)|,(?=\s*[}\]])', re.S)
DEPENDENCIES = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


def extract(source: bytes) -> JsonFacts:
    """The facts of one file; a text that is no JSON yields none, and counts as broken."""
    data = _load(source.decode("utf-8-sig", "replace"))
    facts = JsonFacts()
    if not isinstance(data, dict):
        facts.broken = [(0, len(source))]
        return facts
    options = _table(data.get("compilerOptions"))
    extends = data.get("extends")
    facts.name = _string(data.get("name"))
    facts.extends = _strings(extends if isinstance(extends, list) else [extends])
    facts.base_url = _string(options.get("baseUrl"))
    facts.paths = [(pattern, _strings(targets)) for pattern, targets in _table(options.get("paths")).items()]
    facts.dependencies = sorted({name for key in DEPENDENCIES for name in _table(data.get(key))})
    facts.side_effects = data.get("sideEffects") is not False
    workspaces = data.get("workspaces")
    facts.workspaces = _strings(_table(workspaces).get("packages") if isinstance(workspaces, dict) else workspaces)
    facts.mains = _strings([data.get(key) for key in ("source", "module", "main", "browser", "types")])
    facts.mains += list(_table(data.get("bin")).values()) if isinstance(data.get("bin"), dict) else []
    facts.exports = list(_targets(data.get("exports"), "."))
    facts.imports = list(_targets(data.get("imports"), ""))
    facts.compiler = _compiler(data)
    return facts


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    except RecursionError:
        return None
    try:
        plain = TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)
        return json.loads(TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else " ", plain))
    except (ValueError, RecursionError):
        return None


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _targets(value: Any, key: str) -> Iterator[tuple[str, list[str]]]:
    """`exports` and `imports`: each subpath with its files under any condition, in order of preference."""
    if isinstance(value, dict) and any(name.startswith((".", "#")) for name in value):
        for name, target in value.items():
            yield name, list(_files(target))
    elif value is not None and key:
        yield key, list(_files(value))


def _files(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list | dict):
            stack += reversed(list(item.values()) if isinstance(item, dict) else item)


def _compiler(data: dict[str, Any]) -> str:
    """A `babel` table in package.json."""
    plugins = _table(data.get("babel")).get("plugins")
    for plugin in plugins if isinstance(plugins, list) else []:
        name, options = (plugin[0], plugin[1:]) if isinstance(plugin, list) and plugin else (plugin, [])
        if name == "babel-plugin-react-compiler":
            return "annotation" if options and _table(options[0]).get("compilationMode") == "annotation" else "on"
    return ""
