"""Facts and the web view → ReactProgram."""

from __future__ import annotations

from typing import cast

from slowpath.model.web import WebFacts
from slowpath.program import Program
from slowpath.program.react import Key, ReactProgram
from slowpath.program.web import Declaration


def link(program: Program) -> ReactProgram:
    """The React view of a program."""
    web = program.web
    files = {file.path: cast(WebFacts, file.facts) for file in program.of("tsx", "typescript")}

    def resolve(path: str, name: str) -> Key | str | None:
        target = web.resolve(path, name)
        if target is None:
            return None
        return (target.path, target.name) if isinstance(target, Declaration) else target.package

    shown = {path: facts.react for path, facts in files.items() if web.kind(path) in ("client", "server")}
    return ReactProgram(shown, frozenset(path for path in shown if web.react_compiler(path) == "on"), resolve)
