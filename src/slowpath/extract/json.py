"""A package.json, tsconfig, app.json or Babel configuration → JsonFacts. Comments and trailing commas are read over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slowpath.extract.react_compiler import plain_paths
from slowpath.model.modules import Compiler
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


def _compiler(data: dict[str, Any]) -> Compiler:
    """Babel's options (in package.json, a table of that name), or Expo's experiments."""
    expo = _table(data["expo"]) if "expo" in data else data
    if _table(expo.get("experiments")).get("reactCompiler") is True:
        return Compiler("on")
    babel = _table(data["babel"]) if "babel" in data else data
    overrides = babel.get("overrides")
    for part in (babel, *(overrides if isinstance(overrides, list) else ())):
        found = _plugin(_table(part))
        if found is not None:
            return found
    return Compiler()


def _plugin(babel: dict[str, Any]) -> Compiler | None:
    plugins = babel.get("plugins")
    for plugin in plugins if isinstance(plugins, list) else []:
        name, options = (plugin[0], plugin[1:]) if isinstance(plugin, list) and plugin else (plugin, [])
        if name == "babel-plugin-react-compiler":
            given = _table(options[0]) if options else {}
            filters = [given.get("sources"), *(babel.get(key) for key in ("test", "include", "only"))]
            patterns = [item for value in filters for item in _strings(value if isinstance(value, list) else [value])]
            mode = "annotation" if given.get("compilationMode") == "annotation" else "on"
            return Compiler(mode, tuple(plain_paths(patterns)))
    return None
