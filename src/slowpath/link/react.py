"""Facts and the web view → ReactProgram."""

from __future__ import annotations

import posixpath
import re
from typing import cast

from slowpath.model.web import WebFacts
from slowpath.program import Program
from slowpath.program.react import Key, Names, ReactProgram
from slowpath.program.web import Declaration, External, WebProgram

LAZY = re.compile(r"(^|\.)(lazy\w*|dynamic|loadable)$")


def link(program: Program) -> ReactProgram:
    """The React view of a program."""
    web = program.web
    files = {file.path: cast(WebFacts, file.facts) for file in program.of("tsx", "typescript")}

    def resolve(path: str, name: str) -> Key | str | None:
        target = web.resolve(path, name)
        if target is None:
            return None
        return (target.path, target.name) if isinstance(target, Declaration) else target.package

    def origin(path: str, name: str) -> str:
        target = web.resolve(path, name)
        return target.name if isinstance(target, External) else ""

    def unread(path: str, name: str) -> frozenset[str]:
        package = web.package_of(path)
        return package.dependencies if package is not None and web.imports_name(path, name) else frozenset()

    shown = {path: facts.react for path, facts in files.items() if web.kind(path) in ("client", "server")}
    compiler = {path: web.react_compiler(path) for path in shown}
    return ReactProgram(shown, compiler, Names(resolve, origin, unread), _pages(web), _lazy(web))


def _lazy(web: WebProgram) -> dict[Key, Key]:
    """Components behind `lazy(() => import(..))`, by the name that stands for them."""
    found: dict[Key, Key] = {}
    for path, facts in web.modules.items():
        for call in facts.dynamic:
            file = web.file_of(path, call.specifier) if call.bound and LAZY.search(call.wrapper) else None
            target = web.exported(file, call.member) if file is not None else None
            if isinstance(target, Declaration):
                found[path, call.bound] = (target.path, target.name)
    return found


def _pages(web: WebProgram) -> dict[Key, list[Key]]:
    """The pages of Next's app folder by the layouts around them."""
    found: dict[Key, list[Key]] = {}
    shells = {posixpath.dirname(p): p for p in web.entries if posixpath.basename(p).split(".")[0] == "layout"}
    for path in web.entries:
        folder = posixpath.dirname(path) if posixpath.basename(path).split(".")[0] == "page" else ""
        while folder:
            pair = [web.exported(p, "default") for p in (shells.get(folder, ""), path)]
            if isinstance(pair[0], Declaration) and isinstance(pair[1], Declaration):
                found.setdefault((pair[0].path, pair[0].name), []).append((pair[1].path, pair[1].name))
            folder = posixpath.dirname(folder)
    return found
