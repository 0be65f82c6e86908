"""Facts → WebProgram: resolves every import once, then says what each file is for."""

from __future__ import annotations

import posixpath
import re
from typing import cast

from slowpath.link.web_entries import entries
from slowpath.link.web_kinds import BUILD, TSCONFIG, kind_by_itself
from slowpath.link.web_resolve import Resolver
from slowpath.model.modules import Compiler, Import, ModuleFacts
from slowpath.model.web import JsonFacts, WebFacts
from slowpath.program import Program
from slowpath.program.web import Edge, EntryKind, Kind, Package, PackageUse, WebProgram, is_package, package_name

APART = re.compile(r"[?&](raw|url|worker|sharedworker)\b")
"""What Vite's queries make a file of its own: a text, an address, a worker."""


def link(program: Program) -> WebProgram:
    """The web view of a program."""
    modules = {file.path: cast(WebFacts, file.facts).module for file in program.of("typescript", "tsx")}
    json = {file.path: cast(JsonFacts, file.facts) for file in program.of("json")}
    manifests = {path: facts for path, facts in json.items() if posixpath.basename(path) == "package.json"}
    configs = {path: facts for path, facts in json.items() if TSCONFIG.search(path)}
    resolver = Resolver(frozenset(modules), configs, manifests)
    said = [*((path, modules[path].compiler) for path in modules if BUILD.search(path))]
    said += [(path, facts.compiler) for path, facts in json.items()]
    compilers = {path: compiler for path, compiler in said if compiler.mode}
    packages = [_package(path, facts, compilers) for path, facts in manifests.items()]
    edges: dict[str, list[Edge]] = {}
    uses: list[PackageUse] = []
    for path, facts in modules.items():
        edges[path] = _edges(path, facts, resolver, uses)
    found = entries(modules, packages, resolver)
    apps = {resolver.folder_package(posixpath.dirname(path)) for path, kind in found.items() if kind != "library"}
    loose = {path for path in modules if resolver.folder_package(posixpath.dirname(path)) not in apps}
    kinds = _kinds(modules, edges, found, loose)
    kept = {path: kind for path, kind in found.items() if kinds[path] == "client"}
    return WebProgram(modules, kinds, packages, edges, uses, kept, resolver.resolve)


def _package(path: str, facts: JsonFacts, compilers: dict[str, Compiler]) -> Package:
    folder = posixpath.dirname(path)
    said = [compiler for other, compiler in compilers.items() if posixpath.dirname(other) == folder]
    said.sort(key=lambda compiler: compiler.mode != "annotation")
    compiler = said[0] if said else Compiler()
    return Package(path, folder, facts.name, frozenset(facts.dependencies), facts.side_effects, compiler)


def _edges(path: str, facts: ModuleFacts, resolver: Resolver, uses: list[PackageUse]) -> list[Edge]:
    """The edges of one file in source order; imports of packages go to `uses`."""
    found: list[Edge] = []
    for statement in facts.imports:
        if statement.erased or APART.search(statement.specifier):
            continue
        target = resolver.resolve(path, statement.specifier)
        if target is not None:
            found.append(Edge(path, target, statement.span, _names(statement), False))
        elif is_package(statement.specifier):
            uses.append(PackageUse(path, package_name(statement.specifier), statement.specifier, statement))
    for export in facts.exports:
        if export.specifier and not export.type_only:
            target = resolver.resolve(path, export.specifier)
            if target is not None:
                found.append(Edge(path, target, export.span, (export.local,), False))
            elif is_package(export.specifier):
                uses.append(PackageUse(path, package_name(export.specifier), export.specifier, export))
    for call in facts.dynamic:
        targets = resolver.matching(path, call.specifier)
        later = not (call.required and call.top_level)
        found += [Edge(path, target, call.span, ("*",), later) for target in targets]
        if not targets and is_package(call.specifier):
            uses.append(PackageUse(path, package_name(call.specifier), call.specifier, call))
    return sorted(found, key=lambda edge: edge.span)


def _names(statement: Import) -> tuple[str, ...]:
    return tuple(name.imported for name in statement.names if name.use != "type")


def _kinds(
    modules: dict[str, ModuleFacts], edges: dict[str, list[Edge]], entries: dict[str, EntryKind], loose: set[str]
) -> dict[str, Kind]:
    """A file that only server code reaches is server code; what nothing speaks against is for the client.

    Where the entries are not known (`loose`), files that nobody imports stand in for them. What Next's server
    components import is no proof of a browser.
    """
    certain = {path: kind_by_itself(path, facts) for path, facts in modules.items()}
    wanted = {
        edge.path
        for path, own in edges.items()
        if certain[path] not in ("test", "config")
        for edge in own
        if edge.path != path
    }
    browsed = {path for path, kind in entries.items() if kind != "server component"}
    roots = [
        path
        for path, kind in certain.items()
        if kind == "client" or (kind is None and (path in browsed or (path in loose and path not in wanted)))
    ]
    client = _reach(roots, edges, {path for path, kind in certain.items() if kind not in (None, "client")})
    server = _reach([p for p, kind in certain.items() if kind == "server"], edges, client | entries.keys())
    return {path: kind or ("server" if path in server else "client") for path, kind in certain.items()}


def _reach(roots: list[str], edges: dict[str, list[Edge]], stop: set[str]) -> set[str]:
    found: set[str] = set()
    stack = list(roots)
    while stack:
        path = stack.pop()
        if path in found or path in stop:
            continue
        found.add(path)
        stack += [edge.path for edge in edges[path]]
    return found
