"""Routes of a server: which function answers which method and path, from attributes and from registrations.

Read: `#[get("/x")]` (actix, Rocket), `.route("/x", get(handler))` (axum), `.route("/x", web::get().to(handler))`,
`web::resource("/x").route(..)` and `.to(handler)` (actix). Prefixes come from `scope`, `nest` and `mount` around them,
also in the functions that call the one that registers: `nest("/api", routes())`, `endpoints(scope("/x"))`,
`configure(routes)`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.model.code import Call
from slowpath.program.rust import Function, RustProgram, Site

METHODS = frozenset("get post put delete patch head options trace any".split())
ATTRIBUTE = re.compile(r'^(?:\w+::)*(get|post|put|delete|patch|head|options)\s*\(\s*(?:uri\s*=\s*)?"([^"]*)"')
PARTS = re.compile(r'\b(path|method)\s*=\s*"([^"]*)"')
"""`#[oai(path = "/x", method = "get")]`"""
RESULT = re.compile(r"#(\d+)$")
MOUNTS = frozenset(["nest", "nest_service", "mount", "register"])
"""Calls that put what they are given under the path that they are given first."""
MAX_CHAIN = 400
MAX_NESTED = 12
"""Scopes in scopes."""


class Route(NamedTuple):
    """`method` is upper case, `ANY` where all are answered; `path` as written."""

    method: str
    path: str
    handler: Function

    def __str__(self) -> str:
        return f"{self.method} {self.path or '/'}"


class Uses:
    """Where the results of a function's calls go: as arguments, and as receivers."""

    def __init__(self, function: Function) -> None:
        self.taken: dict[str, int] = {}
        self.continued: dict[str, int] = {}
        for number, call in enumerate(function.fact.calls):
            self.continued.setdefault(call.receiver, number)
            for arg in call.args:
                self.taken.setdefault(arg, number)


class Routes:
    """Every route of a program, and those of a function."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.all: list[Route] = []
        self._uses: dict[int, Uses] = {}
        self._prefixes: dict[int, str] = {}
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
            parts = dict(PARTS.findall(attribute)) if attribute.startswith("oai") else {}
            if "path" in parts:
                method = parts.get("method", "any").upper()
                self.all.append(Route(method, join(self._prefix(function), parts["path"]), function))
            if found:
                path = found[2].partition("?")[0]  # Rocket declares the query string too
                self.all.append(Route(found[1].upper(), join(self._prefix(function), path), function))

    def _registrations(self, function: Function) -> None:
        for number, call in enumerate(function.fact.calls):
            if call.name == "route" and call.receiver != "-" and call.args:
                path = literal(call)
                self._handlers(function, call.args[-1], join(self._around(function, number), path))
            elif call.name == "to" and call.args and self._resource(function, call):
                self._add(function, call.args[0], "ANY", self._around(function, number))

    def _resource(self, function: Function, call: Call) -> bool:
        below = self._call(function, call.receiver)
        return below is not None and below.name.rsplit("::", 1)[-1] == "resource"

    def _around(self, function: Function, number: int, depth: int = 0) -> str:
        """The path under which what a call registers is mounted: its own chain's, those around, its function's."""
        if id(function) not in self._uses:
            self._uses[id(function)] = Uses(function)
        uses, own = self._uses[id(function)], self._chain(function, function.fact.calls[number])
        top = f"#{number}"
        for _ in range(MAX_CHAIN):
            if top not in uses.continued:
                break
            top = f"#{uses.continued[top]}"
        outer = uses.taken.get(top)
        if outer is None or depth > MAX_NESTED:
            return join(self._prefix(function), own)
        call = function.fact.calls[outer]
        mounted = literal(call) if call.name in MOUNTS else ""
        return join(self._around(function, outer, depth + 1), join(mounted, own))

    def _chain(self, function: Function, call: Call) -> str:
        """The literal path of `resource` or `scope` at the head of a chain."""
        below = self._call(function, call.receiver)
        for _ in range(MAX_CHAIN):
            if below is None:
                return ""
            if is_scope(below):
                return literal(below)
            below = self._call(function, below.receiver)
        return ""

    def _prefix(self, function: Function) -> str:
        """The path under which what a function registers, or a handler that it is, is mounted by its callers."""
        if id(function) not in self._prefixes:
            self._prefixes[id(function)] = ""
            self._prefixes[id(function)] = next(filter(None, map(self._mounted, self.program.callers(function))), "")
        return self._prefixes[id(function)]

    def _mounted(self, site: Site) -> str:
        """The path that one caller mounts a function under."""
        function, call = site.function, site.call
        if function.test:
            return ""
        level = function.fact.scopes[call.scope]
        if level.kind == "closure" and level.subject:  # handed over by its path: `configure(routes)`, `service(show)`
            taker = self._taker(function, f"|{call.scope}")
            return self._around(function, taker) if taker is not None else ""
        given = (self._call(function, arg) for arg in call.args)
        own = next((literal(scope) for scope in given if scope is not None and is_scope(scope)), "")
        return join(self._around(function, site.number), own)

    def _taker(self, function: Function, operand: str) -> int | None:
        if id(function) not in self._uses:
            self._uses[id(function)] = Uses(function)
        return self._uses[id(function)].taken.get(operand)

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


def literal(call: Call) -> str:
    """A call's first argument where that is a string."""
    return call.args[0][1:] if call.args and call.args[0].startswith('"') else ""


def is_scope(call: Call) -> bool:
    """`web::scope("/x")`, `Scope::new("/x")`, `web::resource("/x")`"""
    last = call.name.rsplit("::", 1)[-1]
    return call.receiver == "-" and (last in ("resource", "scope") or call.name.endswith("Scope::new"))


def join(prefix: str, path: str) -> str:
    """Two paths, one below the other."""
    if not prefix or not path:
        return prefix or path
    return f"{prefix.rstrip('/')}/{path.lstrip('/')}"
