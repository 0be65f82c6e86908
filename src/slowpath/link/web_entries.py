"""Where a browser, a file router or another package enters the code."""

from __future__ import annotations

import posixpath
import re

from slowpath.extract.dynamic_imports import ROUTE_TABLE
from slowpath.link.web_resolve import Resolver
from slowpath.model.modules import ModuleFacts
from slowpath.program.web import EntryKind, Package

APP_FILE = re.compile(
    r"^(src/)?app/(.*/)?(page|layout|template|loading|error|global-error|not-found|default)\.[jt]sx?$"
)
PAGES_FILE = re.compile(r"^(src/)?pages/(?!api/).*\.[jt]sx?$")
FRAMEWORK_FILE = re.compile(r"^(app|src)/(root|entry\.client|routes/.+)\.[jt]sx?$")
FRAMEWORKS = frozenset(["@remix-run/react", "@react-router/dev", "@tanstack/react-start", "@tanstack/start"])
FILE_ROUTERS = frozenset(["@tanstack/react-router", "@tanstack/solid-router"])
"""Their generated route tree, which nobody writes, imports the files of `routes/`."""
MOUNTS = {
    "react-dom/client": frozenset(["createRoot", "hydrateRoot", "default", "*"]),
    "react-dom": frozenset(["render", "hydrate", "default", "*"]),
    "preact": frozenset(["render", "hydrate"]),
    "vue": frozenset(["createApp"]),
    "solid-js/web": frozenset(["render", "hydrate"]),
    "svelte": frozenset(["mount", "hydrate"]),
}
GUESSES = ("main", "index", "client", "App")
FRONT_ENDS = frozenset(["react", "react-dom", "preact", "vue", "svelte", "solid-js", "lit", "vite"])


def entries(modules: dict[str, ModuleFacts], packages: list[Package], resolver: Resolver) -> dict[str, EntryKind]:
    """Entry files by path."""
    found: dict[str, EntryKind] = {}
    own: dict[str | None, list[str]] = {}
    for path in modules:
        own.setdefault(resolver.folder_package(posixpath.dirname(path)), []).append(path)
    for package in packages:
        prefix = package.folder + "/" if package.folder else ""
        for path in own.get(package.folder, []):
            kind = _routed(package, path.removeprefix(prefix), modules[path])
            if kind is not None:
                found[path] = kind
        library = resolver.entry(package.folder)
        if library is not None and library not in found and "next" not in package.dependencies:
            found[library] = "library"
    for path, facts in modules.items():
        named = [call.specifier for call in facts.dynamic if call.wrapper == ROUTE_TABLE]
        files = (resolver.file(posixpath.join(posixpath.dirname(path), name)) for name in named)
        found |= {file: "page" for file in files if file is not None}
    found |= {path: "app" for path, facts in modules.items() if facts.effects and _mounts(facts)}
    for package in packages:
        if not FRONT_ENDS & package.dependencies or "next" in package.dependencies:
            continue
        prefix = package.folder + "/" if package.folder else ""
        if not any(found.get(path, "library") != "library" for path in own.get(package.folder, [])):
            hits = (resolver.file(f"{prefix}{base}{name}") for base in ("src/", "") for name in GUESSES)
            guess = next((hit for hit in hits if hit is not None and modules[hit].effects), None)
            if guess is not None:
                found[guess] = "app"
    return found


def _routed(package: Package, path: str, facts: ModuleFacts) -> EntryKind | None:
    if "next" in package.dependencies:
        if APP_FILE.match(path):
            return "page" if facts.directive == "use client" else "server component"
        return "page" if PAGES_FILE.match(path) else None
    framework = FRAMEWORKS & package.dependencies or any(i.specifier in FILE_ROUTERS for i in facts.imports)
    if framework and FRAMEWORK_FILE.match(path):
        return "page"
    return None


def _mounts(facts: ModuleFacts) -> bool:
    for statement in facts.imports:
        names = MOUNTS.get(statement.specifier)
        if names is not None and any(n.imported in names and n.use != "type" for n in statement.names):
            return True
    return False
