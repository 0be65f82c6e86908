"""Routes of a server: which function answers which method and path, from attributes and from registrations.

Read: `#[get("/x")]` (actix, Rocket), `.route("/x", get(handler))` (axum), `.route("/x", web::get().to(handler))`,
`web::resource("/x").route(..)` and `.to(handler)` (actix). A prefix counts where `scope` or `nest` stands in the same
chain.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.model.code import Call
from slowpath.program.rust import Function, RustProgram

METHODS = frozenset("get post put delete patch head options trace any".split())
ATTRIBUTE = re.compile(r'^(?:\w+::)*(get|post|put|delete|patch|head|options)\s*\(\s*(?:uri\s*=\s*)?"([^"]*)"')
RESULT = re.compile(r"#(\d+)$")


class Route(NamedTuple):
    """`method` is upper case, `ANY` where all are answered; `path` as written."""

    method: str
    path: str
    handler: Function

    def __str__(self) -> str:
        return f"{self.method} {self.path or '/'}"


class Routes:
    """Every route of a program, and those of a function."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.all: list[Route] = []
        for function in program.functions:
            if not function.test:
                self._attributes(function)
                self._registrations(function)
        self._by_handler: dict[int, list[Route]] = {}
        for route in self.all:
            self._by_handler.setdefault(id(route.handler), []).append(route)

    def of(self, function: Function) -> list[Route]:
        """The routes that a function answers."""
        return self._by_handler.get(id(function), [])

    def _attributes(self, function: Function) -> None:
        for attribute in function.fact.attributes:
            found = ATTRIBUTE.match(attribute)
            if found:
                self.all.append(Route(found[1].upper(), found[2], function))

    def _registrations(self, function: Function) -> None:
        for call in function.fact.calls:
            if call.name == "route" and call.receiver != "-" and call.args:
                literal = call.args[0] if call.args[0].startswith('"') else ""
                path = self._prefix(function, call) + literal[1:]
                self._handlers(function, call.args[-1], path)
            elif call.name == "to" and call.args and self._resource(function, call):
                self._add(function, call.args[0], "ANY", self._prefix(function, call))

    def _resource(self, function: Function, call: Call) -> bool:
        below = self._call(function, call.receiver)
        return below is not None and below.name.rsplit("::", 1)[-1] == "resource"

    def _prefix(self, function: Function, call: Call) -> str:
        """The literal paths of `resource`, `scope` and `nest` further down a chain."""
        below = self._call(function, call.receiver)
        for _ in range(60):
            if below is None:
                return ""
            if below.name.rsplit("::", 1)[-1] in ("resource", "scope", "nest") and below.receiver == "-":
                return below.args[0][1:] if below.args and below.args[0].startswith('"') else ""
            below = self._call(function, below.receiver)
        return ""

    def _handlers(self, function: Function, operand: str, path: str) -> None:
        """`get(a).post(b)` or `web::get().to(a)`"""
        call = self._call(function, operand)
        while call is not None:
            name = call.name.rsplit("::", 1)[-1]
            if name == "to" and call.args:
                below = self._call(function, call.receiver)
                method = below.name.rsplit("::", 1)[-1].upper() if below is not None else "ANY"
                self._add(function, call.args[0], method if method.lower() in METHODS else "ANY", path)
            elif name in METHODS and call.args:
                self._add(function, call.args[0], name.upper(), path)
            call = self._call(function, call.receiver)

    def _add(self, function: Function, name: str, method: str, path: str) -> None:
        for handler in self.program.resolver.functions_named_by(function, function.path_of(name)):
            self.all.append(Route(method, path, handler))

    @staticmethod
    def _call(function: Function, operand: str) -> Call | None:
        found = RESULT.match(operand)
        return function.fact.calls[int(found[1])] if found else None
